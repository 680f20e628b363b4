//! Plays the kubelet for pods that kwok leaves alone: writes into their status what a kubelet would report.

use serde_json::{Value, json};

use super::kube::text;
use super::scene::{Scene, service};
use super::{eventually, holds};

/// A MicroService manifest whose pods are left to the test. `spec` is beside the image.
pub fn played(name: &str, spec: Value) -> Value {
    let mut manifest = service(name, spec);
    manifest["spec"]["podMetadata"] = json!({"annotations": {"kwok.gitmoor.dev/behavior": "manual"}});
    manifest
}

/// What a kubelet says of a container that runs and serves.
fn serving(container: &Value) -> Value {
    let state = json!({"running": {"startedAt": jiff::Timestamp::now()}});
    json!({
        "name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0,
        "ready": true, "started": true, "state": state
    })
}

/// What it says of one that has done its work.
fn done(container: &Value) -> Value {
    let mut status = serving(container);
    status["state"] = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    status
}

impl Scene {
    /// Waits for a pod with that image that a node has and that has not ended.
    pub async fn pod(&self, image: &str) -> Value {
        eventually(&format!("a pod of {image} in {} has a node", self.namespace), async || {
            let pods = self.kube.list("Pod", &self.namespace).await;
            let found = pods.iter().find(|pod| {
                let here = pod["metadata"]["deletionTimestamp"].is_null() && pod["status"]["phase"] != "Failed";
                let containers = pod["spec"]["containers"].as_array().unwrap();
                let runs = containers.iter().any(|container| container["image"] == image);
                here && runs && pod["spec"]["nodeName"].is_string()
            });
            holds(found.is_some(), pods.len()).map(|()| found.unwrap().clone())
        })
        .await
    }

    /// Reports a pod whose containers serve, or have done their work, but for what `states` says of some, by their name.
    pub async fn report(&self, pod: &Value, states: &Value) {
        let statuses = |list: &str| -> Vec<Value> {
            let containers = pod["spec"][list].as_array().map(Vec::as_slice).unwrap_or_default();
            let of = |container: &Value| {
                let works_once = list == "initContainers" && container["restartPolicy"] != "Always";
                let mut status = if works_once { done(container) } else { serving(container) };
                if let Some(said) = states[text(&container["name"])].as_object() {
                    status["state"] = Value::Null;
                    status["ready"] = json!(false);
                    status.as_object_mut().unwrap().extend(said.clone());
                }
                status
            };
            containers.iter().map(of).collect()
        };
        let (init, main) = (statuses("initContainers"), statuses("containers"));
        let ready = init.iter().chain(&main).all(|status| status["ready"] == true);
        let now = jiff::Timestamp::now();
        let condition = |kind: &str, status: bool| {
            let status = if status { "True" } else { "False" };
            json!({"type": kind, "status": status, "lastTransitionTime": now})
        };
        let report = json!({
            "phase": if ready { "Running" } else { "Pending" },
            "startTime": now,
            "conditions": [condition("PodScheduled", true), condition("ContainersReady", ready), condition("Ready", ready)],
            "initContainerStatuses": init,
            "containerStatuses": main,
        });
        self.kube.merge_status("Pod", &self.namespace, text(&pod["metadata"]["name"]), report).await;
    }

    /// Reports that its node has given a pod up.
    pub async fn lose(&self, pod: &Value, reason: &str, message: &str) {
        let now = jiff::Timestamp::now();
        let report = json!({
            "phase": "Failed", "reason": reason, "message": message,
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": now},
                {"type": "Ready", "status": "False", "reason": "PodFailed", "lastTransitionTime": now},
            ],
        });
        self.kube.merge_status("Pod", &self.namespace, text(&pod["metadata"]["name"]), report).await;
    }
}
