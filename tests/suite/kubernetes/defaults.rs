//! What the API server fills in is nobody's drift: not where we applied an object, and not where somebody made it, so
//! that what was filled in is theirs, before we took it over.

use gitmoor::api::names::CONTROLLER_MANAGER;
use gitmoor::drift::{Compare, Comparison, compare};
use gitmoor::workload;
use serde::Deserialize;
use serde_json::{Value, json};

use super::drift::cases;
use crate::support::Kube;

/// Objects that leave much to the API server, of every kind of Kubernetes' own that a MicroService may need.
fn samples() -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(include_str!("defaults.yaml"));
    documents.map(|document| Value::deserialize(document).unwrap()).filter(|document| !document.is_null()).collect()
}

#[tokio::test]
async fn what_the_server_fills_in_is_no_drift_whoever_made_the_object() {
    let Some(kube) = Kube::shared().await else { return };
    let (ours, theirs) = (kube.namespace("filled-in").await, kube.namespace("taken-over").await);
    let mut wrong = Vec::new();
    for sample in samples() {
        let name = format!("{} {}", sample["kind"], sample["metadata"]["name"]);
        let mut declared = sample.clone();
        declared["metadata"]["namespace"] = json!(ours);
        let live = kube.apply(CONTROLLER_MANAGER, &declared).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        note(&mut wrong, &format!("{name}, applied"), &declared, &live);

        declared["metadata"]["namespace"] = json!(theirs);
        kube.create(&declared).await;
        let live = kube.apply(CONTROLLER_MANAGER, &declared).await.unwrap();
        note(&mut wrong, &format!("{name}, taken over"), &declared, &live);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_child_that_somebody_made_just_so_is_no_drift_once_it_is_taken_over() {
    let Some(kube) = Kube::shared().await else { return };
    let mut wrong = Vec::new();
    for (case, mut service) in cases() {
        let namespace = kube.namespace("copied").await;
        service["metadata"]["namespace"] = json!(namespace);
        for child in workload::render(&serde_json::from_value(service).unwrap(), &workload::Surroundings::default()) {
            kube.create(&child.body).await;
            let live = kube.apply(CONTROLLER_MANAGER, &child.body).await.unwrap();
            note(&mut wrong, &format!("{} of {case}", child.kind.kind), &child.body, &live);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn note(wrong: &mut Vec<String>, what: &str, declared: &Value, live: &Value) {
    let found = compare(declared, live, &Compare { manager: CONTROLLER_MANAGER });
    if found != Comparison::default() {
        wrong.push(format!("{what}: {found:#?}"));
    }
}
