//! `drift::compare` on what the API server and Kubernetes' own controllers make of a rendered child: nothing of that
//! is drift.

use gitmoor::api::MicroService;
use gitmoor::api::names::CONTROLLER_MANAGER;
use gitmoor::drift::{Compare, Comparison, compare};
use gitmoor::workload::{self, Child};
use serde_json::{Value, json};

use crate::support::files::{documents, yaml_files};
use crate::support::kube::{condition, text};
use crate::support::{Kube, eventually, holds};

/// A service whose children are applied and rolled out, without a daemon.
pub struct Rolled {
    pub kube: Kube,
    pub namespace: String,
    pub children: Vec<Child>,
}

impl Rolled {
    pub async fn out(kube: Kube, namespace: &str, service: Value) -> Self {
        let service: MicroService = serde_json::from_value(service).unwrap();
        let children = workload::render(&service, &workload::Surroundings::default());
        for child in &children {
            kube.apply(CONTROLLER_MANAGER, &child.body).await.unwrap();
        }
        let rolled = Self { kube, namespace: namespace.to_owned(), children };
        rolled.complete().await;
        rolled
    }

    /// The body of the only child of a kind.
    pub fn declared(&self, kind: &str) -> &Value {
        &self.children.iter().find(|child| child.kind.kind == kind).unwrap().body
    }

    pub async fn live(&self, kind: &str) -> Value {
        let declared = self.declared(kind);
        self.kube.get(kind, &self.namespace, text(&declared["metadata"]["name"])).await
    }

    /// What differs now.
    pub async fn compare(&self, kind: &str) -> Comparison {
        compare(self.declared(kind), &self.live(kind).await, &Compare { manager: CONTROLLER_MANAGER })
    }

    /// Waits until Kubernetes' controllers have nothing more to do.
    pub async fn complete(&self) {
        eventually("the rollout is complete", async || {
            let live = self.live("Deployment").await;
            let status = &live["status"];
            let wanted = &live["spec"]["replicas"];
            let observed = status["observedGeneration"] == live["metadata"]["generation"];
            let available = status.get("availableReplicas").unwrap_or(&json!(0)) == wanted;
            let updated = status.get("updatedReplicas").unwrap_or(&json!(0)) == wanted;
            let alone = status.get("replicas").unwrap_or(&json!(0)) == wanted;
            let done = condition(&live, "Progressing")["reason"] == "NewReplicaSetAvailable";
            holds(observed && available && updated && alone && done, status)
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_just_applied_has_not_drifted() {
    let Some(kube) = Kube::shared().await else { return };
    for (case, mut service) in cases() {
        let namespace = kube.namespace("applied").await;
        service["metadata"]["namespace"] = json!(namespace);
        for child in workload::render(&serde_json::from_value(service).unwrap(), &workload::Surroundings::default()) {
            let live = kube.apply(CONTROLLER_MANAGER, &child.body).await.unwrap();
            let compared = compare(&child.body, &live, &Compare { manager: CONTROLLER_MANAGER });
            assert_eq!(compared, Comparison::default(), "{} of {case}", child.kind.kind);
        }
    }
}

#[tokio::test]
async fn a_complete_rollout_has_not_drifted() {
    let Some(kube) = Kube::shared().await else { return };
    let rollouts = cases().into_iter().map(|(case, mut service)| {
        let kube = kube.clone();
        async move {
            let namespace = kube.namespace("rolled").await;
            service["metadata"]["namespace"] = json!(namespace);
            if service["spec"]["serviceAccount"]["create"] == false {
                let name = &service["spec"]["serviceAccount"]["name"];
                let metadata = json!({"namespace": namespace, "name": name});
                kube.create(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})).await;
            }
            let rolled = Rolled::out(kube, &namespace, service).await;
            for child in &rolled.children {
                let compared = rolled.compare(child.kind.kind).await;
                assert_eq!(compared, Comparison::default(), "{} of {case}", child.kind.kind);
            }
        }
    });
    assert!(futures::future::join_all(rollouts).await.len() > 20);
}

/// Every golden MicroService.
pub fn cases() -> Vec<(String, Value)> {
    let files = yaml_files("tests/golden/render").into_iter().filter(|file| file.ends_with("microservice.yaml"));
    files
        .map(|file| {
            let case = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            (case, documents(&file).remove(0))
        })
        .collect()
}
