//! Targets that do not take what they are told.

use std::time::Duration;

use serde_json::{Value, json};

use super::receiver::{Manner, Receiver};
use super::{secret, target, tells_no_canary};
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// A scene with something to tell: its manifest is invalid.
async fn invalid(topic: &str, receiver: &Receiver) -> Option<Scene> {
    let scene = Scene::new(topic).await?;
    secret(&scene, Some(&format!("{}/c4nary-path", receiver.url))).await;
    scene.commit(&[("a.yaml", service("a", json!({"imagee": "x"})))]);
    scene.create_sync(json!({"notify": [target("hook", "Webhook", json!({}))]})).await;
    Some(scene)
}

async fn notified(scene: &Scene, reason: &str) -> Value {
    let found = scene.condition("Notified", "False", reason).await;
    assert!(!found.to_string().contains("c4nary") && !found.to_string().contains("taken"), "{found}");
    found
}

/// The target is another from now on, and so it is tried at once.
async fn changed(scene: &Scene) {
    let patch = json!({"spec": {"notify": [target("hook", "Webhook", json!({"every": "2s"}))]}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
}

async fn told(scene: &Scene, receiver: &Receiver) {
    receiver.becomes(Manner::Says(202, Vec::new()));
    receiver.hears_alert("/c4nary-path", "Quarantined", "began").await;
    scene
        .status("it is told and nothing fails", |status| {
            let told = status["notify"][0]["told"][0]["alert"] == "Quarantined";
            told && condition(&json!({"status": status}), "Notified").is_null()
        })
        .await;
    tells_no_canary(scene).await;
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_is_for_as_long_and_told_then() {
    let receiver = Receiver::start().await;
    receiver.becomes(Manner::Says(429, vec![("retry-after", "7".into())]));
    let Some(scene) = invalid("alerts-429", &receiver).await else { return };
    let first = receiver.hears("/c4nary-path", "it is tried", |_| true).await;
    receiver.becomes(Manner::Says(200, Vec::new()));
    let second = receiver.hears("/c4nary-path", "it is tried again", |heard| heard.at > first.at).await;
    let pause = second.at.duration_since(first.at);
    assert!(pause >= Duration::from_secs(7), "{pause:?}");
    // It is the same news.
    let id = |heard: &super::receiver::Heard| heard.headers["x-gitmoor-delivery"].clone();
    assert_eq!(id(&first), id(&second));
    told(&scene, &receiver).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_is_told_as_a_refusal() {
    let receiver = Receiver::start().await;
    receiver.becomes(Manner::Says(307, vec![("location", format!("{}/stolen", receiver.url))]));
    let Some(scene) = invalid("alerts-redirect", &receiver).await else { return };
    let found = notified(&scene, "AlertRefused").await;
    assert!(found["message"].as_str().unwrap().contains("redirects are not followed"), "{found}");
    assert!(receiver.heard("/stolen").is_empty());
    receiver.becomes(Manner::Says(200, Vec::new()));
    changed(&scene).await;
    told(&scene, &receiver).await;
}

#[tokio::test]
async fn a_target_that_does_not_answer_holds_up_nobody_else() {
    let receiver = Receiver::start().await;
    receiver.becomes(Manner::Hangs);
    let Some(scene) = invalid("alerts-hangs", &receiver).await else { return };
    receiver.hears("/c4nary-path", "it is tried", |_| true).await;
    // Meanwhile the GitSync goes on.
    scene.push(&[("b.yaml", service("b", json!({"replicas": 0})))]).await;
    scene.service_that("b", "it is applied", |_| true).await;
    receiver.becomes(Manner::Says(503, Vec::new()));
    let tries = async |count: usize| {
        receiver.hears("/c4nary-path", "it is tried again", |_| receiver.heard("/c4nary-path").len() >= count).await
    };
    tries(2).await;
    told(&scene, &receiver).await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_said_and_nothing_is_sent() {
    let receiver = Receiver::start().await;
    let Some(scene) = Scene::new("alerts-secret").await else { return };
    scene.commit(&[("a.yaml", service("a", json!({"imagee": "x"})))]);
    let hook = target("hook", "Webhook", json!({"url": format!("{}/c4nary-path", receiver.url)}));
    scene.create_sync(json!({"notify": [hook]})).await;
    let found = scene.condition("Notified", "False", "AlertSecretMissing").await;
    assert!(found["message"].as_str().unwrap().contains("target hook (Webhook) is not told"), "{found}");
    assert!(receiver.heard("/").is_empty());
    // Who tells nobody any more has nothing to say about it.
    let patch = json!({"spec": {"notify": null}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
    scene
        .status("nothing is left of it", |status| {
            status["notify"].is_null() && condition(&json!({"status": status}), "Notified").is_null()
        })
        .await;
}
