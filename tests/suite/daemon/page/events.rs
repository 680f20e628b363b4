//! What a page that stays open hears.

use serde_json::json;

use super::client::{Event, Viewer};
use crate::support::alone::Alone;
use crate::support::scene::service;
use crate::support::{eventually, holds};

#[tokio::test]
async fn a_change_is_told_and_whoever_comes_back_goes_on() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--page", "127.0.0.1:0"]).await;
    let viewer = Viewer::new(&daemon.listener("page").await);
    let Some(scene) = alone.scene(&daemon, "events").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0}))), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    let name = format!("{}/a", scene.namespace);
    let list = eventually("the page has the services", async || {
        let list = viewer.read("/api/v1/services").await;
        if list["total"] == 2 { Ok(list) } else { Err(list.to_string()) }
    })
    .await;

    // It goes on from where the lists were.
    let version = list["version"].as_str().unwrap();
    let mut events = viewer.events(&format!("?since={version}")).await;
    let hello = events.next().await.unwrap();
    assert_eq!(
        (hello.name.as_str(), &hello.data["resumed"], &hello.data["role"]),
        ("hello", &json!(true), &json!("alone"))
    );
    let edit = json!([{"op": "replace", "path": "/spec/replicas", "value": 1}]);
    scene.kube.edit("kubectl-edit", "MicroService", &scene.namespace, "a", edit).await;
    let rows = |event: &Event| event.data["services"].as_array().cloned().unwrap_or_default();
    let drifted = |event: &Event| rows(event).iter().any(|row| row["name"] == *name && row["driftedFields"] == 1);
    let told = events.until("the drift is told", &drifted).await;
    assert_eq!((told.name.as_str(), &told.data["overview"]["driftedFields"]), ("change", &json!(1)));
    let entries = told.data["timeline"].to_string();
    assert!(entries.contains("/spec/replicas: declared 0, live 1"), "{entries}");

    // Whoever was away meanwhile is told what was missed, once.
    drop(events);
    scene.push(&[("b.yaml", json!(null))]).await;
    eventually("the page knows that it is gone", async || {
        let list = viewer.read("/api/v1/services").await;
        holds(list["total"] == 1, list)
    })
    .await;
    let back = viewer.with("last-event-id", told.id.clone());
    let mut events = back.events("").await;
    assert_eq!(events.next().await.unwrap().data["resumed"], true);
    let removed = format!("{}/b", scene.namespace);
    let gone =
        |event: &Event| event.data["removedServices"].as_array().is_some_and(|all| all.contains(&json!(removed)));
    events.until("what went is told", gone).await;

    // What another process said, or nobody, is no place to go on from.
    for last in ["00000000-1", "nonsense", ""] {
        let mut events = viewer.with("last-event-id", last).events("").await;
        assert_eq!(events.next().await.unwrap().data["resumed"], false, "{last}");
    }
    // A daemon that ends does not wait for whoever looks.
    let ended = daemon.terminate().await;
    assert!(ended.success());
    while events.next().await.is_some() {}
}
