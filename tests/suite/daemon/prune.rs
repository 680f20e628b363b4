//! What a commit removes goes; whatever else disappears from sight stays.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

fn two() -> [(&'static str, Value); 2] {
    [("apps/a.yaml", service("a", json!({}))), ("apps/b.yaml", service("b", json!({})))]
}

/// Waits until the GitSync holds one deletion for that reason, and checks that both services are there.
async fn held(scene: &Scene, reason: &str) -> Value {
    let status = scene
        .status(&format!("a deletion is held: {reason}"), |status| {
            status["problems"].as_array().is_some_and(|all| all.iter().any(|problem| problem["reason"] == reason))
        })
        .await;
    scene.has_services(&["a", "b"]).await;
    status
}

#[tokio::test]
async fn a_commit_that_removes_a_file_removes_its_service_and_workload() {
    let Some(scene) = Scene::synced("prune", json!({}), &two()).await else { return };
    scene.ready("b").await;
    let commit = scene.push(&[("apps/b.yaml", Value::Null)]).await;
    scene.has_services(&["a"]).await;
    let counts = scene.applied(&commit).await["counts"].take();
    assert_eq!((&counts["pruned"], &counts["declared"]), (&json!(1), &json!(1)), "{counts}");
    eventually("garbage collection takes the children", async || {
        let left = scene.kube.names("Deployment", &scene.namespace).await;
        holds(left == ["a"], left)
    })
    .await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_document_taken_from_a_file_with_others_is_pruned() {
    let both = format!("{}---\n{}", yaml(&service("a", json!({}))), yaml(&service("b", json!({}))));
    let Some(scene) = Scene::synced("prune", json!({}), &[("all.yaml", json!(both))]).await else { return };
    scene.has_services(&["a", "b"]).await;
    scene.push(&[("all.yaml", service("a", json!({})))]).await;
    scene.has_services(&["a"]).await;
}

#[tokio::test]
async fn a_file_that_moves_takes_its_service_along() {
    let Some(scene) = Scene::synced("move", json!({}), &two()).await else { return };
    let before = scene.ready("b").await;
    scene.push(&[("apps/b.yaml", Value::Null), ("other/deep/b.yaml", service("b", json!({})))]).await;
    let after = scene
        .service_that("b", "it tells its new file", |b| b["status"]["source"]["file"] == "other/deep/b.yaml")
        .await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"], "the same object");
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"], "and the same spec");
}

#[tokio::test]
async fn a_copy_that_keeps_our_marks_is_never_pruned() {
    let Some(scene) = Scene::synced("copy", json!({}), &two()).await else { return };
    let mut copy = scene.service("a").await.unwrap();
    let metadata = copy["metadata"].take();
    copy["status"] = Value::Null;
    copy["metadata"] = json!({
        "namespace": scene.namespace, "name": "copy", "labels": metadata["labels"], "annotations": metadata["annotations"]
    });
    copy.as_object_mut().unwrap().remove("status");
    scene.kube.create(&copy).await;
    // Somebody who even pretends to be us, with an apply of the same label.
    let mut forged = copy.clone();
    forged["metadata"]["name"] = json!("forged");
    scene.kube.apply("gitmoor", &forged).await.unwrap();
    scene.push(&[("apps/b.yaml", Value::Null)]).await;
    scene.has_services(&["a", "copy", "forged"]).await;
    let status = scene.settled().await;
    let problems: Vec<_> = status["problems"].as_array().unwrap().iter().map(|problem| &problem["object"]).collect();
    assert_eq!(problems, [&json!(format!("{}/copy", scene.namespace)), &json!(format!("{}/forged", scene.namespace))]);
}

#[tokio::test]
async fn an_empty_tree_prunes_nothing() {
    let Some(scene) = Scene::synced("empty", json!({}), &two()).await else { return };
    scene.commit(&[("apps/a.yaml", Value::Null), ("apps/b.yaml", Value::Null), ("README.md", json!("nothing here\n"))]);
    scene.request().await;
    held(&scene, "EmptyTree").await;
    // Once something is declared again, what is not is gone for good.
    scene.push(&[("apps/a.yaml", service("a", json!({})))]).await;
    scene.has_services(&["a"]).await;
}

#[tokio::test]
async fn a_path_that_vanished_prunes_nothing() {
    let spec = json!({"paths": ["apps", "more"]});
    let files = [("apps/a.yaml", service("a", json!({}))), ("more/b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("vanish", spec, &files).await else { return };
    scene.has_services(&["a", "b"]).await;
    scene.commit(&[("more/b.yaml", Value::Null)]);
    scene.request().await;
    let status = held(&scene, "MissingPath").await;
    assert!(status.to_string().contains("more"), "{status:#}");
}

#[tokio::test]
async fn another_path_prunes_nothing_before_the_next_commit() {
    let Some(scene) = Scene::synced("paths", json!({"paths": ["apps"]}), &two()).await else { return };
    scene.commit(&[("other/a.yaml", service("a", json!({})))]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"paths": ["other"]}})).await;
    held(&scene, "ScopeChanged").await;
    // The next commit builds on the change of scope.
    scene.push(&[("other/a.yaml", service("a", json!({"replicas": 0})))]).await;
    scene.has_services(&["a"]).await;
}

#[tokio::test]
async fn another_repository_prunes_nothing_before_its_next_commit() {
    let Some(scene) = Scene::synced("url", json!({}), &two()).await else { return };
    let Some(other) = Scene::new("other").await else { return };
    other.commit(&[("apps/a.yaml", service("a", json!({})))]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"url": other.url}})).await;
    held(&scene, "ScopeChanged").await;
    let commit = other.commit(&[("apps/c.yaml", service("c", json!({})))]);
    scene.request().await;
    scene.applied(&commit).await;
    scene.has_services(&["a", "c"]).await;
}

#[tokio::test]
async fn another_branch_prunes_nothing_before_its_next_commit() {
    let Some(scene) = Scene::synced("branch", json!({}), &two()).await else { return };
    scene.repository.git(&["checkout", "--quiet", "-b", "next"]);
    scene.repository.git(&["rm", "--quiet", "apps/b.yaml"]);
    scene.repository.git(&["commit", "--quiet", "-m", "without b"]);
    scene.repository.push(&["HEAD:refs/heads/next"]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"ref": {"branch": "next"}}})).await;
    held(&scene, "ScopeChanged").await;
}

#[tokio::test]
async fn another_target_namespace_prunes_nothing() {
    let Some(scene) = super::ownership::operators("target", &two()).await else { return };
    let elsewhere = scene.kube.namespace("elsewhere").await;
    let spec = json!({"targetNamespace": elsewhere, "allowedNamespaces": ["*"]});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": spec})).await;
    held(&scene, "ScopeChanged").await;
    eventually("the services are there, too", async || {
        let names = scene.kube.names("MicroService", &elsewhere).await;
        holds(names == ["a", "b"], names)
    })
    .await;
}

#[tokio::test]
async fn nothing_is_pruned_where_pruning_is_off() {
    let Some(scene) = Scene::synced("off", json!({"prune": {"enabled": false}}), &two()).await else { return };
    scene.push(&[("apps/b.yaml", Value::Null)]).await;
    let status = held(&scene, "PruneDisabled").await;
    assert_eq!(status["counts"]["held"], 1, "{status:#}");
}

#[tokio::test]
async fn a_service_that_asked_for_it_is_not_pruned() {
    let mut kept = service("b", json!({}));
    kept["metadata"]["annotations"] = json!({"gitmoor.dev/prune": "false"});
    let files = [("apps/a.yaml", service("a", json!({}))), ("apps/b.yaml", kept)];
    let Some(scene) = Scene::synced("kept", json!({}), &files).await else { return };
    scene.push(&[("apps/b.yaml", Value::Null)]).await;
    held(&scene, "PruneProtected").await;
}

#[tokio::test]
async fn a_gitsync_that_goes_leaves_its_services() {
    let Some(scene) = Scene::synced("leave", json!({}), &two()).await else { return };
    let before = scene.ready("b").await;
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    let gone = format!("{}/main", scene.namespace);
    let about =
        |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("gone")) && line["sync"] == *gone;
    scene.log.line("the GitSync is gone", about).await;
    scene.has_services(&["a", "b"]).await;
    assert_eq!(scene.service("b").await.unwrap()["metadata"]["uid"], before["metadata"]["uid"]);

    // One of the same name takes over what it declares, and prunes nothing that it did not apply.
    let commit = scene.commit(&[("apps/b.yaml", Value::Null), ("apps/a.yaml", service("a", json!({"replicas": 2})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.has_services(&["a", "b"]).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
}

fn yaml(manifest: &Value) -> String {
    serde_yaml::to_string(manifest).unwrap()
}
