//! A service that gets another name or namespace is never without a ready one.

use serde_json::{Value, json};

use super::guards::{borrowed, free, held, scene_of, some};
use super::ownership::operators;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// The service `old` under another name, with an image that a pod is made of.
fn called(name: &str, tag: &str) -> Value {
    service(name, json!({"image": format!("example.com/old:{tag}")}))
}

async fn approve(scene: &Scene, plan: &Value) {
    let patch = json!({"metadata": {"annotations": {"gitmoor.dev/approve-plan": plan}}});
    scene.kube.merge("a-person", "GitSync", &scene.home, &scene.sync, patch).await;
}

#[tokio::test]
async fn the_old_name_goes_when_the_new_one_is_ready() {
    let files = [("a.yaml", service("a", json!({}))), ("old.yaml", called("old", "slow"))];
    let Some(scene) = Scene::synced("rename", json!({}), &files).await else { return };
    scene.ready("old").await;
    scene.commit(&[("old.yaml", called("new", "slow"))]);
    scene.request().await;
    let mut waited = false;
    eventually("the new one is ready, and the old one gone", async || {
        // In this order: what is ready now was ready before the old one went.
        let there = scene.service("old").await.is_some();
        let new = scene.service("new").await.unwrap_or_default();
        let ready = condition(&new, "Ready")["status"] == "True";
        assert!(there || ready, "a gap in service: {new:#}");
        waited |= there && !new.is_null();
        holds(!there, "both are there")
    })
    .await;
    assert!(waited, "they were there together");
    free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;
    let from = scene.service("new").await.unwrap()["metadata"]["annotations"]["gitmoor.dev/renamed-from"].clone();
    assert!(from.as_str().unwrap().starts_with(&format!("object={}/old; uid=", scene.namespace)), "{from}");
}

#[tokio::test]
async fn a_new_name_with_another_spec_leaves_no_gap_either() {
    let files = [("a.yaml", service("a", json!({}))), ("old.yaml", called("old", "1"))];
    let Some(scene) = Scene::synced("respec", json!({}), &files).await else { return };
    scene.ready("old").await;
    let mut new = called("new", "slow");
    new["spec"]["env"] = json!([{"name": "COLOUR", "value": "blue"}]);
    scene.commit(&[("old.yaml", new)]);
    scene.request().await;
    let mut waited = false;
    eventually("the new one is ready, and the old one gone", async || {
        let there = scene.service("old").await.is_some();
        let new = scene.service("new").await.unwrap_or_default();
        let ready = condition(&new, "Ready")["status"] == "True";
        assert!(there || ready, "a gap in service: {new:#}");
        waited |= there && !new.is_null();
        holds(!there, "both are there")
    })
    .await;
    assert!(waited, "they were there together");
    let from = scene.service("new").await.unwrap()["metadata"]["annotations"]["gitmoor.dev/renamed-from"].clone();
    assert!(from.as_str().unwrap().starts_with(&format!("object={}/old; uid=", scene.namespace)), "{from}");
}

#[tokio::test]
async fn another_service_in_the_place_of_one_that_goes_is_no_rename() {
    let spec = json!({"prune": {"budget": 0}});
    let files = [("a.yaml", service("a", json!({}))), ("old.yaml", called("old", "1"))];
    let Some(scene) = Scene::synced("another", spec, &files).await else { return };
    // The deletion is held; what has nothing to do with it is created all the same.
    scene.push(&[("old.yaml", service("other", json!({"replicas": 0})))]).await;
    held(&scene, "PruneBudget").await;
    assert_eq!(scene.services().await, ["a", "old", "other"]);
}

#[tokio::test]
async fn the_old_name_stays_while_the_new_one_is_not_ready_until_a_person_lets_it_go() {
    let files = [("a.yaml", service("a", json!({}))), ("old.yaml", called("old", "does-not-exist"))];
    let Some(scene) = Scene::synced("stuck", json!({}), &files).await else { return };
    scene.push(&[("old.yaml", called("new", "does-not-exist"))]).await;
    let hold = held(&scene, "RenamePending").await;
    assert!(hold["message"].as_str().unwrap().contains("/new, a new name of what would go, is not ready"), "{hold:#}");
    scene.condition("Ready", "False", "RenamePending").await;
    scene.condition("Reconciling", "True", "RenamePending").await;
    let status = scene.settled().await;
    scene.has_services(&["a", "new", "old"]).await;
    let problem = &status["problems"][0];
    assert_eq!(problem["object"], format!("{}/old", scene.namespace), "{status:#}");
    // Another change of the new one does not make it forget whom it follows.
    scene.push(&[("old.yaml", called("new", "does-not-exist-either"))]).await;
    assert_eq!(held(&scene, "RenamePending").await["plan"], hold["plan"]);
    scene.has_services(&["a", "new", "old"]).await;
    approve(&scene, &hold["plan"]).await;
    eventually("the old one goes", async || {
        let left = scene.services().await;
        holds(left == ["a", "new"], left)
    })
    .await;
    free(&scene).await;
}

#[tokio::test]
async fn the_only_service_can_be_renamed() {
    let Some(scene) = Scene::synced("only", json!({}), &[("old.yaml", called("old", "1"))]).await else { return };
    scene.push(&[("old.yaml", called("new", "1"))]).await;
    eventually("the new one took its place", async || {
        let left = scene.services().await;
        holds(left == ["new"], left)
    })
    .await;
    let held = |line: &Value| line["message"] == "plan held" && line["sync"] == format!("{}/main", scene.namespace);
    assert!(scene.log.lines(held).iter().all(|line| line["reason"] == "RenamePending"), "no person was asked");
}

#[tokio::test]
async fn a_service_that_moves_to_another_namespace_leaves_no_gap() {
    let Some(scene) =
        operators("moves", &[("a.yaml", service("a", json!({}))), ("old.yaml", called("old", "1"))]).await
    else {
        return;
    };
    scene.ready("old").await;
    let elsewhere = scene.kube.namespace("elsewhere").await;
    let mut moved = called("old", "1");
    moved["metadata"]["namespace"] = json!(elsewhere);
    scene.commit(&[("old.yaml", moved)]);
    scene.request().await;
    eventually("it moved", async || {
        let there = scene.service("old").await.is_some();
        let new = scene.kube.find("MicroService", &elsewhere, "old").await.unwrap_or_default();
        assert!(there || condition(&new, "Ready")["status"] == "True", "a gap in service: {new:#}");
        holds(!there, "both are there")
    })
    .await;
}

#[tokio::test]
async fn a_rename_whose_deletion_is_held_creates_nothing_either() {
    let Some(scene) = scene_of(4, "heldname", json!({"prune": {"budget": 0}})).await else { return };
    let renamed =
        |n: usize| service(&format!("new{n}"), json!({"replicas": 0, "image": format!("example.com/s{n:02}:1")}));
    let mut changes: Vec<_> = some(2).into_iter().enumerate().map(|(n, (path, _))| (path, renamed(n))).collect();
    changes.push(("other.yaml".into(), service("other", json!({"replicas": 0}))));
    scene.push(&borrowed(&changes)).await;
    let hold = held(&scene, "PruneBudget").await;
    assert_eq!((&hold["deletions"], &hold["creations"]), (&json!(2), &json!(2)), "{hold:#}");
    let status = scene.settled().await;
    scene.has_services(&["other", "s00", "s01", "s02", "s03"]).await;
    let reasons: Vec<_> = status["problems"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["PruneBudget", "PruneBudget", "RenameHeld", "RenameHeld"], "{status:#}");
    approve(&scene, &hold["plan"]).await;
    eventually("both go together", async || {
        let left = scene.services().await;
        holds(left == ["new0", "new1", "other", "s02", "s03"], left)
    })
    .await;
    free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;
}
