//! A new version that does not come up: its status says why in the pod's own words, while the old one serves.

use serde_json::json;

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// Rolls out a bad image and waits until the service says why.
async fn tells(tag: &str, words: &[&str]) {
    let files = [("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("rollout", json!({}), &files).await else { return };
    scene.ready("a").await;
    let bad = json!({"replicas": 2, "image": format!("example.com/a:{tag}")});
    scene.push(&[("a.yaml", service("a", bad))]).await;
    let a = scene
        .service_that("a", "it says why", |a| {
            let ready = condition(a, "Ready");
            let told = format!("{} {}", ready["reason"], ready["message"]);
            ready["status"] == "False" && words.iter().all(|word| told.contains(word))
        })
        .await;
    assert_eq!(condition(&a, "Available")["status"], "True", "the old version serves: {:#}", a["status"]);
    let image = json!({"declared": format!("example.com/a:{tag}"), "running": "example.com/a:1"});
    assert_eq!(a["status"]["image"], image);
    scene.ready("b").await;
    // The commit that mends it ends it.
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2, "image": "example.com/a:2"})))]).await;
    assert_eq!(scene.ready("a").await["status"]["image"]["running"], "example.com/a:2");
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_told_while_the_old_version_serves() {
    tells("does-not-exist", &["ImagePull", "example.com/a:does-not-exist"]).await;
}

#[tokio::test]
async fn a_crash_is_told_while_the_old_version_serves() {
    tells("crash", &["Crash"]).await;
}
