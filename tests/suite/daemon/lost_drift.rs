//! Drift that no value shows: what is not ours any more, what was made anew, what is held in its deletion, what cannot
//! be changed. And that an item of a list is the same drift wherever it moves.

use serde_json::{Value, json};

use super::told::{manifest, orders};
use crate::support::kube::condition;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

const HOLD: &str = "example.com/hold";

/// The one line about an object with this change: that it began, or that what differed became this.
async fn line(scene: &Scene, kind: &str, change: &str) -> Value {
    let object = format!("{}/orders", scene.namespace);
    let about = |line: &Value| {
        (line["message"] == "drift" || line["message"] == "drift changed")
            && line["object"] == *object
            && line["kind"] == kind
            && line["change"] == change
    };
    let found = scene.log.line(&format!("{kind} {object} {change}"), about).await;
    assert_eq!(scene.log.lines(about).len(), 1, "told once");
    found
}

/// Lets everything be put back, by Git.
async fn correct_from_now_on(scene: &Scene, version: u32) {
    let mut corrected = manifest(version);
    corrected["metadata"]["annotations"] = json!({"gitmoor.dev/drift-policy": "Correct"});
    scene.push(&[("orders.yaml", corrected)]).await;
}

/// What somebody exported and changed, to be made anew.
fn exported(mut live: Value) -> Value {
    for field in ["uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"] {
        live["metadata"].as_object_mut().unwrap().remove(field);
    }
    for field in ["clusterIP", "clusterIPs"] {
        live["spec"].as_object_mut().unwrap().remove(field);
    }
    live.as_object_mut().unwrap().remove("status");
    live
}

fn is_applied_by(live: &Value, manager: &str) -> bool {
    let entries = live["metadata"]["managedFields"].as_array();
    entries.is_some_and(|all| all.iter().any(|one| one["manager"] == manager && one["operation"] == "Apply"))
}

async fn hold(scene: &Scene, kind: &str) -> Value {
    let patch = json!({"metadata": {"finalizers": [HOLD]}});
    let held = scene.kube.merge("somebody", kind, &scene.namespace, "orders", patch).await;
    scene.kube.delete(kind, &scene.namespace, "orders").await;
    held
}

async fn let_go(scene: &Scene, kind: &str) {
    let patch = json!({"metadata": {"finalizers": null}});
    scene.kube.merge("somebody", kind, &scene.namespace, "orders", patch).await;
}

#[tokio::test]
async fn a_child_whose_deletion_is_held_is_told_with_its_finalizers_and_never_forced() {
    let Some(scene) = orders("held", "Correct").await else { return };
    let held = hold(&scene, "Service").await;
    let told = line(&scene, "Service", "Terminating").await;
    assert!(told["live"].as_str().unwrap().contains(HOLD) && told["file"] == "orders.yaml", "{told:#}");
    scene.event("MicroService", "orders", "WorkloadDrift", HOLD).await;
    let status =
        scene.service_that("orders", "it is in status", |orders| orders["status"]["workloadDrift"]["count"] == 1).await;
    assert_eq!(status["status"]["workloadDrift"]["fields"][0]["live"], json!([HOLD]));
    scene.settled().await;
    let live = scene.kube.get("Service", &scene.namespace, "orders").await;
    assert_eq!((&live["metadata"]["uid"], &live["metadata"]["finalizers"]), (&held["metadata"]["uid"], &json!([HOLD])));
    let_go(&scene, "Service").await;
    scene
        .object_that("Service", "orders", "it is made anew", |live| live["metadata"]["uid"] != held["metadata"]["uid"])
        .await;
    scene.ready("orders").await;
}

#[tokio::test]
async fn a_service_whose_deletion_is_held_is_told_and_made_anew_once_it_is_gone() {
    let Some(scene) = orders("held", "Correct").await else { return };
    let held = hold(&scene, "MicroService").await;
    let told = line(&scene, "MicroService", "Terminating").await;
    assert_eq!(told["layer"], "source");
    assert!(told["live"].as_str().unwrap().contains(HOLD) && told["file"] == "orders.yaml", "{told:#}");
    scene.service_that("orders", "it is in status", |orders| orders["status"]["sourceDrift"]["count"] == 1).await;
    let_go(&scene, "MicroService").await;
    scene
        .object_that("MicroService", "orders", "it is made anew", |live| {
            live["metadata"]["uid"] != held["metadata"]["uid"]
        })
        .await;
    scene.ready("orders").await;
}

#[tokio::test]
async fn a_child_that_somebody_made_anew_is_told_and_becomes_ours_again() {
    let Some(scene) = orders("anew", "Report").await else { return };
    let copy = exported(scene.kube.get("Service", &scene.namespace, "orders").await);
    scene.kube.delete("Service", &scene.namespace, "orders").await;
    line(&scene, "Service", "Deleted").await;
    let theirs = scene.kube.create(&copy).await;
    let told = line(&scene, "Service", "Recreated").await;
    assert_eq!((&told["manager"], &told["file"]), (&json!("somebody"), &json!("orders.yaml")));
    scene
        .service_that("orders", "it is in status", |orders| {
            orders["status"]["workloadDrift"]["fields"][0]["change"] == "Recreated"
        })
        .await;
    correct_from_now_on(&scene, 1).await;
    let ours = |live: &Value| is_applied_by(live, "gitmoor-controller");
    let live = scene.object_that("Service", "orders", "it is ours again", ours).await;
    assert_eq!(live["metadata"]["uid"], theirs["metadata"]["uid"], "nothing was deleted");
    scene
        .service_that("orders", "put back", |orders| condition(orders, "WorkloadDrifted")["reason"] == "Corrected")
        .await;
    line(&scene, "Service", "Recreated").await;
}

#[tokio::test]
async fn managed_fields_that_were_rewritten_are_told_and_ours_again_without_a_loop() {
    let Some(scene) = orders("rewritten", "Correct").await else { return };
    for (kind, manager) in [("Service", "gitmoor-controller"), ("MicroService", "gitmoor")] {
        let patch = json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]);
        scene.kube.edit("somebody", kind, &scene.namespace, "orders", patch).await;
        let told = line(&scene, kind, "Disowned").await;
        assert_eq!((&told["path"], &told["manager"]), (&json!(""), &json!("unknown")));
        scene.object_that(kind, "orders", "it is ours again", |live| is_applied_by(live, manager)).await;
    }
    scene.settled().await;
    for kind in ["Service", "MicroService"] {
        line(&scene, kind, "Disowned").await;
    }
}

#[tokio::test]
async fn a_value_that_was_changed_and_changed_back_is_ours_again_also_where_drift_is_only_reported() {
    let Some(scene) = orders("back", "Report").await else { return };
    let scale = async |to: &str| {
        scene.kube.kubectl(&["scale", "-n", &scene.namespace, "deployment/orders", to]).await;
    };
    scale("--replicas=5").await;
    line(&scene, "Deployment", "Modified").await;
    scale("--replicas=2").await;
    let told = line(&scene, "Deployment", "Disowned").await;
    assert_eq!((&told["path"], &told["manager"]), (&json!("/spec/replicas"), &json!("kubectl")));
    scene
        .object_that("Deployment", "orders", "replicas are ours", |live| {
            let entries = live["metadata"]["managedFields"].as_array().unwrap();
            let ours = entries.iter().find(|one| one["manager"] == "gitmoor-controller" && one["operation"] == "Apply");
            ours.is_some_and(|ours| ours["fieldsV1"]["f:spec"].get("f:replicas").is_some())
        })
        .await;
    scene.service_that("orders", "no drift", |orders| condition(orders, "WorkloadDrifted")["status"] == "False").await;
}

#[tokio::test]
async fn duplicates_made_by_hand_are_named_and_taken_away() {
    let Some(scene) = orders("twice", "Report").await else { return };
    let env = "/spec/template/spec/containers/0/env";
    let twice = json!([
        {"op": "add", "path": format!("{env}/-"), "value": {"name": "LOG", "value": "debug"}},
        {"op": "add", "path": format!("{env}/-"), "value": {"name": "NEW", "value": "1"}},
        {"op": "add", "path": format!("{env}/-"), "value": {"name": "NEW", "value": "2"}}
    ]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", twice).await;
    let orders = scene
        .service_that("orders", "told", |orders| orders["status"]["workloadDrift"]["count"].as_u64() >= Some(3))
        .await;
    let fields = orders["status"]["workloadDrift"]["fields"].as_array().unwrap();
    let named: Vec<_> =
        fields.iter().map(|field| (field["change"].as_str().unwrap(), field["keyedPath"].as_str().unwrap())).collect();
    // With its name twice in the list, the first one is nobody's in particular any more.
    let items = [("Disowned", "LOG]/value"), ("Added", "LOG,#2]"), ("Added", "NEW]"), ("Added", "NEW,#2]")];
    let expected =
        items.map(|(change, item)| (change, format!("/spec/template/spec/containers/[name=orders]/env/[name={item}")));
    assert_eq!(named, expected.each_ref().map(|(change, item)| (*change, item.as_str())));
    correct_from_now_on(&scene, 1).await;
    scene
        .service_that("orders", "put back", |orders| condition(orders, "WorkloadDrifted")["reason"] == "Corrected")
        .await;
    let live = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let names: Vec<_> =
        live.pointer(env).and_then(Value::as_array).unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, ["LOG", "MODE"]);
}

#[tokio::test]
async fn a_field_that_never_changes_is_told_with_what_to_do_and_keeps_no_other_from_being_put_back() {
    let Some(scene) = orders("selector", "Report").await else { return };
    let mut copy = exported(scene.kube.get("Deployment", &scene.namespace, "orders").await);
    scene.kube.delete("Deployment", &scene.namespace, "orders").await;
    line(&scene, "Deployment", "Deleted").await;
    copy["spec"]["selector"]["matchLabels"]["x"] = json!("y");
    copy["spec"]["template"]["metadata"]["labels"]["x"] = json!("y");
    copy["spec"]["replicas"] = json!(1);
    let theirs = scene.kube.create(&copy).await;
    line(&scene, "Deployment", "Recreated").await;
    correct_from_now_on(&scene, 2).await;
    let live = scene
        .object_that("Deployment", "orders", "what can be changed is put back", |live| {
            let image = &live["spec"]["template"]["spec"]["containers"][0]["image"];
            live["spec"]["replicas"] == 2 && *image == "example.com/orders:2"
        })
        .await;
    assert_eq!(live["metadata"]["uid"], theirs["metadata"]["uid"], "it is never deleted");
    let orders = scene
        .service_that("orders", "what to do is said", |orders| {
            let reason = &condition(orders, "ChildrenApplied")["reason"];
            *reason == "ImmutableField" && orders["status"]["workloadDrift"]["count"] == 2
        })
        .await;
    let said = condition(&orders, "ChildrenApplied")["message"].as_str().unwrap().to_owned();
    assert!(said.contains("/spec/selector") && said.contains("--cascade=orphan"), "{said}");
    let paths: Vec<_> =
        orders["status"]["workloadDrift"]["fields"].as_array().unwrap().iter().map(|field| &field["path"]).collect();
    assert_eq!(paths, ["/spec/selector", "/spec/template/metadata/labels/x"]);
}

#[tokio::test]
async fn an_item_that_moves_is_not_told_anew() {
    let Some(scene) = orders("moves", "Report").await else { return };
    let env = "/spec/template/spec/containers/0/env";
    let edit = async |patch: Value| {
        scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", patch).await;
    };
    edit(json!([{"op": "replace", "path": format!("{env}/0/value"), "value": "debug"}])).await;
    scene.service_that("orders", "one", |orders| orders["status"]["workloadDrift"]["count"] == 1).await;
    edit(json!([{"op": "add", "path": format!("{env}/0"), "value": {"name": "AAA", "value": "1"}}])).await;
    scene.service_that("orders", "two", |orders| orders["status"]["workloadDrift"]["count"] == 2).await;
    let lines = scene.drift_lines("workload", "Deployment", "orders");
    let told: Vec<_> = lines.iter().map(|line| (line["change"].clone(), line["path"].clone())).collect();
    let place = |at: &str| json!(format!("{env}{at}"));
    assert_eq!(told, [(json!("Modified"), place("/0/value")), (json!("Added"), place("/0"))]);
}

#[tokio::test]
async fn a_removed_item_stays_removed_where_a_commit_declares_another_above_it() {
    let Some(scene) = orders("above", "Report").await else { return };
    let env = "/spec/template/spec/containers/0/env";
    let patch = json!([{"op": "remove", "path": format!("{env}/1")}]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", patch).await;
    scene.service_that("orders", "one", |orders| orders["status"]["workloadDrift"]["count"] == 1).await;
    let mut later = manifest(1);
    later["spec"]["env"].as_array_mut().unwrap().insert(0, json!({"name": "AAA", "value": "1"}));
    scene.push(&[("orders.yaml", later)]).await;
    eventually("the new variable is there, and the removed one is not", async || {
        let live = scene.kube.get("Deployment", &scene.namespace, "orders").await;
        let items = live.pointer(env).and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<_> = items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect();
        let mut sorted = names.clone();
        sorted.sort();
        holds(sorted == ["AAA", "LOG"], names)
    })
    .await;
    scene
        .service_that("orders", "still one", |orders| {
            orders["status"]["workloadDrift"]["fields"][0]["path"] == format!("{env}/2")
        })
        .await;
    assert_eq!(scene.drift_lines("workload", "Deployment", "orders").len(), 1, "told once");
}
