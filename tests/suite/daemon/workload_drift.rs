//! Somebody changes a child that a MicroService is rendered into.

use serde_json::{Value, json};

use super::told::{Drift, manifest, orders};
use crate::support::canary::secret;
use crate::support::kube::condition;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

/// Each policy, and what it does: corrected or left.
async fn under_both(topic: &str, edit: impl AsyncFn(&Scene), drift: Drift, left: impl Fn(&Value) -> bool) {
    let Some(scene) = orders(topic, "Correct").await else { return };
    let before = scene.kube.get(drift.kind, &scene.namespace, "orders").await;
    edit(&scene).await;
    drift.is_told_and_corrected(&scene).await;
    let as_rendered =
        |live: &Value| live["spec"] == before["spec"] && live["metadata"]["labels"] == before["metadata"]["labels"];
    let after = scene.object_that(drift.kind, "orders", "it is as rendered", as_rendered).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    scene.ready("orders").await;

    let Some(scene) = orders(topic, "Report").await else { return };
    edit(&scene).await;
    drift.is_told_and_left(&scene).await;
    let after = scene.kube.get(drift.kind, &scene.namespace, "orders").await;
    assert!(left(&after), "left as somebody wrote it: {:#}", after["spec"]);
    // A commit that changes something else does not touch it.
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene
        .object_that("Deployment", "orders", "the new image", |live| {
            live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/orders:2"
        })
        .await;
    let after = scene.kube.get(drift.kind, &scene.namespace, "orders").await;
    assert!(left(&after), "after a commit, too: {:#}", after["spec"]);
    scene
        .service_that("orders", "still drifted", |orders| condition(orders, "WorkloadDrifted")["status"] == "True")
        .await;
}

async fn patch(scene: &Scene, kind: &str, patch: Value) {
    scene.kube.edit("somebody", kind, &scene.namespace, "orders", patch).await;
}

fn container(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"][0]
}

#[tokio::test]
async fn an_edit_of_the_deployment_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        scene.kube.kubectl_edit(&scene.namespace, "deployment/orders", "s|value: info|value: debug|").await;
    };
    let drift = Drift {
        kind: "Deployment",
        path: "/spec/template/spec/containers/0/env/0/value",
        change: "Modified",
        declared: json!("info"),
        live: json!("debug"),
        by: Some(("kubectl-edit", "Update")),
    };
    under_both("edit", edit, drift, |live| container(live)["env"][0]["value"] == "debug").await;
}

#[tokio::test]
async fn an_edit_of_the_service_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        scene.kube.kubectl_edit(&scene.namespace, "service/orders", "s|targetPort: http|targetPort: 9999|").await;
    };
    let drift = Drift {
        kind: "Service",
        path: "/spec/ports/0/targetPort",
        change: "Modified",
        declared: json!("http"),
        live: json!(9999),
        by: Some(("kubectl-edit", "Update")),
    };
    under_both("port", edit, drift, |live| live["spec"]["ports"][0]["targetPort"] == 9999).await;
}

#[tokio::test]
async fn a_deployment_scaled_by_hand_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        scene.kube.kubectl(&["scale", "-n", &scene.namespace, "deployment/orders", "--replicas=4"]).await;
    };
    let drift = Drift {
        kind: "Deployment",
        path: "/spec/replicas",
        change: "Modified",
        declared: json!(2),
        live: json!(4),
        by: Some(("kubectl", "Update (scale)")),
    };
    under_both("scale", edit, drift, |live| live["spec"]["replicas"] == 4).await;
}

#[tokio::test]
async fn an_apply_of_another_manager_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        let theirs = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders", "namespace": scene.namespace},
            "spec": {"sessionAffinity": "ClientIP"}
        });
        let arguments = ["apply", "--server-side", "--force-conflicts", "--field-manager", "mesh", "-f", "-"];
        scene.kube.kubectl_with(&arguments, &theirs.to_string()).await;
    };
    let drift = Drift {
        kind: "Service",
        path: "/spec/sessionAffinity",
        change: "Added",
        declared: Value::Null,
        live: json!("ClientIP"),
        by: Some(("mesh", "Apply")),
    };
    let Some(scene) = orders("mesh", "Correct").await else { return };
    edit(&scene).await;
    drift.is_told_and_corrected(&scene).await;
    // The server writes its default where an apply takes the value away.
    scene.object_that("Service", "orders", "it is put back", |live| live["spec"]["sessionAffinity"] == "None").await;
    let Some(scene) = orders("mesh", "Report").await else { return };
    edit(&scene).await;
    drift.is_told_and_left(&scene).await;
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene.ready("orders").await;
    assert_eq!(scene.kube.get("Service", &scene.namespace, "orders").await["spec"]["sessionAffinity"], "ClientIP");
}

#[tokio::test]
async fn an_added_sidecar_is_told_and_removed_or_left() {
    let sidecar = json!({"name": "spy", "image": "example.com/spy:1"});
    let edit = async |scene: &Scene| {
        patch(
            scene,
            "Deployment",
            json!([{"op": "add", "path": "/spec/template/spec/containers/-", "value": sidecar}]),
        )
        .await;
    };
    let live = json!({
        "name": "spy", "image": "example.com/spy:1", "imagePullPolicy": "IfNotPresent", "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
    });
    let drift = Drift {
        kind: "Deployment",
        path: "/spec/template/spec/containers/1",
        change: "Added",
        declared: Value::Null,
        live,
        by: Some(("somebody", "Update")),
    };
    under_both("sidecar", edit, drift, |live| live["spec"]["template"]["spec"]["containers"][1]["name"] == "spy").await;
}

#[tokio::test]
async fn an_added_variable_of_a_container_is_told_and_removed_or_left() {
    let edit = async |scene: &Scene| {
        let path = "/spec/template/spec/containers/0/env/-";
        patch(scene, "Deployment", json!([{"op": "add", "path": path, "value": {"name": "DEBUG", "value": "1"}}]))
            .await;
    };
    let drift = Drift {
        kind: "Deployment",
        path: "/spec/template/spec/containers/0/env/2",
        change: "Added",
        declared: Value::Null,
        live: json!({"name": "DEBUG", "value": "1"}),
        by: Some(("somebody", "Update")),
    };
    under_both("variable", edit, drift, |live| container(live)["env"][2]["name"] == "DEBUG").await;
}

#[tokio::test]
async fn an_added_label_of_a_child_is_told_and_removed_or_left() {
    let edit = async |scene: &Scene| {
        scene.kube.kubectl(&["label", "-n", &scene.namespace, "service/orders", "team=x"]).await;
    };
    let drift = Drift {
        kind: "Service",
        path: "/metadata/labels/team",
        change: "Added",
        declared: Value::Null,
        live: json!("x"),
        by: Some(("kubectl-label", "Update")),
    };
    under_both("label", edit, drift, |live| live["metadata"]["labels"]["team"] == "x").await;
}

#[tokio::test]
async fn a_removed_field_of_a_child_is_told_and_put_back_or_left() {
    let edit = async |scene: &Scene| {
        let path = "/spec/template/spec/containers/0/resources/requests/memory";
        patch(scene, "Deployment", json!([{"op": "remove", "path": path}])).await;
    };
    let drift = Drift {
        kind: "Deployment",
        path: "/spec/template/spec/containers/0/resources/requests/memory",
        change: "Removed",
        declared: json!("128Mi"),
        live: Value::Null,
        by: None,
    };
    under_both("removed", edit, drift, |live| container(live)["resources"]["requests"].get("memory").is_none()).await;
}

#[tokio::test]
async fn a_deleted_child_is_told_and_made_anew() {
    let Some(scene) = orders("gone", "Correct").await else { return };
    let before = scene.kube.get("Service", &scene.namespace, "orders").await;
    scene.kube.delete("Service", &scene.namespace, "orders").await;
    scene
        .object_that("Service", "orders", "it is another object", |live| {
            live["metadata"]["uid"] != before["metadata"]["uid"]
        })
        .await;
    child_deletion_is_told(&scene, "Correct").await;
    scene.ready("orders").await;
}

#[tokio::test]
async fn a_deleted_child_stays_deleted_under_report_and_is_told_once() {
    let Some(scene) = orders("gone", "Report").await else { return };
    scene.kube.delete("Service", &scene.namespace, "orders").await;
    child_deletion_is_told(&scene, "Report").await;
    scene.service_that("orders", "drifted", |orders| condition(orders, "WorkloadDrifted")["status"] == "True").await;
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene
        .service_that("orders", "the new image runs", |orders| {
            orders["status"]["image"]["running"] == "example.com/orders:2"
        })
        .await;
    assert!(scene.kube.find("Service", &scene.namespace, "orders").await.is_none());
    assert_eq!(scene.drift_lines("workload", "Service", "orders").len(), 1);
}

async fn child_deletion_is_told(scene: &Scene, policy: &str) {
    let object = format!("{}/orders", scene.namespace);
    let line = scene.log.line("the deletion", |line| line["change"] == "Deleted" && line["object"] == *object).await;
    assert_eq!(
        (&line["layer"], &line["kind"], &line["policy"]),
        (&json!("workload"), &json!("Service"), &json!(policy))
    );
    scene.event("MicroService", "orders", "WorkloadDrift", "was deleted").await;
}

#[tokio::test]
async fn a_restart_by_kubectl_rolls_out_and_is_no_drift() {
    let Some(scene) = orders("restart", "Correct").await else { return };
    let pods = |pods: &[Value]| pods.iter().map(|pod| pod["metadata"]["name"].clone()).collect::<Vec<_>>();
    let before = pods(&scene.kube.list("Pod", &scene.namespace).await);
    scene.kube.kubectl(&["rollout", "restart", "-n", &scene.namespace, "deployment/orders"]).await;
    scene.kube.kubectl(&["rollout", "status", "-n", &scene.namespace, "deployment/orders", "--timeout=60s"]).await;
    // A drift after it, which is corrected: the restart had its chance.
    patch(&scene, "Deployment", json!([{"op": "replace", "path": "/spec/replicas", "value": 3}])).await;
    scene
        .service_that("orders", "put back", |orders| condition(orders, "WorkloadDrifted")["reason"] == "Corrected")
        .await;
    let live = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let annotations = &live["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_string(), "{annotations:#}");
    let lines = scene.drift_lines("workload", "Deployment", "orders");
    assert_eq!(lines.iter().map(|line| line["path"].clone()).collect::<Vec<_>>(), ["/spec/replicas"]);
    eventually("every pod is a new one", async || {
        let now = pods(&scene.kube.list("Pod", &scene.namespace).await);
        holds(!now.is_empty() && now.iter().all(|pod| !before.contains(pod)), now)
    })
    .await;
}

#[tokio::test]
async fn several_fields_at_once_are_each_told() {
    let Some(scene) = orders("several", "Report").await else { return };
    let changes = json!([
        {"op": "replace", "path": "/spec/replicas", "value": 3},
        {"op": "replace", "path": "/spec/template/spec/containers/0/env/1/value", "value": "test"},
        {"op": "add", "path": "/metadata/labels/team", "value": "x"}
    ]);
    patch(&scene, "Deployment", changes).await;
    let orders =
        scene.service_that("orders", "three fields", |orders| orders["status"]["workloadDrift"]["count"] == 3).await;
    let fields = orders["status"]["workloadDrift"]["fields"].as_array().unwrap();
    assert!(fields.iter().all(|field| field["manager"] == "somebody"), "{fields:#?}");
    eventually("each is in the log", async || {
        let lines = scene.drift_lines("workload", "Deployment", "orders");
        holds(lines.len() == 3, lines)
    })
    .await;
    assert_eq!(condition(&orders, "ChildrenApplied")["reason"], "Drifted");
}

#[tokio::test]
async fn a_value_that_looks_secret_is_told_without_the_value() {
    let Some(scene) = orders("secret", "Report").await else { return };
    let path = "/spec/template/spec/containers/0/env/-";
    let secret = json!({"name": "DB_PASSWORD", "value": secret!("hunter")});
    patch(&scene, "Deployment", json!([{"op": "add", "path": path, "value": secret}])).await;
    let orders =
        scene.service_that("orders", "drifted", |orders| orders["status"]["workloadDrift"]["count"] == 1).await;
    scene.event("MicroService", "orders", "WorkloadDrift", "DB_PASSWORD").await;
    assert!(!orders["status"].to_string().contains(secret!("hunter")), "{:#}", orders["status"]);
    let leaks = scene.log.lines(|line| line.to_string().contains(secret!("hunter")));
    assert!(leaks.is_empty(), "{leaks:#?}");
    let events = scene.kube.list("Event", &scene.namespace).await;
    assert!(!events.iter().any(|event| event["note"].to_string().contains(secret!("hunter"))), "{events:#?}");
}
