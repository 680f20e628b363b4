//! Renders a MicroService into its children: pure, complete and deterministic.
//!
//! Each kind of child is one file with a [`ChildKind`] and a function, and one line in [`KINDS`].
//! A body holds only what the MicroService or Gitmoor decides: the API server's own defaults are
//! not sent, so they stay the server's. What is sent is written as the server keeps it, so that a
//! body and its live object compare without guesses. Nothing here reads the cluster or the clock.

mod config_map;
mod containers;
mod cron_job;
pub mod defaults;
mod deployment;
pub mod explain;
mod horizontal_pod_autoscaler;
mod http_route;
mod ingress;
mod job_pod;
mod json;
mod labels;
mod names;
mod network_policy;
mod origin;
pub mod overrides;
mod pod;
mod pod_disruption_budget;
pub mod pre_deploy;
pub mod references;
mod routes;
mod security;
mod service;
mod service_account;
mod service_monitor;
mod subject;
mod surroundings;
mod tidy;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::{API_VERSION, MicroService, names as api_names};
pub use surroundings::Surroundings;

use subject::Subject;

pub use origin::origin;

/// Every kind of child, in the order in which they are applied.
pub static KINDS: &[&ChildKind] = &[
    &service_account::KIND,
    &config_map::KIND,
    &service::KIND,
    &network_policy::KIND,
    &pre_deploy::KIND,
    &deployment::KIND,
    &horizontal_pod_autoscaler::KIND,
    &pod_disruption_budget::KIND,
    &ingress::KIND,
    &http_route::KIND,
    &service_monitor::KIND,
    &cron_job::KIND,
];

/// The kind that runs the pods.
pub static DEPLOYMENT: &ChildKind = &deployment::KIND;
/// The kind that says how many replicas there are, where the service does not. It must be gone before the service says
/// so again, or it would write over that.
pub static AUTOSCALER: &ChildKind = &horizontal_pod_autoscaler::KIND;

/// A kind of child, and how it is rendered.
#[derive(Debug)]
pub struct ChildKind {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version in the group.
    pub version: &'static str,
    /// Kind, as in a manifest.
    pub kind: &'static str,
    /// Plural, as in a URL.
    pub plural: &'static str,
    /// Whether a cluster may lack it: it comes with a definition that is not ours.
    pub optional: bool,
    /// The objects of this kind that a MicroService needs.
    build: fn(&Subject<'_>) -> Vec<Draft>,
}

impl ChildKind {
    /// `group/version`, or only the version in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Name of the definition that an optional kind comes with.
    pub fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

impl PartialEq for ChildKind {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.version, self.kind) == (other.group, other.version, other.kind)
    }
}

impl Eq for ChildKind {}

/// One object that a MicroService needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its kind.
    pub kind: &'static ChildKind,
    /// Its name, in the MicroService's namespace.
    pub name: String,
    /// Hash of what was rendered; it is also the annotation `gitmoor.dev/rendered-hash`.
    pub hash: String,
    /// The whole body for server-side apply.
    pub body: Value,
    /// What [`crate::api::names::HAND_OVER_MANAGER`] applies before a field that we owned leaves the body.
    pub hand_over: Option<Value>,
}

/// What a kind decides about one object; the rest is the same for all.
struct Draft {
    name: String,
    annotations: BTreeMap<String, String>,
    /// Top-level fields beside `apiVersion`, `kind` and `metadata`.
    content: Value,
}

/// The children of a MicroService, in the order in which they are applied.
///
/// `spec.suspend` has no effect here: the controller decides what is written.
pub fn render(service: &MicroService, surroundings: &Surroundings) -> Vec<Child> {
    let subject = Subject::new(service, surroundings);
    KINDS
        .iter()
        .flat_map(|kind| (kind.build)(&subject).into_iter().map(|draft| finish(kind, &subject, draft)))
        .collect()
}

/// Adds what all children have. The owner is added after hashing: rendering offline gives the same hash.
fn finish(kind: &'static ChildKind, subject: &Subject<'_>, draft: Draft) -> Child {
    let Draft { name, annotations, content } = draft;
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(name));
    metadata.insert("namespace".into(), json!(subject.namespace));
    let beside = &subject.surroundings.metadata;
    let mut labels = beside.labels.clone();
    labels.extend(labels::of_child(subject));
    metadata.insert("labels".into(), json!(labels));
    // A mark of the service's own, or of Gitmoor's, wins.
    let annotations: BTreeMap<_, _> = beside.annotations.clone().into_iter().chain(annotations).collect();
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), json!(annotations));
    }
    let mut body = content;
    body["apiVersion"] = json!(kind.api_version());
    body["kind"] = json!(kind.kind);
    body["metadata"] = Value::Object(metadata);
    overrides::apply(subject.spec, kind, &name, &mut body);
    let hash = digest(&body);

    if !body["metadata"]["annotations"].is_object() {
        body["metadata"]["annotations"] = json!({});
    }
    body["metadata"]["annotations"][api_names::RENDERED_HASH] = json!(hash);
    if let Some(owner) = owner_reference(subject) {
        body["metadata"]["ownerReferences"] = json!([owner]);
    }
    let hand_over = if *kind == deployment::KIND { deployment::hand_over(subject) } else { None };
    Child { kind, name, hash, body, hand_over }
}

/// SHA-256 of the body as canonical JSON (a map is sorted by key), in hex, cut to 32 digits.
fn digest(body: &Value) -> String {
    let mut hash = HEXLOWER.encode(&Sha256::digest(body.to_string()));
    hash.truncate(32);
    hash
}

/// None for a MicroService that is in no cluster.
fn owner_reference(subject: &Subject<'_>) -> Option<Value> {
    subject.uid.map(|uid| {
        json!({
            "apiVersion": API_VERSION,
            "kind": "MicroService",
            "name": subject.owner,
            "uid": uid,
            "controller": true,
            "blockOwnerDeletion": true,
        })
    })
}
