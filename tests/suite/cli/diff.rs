//! `gitmoor diff`, which writes nothing.

use serde_json::json;
use tempfile::TempDir;

use super::{gitmoor_on, write};
use crate::support::scene::Scene;
use crate::support::scene::service;

#[tokio::test]
async fn it_shows_what_a_commit_would_do() {
    let files = [
        ("apps/orders.yaml", service("orders", json!({"env": [{"name": "A", "value": "1"}]}))),
        ("apps/gone.yaml", service("gone", json!({}))),
        ("apps/same.yaml", service("same", json!({}))),
    ];
    let Some(scene) = Scene::synced("diff", json!({"paths": ["apps"]}), &files).await else { return };
    let ready = ["orders", "gone", "same"];
    for name in ready {
        scene.ready(name).await;
    }
    scene
        .kube
        .create(&{
            let mut by_hand = service("by-hand", json!({}));
            by_hand["metadata"]["namespace"] = json!(scene.namespace);
            by_hand
        })
        .await;

    let folder = TempDir::new().unwrap();
    let next = service("orders", json!({"replicas": 2}));
    write(folder.path(), "apps/orders.yaml", &next);
    write(folder.path(), "apps/same.yaml", &service("same", json!({})));
    write(folder.path(), "apps/new.yaml", &service("new", json!({})));
    write(folder.path(), "apps/by-hand.yaml", &service("by-hand", json!({})));
    write(folder.path(), "elsewhere/other.yaml", &service("other", json!({})));
    let (root, namespace) = (folder.path().to_str().unwrap(), scene.namespace.as_str());
    let before = versions(&scene).await;
    let ran = gitmoor_on(scene.kube.plane, &["diff", root, "--sync", &format!("{namespace}/main")]).await.exits(1);
    for part in [
        format!("~ {namespace}/orders  update  apps/orders.yaml:1\n"),
        "    ~ /spec/replicas: 1 → 2  (apps/orders.yaml:7)\n".to_owned(),
        "    - /spec/env: [{\"name\":\"A\",\"value\":\"1\"}]\n".to_owned(),
        format!("+ {namespace}/new  create  apps/new.yaml:1\n"),
        format!("- {namespace}/gone  delete\n"),
        format!("! {namespace}/by-hand  held  apps/by-hand.yaml:1\n    NotOurs: "),
        "1 to create, 1 to update, 1 to delete, 1 held, 1 unchanged\n".to_owned(),
    ] {
        assert!(ran.out.contains(&part), "{part}\nin\n{}", ran.out);
    }
    assert_eq!(versions(&scene).await, before, "nothing was written");

    let json = gitmoor_on(scene.kube.plane, &["diff", root, "-n", namespace, "-o", "json"]).await.exits(1).json();
    assert_eq!((&json["summary"]["create"], &json["summary"]["update"]), (&json!(2), &json!(1)), "{json:#}");

    let applied = TempDir::new().unwrap();
    files.iter().for_each(|(path, manifest)| write(applied.path(), path, manifest));
    let root = applied.path().to_str().unwrap();
    let ran = gitmoor_on(scene.kube.plane, &["diff", root, "--sync", &format!("{namespace}/main")]).await.exits(0);
    assert_eq!(ran.out, "3 unchanged\n");
    gitmoor_on(scene.kube.plane, &["diff", root, "-n", namespace]).await.exits(0);

    std::fs::write(applied.path().join("apps/bad.yaml"), "a: [").unwrap();
    let ran = gitmoor_on(scene.kube.plane, &["diff", root, "--sync", &format!("{namespace}/main")]).await.exits(2);
    assert!(ran.out.contains("error[GM101]") && ran.out.contains("apps/bad.yaml:1:"), "{}", ran.out);
    let ran = gitmoor_on(scene.kube.plane, &["diff", root, "--sync", &format!("{namespace}/nobody")]).await.exits(2);
    assert!(ran.err.contains("there is no GitSync"), "{}", ran.err);
}

async fn versions(scene: &Scene) -> Vec<String> {
    let all = scene.kube.list("MicroService", &scene.namespace).await;
    all.iter().map(|one| one["metadata"]["generation"].to_string()).collect()
}

#[tokio::test]
async fn it_shows_what_a_branch_a_commit_or_a_pull_request_would_do() {
    let files = [("apps/orders.yaml", service("orders", json!({}))), ("apps/pay.yaml", service("pay", json!({})))];
    let Some(scene) = Scene::synced("pull", json!({"paths": ["apps"]}), &files).await else { return };
    let git = |args: &[&str]| scene.repository.git(args);
    git(&["checkout", "--quiet", "-b", "more"]);
    scene
        .repository
        .write("apps/orders.yaml", &serde_yaml::to_string(&service("orders", json!({"replicas": 5}))).unwrap());
    let commit = scene.repository.commit("more orders");
    git(&["push", "--quiet", "origin", "HEAD:refs/heads/more", "HEAD:refs/merge-requests/7/head"]);
    let sync = format!("{}/main", scene.namespace);
    let before = versions(&scene).await;
    let diff = async |more: &[&str]| {
        let args: Vec<&str> = ["diff", "--sync", &sync].into_iter().chain(more.iter().copied()).collect();
        gitmoor_on(scene.kube.plane, &args).await
    };
    assert_eq!(diff(&[]).await.exits(0).out, "2 unchanged\n", "as its branch is");
    for which in [["--ref", "more"], ["--ref", &commit], ["--pull-request", "7"]] {
        let out = diff(&which).await.exits(1).out;
        assert!(out.contains("~ /spec/replicas: 1 → 5  (apps/orders.yaml:7)"), "{which:?}\n{out}");
    }
    let out = diff(&["--pull-request", "7", "--output", "markdown"]).await.exits(1).out;
    assert!(out.contains("```diff\n- /spec/replicas: 1\n+ /spec/replicas: 5\n```"), "{out}");
    let error = diff(&["--ref", "nothing"]).await.exits(2).err;
    assert!(error.contains("nothing"), "{error}");
    assert_eq!(versions(&scene).await, before, "nothing was written");
}
