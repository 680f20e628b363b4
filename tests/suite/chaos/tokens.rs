//! A token that is refused from one moment to the next, and the one after it.

use serde_json::{Value, json};

use super::surroundings::Clock;
use crate::support::alone::Alone;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::git_server::skip;
use crate::support::kube::text;
use crate::support::scene::service;
use crate::support::{eventually, holds};

/// Longer than a daemon keeps what it has read of the file.
const MINUTES: i64 = 180;

/// A token that ends with a Secret.
async fn token(alone: &Alone, secret: &str) -> String {
    let metadata = json!({"namespace": OPERATOR, "name": secret});
    alone.kube.apply("suite", &json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})).await.unwrap();
    let bound = ["--bound-object-kind", "Secret", "--bound-object-name", secret];
    let create = [&["create", "token", "gitmoor", "-n", OPERATOR], &bound[..]].concat();
    alone.kube.kubectl(&create).await.trim().to_owned()
}

#[tokio::test]
async fn a_token_that_is_refused_is_followed_by_the_next_one_of_its_file() {
    let Some(alone) = Alone::new().await else { return };
    let Some(clock) = Clock::new() else { return skip("libfaketime is not installed").unwrap_or_default() };
    let first = token(&alone, "first-token").await;
    let folder = tempfile::TempDir::new().unwrap();
    let (file, kubeconfig) = (folder.path().join("token"), folder.path().join("kubeconfig"));
    std::fs::write(&file, &first).unwrap();
    let admin = std::fs::read_to_string(&alone.kube.plane.kubeconfig).unwrap();
    let mut config: Value = serde_yaml::from_str(&admin).unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"] = json!({"tokenFile": file});
    }
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let daemon = Daemon::spawn_in(&kubeconfig, &[], &clock.environment());
    let Some(scene) = alone.scene(&daemon, "token").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;

    let second = token(&alone, "second-token").await;
    std::fs::write(&file, &second).unwrap();
    alone.kube.delete("Secret", OPERATOR, "first-token").await;
    eventually("the first token is refused", async || {
        let asked = alone.kube.try_kubectl(&["auth", "whoami", "--token", &first], None).await;
        holds(!asked.status.success(), asked)
    })
    .await;
    let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/a:7"}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    // What has been read of the file is kept for a minute, by the clock.
    clock.set(MINUTES);
    scene.service_that("a", "it is put back", |a| text(&a["spec"]["image"]) == "example.com/a:1").await;
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2})))]).await;
    scene.ready("a").await;
    let told = daemon.log.lines(|line| [&first, &second].iter().any(|token| line.to_string().contains(*token)));
    assert_eq!(told, Vec::<Value>::new());
    alone.kube.delete("Secret", OPERATOR, "second-token").await;
}
