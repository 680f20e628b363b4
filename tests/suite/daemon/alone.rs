//! What only a daemon of a test's own can show: how it ends, how it starts again, and what it costs.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Enough that a test can look while they are being applied.
const MANY: usize = 300;

/// Many services in one file, without pods.
pub fn many(count: usize, version: u32) -> Value {
    let one = |index: usize| {
        let spec = json!({"replicas": 0, "image": format!("example.com/many:{version}")});
        serde_yaml::to_string(&service(&format!("many-{index:03}"), spec)).unwrap()
    };
    json!((0..count).map(one).collect::<Vec<_>>().join("---\n"))
}

/// Waits until some services are there.
pub async fn some(scene: &Scene, at_least: usize) -> usize {
    eventually("some services are applied", async || {
        let there = scene.services().await.len();
        holds(there >= at_least, there).map(|()| there)
    })
    .await
}

#[tokio::test]
async fn a_daemon_killed_while_it_applies_is_followed_by_one_that_ends_the_work() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "killed").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;
    daemon.kill();
    let half = scene.kube.list("MicroService", &scene.namespace).await;
    assert!(half.len() < MANY, "it was killed too late for this test to show anything");

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    scene.applied(&commit).await;
    let whole = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(whole.len(), MANY);
    let uids = |all: &[Value]| all.iter().map(|one| one["metadata"]["uid"].clone()).collect::<Vec<_>>();
    let kept = uids(&half).iter().filter(|uid| uids(&whole).contains(uid)).count();
    assert_eq!(kept, half.len(), "what was there is the same object");
    let deployments = eventually("every service has its Deployment", async || {
        let all = scene.kube.list("Deployment", &scene.namespace).await;
        holds(all.len() == MANY, all.len()).map(|()| all.clone())
    })
    .await;
    let owners: std::collections::BTreeSet<_> =
        deployments.iter().map(|one| one["metadata"]["ownerReferences"][0]["uid"].to_string()).collect();
    assert_eq!(owners.len(), MANY, "one each");
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new(), "a crash is no drift");
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn the_newest_commit_wins_over_one_that_is_being_applied() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "newest").await else { return };
    let few = scene.commit(&[("many.yaml", many(3, 1))]);
    scene.create_sync(json!({"prune": {"budget": "100%"}})).await;
    scene.applied(&few).await;

    let first = scene.commit(&[("many.yaml", many(MANY, 2))]);
    scene.request().await;
    some(&scene, 10).await;
    let newest = scene.commit(&[("many.yaml", many(5, 3))]);
    scene.request().await;
    scene.applied(&newest).await;
    let gave_way = scene.log.lines(|line| line["message"] == "gave way to a newer revision");
    assert_eq!(gave_way.len(), 1, "{}", scene.log.tail());
    // A deletion whose object moved meanwhile looks again, after the rest is applied.
    let services = eventually("what the newest does not declare is pruned", async || {
        let all = scene.kube.list("MicroService", &scene.namespace).await;
        holds(all.len() == 5, all.len()).map(|()| all.clone())
    })
    .await;
    assert!(services.iter().all(|one| one["spec"]["image"] == "example.com/many:3"), "{services:#?}");
    let applied = scene.log.lines(|line| line["message"] == "revision applied");
    let applied: Vec<_> = applied.iter().map(|line| line["revision"].as_str().unwrap().to_owned()).collect();
    assert!(!applied.iter().any(|revision| first.starts_with(revision.trim_start_matches("main@"))), "{applied:?}");
}

#[tokio::test]
async fn a_daemon_that_is_told_to_end_ends_what_it_began() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "term").await else { return };
    scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;
    let log = daemon.log.clone();
    let status = daemon.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", log.tail());
    assert_eq!(log.lines(|line| line["message"] == "stopped").len(), 1, "{}", log.tail());
    assert_eq!(log.lines(|line| line["level"] == "ERROR"), Vec::<Value>::new());
}

#[tokio::test]
async fn drift_that_was_told_is_not_told_again_after_a_restart() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "again").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    for kind in ["MicroService", "Deployment"] {
        let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]);
        scene.kube.edit("somebody", kind, &scene.namespace, "a", patch).await;
    }
    let traced = |a: &Value| {
        let drift = &a["status"]["sourceDrift"];
        drift["count"] == 1 && drift["fields"][0]["declaredAt"]["commit"].is_string()
    };
    let before = scene.service_that("a", "it drifted, and its commit is known", traced).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    scene.settled().await;
    daemon.log.message("controller started").await;
    let after = scene.service("a").await.unwrap();
    assert_eq!(after["status"]["sourceDrift"], before["status"]["sourceDrift"]);
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new());
}

#[tokio::test]
async fn an_edit_made_while_no_daemon_runs_is_seen_by_the_next() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "asleep").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    daemon.kill();
    let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/a:7"}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    scene.service_that("a", "it is put back", |a| a["spec"]["image"] == "example.com/a:1").await;
    let line = scene.log.message("drift").await;
    assert_eq!((&line["path"], &line["manager"]), (&json!("/spec/image"), &json!("somebody")));
    scene.ready("a").await;
}

#[tokio::test]
async fn what_is_unchanged_costs_no_call_and_a_commit_costs_what_it_changed() {
    let Some(alone) = Alone::new().await else { return };
    let Some(server) = GitServer::start(&[]) else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = Scene::at(&server, alone.kube.clone(), daemon.log.clone(), "cost").await else { return };
    let files: Vec<_> =
        (0..20).map(|index| (format!("{index}.yaml"), service(&format!("s{index}"), json!({})))).collect();
    let files: Vec<_> = files.iter().map(|(path, manifest)| (path.as_str(), manifest.clone())).collect();
    let commit = scene.commit(&files);
    scene.create_sync(json!({"interval": "1s"})).await;
    scene.applied(&commit).await;
    for index in 0..20 {
        scene.ready(&format!("s{index}")).await;
    }
    scene.status("all are counted", |status| status["counts"]["ready"] == 20).await;
    quiet_polls(&alone, &server).await;

    // One changed file is one write of a MicroService, and what follows from it for that one service.
    let since = alone.audit.mark();
    let commit = scene.commit(&[("3.yaml", service("s3", json!({"image": "example.com/s3:2"})))]);
    scene.applied(&commit).await;
    scene.ready("s3").await;
    scene.status("all are counted", |status| status["counts"]["ready"] == 20).await;
    quiet_polls(&alone, &server).await;
    assert_eq!(alone.audit.count(since, "patch", "microservices"), 1);
    assert_eq!(alone.audit.count(since, "patch", "deployments"), 1);
    let calls = alone.audit.calls(since);
    let others = calls.iter().filter(|call| call.resource != "gitsyncs" && call.name != "s3");
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&crate::support::audit::Call>::new());
    assert!(calls.iter().all(|call| ["patch", "create"].contains(&call.verb.as_str())), "nothing is read: {calls:#?}");

    // A look at a service that is as declared costs nothing, either.
    let reconciles = daemon.metric("gitmoor_reconcile_duration_seconds_count", &[]).await;
    let since = alone.audit.mark();
    scene.kube.kubectl(&["annotate", "-n", &scene.namespace, "ms", "--all", "gitmoor.dev/pause-reason=none"]).await;
    eventually("every service was looked at", async || {
        let now = daemon.metric("gitmoor_reconcile_duration_seconds_count", &[]).await;
        holds(now >= reconciles + 20.0, now - reconciles)
    })
    .await;
    assert_eq!(alone.audit.calls(since), []);
}

/// Three polls without a call: what was under way before may end first.
pub async fn quiet_polls(alone: &Alone, server: &GitServer) {
    eventually("three polls without a call", async || {
        let (since, before) = (alone.audit.mark(), server.stats().await);
        eventually("three polls", async || {
            let polls = (server.stats().await - before).ls_refs;
            holds(polls >= 3, polls)
        })
        .await;
        let calls = alone.audit.calls(since);
        holds(calls.is_empty(), calls)
    })
    .await;
}
