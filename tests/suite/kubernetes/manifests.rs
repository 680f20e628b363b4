//! What people commit and what is rendered from it, as the API server takes it.

use gitmoor::api::MicroService;
use gitmoor::api::names::{CONTROLLER_MANAGER, SYNC_MANAGER};
use gitmoor::workload;
use serde_json::{Value, json};

use crate::support::files::{documents, yaml_files};
use crate::support::{Kube, kube};

#[tokio::test]
async fn the_api_server_takes_every_manifest_of_the_examples() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("examples").await;
    let mut services = 0;
    for file in yaml_files("examples") {
        for document in documents(&file) {
            let object = in_namespace(document, &namespace);
            let stored = taken(&kube, SYNC_MANAGER, &object, &file.display().to_string()).await;
            assert_eq!(stored["spec"], object["spec"], "the CRD writes nothing into a spec of {}", file.display());
            services += usize::from(object["kind"] == "MicroService");
        }
    }
    assert!(services >= 6, "one basic service and a shop of five, not {services}");
}

#[tokio::test]
async fn the_api_server_takes_every_golden_microservice_and_its_children() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("golden").await;
    for file in yaml_files("tests/golden/render") {
        let manager = if file.ends_with("microservice.yaml") { SYNC_MANAGER } else { CONTROLLER_MANAGER };
        for document in documents(&file) {
            let object = in_namespace(document, &namespace);
            taken(&kube, manager, &object, &file.display().to_string()).await;
        }
    }
}

#[tokio::test]
async fn children_are_stored_as_they_were_sent() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("stored").await;
    for file in yaml_files("tests/golden/render").iter().filter(|file| file.ends_with("microservice.yaml")) {
        let service: MicroService =
            serde_json::from_value(in_namespace(documents(file).remove(0), &namespace)).unwrap();
        for child in workload::render(&service) {
            let stored = taken(&kube, CONTROLLER_MANAGER, &child.body, &file.display().to_string()).await;
            missing(&child.body, &stored, &format!("{} of {}", child.kind.kind, file.display()));
        }
    }
}

async fn taken(kube: &Kube, manager: &str, object: &Value, what: &str) -> Value {
    let result = kube.dry_run(manager, object).await;
    result.unwrap_or_else(|error| panic!("{} of {what}: {error}", kube::text(&object["kind"])))
}

fn in_namespace(mut document: Value, namespace: &str) -> Value {
    document["metadata"]["namespace"] = json!(namespace);
    document
}

/// Everything that was sent must be there; the server may add.
fn missing(sent: &Value, stored: &Value, place: &str) {
    match sent {
        Value::Object(fields) => {
            for (field, value) in fields {
                missing(value, stored.get(field).unwrap_or(&Value::Null), &format!("{place} /{field}"));
            }
        }
        Value::Array(items) => {
            let there = stored.as_array().map_or(0, Vec::len);
            assert_eq!(items.len(), there, "{place}");
            for (index, item) in items.iter().enumerate() {
                missing(item, &stored[index], &format!("{place} /{index}"));
            }
        }
        _ => assert_eq!(sent, stored, "{place}"),
    }
}
