//! `gitmoor reconcile`.

use serde_json::json;

use super::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::kube::text;
use crate::support::scene::{Scene, service};

#[tokio::test]
async fn it_waits_for_the_daemon_and_says_what_came_of_it() {
    let files = [("apps/orders.yaml", service("orders", json!({})))];
    let Some(scene) = Scene::synced("reconcile", json!({}), &files).await else { return };
    let name = format!("{}/main", scene.namespace);
    let commit = scene.commit(&[("apps/orders.yaml", service("orders", json!({"replicas": 3})))]);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", &name, "--wait"]).await.exits(0);
    assert!(ran.out.starts_with(&format!("{name} is ready: Applied: main@sha1:{commit}")), "{}", ran.out);
    assert_eq!(ran.err, "", "a pipe hears nothing of what is waited for");
    assert_eq!(scene.service("orders").await.unwrap()["spec"]["replicas"], 3);
    let sync = scene.get_sync().await;
    let requested = text(&sync["metadata"]["annotations"]["gitmoor.dev/reconcile-requested-at"]).to_owned();
    requested.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(sync["status"]["lastHandledReconcileAt"], requested);

    // Nothing is new, and it is answered all the same.
    let json = gitmoor_on(scene.kube.plane, &["reconcile", &name, "--wait", "-o", "json"]).await.exits(0).json();
    let answer = &json["gitsyncs"][0];
    assert_eq!((&answer["name"], &answer["handled"], &answer["ready"]), (&json!(name), &json!(true), &json!("True")));
    assert_ne!(answer["requested"], requested);

    scene.commit(&[("apps/bad.yaml", service("bad", json!({"replicas": "many"})))]);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", "main", "-n", &scene.namespace, "--wait"]).await.exits(1);
    assert!(ran.out.contains("is not ready: InvalidManifests"), "{}", ran.out);
    assert!(ran.out.contains("\n    apps/bad.yaml:7:13 GM204 "), "{}", ran.out);
}

#[tokio::test]
async fn several_are_asked_and_one_that_fails_stops_no_other() {
    let Some(scene) = Scene::synced("several", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let name = format!("{}/main", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", &name, &name]).await.exits(0);
    assert_eq!(ran.out.lines().count(), 1, "named twice is asked once: {}", ran.out);
    assert!(ran.out.contains(&format!("gitmoor status {name} --watch")), "{}", ran.out);

    let wrong = format!("{}/mian", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", &wrong, &name, "--wait"]).await.exits(2);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].contains(&format!("there is no GitSync {wrong}; there is {name}")), "{}", ran.out);
    assert!(lines[1].starts_with(&format!("{name} is ready")), "{}", ran.out);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", &wrong]).await.exits(2);
    assert!(ran.out.is_empty() && ran.err.contains(&format!("there is {name}")), "{}", ran.err);
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", "nothing-like-it", "-n", &scene.namespace]).await.exits(2);
    assert!(ran.err.contains("see: gitmoor status -A"), "{}", ran.err);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_an_answer() {
    let Some(scene) = Scene::new("unread").await else { return };
    let name = format!("{}/main", scene.namespace);
    scene.create_sync(json!({"url": format!("{}-missing", scene.url)})).await;
    for _ in 0..2 {
        let ran = gitmoor_on(scene.kube.plane, &["reconcile", &name, "--wait"]).await.exits(1);
        assert!(ran.out.starts_with(&format!("{name} is not ready: ")), "{}", ran.out);
    }
    // What cannot be acted on is one, too: the daemon has seen the request, and there is nothing to wait for.
    let patch = json!({"spec": {"url": scene.url, "interval": "99999999999h"}});
    scene.kube.merge("suite", "GitSync", &scene.namespace, "main", patch).await;
    let ran = gitmoor_on(scene.kube.plane, &["reconcile", &name, "--wait"]).await.exits(1);
    assert!(ran.out.contains("is not ready: InvalidSpec: spec.interval"), "{}", ran.out);
}

#[tokio::test]
async fn without_a_daemon_it_ends_in_time_and_says_so() {
    let Some(alone) = Alone::new().await else { return };
    let namespace = alone.kube.namespace("nobody").await;
    let sync = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com/x"},
                      "metadata": {"namespace": namespace, "name": "main"}});
    alone.kube.create(&sync).await;
    let name = format!("{namespace}/main");
    let arguments = ["reconcile", &name, "--wait", "--timeout", "2s"];
    let ran = gitmoor_on(alone.kube.plane, &arguments).await.exits(2);
    assert!(
        ran.out.contains("is not answered; its status says: Ready=Unknown NotObserved")
            && ran.out.contains("does it run"),
        "{}",
        ran.out
    );
    // It goes while it is waited for.
    let deleted = async {
        crate::support::eventually("it is asked", async || {
            let live = alone.kube.get("GitSync", &namespace, "main").await;
            let asked = live["metadata"]["annotations"]["gitmoor.dev/reconcile-requested-at"].clone();
            crate::support::holds(asked.is_string() && live["metadata"]["generation"] == 1, &live["metadata"])
        })
        .await;
        alone.kube.delete("GitSync", &namespace, "main").await;
    };
    let arguments = ["reconcile", &name, "--wait"];
    let (ran, ()) = tokio::join!(gitmoor_on(alone.kube.plane, &arguments), deleted);
    let ran = ran.exits(2);
    assert!(ran.err.contains("is gone") || ran.err.contains("there is no GitSync"), "{}", ran.err);
}
