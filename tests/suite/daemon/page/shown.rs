//! What the page shows of the daemon itself, and what it costs.

use serde_json::json;

use super::client::Viewer;
use crate::support::alone::Alone;
use crate::support::scene::service;
use crate::support::{eventually, holds};

#[tokio::test]
async fn a_standby_shows_what_it_sees_and_says_that_it_is_one() {
    let Some(alone) = Alone::new().await else { return };
    let leader = alone.daemon(&["--leader-elect"]).await;
    leader.log.line("it leads", |line| line["message"] == "leading").await;
    let Some(scene) = alone.scene(&leader, "standby").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    let standby = alone.daemon(&["--leader-elect", "--page", "127.0.0.1:0"]).await;
    let viewer = Viewer::new(&standby.listener("page").await);
    let name = format!("{}/a", scene.namespace);
    eventually("it shows the service and says what it is", async || {
        let (overview, list) = (viewer.read("/api/v1/overview").await, viewer.read("/api/v1/services").await);
        let row = &list["items"][0];
        let fits = overview["role"] == "standby" && overview["complete"] == true && row["name"] == *name;
        holds(fits && row["health"] == "Ready", (overview, list))
    })
    .await;
    let timeline = viewer.read(&format!("/api/v1/timeline?object=MicroService/{name}")).await;
    assert!(timeline["items"][0]["kind"].is_string(), "what status keeps is told by a process that did not see it");
}

#[tokio::test]
async fn looking_costs_no_call_to_the_api_server() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--page", "127.0.0.1:0"]).await;
    let viewer = Viewer::new(&daemon.listener("page").await);
    let Some(scene) = alone.scene(&daemon, "free").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    let path = format!("/api/v1/services/{}/a", scene.namespace);
    eventually("the page has the service", async || {
        let (status, body) = viewer.get(&path).await;
        holds(status == 200 && body["health"] == "Ready", body)
    })
    .await;
    let since = alone.audit.mark();
    let sync = format!("/api/v1/gitsyncs/{}/{}", scene.home, scene.sync);
    for _ in 0..5 {
        for path in [&path, &format!("{path}/tree"), &sync, &"/api/v1/drift".to_owned(), &"/api/v1/services".to_owned()]
        {
            viewer.read(path).await;
        }
    }
    let calls = alone.audit.calls(since);
    let asked: Vec<_> = calls.iter().filter(|call| ["get", "list", "create"].contains(&call.verb.as_str())).collect();
    assert!(asked.is_empty(), "{asked:#?}");
}
