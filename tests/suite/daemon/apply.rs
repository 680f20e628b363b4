//! From a commit to MicroServices and their workloads.

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

#[tokio::test]
async fn a_commit_becomes_workloads_that_are_ready() {
    let files = [
        (
            "apps/orders.yaml",
            service("orders", json!({"replicas": 2, "ports": [{"name": "http", "containerPort": 8080}]})),
        ),
        ("apps/worker.yaml", service("worker", json!({}))),
    ];
    let Some(scene) = Scene::synced("apply", json!({"paths": ["apps"]}), &files).await else { return };
    let orders = scene.ready("orders").await;
    scene.ready("worker").await;
    let sync = scene.condition("Ready", "True", "Applied").await;
    assert!(sync["message"].as_str().unwrap().contains("2 declared"), "{sync}");

    let status = &orders["status"];
    assert_eq!(status["replicas"], json!({"desired": 2, "updated": 2, "ready": 2, "available": 2}));
    assert_eq!(status["image"], json!({"declared": "example.com/orders:1", "running": "example.com/orders:1"}));
    assert_eq!(status["source"]["sync"], format!("{}/main", scene.namespace));
    assert_eq!((&status["source"]["file"], &status["source"]["line"]), (&json!("apps/orders.yaml"), &json!(1)));
    let kinds: Vec<_> = status["children"].as_array().unwrap().iter().map(|child| child["kind"].clone()).collect();
    assert_eq!(kinds, ["ServiceAccount", "Service", "Deployment", "PodDisruptionBudget"]);
    let deployment = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    assert_eq!(deployment["metadata"]["ownerReferences"][0]["uid"], orders["metadata"]["uid"]);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "example.com/orders:1");
}

#[tokio::test]
async fn a_commit_changes_only_what_it_changed() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("update", json!({}), &files).await else { return };
    scene.ready("a").await;
    let b = scene.ready("b").await;
    let commit = scene.push(&[("a.yaml", service("a", json!({"image": "example.com/a:2"})))]).await;
    let a = scene.ready("a").await;
    assert_eq!(a["spec"]["image"], "example.com/a:2");
    assert_eq!(a["status"]["image"]["running"], "example.com/a:2");
    assert!(a["status"]["source"]["revision"].as_str().unwrap().ends_with(&commit));
    assert_eq!(scene.service("b").await.unwrap(), b, "nothing touched what the commit did not change");
    let counts = scene.get_sync().await["status"]["counts"].take();
    assert_eq!((&counts["applied"], &counts["unchanged"]), (&json!(1), &json!(1)), "{counts}");
}

#[tokio::test]
async fn a_mark_that_somebody_wrote_does_not_stop_the_next_commit() {
    let Some(scene) = Scene::synced("marks", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    let marks = json!({"gitmoor.dev/source-revision": "theirs", "gitmoor.dev/source-path": "theirs.yaml:1"});
    scene
        .kube
        .merge("somebody", "MicroService", &scene.namespace, "a", json!({"metadata": {"annotations": marks}}))
        .await;
    let commit = scene.push(&[("a.yaml", service("a", json!({"image": "example.com/a:2"})))]).await;
    let a = scene.service("a").await.unwrap();
    let annotations = &a["metadata"]["annotations"];
    assert_eq!(
        (&a["spec"]["image"], &annotations["gitmoor.dev/source-path"]),
        (&json!("example.com/a:2"), &json!("a.yaml:1"))
    );
    assert!(annotations["gitmoor.dev/source-revision"].as_str().unwrap().ends_with(&commit), "{annotations}");
}

#[tokio::test]
async fn what_is_taken_from_the_manifest_goes_from_the_cluster() {
    let first = service(
        "orders",
        json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "ports": [{"containerPort": 80}]}),
    );
    let Some(scene) = Scene::synced("fields", json!({}), &[("a.yaml", first)]).await else { return };
    scene.ready("orders").await;
    assert!(scene.kube.find("Service", &scene.namespace, "orders").await.is_some());
    scene.push(&[("a.yaml", service("orders", json!({"env": [{"name": "B", "value": "2"}]})))]).await;
    let orders = scene.ready("orders").await;
    assert_eq!(orders["spec"]["env"], json!([{"name": "B", "value": "2"}]));
    assert_eq!(orders["spec"]["ports"], Value::Null);
    scene
        .object_that("Deployment", "orders", "A is gone", |live| {
            live["spec"]["template"]["spec"]["containers"][0]["env"].as_array().is_some_and(|env| env.len() == 1)
        })
        .await;
    crate::support::eventually("the Service is gone", async || {
        crate::support::holds(scene.kube.find("Service", &scene.namespace, "orders").await.is_none(), "it is there")
    })
    .await;
    assert_eq!(condition(&orders, "WorkloadDrifted")["status"], "False", "a commit is no drift");
    assert_eq!(scene.drift_lines("workload", "Deployment", "orders"), Vec::<Value>::new());
}
