//! `gitmoor sync --once`, without any daemon and beside one.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{gitmoor_on, write};
use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::Scene;
use crate::support::scene::service;

#[tokio::test]
async fn one_sync_does_all_that_the_daemon_does_and_ends() {
    let Some(alone) = Alone::new().await else { return };
    let (kube, plane) = (&alone.kube, alone.kube.plane);
    let namespace = kube.namespace("once").await;
    let (folder, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let place = folder.path().to_str().unwrap();
    let flags = ["--namespace", &namespace, "--cache-dir", cache.path().to_str().unwrap()];
    let by_flags = async |more: &[&str]| {
        let arguments = [&["sync", "--once", "--watch", place, "--path", "apps"], &flags[..], more].concat();
        gitmoor_on(plane, &arguments).await
    };
    let objects = |json: &Value, name: &str| json["objects"][format!("{namespace}/{name}")]["action"].clone();

    write(folder.path(), "apps/a.yaml", &service("a", json!({})));
    write(folder.path(), "apps/b.yaml", &service("b", json!({})));
    let ran = by_flags(&[]).await.exits(0);
    assert!(ran.out.contains(&format!("created     {namespace}/a\n")), "{}", ran.out);
    assert!(ran.out.ends_with("is applied: 2 created, 0 unchanged\n"), "{}", ran.out);
    assert_eq!(kube.names("MicroService", &namespace).await, ["a", "b"]);
    let sync = kube.get("GitSync", &namespace, "main").await;
    assert_eq!(condition(&sync, "Ready")["reason"], "Applied");

    // The GitSync is there now, so that its name is enough; but only where its folder may be read.
    let ran = gitmoor_on(plane, &[&["sync", "--once", "main"], &flags[..]].concat()).await.exits(2);
    assert!(ran.err.contains("cannot be read"), "{}", ran.err);
    let ran = by_flags(&[]).await.exits(0);
    assert!(ran.out.ends_with("is applied: 2 unchanged\n"), "{}", ran.out);

    let mut by_hand = service("c", json!({}));
    by_hand["metadata"]["namespace"] = json!(namespace);
    kube.create(&by_hand).await;
    write(folder.path(), "apps/a.yaml", &service("a", json!({"replicas": 3})));
    std::fs::remove_file(folder.path().join("apps/b.yaml")).unwrap();
    write(folder.path(), "apps/c.yaml", &service("c", json!({})));
    write(folder.path(), "apps/d.yaml", &service("d", json!({"replicas": "many"})));
    let json = by_flags(&["--output", "json"]).await.exits(1).json();
    // What is invalid and not there yet may be the new name of what is gone.
    for (name, action) in [("a", "updated"), ("b", "kept"), ("c", "held")] {
        assert_eq!(objects(&json, name), action, "{name} in {json:#}");
    }
    assert_eq!(json["findings"][0]["place"], "apps/d.yaml:7:13", "{json:#}");
    assert_eq!(kube.names("MicroService", &namespace).await, ["a", "b", "c"]);

    for file in ["c", "d"] {
        std::fs::remove_file(folder.path().join(format!("apps/{file}.yaml"))).unwrap();
    }
    kube.merge("somebody", "MicroService", &namespace, "a", json!({"spec": {"replicas": 9}})).await;
    let json = by_flags(&["--output", "json", "--wait", "--timeout", "8s"]).await.exits(1).json();
    assert_eq!(objects(&json, "a"), "corrected", "{json:#}");
    assert_eq!(json["notReady"][0]["reason"], "NotObserved", "no controller runs: {json:#}");

    kube.merge("somebody", "GitSync", &namespace, "main", json!({"spec": {"suspend": true}})).await;
    let ran = by_flags(&[]).await.exits(2);
    assert!(ran.err.contains("is suspended"), "{}", ran.err);
    let ran = gitmoor_on(plane, &[&["sync", "--once", "nobody"], &flags[..]].concat()).await.exits(2);
    assert!(ran.err.contains("there is no GitSync"), "{}", ran.err);
}

/// The daemon hears of the request, too, and may answer it before the command has read anything.
#[tokio::test]
async fn beside_a_daemon_it_still_tells_what_it_read_itself() {
    let files = [("apps/a.yaml", service("a", json!({}))), ("apps/b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("beside", json!({}), &files).await else { return };
    let (cache, name) = (TempDir::new().unwrap(), format!("{}/main", scene.namespace));
    for _ in 0..5 {
        let arguments = ["sync", "--once", &name, "--cache-dir", cache.path().to_str().unwrap()];
        let ran = gitmoor_on(scene.kube.plane, &arguments).await.exits(0);
        assert!(ran.out.ends_with("is applied: 2 unchanged\n"), "{}", ran.out);
    }
    let commit = scene.commit(&[("apps/bad.yaml", service("bad", json!({"replicas": "many"})))]);
    let arguments = ["sync", "--once", &name, "--cache-dir", cache.path().to_str().unwrap(), "-o", "json"];
    let json = gitmoor_on(scene.kube.plane, &arguments).await.exits(1).json();
    assert!(json["revision"].as_str().unwrap().ends_with(&commit), "{json:#}");
    assert_eq!(json["findings"][0]["code"], "GM204", "{json:#}");

    // What is kept of the repository is damaged on the disk: that is told, and it is read anew.
    for index in indexes(cache.path()) {
        let half = std::fs::read(&index).unwrap();
        std::fs::remove_file(&index).unwrap();
        std::fs::write(&index, &half[..half.len() / 2]).unwrap();
    }
    let told = gitmoor_on(scene.kube.plane, &[&arguments[..], &["--log-level", "warn"]].concat()).await.exits(1);
    assert!(told.err.contains("the cache is damaged and is made anew"), "{}", told.err);
    assert_eq!(told.json()["findings"], json["findings"], "what it reads is the same");
}

/// The indexes of packs below a folder.
fn indexes(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| indexes(folder));
    files.into_iter().filter(|file| file.extension().is_some_and(|end| end == "idx")).chain(below).collect()
}
