//! Waves: what is applied before what, what keeps a later one away, and that it goes on when that heals.

use serde_json::{Value, json};

use super::alone::quiet_polls;
use super::wait::foreign_deployment;
use crate::support::alone::Alone;
use crate::support::chronicle::{Chronicle, Happened};
use crate::support::git_server::GitServer;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// A service of a wave.
fn of_wave(name: &str, wave: i32, spec: Value) -> Value {
    let mut manifest = service(name, spec);
    manifest["metadata"]["annotations"] = json!({"gitmoor.dev/wave": wave.to_string()});
    manifest
}

/// A service whose pods cannot come up.
fn broken(name: &str, wave: i32) -> Value {
    of_wave(name, wave, json!({"image": format!("example.com/{name}:does-not-exist")}))
}

/// Whether the status says that something is waited for in this wave.
fn waits_in(status: &Value, wave: i32, first: &str) -> bool {
    let progress = &status["progress"];
    progress["wave"] == wave && progress["waitingFor"][0].as_str().is_some_and(|name| name.ends_with(first))
}

fn ready(status: &Value) -> Value {
    condition(&json!({"status": status}), "Ready")
}

/// At each moment: whether a service was ready for its spec.
fn was_ready(object: &Value) -> bool {
    let observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    observed && condition(object, "Ready")["status"] == "True"
}

#[tokio::test]
async fn a_wave_begins_when_the_one_before_is_ready_and_deletions_go_the_other_way() {
    let files = [
        ("a.yaml", of_wave("a", 5, json!({}))),
        ("b.yaml", of_wave("b", -3, json!({}))),
        ("c.yaml", of_wave("c", 0, json!({}))),
    ];
    let Some(scene) = Scene::new("waves").await else { return };
    let chronicle = Chronicle::begin(&scene.kube, "MicroService", &scene.namespace).await;
    let commit = scene.commit(&files);
    scene.create_sync(json!({"prune": {"budget": "100%"}})).await;
    let status = scene.applied(&commit).await;
    assert_eq!(status["progress"], Value::Null, "nothing is waited for: {status:#}");
    assert_eq!(chronicle.names("added", 3).await, ["b", "c", "a"]);
    begun_in_order(&chronicle.all(), "added", &["b", "c", "a"]);

    // Updates are made in the same order, whatever is ready from before.
    scene.ready("a").await;
    let chronicle = Chronicle::begin(&scene.kube, "MicroService", &scene.namespace).await;
    let next = |name: &str, wave| of_wave(name, wave, json!({"image": format!("example.com/{name}:2")}));
    scene.push(&[("a.yaml", next("a", 5)), ("b.yaml", next("b", -3)), ("c.yaml", next("c", 0))]).await;
    begun_in_order(&chronicle.all(), "modified", &["b", "c", "a"]);

    scene.push(&[("a.yaml", Value::Null), ("b.yaml", Value::Null), ("c.yaml", next("c", 0))]).await;
    assert_eq!(chronicle.names("deleted", 2).await, ["a", "b"]);
    scene.has_services(&["c"]).await;
    scene.condition("Ready", "True", "Applied").await;
}

/// When the generation of one first appears, those before it were ready at theirs.
fn begun_in_order(happened: &[Happened], what: &str, order: &[&str]) {
    let first = |name: &str| {
        let generation =
            happened.iter().filter(|one| one.name() == name).map(|one| one.object["metadata"]["generation"].as_u64());
        let last = generation.max().flatten();
        let is_it = |one: &Happened| one.name() == name && one.object["metadata"]["generation"].as_u64() == last;
        happened.iter().position(is_it).unwrap_or_else(|| panic!("{name} was never {what}"))
    };
    for pair in order.windows(2) {
        let begun = first(pair[1]);
        let before = happened[..begun].iter().rfind(|one| one.name() == pair[0]);
        let before = before.unwrap_or_else(|| panic!("{} began before {}", pair[1], pair[0]));
        assert!(
            first(pair[0]) < begun && was_ready(&before.object),
            "{} began when {} was\n{:#}",
            pair[1],
            pair[0],
            before.object["status"]
        );
    }
}

#[tokio::test]
async fn a_broken_image_keeps_the_next_wave_away_until_a_newer_commit_mends_it() {
    let Some(scene) = Scene::new("broken").await else { return };
    scene.commit(&[("a.yaml", broken("a", 0)), ("b.yaml", of_wave("b", 1, json!({})))]);
    scene.create_sync(json!({})).await;
    let status = scene
        .status("it waits for a", |status| {
            waits_in(status, 0, "/a") && ready(status)["message"].to_string().contains("ImagePull")
        })
        .await;
    let progress = &status["progress"];
    assert_eq!(
        (&progress["waves"], &progress["done"], &progress["total"]),
        (&json!(2), &json!(0), &json!(2)),
        "{progress:#}"
    );
    let found = ready(&status);
    assert_eq!((&found["status"], &found["reason"]), (&json!("False"), &json!("WaitingForWave")), "{found:#}");
    assert!(found["message"].as_str().unwrap().ends_with("1 change waits for it"), "{found:#}");
    assert_eq!(status["lastAppliedRevision"], Value::Null, "{status:#}");
    scene.has_services(&["a"]).await;

    // A newer commit ends the wait; both are applied.
    let commit = scene.commit(&[("a.yaml", of_wave("a", 0, json!({"image": "example.com/a:2"})))]);
    scene.request().await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a", "b"]).await;
    assert_eq!(status["progress"], Value::Null, "{status:#}");
    scene.ready("b").await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn an_update_waits_for_its_wave_and_drift_is_put_back_meanwhile() {
    let files = [
        ("a.yaml", of_wave("a", 0, json!({}))),
        ("b.yaml", of_wave("b", 1, json!({}))),
        ("c.yaml", of_wave("c", 1, json!({}))),
    ];
    let Some(scene) = Scene::synced("update", json!({}), &files).await else { return };
    scene.ready("b").await;
    scene.commit(&[("a.yaml", broken("a", 0)), ("b.yaml", of_wave("b", 1, json!({"replicas": 2})))]);
    scene.request().await;
    scene.status("it waits for a", |status| waits_in(status, 0, "/a")).await;
    // What no commit changed is put right at once: a field, and an object that somebody took away.
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 7}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "c", patch).await;
    scene.service_that("c", "it is put back", |c| c["spec"]["replicas"] == 1 && c["metadata"]["generation"] != 1).await;
    let uid = scene.service("c").await.unwrap()["metadata"]["uid"].clone();
    scene.kube.delete("MicroService", &scene.namespace, "c").await;
    scene.service_that("c", "it is made anew", |c| c["metadata"]["uid"] != uid).await;
    let b = scene.service("b").await.unwrap();
    assert_eq!(b["spec"]["replicas"], 1, "its turn has not come");

    scene.push(&[("a.yaml", of_wave("a", 0, json!({"image": "example.com/a:2"})))]).await;
    assert_eq!(scene.service("b").await.unwrap()["spec"]["replicas"], 2);
}

#[tokio::test]
async fn what_is_invalid_in_a_wave_keeps_the_later_ones_away_and_that_fails_in_time() {
    let Some(scene) = Scene::new("invalid").await else { return };
    let invalid = of_wave("a", 0, json!({"replicas": "many"}));
    scene.commit(&[("a.yaml", of_wave("a", 0, json!({}))), ("b.yaml", of_wave("b", 1, json!({})))]);
    scene.create_sync(json!({"waitTimeout": "1s"})).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.commit(&[("a.yaml", invalid), ("c.yaml", of_wave("c", 1, json!({})))]);
    let request = scene.request().await;
    let found = scene.condition("Ready", "False", "WaveFailed").await;
    assert!(found["message"].as_str().unwrap().contains("/a InvalidManifest; 1 change waits for it"), "{found:#}");
    scene.condition("Stalled", "True", "WaveFailed").await;
    // Nothing but a commit helps: who asked for the sync need not wait for more.
    scene.status("the request is handled", |status| status["lastHandledReconcileAt"] == *request).await;
    scene.has_services(&["a", "b"]).await;
    scene.event("GitSync", &scene.sync, "WaveFailed", "InvalidManifest").await;
    scene.push(&[("a.yaml", of_wave("a", 0, json!({"replicas": 2})))]).await;
    scene.has_services(&["a", "b", "c"]).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_wave_that_takes_too_long_is_told_and_goes_on_at_once_when_it_heals() {
    let Some(scene) = Scene::new("heals").await else { return };
    // Somebody's Deployment has the name, until it goes.
    scene.kube.create(&foreign_deployment(&scene.namespace, "a")).await;
    let commit = scene.commit(&[("a.yaml", of_wave("a", 0, json!({}))), ("b.yaml", of_wave("b", 1, json!({})))]);
    scene.create_sync(json!({"waitTimeout": "1s"})).await;
    let late = |status: &Value| {
        let ready = ready(status);
        let message = ready["message"].as_str().unwrap_or_default();
        let told = message.contains("/a NotOwned") && message.ends_with("longer than spec.waitTimeout");
        ready["status"] == "False" && ready["reason"] == "WaitTimeout" && told
    };
    scene.status("it says that it takes too long", late).await;
    scene.condition("Stalled", "True", "WaitTimeout").await;
    scene.has_services(&["a"]).await;
    scene.kube.delete("Deployment", &scene.namespace, "a").await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a", "b"]).await;
    assert_eq!(condition(&json!({"status": status}), "Stalled"), Value::Null, "{status:#}");
}

#[tokio::test]
async fn a_daemon_killed_while_it_waits_is_followed_by_one_that_waits_on() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "killed").await else { return };
    scene.commit(&[("a.yaml", broken("a", 0)), ("b.yaml", of_wave("b", 1, json!({})))]);
    scene.create_sync(json!({"waitTimeout": "10m"})).await;
    let before = scene.status("it waits for a", |status| waits_in(status, 0, "/a")).await;
    let a = scene.service("a").await.unwrap();
    daemon.kill();
    // Since another time than now: what the next one says, it did not make up.
    let since = "2026-01-01T00:00:00Z";
    scene.kube.merge_status("GitSync", &scene.home, &scene.sync, json!({"progress": {"since": since}})).await;

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    // The deadline is over by now.
    let found = scene.condition("Ready", "False", "WaitTimeout").await;
    assert!(found["message"].as_str().unwrap().contains("1 change waits for it"), "{found:#}");
    let after = scene.get_sync().await["status"].clone();
    assert_eq!(after["progress"]["since"], since);
    assert_eq!(after["progress"]["waitingFor"], before["progress"]["waitingFor"]);
    scene.has_services(&["a"]).await;
    assert_eq!(scene.service("a").await.unwrap()["metadata"]["uid"], a["metadata"]["uid"]);
    scene.push(&[("a.yaml", of_wave("a", 0, json!({"image": "example.com/a:2"})))]).await;
    scene.has_services(&["a", "b"]).await;
}

#[tokio::test]
async fn waiting_costs_no_call() {
    let Some(alone) = Alone::new().await else { return };
    let Some(server) = GitServer::start(&[]) else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = Scene::at(&server, alone.kube.clone(), daemon.log.clone(), "idle").await else { return };
    scene.commit(&[("a.yaml", broken("a", 0)), ("b.yaml", of_wave("b", 1, json!({})))]);
    scene.create_sync(json!({"interval": "1s"})).await;
    scene.status("it waits for a", |status| waits_in(status, 0, "/a")).await;
    quiet_polls(&alone, &server).await;
    scene.has_services(&["a"]).await;
}
