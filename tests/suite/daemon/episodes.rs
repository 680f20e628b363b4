//! A drift from its begin to its end: told once each, kept in a history, and counted.

use serde_json::{Value, json};

use super::alone::many;
use super::told::{manifest, orders};
use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Lines of the log about drift of an object of the scene, with that message.
fn lines(scene: &Scene, message: &str, kind: &str, name: &str) -> Vec<Value> {
    let object = format!("{}/{name}", scene.namespace);
    scene.log.lines(|line| line["message"] == message && line["kind"] == kind && line["object"] == *object)
}

/// Waits for so many lines.
async fn told(scene: &Scene, message: &str, kind: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} lines {message:?} about the {kind}"), async || {
        let lines = lines(scene, message, kind, "orders");
        holds(lines.len() == count, &lines).map(|()| lines)
    })
    .await
}

async fn set_replicas(scene: &Scene, kind: &str, manager: &str, replicas: u32) {
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
    scene.kube.edit(manager, kind, &scene.namespace, "orders", patch).await;
}

/// Sets a label that nobody declared, or takes it away again.
async fn set_team(scene: &Scene, kind: &str, manager: &str, team: Option<&str>) {
    let patch = match team {
        Some(team) => json!([{"op": "add", "path": "/metadata/labels/team", "value": team}]),
        None => json!([{"op": "remove", "path": "/metadata/labels/team"}]),
    };
    scene.kube.edit(manager, kind, &scene.namespace, "orders", patch).await;
}

/// Waits for the newest episode of a level.
async fn episode(scene: &Scene, level: &str, ended: &str) -> Value {
    let orders = scene
        .service_that("orders", &format!("an episode {ended}"), |orders| {
            orders["status"][level]["history"][0]["ended"] == ended && orders["status"][level]["count"] == 0
        })
        .await;
    orders["status"][level]["history"][0].clone()
}

#[tokio::test]
async fn a_drift_begins_changes_and_ends_once_each() {
    for (level, layer, kind) in [("sourceDrift", "source", "MicroService"), ("workloadDrift", "workload", "Deployment")]
    {
        let Some(scene) = orders("episode", "Report").await else { return };
        set_team(&scene, kind, "somebody", Some("a")).await;
        told(&scene, "drift", kind, 1).await;
        set_team(&scene, kind, "mallory", Some("b")).await;
        let changed = &told(&scene, "drift changed", kind, 1).await[0];
        let expected = json!({"layer": layer, "path": "/metadata/labels/team", "live": r#""b""#, "was": r#""a""#, "manager": "mallory", "was_by": "somebody"});
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&changed[field], value, "{field} of {changed:#}");
        }
        let stands = |orders: &Value| orders["status"][level]["fields"][0]["live"] == "b";
        let orders = scene.service_that("orders", "it stands as it is now", stands).await;
        assert!(orders["status"][level]["fields"][0]["began"].is_string(), "{:#}", orders["status"][level]);
        // Another look at the same is no news.
        scene.settled().await;
        set_team(&scene, kind, "somebody", None).await;
        let ended = &told(&scene, "drift ended", kind, 1).await[0];
        assert_eq!((&ended["ended"], &ended["live"]), (&json!("Reverted"), &json!(r#""b""#)), "{ended:#}");
        assert!(ended["lasted"].is_string(), "{ended:#}");
        let kept = episode(&scene, level, "Reverted").await;
        assert_eq!(
            (&kept["live"], &kept["declared"], &kept["policy"]),
            (&json!("b"), &Value::Null, &json!("Report")),
            "{kept:#}"
        );
        let reason = if layer == "source" { "SourceDriftEnded" } else { "WorkloadDriftEnded" };
        scene.event("MicroService", "orders", reason, "reverted by somebody after").await;
        assert_eq!(
            (lines(&scene, "drift", kind, "orders").len(), lines(&scene, "drift changed", kind, "orders").len()),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn what_is_put_back_is_told_with_how_long_it_lasted_and_counted() {
    for (level, layer, kind) in [("sourceDrift", "source", "MicroService"), ("workloadDrift", "workload", "Deployment")]
    {
        let Some(scene) = orders("putback", "Correct").await else { return };
        set_replicas(&scene, kind, "somebody", 5).await;
        let ended = &told(&scene, "drift ended", kind, 1).await[0];
        assert_eq!((&ended["ended"], &ended["path"]), (&json!("Corrected"), &json!("/spec/replicas")), "{ended:#}");
        let kept = episode(&scene, level, "Corrected").await;
        assert_eq!((&kept["live"], &kept["manager"]), (&json!(5), &json!("somebody")), "{kept:#}");
        assert_eq!(lines(&scene, "drift", kind, "orders").len(), 1);
        let daemon = Daemon::shared(&scene.kube).await;
        let (layer, policy) = (format!("level=\"{layer}\""), "policy=\"correct\"");
        assert!(daemon.metric("gitmoor_drift_episodes_total", &[&layer, policy]).await >= 1.0);
        assert!(daemon.metric("gitmoor_drift_ended_total", &[&layer, "ended=\"corrected\""]).await >= 1.0);
        assert!(daemon.metric("gitmoor_drift_corrected_seconds_count", &[&layer]).await >= 1.0);
    }
}

#[tokio::test]
async fn a_commit_that_declares_what_the_cluster_has_ends_it() {
    let Some(scene) = orders("declared", "Report").await else { return };
    set_replicas(&scene, "MicroService", "somebody", 5).await;
    told(&scene, "drift", "MicroService", 1).await;
    let daemon = Daemon::shared(&scene.kube).await;
    let sync = format!("sync=\"{}/{}\"", scene.home, scene.sync);
    let fields = async || daemon.metric("gitmoor_drift_fields", &[&sync, "level=\"source\""]).await;
    eventually("the gauge says so", async || holds(fields().await == 1.0, fields().await)).await;
    let mut now = manifest(1);
    now["spec"]["replicas"] = json!(5);
    scene.push(&[("orders.yaml", now)]).await;
    let ended = &told(&scene, "drift ended", "MicroService", 1).await[0];
    assert_eq!(ended["ended"], "Declared", "{ended:#}");
    episode(&scene, "sourceDrift", "Declared").await;
    eventually("the gauge says so, too", async || holds(fields().await == 0.0, fields().await)).await;
    // The series go with their GitSync.
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    eventually("its series are gone", async || {
        let (_, text) = daemon.ops("/metrics").await;
        holds(!text.contains(&sync), "they are there")
    })
    .await;
}

#[tokio::test]
async fn what_has_no_status_any_more_is_kept_by_its_gitsync() {
    let Some(scene) = orders("gone", "Correct").await else { return };
    scene.kube.delete("MicroService", &scene.namespace, "orders").await;
    let status =
        scene.status("the deletion is in the history", |status| status["driftHistory"][0]["change"] == "Deleted").await;
    assert_eq!(status["driftHistory"][0]["ended"], "Corrected", "{:#}", status["driftHistory"]);
    assert_eq!(told(&scene, "drift ended", "MicroService", 1).await[0]["ended"], "Corrected");

    let Some(scene) = orders("undeclared", "Report").await else { return };
    set_replicas(&scene, "MicroService", "somebody", 5).await;
    told(&scene, "drift", "MicroService", 1).await;
    scene.commit(&[("orders.yaml", Value::Null), ("other.yaml", service("other", json!({"replicas": 0})))]);
    scene.request().await;
    let status = scene.status("it is in the history", |status| status["driftHistory"][0]["ended"] == "Gone").await;
    assert_eq!(status["driftHistory"][0]["path"], "/spec/replicas", "{:#}", status["driftHistory"]);
    assert_eq!(told(&scene, "drift ended", "MicroService", 1).await[0]["ended"], "Gone");
}

#[tokio::test]
async fn a_restart_repeats_nothing_and_loses_nothing() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "restart").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    // One that ended, and more of both levels than a status lists.
    set_team(&scene, "MicroService", "somebody", Some("a")).await;
    told(&scene, "drift", "MicroService", 1).await;
    set_team(&scene, "MicroService", "somebody", None).await;
    episode(&scene, "sourceDrift", "Reverted").await;
    const LABELS: usize = 25;
    for kind in ["MicroService", "Deployment"] {
        let labels: serde_json::Map<_, _> = (0..LABELS).map(|one| (format!("l{one}"), json!("x"))).collect();
        scene.kube.merge("somebody", kind, &scene.namespace, "orders", json!({"metadata": {"labels": labels}})).await;
    }
    scene
        .service_that("orders", "all are counted", |orders| {
            orders["status"]["sourceDrift"]["count"] == LABELS && orders["status"]["workloadDrift"]["count"] == LABELS
        })
        .await;
    daemon.kill();
    // Meanwhile one of them is taken back.
    let patch = json!({"metadata": {"labels": {"l3": null}}});
    scene.kube.merge("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    let ended = &told(&scene, "drift ended", "MicroService", 1).await[0];
    assert_eq!((&ended["ended"], &ended["path"]), (&json!("Reverted"), &json!("/metadata/labels/l3")), "{ended:#}");
    let orders = scene
        .service_that("orders", "it is counted", |orders| orders["status"]["sourceDrift"]["count"] == LABELS - 1)
        .await;
    let history = orders["status"]["sourceDrift"]["history"].as_array().unwrap();
    let paths: Vec<_> = history.iter().map(|episode| episode["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["/metadata/labels/l3", "/metadata/labels/team"],
        "newest first, and from before the restart, too"
    );
    scene.settled().await;
    let workload = lines(&scene, "drift", "Deployment", "orders");
    assert!(workload.is_empty(), "what stood is not told again, listed or not: {workload:#?}");
    assert_eq!(condition(&orders, "SourceDrifted")["status"], "True");
}

#[tokio::test]
async fn a_burst_of_edits_is_told_line_by_line() {
    const EDITS: usize = 100;
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "burst").await else { return };
    let commit = scene.commit(&[("many.yaml", many(EDITS, 1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let edits = (0..EDITS).map(|index| {
        let (scene, name) = (&scene, format!("many-{index:03}"));
        async move {
            let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/many:7"}]);
            scene.kube.edit("somebody", "MicroService", &scene.namespace, &name, patch).await
        }
    });
    futures::future::join_all(edits).await;
    let of = |message: &str| {
        let mut objects: Vec<_> = scene
            .log
            .lines(|line| line["message"] == message && line["layer"] == "source")
            .iter()
            .map(|line| line["object"].to_string())
            .collect();
        objects.sort();
        objects
    };
    eventually("all are put back", async || holds(of("drift ended").len() >= EDITS, of("drift ended").len())).await;
    scene.settled().await;
    for message in ["drift", "drift ended"] {
        let (all, mut once) = (of(message), of(message));
        once.dedup();
        assert_eq!((all.len(), once.len()), (EDITS, EDITS), "{message}: one line each");
    }
    let kept = |service: &&Value| service["status"]["sourceDrift"]["history"][0]["ended"] == "Corrected";
    let services = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(services.iter().filter(kept).count(), EDITS, "each is in a history");
}

#[tokio::test]
async fn a_service_that_goes_takes_the_drift_of_its_children_with_it() {
    let Some(scene) = orders("goes", "Report").await else { return };
    set_replicas(&scene, "Deployment", "somebody", 5).await;
    told(&scene, "drift", "Deployment", 1).await;
    scene.kube.delete("MicroService", &scene.namespace, "orders").await;
    assert_eq!(told(&scene, "drift ended", "Deployment", 1).await[0]["ended"], "Gone");
}
