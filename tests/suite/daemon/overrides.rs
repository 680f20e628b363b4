//! Overrides of what is rendered: they change what they name, are no drift, and say where they are wrong.

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

fn overridden(kind: &str, patch: &Value) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": kind});
    service("a", json!({"ports": [{"containerPort": 8080}], "overrides": [{"target": target, "patch": patch}]}))
}

fn pod(patch: &Value) -> Value {
    json!({"spec": {"template": {"spec": patch}}})
}

#[tokio::test]
async fn what_an_override_sets_is_declared_and_no_drift() {
    let patch =
        pod(&json!({"hostUsers": false, "containers": [{"name": "a", "workingDir": "/srv", "lifecycle": null}]}));
    let Some(scene) = Scene::synced("override", json!({}), &[("a.yaml", overridden("Deployment", &patch))]).await
    else {
        return;
    };
    scene.ready("a").await;
    let fits = |live: &Value| {
        let pod = &live["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        pod["hostUsers"] == false && container["workingDir"] == "/srv" && container.get("lifecycle").is_none()
    };
    scene.object_that("Deployment", "a", "it is as overridden", fits).await;
    // Somebody's edit of such a field is.
    let edit = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/workingDir", "value": "/tmp"}]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "a", edit).await;
    let put_back = |a: &Value| condition(a, "WorkloadDrifted")["reason"] == "Corrected";
    scene.service_that("a", "what differed was put back", put_back).await;
    scene.object_that("Deployment", "a", "it is as overridden again", fits).await;
    let told = scene.drift_lines("workload", "Deployment", "a");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["path"], "/spec/template/spec/containers/0/workingDir");
}

#[tokio::test]
async fn an_override_of_what_is_not_rendered_is_told_and_the_rest_is_made() {
    let files = [("a.yaml", overridden("StatefulSet", &json!({"spec": {"replicas": 3}})))];
    let Some(scene) = Scene::synced("lost", json!({}), &files).await else { return };
    let told = |a: &Value| condition(a, "Ready")["reason"] == "OverrideUnmatched";
    let a = scene.service_that("a", "it says what is wrong", told).await;
    let message = condition(&a, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("spec.overrides[0].target: apps/v1 StatefulSet is not rendered"), "{message}");
    assert_eq!(condition(&a, "Stalled")["status"], "True");
    scene.service_that("a", "it serves", |a| condition(a, "Available")["status"] == "True").await;
    scene.push(&[("a.yaml", service("a", json!({})))]).await;
    scene.ready("a").await;
}

#[tokio::test]
async fn an_override_that_breaks_a_child_is_told_in_the_api_servers_words() {
    let good = service("a", json!({"ports": [{"containerPort": 8080}]}));
    let files = [("a.yaml", good.clone()), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("broken", json!({}), &files).await else { return };
    scene.ready("a").await;
    for (patch, words) in [
        (pod(&json!({"dnsPolicy": "Sometimes"})), "Unsupported value: \"Sometimes\""),
        (pod(&json!({"containers": [{"name": "a", "imagePullpolicy": "Never"}]})), "imagePullpolicy"),
    ] {
        scene.push(&[("a.yaml", overridden("Deployment", &patch))]).await;
        let told = |a: &Value| {
            let stalled = condition(a, "Stalled");
            stalled["status"] == "True" && stalled["message"].as_str().is_some_and(|message| message.contains(words))
        };
        let a = scene.service_that("a", &format!("it tells {words}"), told).await;
        assert_eq!(condition(&a, "Ready")["status"], "False");
        assert_eq!(condition(&a, "Available")["status"], "True", "what was there serves");
        scene.ready("b").await;
    }
    scene.push(&[("a.yaml", good)]).await;
    scene.ready("a").await;
}
