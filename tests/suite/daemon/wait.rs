//! `spec.wait`: ready only when everything is healthy.

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// A Deployment that somebody else made: who wants its name is not ready until it goes.
pub fn foreign_deployment(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"foreign": name}}, "template": {
            "metadata": {"labels": {"foreign": name}},
            "spec": {"containers": [{"name": name, "image": "example.com/foreign:1"}]}
        }}
    })
}

#[tokio::test]
async fn a_gitsync_that_waits_is_ready_when_all_that_it_declares_is() {
    let Some(scene) = Scene::new("wait").await else { return };
    let bad = service("a", json!({"image": "example.com/a:does-not-exist"}));
    let commit = scene.commit(&[("a.yaml", bad.clone()), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({"wait": true})).await;
    let status = scene.applied(&commit).await;
    assert_ne!(condition(&json!({"status": status}), "Ready")["status"], "True", "{status:#}");
    let status = scene
        .status("it says which one is not ready", |status| {
            let ready = condition(&json!({"status": status}), "Ready");
            let message = ready["message"].as_str().unwrap_or_default();
            ready["reason"] == "WaitingForHealth"
                && message.starts_with("1 of 2 ready")
                && message.contains("ImagePull")
        })
        .await;
    let found = |kind: &str| condition(&json!({"status": status}), kind);
    let first = format!("1 of 2 ready; the first not ready: {}/a ", scene.namespace);
    assert!(found("Ready")["message"].as_str().unwrap().starts_with(&first), "{status:#}");
    assert_eq!(
        (&found("Ready")["status"], &found("Reconciling")["reason"]),
        (&json!("False"), &json!("WaitingForHealth"))
    );
    let progress = &status["progress"];
    assert_eq!(progress["waitingFor"], json!([format!("{}/a", scene.namespace)]), "{progress:#}");
    assert_eq!((&progress["done"], &progress["total"]), (&json!(1), &json!(2)));
    // A request is handled once the revision is applied: health has its own word.
    let status = scene.settled().await;
    assert_eq!(condition(&json!({"status": status}), "Ready")["reason"], "WaitingForHealth");

    scene.push(&[("a.yaml", service("a", json!({"image": "example.com/a:2"})))]).await;
    scene.condition("Ready", "True", "Applied").await;
    assert_eq!(scene.get_sync().await["status"]["progress"], Value::Null);
    // It does not wait where nobody asked for that.
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"wait": false}})).await;
    scene.push(&[("a.yaml", bad)]).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn health_that_comes_too_late_is_told_and_taken_all_the_same() {
    let Some(scene) = Scene::new("late").await else { return };
    scene.kube.create(&foreign_deployment(&scene.namespace, "a")).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({"wait": true, "waitTimeout": "1s"})).await;
    scene.applied(&commit).await;
    let late = |status: &Value| {
        let stalled = condition(&json!({"status": status}), "Stalled");
        let message = stalled["message"].as_str().unwrap_or_default();
        stalled["reason"] == "WaitTimeout" && message.starts_with("0 of 1 ready") && message.contains("/a NotOwned")
    };
    scene.status("it says what takes too long", late).await;
    scene.condition("Ready", "False", "WaitTimeout").await;
    scene.event("GitSync", &scene.sync, "WaitTimeout", "0 of 1 ready").await;
    scene.kube.delete("Deployment", &scene.namespace, "a").await;
    scene.condition("Ready", "True", "Applied").await;
    let status = &scene.get_sync().await["status"];
    assert_eq!(condition(&json!({"status": status}), "Stalled"), Value::Null, "{status:#}");
}

#[tokio::test]
async fn what_is_invalid_says_more_than_what_is_not_healthy() {
    let Some(scene) = Scene::new("both").await else { return };
    let bad = service("a", json!({"image": "example.com/a:does-not-exist"}));
    let commit = scene.commit(&[("a.yaml", bad), ("b.yaml", service("b", json!({"replicas": "many"})))]);
    scene.create_sync(json!({"wait": true, "waitTimeout": "1s"})).await;
    scene.applied(&commit).await;
    scene.condition("Ready", "False", "InvalidManifests").await;
    scene.settled().await;
    scene.condition("Stalled", "True", "InvalidManifests").await;
}
