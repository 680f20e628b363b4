//! A GitSync in flags: `gitmoor run --watch FOLDER` and `gitmoor run --url URL`.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::kube::condition;
use crate::support::scene::service;

fn write(folder: &TempDir, file: &str, manifest: &Value) {
    std::fs::write(folder.path().join(file), serde_yaml::to_string(manifest).unwrap()).unwrap();
}

#[tokio::test]
async fn a_file_that_is_saved_is_applied_and_one_that_is_removed_is_pruned() {
    let Some(alone) = Alone::new().await else { return };
    let folder = TempDir::new().unwrap();
    write(&folder, "a.yaml", &service("a", json!({"replicas": 1})));
    let namespace = alone.kube.namespace("saved").await;
    let path = folder.path().to_str().unwrap();
    // It polls once an hour: only the watch can bring what is saved.
    let flags = ["--watch", path, "--name", "local", "--target-namespace", &namespace, "--interval", "1h"];
    let flags = [&flags[..], &["--allow-namespace", &namespace]].concat();
    let daemon = Daemon::start(&alone.kube.plane.kubeconfig, &flags).await;
    let Some(mut scene) = alone.scene(&daemon, "watch").await else { return };
    scene.namespace.clone_from(&namespace);
    (scene.home, scene.sync) = (OPERATOR.into(), "local".into());
    scene.ready("a").await;
    write(&folder, "a.yaml", &service("a", json!({"replicas": 2})));
    scene.service_that("a", "what was saved", |a| a["spec"]["replicas"] == 2).await;
    write(&folder, "b.yaml", &service("b", json!({})));
    scene.ready("b").await;
    std::fs::remove_file(folder.path().join("b.yaml")).unwrap();
    crate::support::eventually("b is pruned", async || {
        let services = scene.services().await;
        crate::support::holds(services == ["a"], services)
    })
    .await;
    write(&folder, "a.yaml", &service("a", json!({"replicas": "two"})));
    scene.condition("Ready", "False", "InvalidManifests").await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
}

#[tokio::test]
async fn a_gitsync_in_flags_is_one_as_any_other() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "url").await else { return };
    drop(daemon);
    let commit = scene.commit(&[("apps/a.yaml", service("a", json!({}))), ("other/b.yaml", service("b", json!({})))]);
    let flags = ["--url", &scene.url, "--branch", "main", "--path", "apps", "--name", "flags", "--interval", "1h"];
    let flags = [&flags[..], &["--target-namespace", &scene.namespace, "--allow-namespace", "*"]].concat();
    let daemon = Daemon::start(&alone.kube.plane.kubeconfig, &flags).await;
    scene.log = daemon.log.clone();
    (scene.home, scene.sync) = (OPERATOR.into(), "flags".into());
    scene.applied(&commit).await;
    let a = scene.ready("a").await;
    scene.has_services(&["a"]).await;
    assert_eq!(a["status"]["source"]["sync"], format!("{OPERATOR}/flags"));
    let spec = scene.get_sync().await["spec"].take();
    assert_eq!((&spec["url"], &spec["paths"]), (&json!(scene.url), &json!(["apps"])));
    assert_eq!(condition(&a, "Drifted")["status"], "False");
}
