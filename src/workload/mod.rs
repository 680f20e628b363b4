//! Renders a MicroService into its children: pure, complete and deterministic.
//!
//! Each kind of child is one file with a [`ChildKind`] and a function, and one line in [`KINDS`].
//! A body holds only what the MicroService or Gitmoor decides: the API server's own defaults are
//! not sent, so they stay the server's. What is sent is written as the server keeps it, so that a
//! body and its live object compare without guesses. Nothing here reads the cluster or the clock.

mod deployment;
mod json;
mod labels;
mod names;
mod origin;
mod pod;
mod pod_disruption_budget;
mod security;
mod service;
mod service_account;
mod subject;
mod tidy;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::{API_VERSION, MicroService, names as api_names};
use subject::Subject;

pub use origin::origin;

/// Every kind of child, in the order in which they are applied.
pub static KINDS: &[&ChildKind] =
    &[&service_account::KIND, &service::KIND, &deployment::KIND, &pod_disruption_budget::KIND];

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
    /// The objects of this kind that a MicroService needs.
    build: fn(&Subject<'_>) -> Vec<Draft>,
}

impl ChildKind {
    /// `group/version`, or only the version in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
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
pub fn render(service: &MicroService) -> Vec<Child> {
    let subject = Subject::new(service);
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
    metadata.insert("labels".into(), json!(labels::of_child(subject)));
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), json!(annotations));
    }
    let mut body = match content {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    body.insert("apiVersion".into(), json!(kind.api_version()));
    body.insert("kind".into(), json!(kind.kind));
    body.insert("metadata".into(), Value::Object(metadata.clone()));
    let hash = digest(&body);

    let mut annotations = annotations;
    annotations.insert(api_names::RENDERED_HASH.into(), hash.clone());
    metadata.insert("annotations".into(), json!(annotations));
    if let Some(owner) = owner_reference(subject) {
        metadata.insert("ownerReferences".into(), json!([owner]));
    }
    body.insert("metadata".into(), Value::Object(metadata));
    Child { kind, name, hash, body: Value::Object(body) }
}

/// SHA-256 of the body as canonical JSON (a map is sorted by key), in hex, cut to 32 digits.
fn digest(body: &Map<String, Value>) -> String {
    let mut hash = HEXLOWER.encode(&Sha256::digest(json!(body).to_string()));
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
