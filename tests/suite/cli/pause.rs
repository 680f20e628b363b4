//! `gitmoor pause` and `gitmoor unpause`, with a daemon.

use serde_json::{Value, json};

use super::{gitmoor, gitmoor_on};
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

async fn replicas(scene: &Scene, what: &str, count: u32) {
    scene.service_that("orders", what, |orders| orders["spec"]["replicas"] == count).await;
}

async fn edit(scene: &Scene) {
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    let left = |orders: &Value| condition(orders, "SourceDrifted")["reason"] == "FieldsDiffer";
    scene.service_that("orders", "it is left", left).await;
}

#[tokio::test]
async fn paused_for_a_reason_until_unpaused() {
    let files = [("apps/orders.yaml", service("orders", json!({})))];
    let Some(scene) = Scene::synced("pausecli", json!({}), &files).await else { return };
    scene.ready("orders").await;
    let on = async |arguments: &[&str]| gitmoor_on(scene.kube.plane, arguments).await;
    let (orders, sync) = (format!("{}/orders", scene.namespace), format!("gitsync/{}/main", scene.namespace));
    let me: Value = serde_json::from_str(&scene.kube.kubectl(&["auth", "whoami", "-o", "json"]).await).unwrap();
    let me = me["status"]["userInfo"]["username"].as_str().unwrap();

    let ran = on(&["pause", &orders, "--for", "1h", "--reason", "incident 12"]).await.exits(0);
    assert!(ran.out.starts_with(&format!("MicroService {orders}: corrections are paused until 2")), "{}", ran.out);
    for words in [format!("by {me} (incident 12)"), format!("gitmoor unpause {orders}"), "in 60 min".into()] {
        assert!(ran.out.contains(&words), "{words}: {}", ran.out);
    }
    let live = scene.service_that("orders", "it is paused", |one| condition(one, "Paused")["status"] == "True").await;
    assert_eq!(live["metadata"]["annotations"]["gitmoor.dev/paused-by"], me);
    edit(&scene).await;
    for (arguments, words) in [
        (["status", &sync[8..]], format!("end it with: gitmoor unpause {orders}")),
        (["tree", &sync[8..]], "PAUSED: corrections are paused until 2".to_owned()),
        (["drift", &orders], format!("MicroService {orders}: corrections are paused until 2")),
    ] {
        let ran = on(&arguments).await;
        assert!(ran.out.contains(&words) && ran.out.contains("incident 12"), "{words}: {}", ran.out);
    }
    let json = on(&["drift", &orders, "-o", "json"]).await.exits(1).json();
    assert_eq!(json["drift"][0]["policy"], "Report", "{json:#}");

    let json = on(&["pause", &orders, "--for", "2h", "--reason", "still", "-o", "json"]).await.exits(0).json();
    assert_eq!(
        (&json["before"]["reason"], &json["reason"], &json["by"]),
        (&json!("incident 12"), &json!("still"), &json!(me))
    );
    let ran = on(&["unpause", &orders]).await.exits(0);
    assert!(ran.out.contains("what differs is put back again") && ran.out.contains("(still)"), "{}", ran.out);
    replicas(&scene, "put back", 1).await;
    let live = scene.service("orders").await.unwrap();
    let left = live["metadata"]["annotations"].as_object().unwrap().keys().any(|key| key.contains("pause"));
    assert!(!left, "{:#}", live["metadata"]["annotations"]);
    let ran = on(&["unpause", &orders]).await.exits(0);
    assert_eq!(ran.out, format!("MicroService {orders} was not paused\n"));

    let ran = on(&["pause", &sync, "--for", "1h", "--reason", "freeze"]).await.exits(0);
    assert!(ran.out.starts_with(&format!("GitSync {}: corrections are paused", &sync[8..])), "{}", ran.out);
    scene.condition("Paused", "True", "Paused").await;
    edit(&scene).await;
    for command in ["status", "tree", "drift"] {
        let ran = on(&[command, "-n", &scene.namespace]).await;
        assert!(ran.out.contains("corrections are paused until 2") && ran.out.contains("freeze"), "{}", ran.out);
    }
    let json = on(&["unpause", &sync, "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["kind"], &json["wasPaused"]), (&json!("GitSync"), &json!(true)));
    replicas(&scene, "put back", 1).await;
    let ran = on(&["pause", &sync[8..], "--for", "1h", "--reason", "x"]).await.exits(2);
    assert!(ran.err.contains(&format!("the GitSync of that name is {sync}")), "{}", ran.err);
}

#[tokio::test]
async fn a_pause_has_an_end_and_a_reason() {
    for (arguments, words) in [
        (&["pause", "orders", "--reason", "x"][..], "--for"),
        (&["pause", "orders", "--for", "1h"], "--reason"),
        (&["pause", "orders", "--for", "8d", "--reason", "x"], "the longest pause is 7 days"),
        (&["pause", "orders", "--for", "0s", "--reason", "x"], "not a duration"),
        (&["pause", "orders", "--for", "1h", "--reason", " "], "say why"),
        (&["pause", "a/b/c", "--for", "1h", "--reason", "x"], "neither NAME nor NAMESPACE/NAME"),
    ] {
        let ran = gitmoor(arguments).await.exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
}
