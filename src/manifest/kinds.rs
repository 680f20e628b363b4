//! The schemas of our two kinds, compiled once per process.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::identify::OurKind;
use super::rules::Rules;
use super::shape::{Problems, Shape, Type};
use crate::api::crds;

/// What a document of a kind must be.
#[derive(Debug)]
pub(super) struct KindSchema {
    /// Its structure.
    pub shape: Shape,
    /// Its rules.
    pub rules: Rules,
}

/// The schema of a kind.
pub(super) fn schema_of(kind: OurKind) -> &'static KindSchema {
    static MICROSERVICE: OnceLock<KindSchema> = OnceLock::new();
    static GITSYNC: OnceLock<KindSchema> = OnceLock::new();
    let slot = match kind {
        OurKind::MicroService => &MICROSERVICE,
        OurKind::GitSync => &GITSYNC,
    };
    slot.get_or_init(|| compile(declared_schema(kind), &mut Problems::new()))
}

pub(super) fn compile(schema: Value, problems: &mut Problems) -> KindSchema {
    let mut shape = Shape::compile(&schema, problems);
    if let Type::Object(root) = &mut shape.kind
        && let Some(Type::Object(metadata)) = root.properties.get_mut("metadata").map(|shape| &mut shape.kind)
    {
        metadata.elsewhere = &NOT_IN_GIT;
    }
    KindSchema { shape, rules: Rules::compile(&schema) }
}

/// The CRD's own schema without status, and with the API server's own rules for metadata.
pub(super) fn declared_schema(kind: OurKind) -> Value {
    let crd = match kind {
        OurKind::MicroService => crds::microservice(),
        OurKind::GitSync => crds::gitsync(),
    };
    let mut schema = crds::open_api_schema(&crd);
    let name = schema["properties"]["metadata"]["properties"]["name"].take();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        // Each is looked at on its own: it says what the document is.
        properties.insert("apiVersion".into(), json!({"x-kubernetes-preserve-unknown-fields": true}));
        properties.insert("kind".into(), json!({"x-kubernetes-preserve-unknown-fields": true}));
        properties.insert("status".into(), json!({"x-kubernetes-preserve-unknown-fields": true}));
        properties.insert("metadata".into(), metadata(name));
    }
    schema
}

/// The API server's rules for the metadata that a manifest may have.
fn metadata(mut name: Value) -> Value {
    name["pattern"] = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$".into();
    json!({
        "type": "object",
        "properties": {
            "name": name,
            "namespace": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63, "pattern": LABEL_VALUE}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}}
        }
    })
}

/// The API server's pattern of a label's value.
pub(super) const LABEL_VALUE: &str = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

/// Fields that metadata has, but not in Git, and what to do about each.
const NOT_IN_GIT: [(&str, &str); 11] = [
    ("creationTimestamp", CLUSTER_SETS),
    ("deletionGracePeriodSeconds", CLUSTER_SETS),
    ("deletionTimestamp", CLUSTER_SETS),
    ("finalizers", "remove it: whoever needs a finalizer adds it in the cluster"),
    ("generateName", "write metadata.name: what Git declares must keep its name"),
    ("generation", CLUSTER_SETS),
    ("managedFields", CLUSTER_SETS),
    ("ownerReferences", "remove it: Git owns what it declares"),
    ("resourceVersion", CLUSTER_SETS),
    ("selfLink", CLUSTER_SETS),
    ("uid", CLUSTER_SETS),
];
const CLUSTER_SETS: &str = "remove it: the cluster sets it";
