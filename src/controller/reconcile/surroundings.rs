//! What rendering needs to know of the cluster, gathered before it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::Controller;
use crate::api::MicroService;
use crate::api::names::REFERENCED_HASH;
use crate::model::ObjectKey;
use crate::report::microservice::Named;
use crate::workload::{self, Child, DEPLOYMENT, Surroundings, references};

/// Where the pod template has its annotations.
const TEMPLATE_ANNOTATIONS: &str = "/spec/template/metadata/annotations";

/// Looks around a service. What could not be read stays as it was: a failed read restarts nothing.
pub(super) async fn look_around(
    controller: &Controller,
    key: &ObjectKey,
    service: &MicroService,
) -> (Surroundings, Option<Named>) {
    let deployment = controller.children.of(DEPLOYMENT).and_then(|kind| kind.store.get(key));
    let live = deployment.map(|entry| entry.object.value());
    let replicas = live.as_ref().and_then(|live| live["spec"]["replicas"].as_i64()?.try_into().ok());
    let wanted = references::references(service);
    let (checksum, named) = if wanted.is_empty() {
        controller.referenced.forget(key);
        (None, None)
    } else {
        let found = controller.referenced.find(key, &wanted).await;
        let missing = references::missing(&wanted, &found.digests);
        // What cannot be read may be there; what is not followed is as it was read.
        let complete = wanted.keys().all(|reference| found.digests.contains_key(reference));
        let checksum = match &live {
            Some(live) if !complete => applied_checksum(live),
            None if !complete => None,
            _ => Some(references::checksum(&wanted, &found.digests)),
        };
        (checksum, Some(Named { missing, unread: found.unread.map(|error| error.to_string()) }))
    };
    let used_config = used_config(controller, key, live.as_ref());
    (Surroundings { replicas, checksum, used_config, ..Surroundings::default() }, named)
}

fn applied_checksum(live: &Value) -> Option<String> {
    live.pointer(TEMPLATE_ANNOTATIONS)?.get(REFERENCED_HASH)?.as_str().map(str::to_owned)
}

/// None as long as Kubernetes has not acted on the newest template: a ReplicaSet may be on its way.
fn used_config(controller: &Controller, key: &ObjectKey, live: Option<&Value>) -> Option<BTreeSet<String>> {
    let live = live?;
    let observed = live["status"]["observedGeneration"] == live["metadata"]["generation"];
    let hashes = controller.children.configs_of(key);
    observed.then(|| Surroundings::config_names(&key.name, hashes.iter().map(String::as_str)))
}

/// What there is to say of the autoscaler: its condition ScalingActive.
pub(super) fn scaling(controller: &Controller, key: &ObjectKey, rendered: &[Child]) -> Option<Value> {
    let child = rendered.iter().find(|child| child.kind == workload::AUTOSCALER)?;
    let live =
        controller.children.of(child.kind)?.store.get(&ObjectKey::new(key.namespace.clone(), child.name.as_str()));
    let live = live.map(|entry| entry.object.value()).unwrap_or_default();
    let conditions = live["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == "ScalingActive"));
    Some(found.cloned().unwrap_or_default())
}
