//! Files that are declared with the service: each content is a ConfigMap of its own, kept while a version uses it.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

fn manifest(content: &str) -> Value {
    let files = json!([{"path": "/etc/orders/app.yaml", "content": content}]);
    service("orders", json!({"configFiles": files, "revisionHistoryLimit": 1}))
}

/// The ConfigMap that the newest version uses, once it is that with this content and all its replicas run.
async fn rolled_out(scene: &Scene, content: &str) -> String {
    eventually(&format!("{content:?} is rolled out"), async || {
        let deployment = scene.kube.find("Deployment", &scene.namespace, "orders").await.unwrap_or_default();
        let name = &deployment["spec"]["template"]["spec"]["volumes"][1]["configMap"]["name"];
        let Some(name) = name.as_str() else { return Err(deployment.to_string()) };
        let map = scene.kube.find("ConfigMap", &scene.namespace, name).await.unwrap_or_default();
        let data = map["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
        holds(data == content && map["immutable"] == true, &map)?;
        Ok(name.to_owned())
    })
    .await
}

async fn maps(scene: &Scene) -> Vec<String> {
    let mut names = scene.kube.names("ConfigMap", &scene.namespace).await;
    names.retain(|name| name.starts_with("orders-"));
    names
}

#[tokio::test]
async fn a_config_map_is_kept_as_long_as_a_version_uses_it() {
    let files = [("orders.yaml", manifest("one"))];
    let Some(scene) = Scene::synced("config", json!({}), &files).await else { return };
    let one = rolled_out(&scene, "one").await;
    scene.ready("orders").await;
    scene.push(&[("orders.yaml", manifest("two"))]).await;
    let two = rolled_out(&scene, "two").await;
    scene.ready("orders").await;
    assert_ne!(one, two);
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    assert_eq!(maps(&scene).await, both, "the version before can be rolled back to");

    scene.push(&[("orders.yaml", manifest("three"))]).await;
    let three = rolled_out(&scene, "three").await;
    let mut newest = vec![two.clone(), three];
    newest.sort();
    eventually("what no version uses is gone", async || {
        let names = maps(&scene).await;
        holds(names == newest, names)
    })
    .await;
    scene.ready("orders").await;
    // What Git has again is what it was.
    scene.push(&[("orders.yaml", manifest("two"))]).await;
    assert_eq!(rolled_out(&scene, "two").await, two);
    assert_eq!(scene.drift_lines("workload", "ConfigMap", &two), Vec::<Value>::new());
}

#[tokio::test]
async fn a_config_map_that_somebody_deletes_is_made_again() {
    let files = [("orders.yaml", manifest("one"))];
    let Some(scene) = Scene::synced("config", json!({}), &files).await else { return };
    let name = rolled_out(&scene, "one").await;
    scene.ready("orders").await;
    let before = scene.kube.get("ConfigMap", &scene.namespace, &name).await;
    scene.kube.delete("ConfigMap", &scene.namespace, &name).await;
    scene
        .object_that("ConfigMap", &name, "it is there again", |map| map["metadata"]["uid"] != before["metadata"]["uid"])
        .await;
    eventually("it is told", async || {
        let lines = scene.drift_lines("workload", "ConfigMap", &name);
        holds(lines.len() == 1, lines)
    })
    .await;
}

#[tokio::test]
async fn files_that_are_no_longer_declared_go_with_the_last_version_that_had_them() {
    let files = [("orders.yaml", manifest("one"))];
    let Some(scene) = Scene::synced("config", json!({}), &files).await else { return };
    let one = rolled_out(&scene, "one").await;
    scene.ready("orders").await;
    let bare = |image: &str| service("orders", json!({"image": image, "revisionHistoryLimit": 1}));
    scene.push(&[("orders.yaml", bare("example.com/orders:2"))]).await;
    scene.ready("orders").await;
    assert_eq!(maps(&scene).await, [one]);
    scene.push(&[("orders.yaml", bare("example.com/orders:3"))]).await;
    eventually("it is gone", async || {
        let names = maps(&scene).await;
        holds(names.is_empty(), names)
    })
    .await;
}
