//! What people commit and what is rendered from it, as the API server takes it.

use gitmoor::api::MicroService;
use gitmoor::api::microservice::SecurityProfile;
use gitmoor::api::names::{CONTROLLER_MANAGER, SYNC_MANAGER};
use gitmoor::drift::{self, Compare, Comparison};
use gitmoor::workload;
use serde_json::{Value, json};

use crate::support::files::{documents, yaml_files};
use crate::support::{Kube, eventually, holds, kube};

#[tokio::test]
async fn the_api_server_takes_every_manifest_of_the_examples() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("examples").await;
    let mut services = 0;
    for file in yaml_files("examples") {
        // What CI reads is none.
        for document in documents(&file).into_iter().filter(|one| one["apiVersion"] == gitmoor::api::API_VERSION) {
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

/// The profile's promise, judged by who enforces it.
#[tokio::test]
async fn every_golden_pod_passes_the_standard_of_its_profile() {
    let Some(kube) = Kube::shared().await else { return };
    let (restricted, baseline) = (enforcing(&kube, "restricted").await, enforcing(&kube, "baseline").await);
    for file in yaml_files("tests/golden/render").iter().filter(|file| file.ends_with("microservice.yaml")) {
        let service: MicroService = serde_json::from_value(documents(file).remove(0)).unwrap();
        let profile = service.spec.security_profile.unwrap_or_default();
        let namespace = if profile == SecurityProfile::Restricted { &restricted } else { &baseline };
        let children = workload::render(&service, &workload::Surroundings::default());
        let mut deployment = children.into_iter().find(|child| child.kind.kind == "Deployment").unwrap().body;
        let mut pod = deployment["spec"]["template"].take();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("pod");
        pod["metadata"]["namespace"] = json!(namespace);
        pod["spec"]["serviceAccountName"] = json!("default");
        taken(&kube, CONTROLLER_MANAGER, &pod, &file.display().to_string()).await;
    }
}

/// A namespace that enforces a Pod Security Standard.
async fn enforcing(kube: &Kube, standard: &str) -> String {
    let namespace = kube.namespace(standard).await;
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": standard}}});
    kube.merge("suite", "Namespace", "", &namespace, labels).await;
    eventually("it has its ServiceAccount", async || {
        let found = kube.find("ServiceAccount", &namespace, "default").await;
        holds(found.is_some(), ())
    })
    .await;
    namespace
}

#[tokio::test]
async fn what_the_server_makes_of_a_child_is_not_drift() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("stored").await;
    for file in yaml_files("tests/golden/render").iter().filter(|file| file.ends_with("microservice.yaml")) {
        let service: MicroService =
            serde_json::from_value(in_namespace(documents(file).remove(0), &namespace)).unwrap();
        for child in workload::render(&service, &workload::Surroundings::default()) {
            let stored = taken(&kube, CONTROLLER_MANAGER, &child.body, &file.display().to_string()).await;
            let compared = drift::compare(&child.body, &stored, &Compare { manager: CONTROLLER_MANAGER });
            assert_eq!(compared, Comparison::default(), "{} of {}", child.kind.kind, file.display());
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
