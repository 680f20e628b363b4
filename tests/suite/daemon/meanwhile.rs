//! What another hand does between a look at a service and the write of a commit is neither overwritten unseen nor untold.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::scene::{Scene, service};
use crate::support::storm::{Counts, HELD, Storm, Weather};
use crate::support::{eventually, holds};

/// A service that somebody scales while a commit that changes its image is on its way to the API server.
async fn scaled_meanwhile(alone: &Alone, policy: &str) -> Option<(Scene, Daemon, Storm)> {
    let counts = Counts::default();
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, counts.clone()).await;
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    let scene = alone.scene(&daemon, "meanwhile").await?;
    let web = |image: &str| [("web.yaml", service("web", json!({"image": image, "replicas": 2})))];
    let commit = scene.commit(&web("example.com/web:1"));
    scene.create_sync(json!({"drift": {"policy": policy}})).await;
    scene.applied(&commit).await;
    scene.ready("web").await;
    scene.settled().await;

    storm.becomes(Weather::Held);
    let commit = scene.commit(&web("example.com/web:2"));
    scene.request().await;
    eventually("the write is on its way", async || {
        let counts = counts.lock().unwrap().clone();
        holds(counts.contains_key(HELD), counts)
    })
    .await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 7}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "web", patch).await;
    storm.becomes(Weather::Calm);
    scene.applied(&commit).await;
    scene.service_that("web", "the commit is applied", |web| web["spec"]["image"] == "example.com/web:2").await;
    let told =
        scene.log.line("the edit is told", |line| line["message"] == "drift" && line["path"] == "/spec/replicas").await;
    assert_eq!((told["live"].to_string(), told["declared"].to_string()), ("\"7\"".into(), "\"2\"".into()), "{told}");
    Some((scene, daemon, storm))
}

#[tokio::test]
async fn an_edit_that_may_stay_is_not_undone_by_a_commit_that_was_on_its_way() {
    let Some(alone) = Alone::new().await else { return };
    let Some((scene, _daemon, _storm)) = scaled_meanwhile(&alone, "Report").await else { return };
    scene.settled().await;
    let web = scene.service("web").await.unwrap();
    assert_eq!(web["spec"]["replicas"], 7, "{:#}", web["spec"]);
    assert_eq!(web["status"]["sourceDrift"]["count"], 1, "{:#}", web["status"]);
}

#[tokio::test]
async fn an_edit_that_a_commit_on_its_way_would_have_overwritten_is_told_and_put_back() {
    let Some(alone) = Alone::new().await else { return };
    let Some((scene, _daemon, _storm)) = scaled_meanwhile(&alone, "Correct").await else { return };
    scene.service_that("web", "it is put back", |web| web["spec"]["replicas"] == 2).await;
    let over = |line: &Value| line["message"] == "drift ended" && line["path"] == "/spec/replicas";
    scene.log.line("that is told", over).await;
}
