//! API servers that are behind, that tell of what was before, and that have forgotten what came meanwhile.

use serde_json::{Value, json};

use super::play::crash;
use crate::support::alone::{Alone, Credentials};
use crate::support::daemon::Daemon;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::storm::{Counts, Lag, Storm, Weather};
use crate::support::{eventually, holds};

/// A way to the API server that can be disturbed.
async fn storm(alone: &Alone) -> (Storm, Counts, Credentials) {
    let (counts, credentials) = (Counts::default(), alone.credentials().await);
    let storm = Storm::before(&credentials.kubeconfig(), 1, Counts::clone(&counts)).await;
    (storm, counts, credentials)
}

/// A scene whose GitSync has applied services `a` and `b`.
async fn applied(alone: &Alone, daemon: &Daemon, topic: &str) -> Option<Scene> {
    let scene = alone.scene(daemon, topic).await?;
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let commit = scene.commit(&files);
    scene.create_sync(json!({"prune": {"enabled": true, "budget": "100%"}})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    scene.ready("b").await;
    Some(scene)
}

fn told(daemon: &Daemon, words: &str) -> Vec<Value> {
    daemon.log.lines(|line| line["message"].as_str().is_some_and(|message| message.contains(words)))
}

#[tokio::test]
async fn a_daemon_that_starts_before_an_api_server_that_is_behind_begins_with_what_is_so() {
    let Some(alone) = Alone::new().await else { return };
    let (storm, counts, _credentials) = storm(&alone).await;
    let first = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = applied(&alone, &first, "behind").await else { return };
    // What the next one lists is what the API server is behind at: nothing is suspended, and all is declared.
    first.kill();
    let second = Daemon::start(&storm.kubeconfig(), &[]).await;
    second.log.message("watch caches are complete").await;
    // It has read what it says to be applied.
    scene.settled().await;
    let suspended = json!({"spec": {"suspend": true}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, suspended).await;
    let is_suspended = |sync: &Value| condition(sync, "Ready")["reason"] == "Suspended";
    scene.object_that("GitSync", &scene.sync, "it is suspended", is_suspended).await;
    scene.commit(&[("a.yaml", service("a", json!({"image": "example.com/a:2"})))]);
    second.kill();

    storm.lags(Lag::WhereAllowed);
    let since = alone.audit.mark();
    let third = Daemon::start(&storm.kubeconfig(), &[]).await;
    third.log.message("watch caches are complete").await;
    // By the time that another one is applied, this one would be, too.
    let Some(_other) = applied(&alone, &third, "ahead").await else { return };
    let a = scene.service("a").await.unwrap();
    assert_eq!(a["spec"]["image"], "example.com/a:1", "it is suspended");
    let writes = alone.audit.deeds(since);
    let patches = writes.iter().filter(|deed| deed.is_write() && deed.call.resource == "microservices");
    let patches = patches.filter(|deed| deed.call.subresource.is_empty()).count();
    assert_eq!(patches, 2, "those of the other one: {writes:#?}");
    let lists = counts.lock().unwrap().get("list as it was before").copied();
    assert_eq!(lists, None, "nobody asks for what a server has at hand");
}

#[tokio::test]
async fn a_list_of_what_was_before_what_was_told_is_not_believed() {
    let Some(alone) = Alone::new().await else { return };
    let (storm, _counts, _credentials) = storm(&alone).await;
    // It lists a cluster with nothing in it.
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = applied(&alone, &daemon, "backwards").await else { return };
    let since = alone.audit.mark();
    storm.lags(Lag::Always);
    storm.expire();
    eventually("the lists are not believed", async || {
        let kinds: Vec<_> =
            told(&daemon, "listed what was before").iter().map(|line| line["kind"].to_string()).collect();
        let all = ["GitSync", "MicroService", "Deployment"].map(|kind| format!("{kind:?}"));
        holds(all.iter().all(|kind| kinds.contains(kind)), kinds)
    })
    .await;
    let writes = alone.audit.deeds(since);
    let writes = writes.iter().filter(|deed| deed.is_write() && deed.call.resource != "events");
    let writes: Vec<_> = writes.filter(|deed| deed.call.subresource != "status").collect();
    assert!(writes.is_empty(), "{writes:#?}");
    assert_eq!(condition(&scene.get_sync().await, "Ready")["reason"], "Applied");

    // What happened meanwhile is heard of once there is a list again.
    scene.kube.delete("MicroService", &scene.namespace, "b").await;
    storm.lags(Lag::No);
    let new = [("a.yaml", service("a", json!({"image": "example.com/a:2"})))];
    scene.push(&new).await;
    scene.service_that("a", "the commit is applied", |a| a["spec"]["image"] == "example.com/a:2").await;
    scene.ready("b").await;
}

#[tokio::test]
async fn what_etcd_has_forgotten_under_a_watch_is_listed_again() {
    let Some(alone) = Alone::in_storm().await else { return };
    let (storm, _counts, _credentials) = storm(&alone).await;
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = applied(&alone, &daemon, "compacted").await else { return };
    storm.becomes(Weather::Closed);
    for replicas in 3..6 {
        let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
        scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    }
    scene.kube.delete("MicroService", &scene.namespace, "b").await;
    alone.kube.plane.compact().await;
    // Another one has nothing of what was before in its memory, either.
    assert!(crash(&alone.kube, "kube-apiserver").await);
    storm.becomes(Weather::Calm);
    eventually("the place of a watch is forgotten", async || {
        let lines = daemon.log.lines(|line| line["error"].as_str().is_some_and(|error| error.contains("too old")));
        holds(!lines.is_empty(), daemon.log.tail())
    })
    .await;
    scene.service_that("a", "the edit is put back", |a| a["spec"]["replicas"] == 1).await;
    scene.ready("b").await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"image": "example.com/a:2"})))]);
    scene.request().await;
    scene.applied(&commit).await;
    assert!(daemon.log.lines(|line| line.to_string().contains("panicked")).is_empty());
}

#[tokio::test]
async fn an_api_server_that_lists_in_pages_only_is_worked_with_all_the_same() {
    let Some(alone) = Alone::new().await else { return };
    let (storm, _counts, _credentials) = storm(&alone).await;
    storm.lags(Lag::Paged);
    let first = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = applied(&alone, &first, "pages").await else { return };
    first.kill();
    let since = alone.audit.mark();
    let second = Daemon::start(&storm.kubeconfig(), &[]).await;
    second.log.message("watch caches are complete").await;
    let request = scene.request().await;
    scene.status("it is looked at", |status| status["lastHandledReconcileAt"] == request).await;
    let writes = alone.audit.deeds(since);
    let of = |resource: &str| ["microservices", "deployments"].contains(&resource);
    let writes = writes.iter().filter(|deed| deed.is_write() && of(&deed.call.resource));
    let writes: Vec<_> = writes.filter(|deed| deed.call.subresource.is_empty()).collect();
    assert!(writes.is_empty(), "what is as declared is not written: {writes:#?}");
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "a", patch).await;
    scene.object_that("Deployment", "a", "the edit is put back", |a| a["spec"]["replicas"] == 1).await;
}
