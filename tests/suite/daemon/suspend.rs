//! Suspended: nothing is written, drift is still seen.

use serde_json::json;

use super::told::{manifest, orders};
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

async fn suspend(scene: &Scene, suspend: bool) {
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"suspend": suspend}})).await;
}

#[tokio::test]
async fn a_suspended_gitsync_applies_nothing_until_it_is_resumed() {
    let Some(scene) = orders("suspend", "Correct").await else { return };
    suspend(&scene, true).await;
    let ready = scene.condition("Ready", "True", "Suspended").await;
    assert!(ready["message"].as_str().unwrap().contains("suspended"), "{ready}");
    let commit = scene.commit(&[("orders.yaml", manifest(2)), ("new.yaml", service("new", json!({})))]);
    scene.request().await;
    // Somebody edits: it is seen, and left.
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 4}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    scene.condition("Drifted", "True", "FieldsDiffer").await;
    let live = scene.service("orders").await.unwrap();
    assert_eq!((&live["spec"]["image"], &live["spec"]["replicas"]), (&json!("example.com/orders:1"), &json!(4)));
    scene.has_services(&["orders"]).await;

    suspend(&scene, false).await;
    scene.applied(&commit).await;
    let live = scene.service("orders").await.unwrap();
    assert_eq!((&live["spec"]["image"], &live["spec"]["replicas"]), (&json!("example.com/orders:2"), &json!(2)));
    scene.has_services(&["new", "orders"]).await;
    scene.condition("Drifted", "False", "AsDeclared").await;
}

#[tokio::test]
async fn a_suspended_service_keeps_its_children_as_they_are() {
    let Some(scene) = orders("suspend", "Correct").await else { return };
    let mut suspended = manifest(2);
    suspended["spec"]["suspend"] = json!(true);
    scene.push(&[("orders.yaml", suspended.clone())]).await;
    let held = |orders: &serde_json::Value| condition(orders, "Ready")["reason"] == "Suspended";
    scene.service_that("orders", "it is suspended", held).await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 4}]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", patch).await;
    let drifted =
        |orders: &serde_json::Value| orders["status"]["workloadDrift"]["fields"].to_string().contains("/spec/replicas");
    scene.service_that("orders", "the edit is seen", drifted).await;
    let live = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!((image, &live["spec"]["replicas"]), (&json!("example.com/orders:1"), &json!(4)), "nothing is written");

    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene.ready("orders").await;
    let live = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!((image, &live["spec"]["replicas"]), (&json!("example.com/orders:2"), &json!(2)));
}

#[tokio::test]
async fn a_service_that_is_resumed_is_rolled_out() {
    let Some(scene) = orders("resume", "Correct").await else { return };
    let mut suspended = manifest(2);
    suspended["spec"]["suspend"] = json!(true);
    scene.push(&[("orders.yaml", suspended)]).await;
    let held = |orders: &serde_json::Value| condition(orders, "Ready")["reason"] == "Suspended";
    scene.service_that("orders", "it is suspended", held).await;
    scene.push(&[("orders.yaml", manifest(2))]).await;
    let newest =
        |live: &serde_json::Value| live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/orders:2";
    scene.object_that("Deployment", "orders", "it has the new image", newest).await;
    scene.ready("orders").await;
}
