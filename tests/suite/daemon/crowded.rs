//! More to be put back than can be written at a time: all of it is told when it is seen.

use std::time::Duration;

use serde_json::json;

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::scene::service;
use crate::support::storm::{Counts, Storm, Weather};
use crate::support::{eventually, holds};

const SERVICES: usize = 6;
/// What one write takes: far longer than all edits.
const LATE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn drift_is_told_while_what_was_seen_before_is_still_being_put_back() {
    let Some(alone) = Alone::new().await else { return };
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, Counts::default()).await;
    let daemon = Daemon::start(&storm.kubeconfig(), &["--workers", "1"]).await;
    let Some(scene) = alone.scene(&daemon, "crowded").await else { return };
    let names: Vec<_> = (0..SERVICES).map(|index| format!("orders-{index}")).collect();
    let manifest = |name: &String| service(name, json!({"image": "example.com/orders:1", "replicas": 2}));
    let files: Vec<_> = names.iter().map(|name| (format!("{name}.yaml"), manifest(name))).collect();
    let files: Vec<_> = files.iter().map(|(file, manifest)| (file.as_str(), manifest.clone())).collect();
    let commit = scene.commit(&files);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    for name in &names {
        scene.ready(name).await;
    }

    storm.becomes(Weather::Late(LATE));
    let edits = names.iter().map(|name| {
        let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]);
        scene.kube.edit("somebody", "Deployment", &scene.namespace, name, patch)
    });
    futures::future::join_all(edits).await;
    let told = |message: &str| {
        let mut objects: Vec<_> = scene
            .log
            .lines(|line| line["message"] == message && line["kind"] == "Deployment")
            .iter()
            .map(|line| line["object"].to_string())
            .collect();
        let all = objects.len();
        objects.sort();
        objects.dedup();
        (objects.len(), all)
    };
    eventually("each is told", async || holds(told("drift").0 == SERVICES, told("drift"))).await;
    let (over, _) = told("drift ended");
    assert!(over <= 1, "{over} of {SERVICES} were put back before the last was told");

    storm.becomes(Weather::Calm);
    eventually("each is put back", async || holds(told("drift ended").0 == SERVICES, told("drift ended"))).await;
    scene.settled().await;
    for message in ["drift", "drift ended"] {
        assert_eq!(told(message), (SERVICES, SERVICES), "{message}: one line each");
    }
    for name in &names {
        let kept = |orders: &serde_json::Value| orders["status"]["workloadDrift"]["history"][0]["ended"] == "Corrected";
        scene.service_that(name, "it is in its history", kept).await;
    }
}
