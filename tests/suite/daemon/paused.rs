//! Break-glass: a person pauses corrections, of one MicroService or of all that a GitSync applied.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::told::{manifest, orders};
use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

const UNTIL: &str = "gitmoor.dev/pause-until";

/// What people write on the object, for so many seconds; none takes it away.
async fn pause(scene: &Scene, kind: &str, name: &str, seconds: Option<i64>) {
    let until = seconds.map(|seconds| Timestamp::now() + SignedDuration::from_secs(seconds));
    let until = until.map(|until| Timestamp::from_second(until.as_second()).unwrap().to_string());
    ask(scene, kind, name, json!(until)).await;
}

async fn ask(scene: &Scene, kind: &str, name: &str, until: Value) {
    let patch = json!({"metadata": {"annotations": {UNTIL: until, "gitmoor.dev/pause-reason": "incident 12"}}});
    let namespace = if kind == "GitSync" { &scene.home } else { &scene.namespace };
    scene.kube.merge("ann", kind, namespace, name, patch).await;
}

/// Edits of `orders` and of its Deployment.
async fn edit(scene: &Scene, replicas: u32, log: &str) {
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    let patch = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": log}]);
    eventually("the Deployment is edited", async || {
        let edited = scene.kube.try_edit("somebody", "Deployment", &scene.namespace, "orders", patch.clone()).await;
        holds(edited.is_ok(), edited)
    })
    .await;
}

/// Waits until both are as they should be.
async fn are(scene: &Scene, what: &str, replicas: u32, log: &str) {
    scene.service_that("orders", what, |orders| orders["spec"]["replicas"] == replicas).await;
    scene
        .object_that("Deployment", "orders", what, |live| {
            live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == log
        })
        .await;
}

/// Waits until status says that both levels drifted and why nothing is put back.
async fn is_left(scene: &Scene) -> Value {
    scene
        .service_that("orders", "both levels drifted and are left", |orders| {
            ["SourceDrifted", "WorkloadDrifted"].iter().all(|kind| {
                let found = condition(orders, kind);
                found["reason"] == "FieldsDiffer"
                    && found["message"].to_string().contains("corrections are paused until")
            })
        })
        .await
}

fn lines(scene: &Scene, message: &str) -> usize {
    let about = |line: &Value| line.to_string().contains(&scene.namespace);
    scene.log.lines(|line| line["message"] == message && about(line)).len()
}

fn paths(record: &Value) -> Vec<&str> {
    record["fields"].as_array().into_iter().flatten().filter_map(|field| field["path"].as_str()).collect()
}

#[tokio::test]
async fn a_paused_service_is_left_through_commits_and_put_back_when_the_time_is_over() {
    let Some(scene) = orders("paused", "Correct").await else { return };
    pause(&scene, "MicroService", "orders", Some(3600)).await;
    let is_paused = |orders: &Value| condition(orders, "Paused")["status"] == "True";
    let seen = scene.service_that("orders", "it is paused", is_paused).await;
    let message = condition(&seen, "Paused")["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("corrections are paused until 2") && message.ends_with(" by ann: incident 12"));
    scene.event("MicroService", "orders", "Paused", "by ann: incident 12").await;

    edit(&scene, 3, "debug").await;
    is_left(&scene).await;
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene
        .service_that("orders", "the commit is applied", |orders| orders["spec"]["image"] == "example.com/orders:2")
        .await;
    let image = |live: &Value| live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/orders:2";
    scene.object_that("Deployment", "orders", "and comes to the Deployment", image).await;
    are(&scene, "the edits stay", 3, "debug").await;
    is_left(&scene).await;

    // It ends by itself: nothing happens but that time passes.
    pause(&scene, "MicroService", "orders", Some(3)).await;
    are(&scene, "put back", 2, "info").await;
    let ended = |orders: &Value| condition(orders, "Paused")["reason"] == "PauseEnded";
    scene.service_that("orders", "the pause is over", ended).await;
    let seen = scene
        .service_that("orders", "nothing differs any more", |orders| {
            let counts = ["sourceDrift", "workloadDrift"].map(|level| orders["status"][level]["count"] == 0);
            counts == [true, true]
        })
        .await;
    let (source, workload) = (&seen["status"]["sourceDrift"]["pause"], &seen["status"]["workloadDrift"]["pause"]);
    assert_eq!((paths(source), &source["drifted"]), (vec!["/spec/replicas"], &json!(1)), "{source:#}");
    let env = "/spec/template/spec/containers/0/env/0/value";
    assert_eq!((paths(workload), &workload["drifted"]), (vec![env], &json!(1)), "{workload:#}");
    for record in [source, workload] {
        assert_eq!((&record["by"], &record["reason"]), (&json!("ann"), &json!("incident 12")));
        let time = |field: &str| record[field].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(time("since") <= time("until") && time("until") <= Timestamp::now(), "{record:#}");
    }
    scene.event("MicroService", "orders", "PauseEnded", "1 field differed meanwhile").await;
    eventually("begin and end are told once each", async || {
        let told = ["corrections are paused", "the pause of corrections is over"].map(|message| lines(&scene, message));
        holds(told == [1, 1], told)
    })
    .await;
    let told: Vec<_> =
        scene.drift_lines("source", "MicroService", "orders").iter().map(|line| line["path"].clone()).collect();
    assert_eq!(told, ["/spec/replicas"], "that it was paused is no drift");
}

#[tokio::test]
async fn all_that_a_paused_gitsync_applied_is_left_and_put_back_when_the_time_is_over() {
    let files = [("orders.yaml", manifest(1)), ("gone.yaml", service("gone", json!({})))];
    let Some(scene) = Scene::synced("pausedall", json!({"drift": {"policy": "Correct"}}), &files).await else { return };
    scene.ready("orders").await;
    scene.ready("gone").await;
    pause(&scene, "GitSync", "main", Some(3600)).await;
    let paused = scene.condition("Paused", "True", "Paused").await;
    assert!(paused["message"].as_str().unwrap().contains("by ann: incident 12"), "{paused}");
    scene.event("GitSync", "main", "Paused", "by ann: incident 12").await;

    edit(&scene, 3, "debug").await;
    scene.kube.delete("MicroService", &scene.namespace, "gone").await;
    scene.kube.delete("Service", &scene.namespace, "orders").await;
    is_left(&scene).await;
    let status = scene.status("three fields are recorded", |status| status["pause"]["drifted"] == 2).await;
    assert!(status["pause"]["fields"].to_string().contains("\"Deleted\""), "{:#}", status["pause"]);
    scene.push(&[("orders.yaml", manifest(2))]).await;
    are(&scene, "the edits stay", 3, "debug").await;
    assert_eq!(scene.services().await, ["orders"], "what was deleted stays so");
    assert!(scene.kube.find("Service", &scene.namespace, "orders").await.is_none());

    pause(&scene, "GitSync", "main", Some(3)).await;
    are(&scene, "put back", 2, "info").await;
    scene.ready("gone").await;
    scene.object_that("Service", "orders", "it is made anew", |_| true).await;
    scene.condition("Paused", "False", "PauseEnded").await;
    scene.event("GitSync", "main", "PauseEnded", "2 fields differed meanwhile").await;
    let record = scene.get_sync().await["status"]["pause"].clone();
    assert_eq!((&record["by"], &record["drifted"]), (&json!("ann"), &json!(2)), "{record:#}");
    let seen = scene.service("orders").await.unwrap();
    let workload = &seen["status"]["workloadDrift"]["pause"];
    assert_eq!((&workload["by"], &workload["drifted"]), (&json!("ann"), &json!(2)), "its children: {workload:#}");
}

#[tokio::test]
async fn a_pause_that_is_taken_back_ends_at_once() {
    for (topic, kind, name) in [("back", "MicroService", "orders"), ("backall", "GitSync", "main")] {
        let Some(scene) = orders(topic, "Correct").await else { return };
        pause(&scene, kind, name, Some(3600)).await;
        edit(&scene, 3, "debug").await;
        is_left(&scene).await;
        pause(&scene, kind, name, None).await;
        are(&scene, "put back", 2, "info").await;
        let object = async || {
            let namespace = if kind == "GitSync" { &scene.home } else { &scene.namespace };
            scene.kube.get(kind, namespace, name).await
        };
        eventually("the pause is over", async || {
            let found = condition(&object().await, "Paused");
            holds(found["reason"] == "PauseEnded", found)
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_no_pause_is_said_and_corrections_go_on() {
    let Some(scene) = orders("nopause", "Correct").await else { return };
    let ahead = (Timestamp::now() + SignedDuration::from_hours(24 * 30)).to_string();
    for (until, words) in [
        ("tomorrow", "is no time such as"),
        ("2020-01-01T00:00:00Z", "was over already"),
        (ahead.as_str(), "more than 7 days ahead"),
    ] {
        ask(&scene, "MicroService", "orders", json!(until)).await;
        let refused = |orders: &Value| {
            let found = condition(orders, "Paused");
            found["reason"] == "PauseRefused" && found["message"].to_string().contains(words)
        };
        scene.service_that("orders", words, refused).await;
        ask(&scene, "GitSync", "main", json!(until)).await;
        scene
            .status(words, |status| {
                let found = condition(&json!({"status": status}), "Paused");
                found["reason"] == "PauseRefused" && found["message"].to_string().contains(words)
            })
            .await;
        edit(&scene, 3, "debug").await;
        are(&scene, "put back", 2, "info").await;
    }
    scene.event("MicroService", "orders", "PauseRefused", "is no time such as").await;
    scene.event("GitSync", "main", "PauseRefused", "is no time such as").await;
    assert_eq!(lines(&scene, "corrections are paused"), 0);
}

#[tokio::test]
async fn a_pause_outlives_the_daemon_and_is_told_once() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "restart").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    pause(&scene, "MicroService", "orders", Some(3600)).await;
    edit(&scene, 3, "debug").await;
    is_left(&scene).await;
    eventually("it is counted", async || {
        let count = daemon.metric("gitmoor_paused_objects", &["kind=\"microservice\""]).await;
        holds((count - 1.0).abs() < 0.1, count)
    })
    .await;
    daemon.kill();

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    scene.push(&[("orders.yaml", manifest(2))]).await;
    let image = |live: &Value| live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/orders:2";
    scene.object_that("Deployment", "orders", "the commit comes to the Deployment", image).await;
    are(&scene, "the edits stay", 3, "debug").await;
    pause(&scene, "MicroService", "orders", Some(3)).await;
    are(&scene, "put back", 2, "info").await;
    let ended = |orders: &Value| condition(orders, "Paused")["reason"] == "PauseEnded";
    let seen = scene.service_that("orders", "the pause is over", ended).await;
    assert_eq!(seen["status"]["workloadDrift"]["pause"]["drifted"], 1, "{:#}", seen["status"]["workloadDrift"]);
    scene.event("MicroService", "orders", "PauseEnded", "1 field differed meanwhile").await;
    scene.log.message("the pause of corrections is over").await;
    assert_eq!(lines(&scene, "corrections are paused"), 0, "the daemon before said so");
}
