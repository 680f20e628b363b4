//! The CRDs, as they are printed, committed and installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::names::APPLYSET_PARENT_TYPE;
use super::{GitSync, MicroService};

/// Longest name of a MicroService: children add suffixes, and a pod's name has 63 characters.
pub const MAX_NAME: usize = 52;

/// The CRD of GitSync.
pub fn gitsync() -> CustomResourceDefinition {
    let mut crd = GitSync::crd();
    crd.metadata.labels.get_or_insert_default().insert(APPLYSET_PARENT_TYPE.into(), "true".into());
    let rule = json!({
        "rule": "!has(self.spec.dependsOn) || self.spec.dependsOn.all(other, has(other.__namespace__) || other.name != self.metadata.name)",
        "message": "a GitSync cannot depend on itself",
        "fieldPath": ".spec.dependsOn"
    });
    adjust(crd, 253, &[rule])
}

/// The CRD of MicroService.
pub fn microservice() -> CustomResourceDefinition {
    let name = json!({
        "rule": "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "message": "a MicroService's name starts with a letter and has only lower-case letters, digits and dashes",
        "fieldPath": ".metadata.name"
    });
    // The service's own container has the service's name.
    let container = |list: &str, one: &str| {
        json!({
            "rule": format!("!has(self.spec.{list}) || self.spec.{list}.all(c, c.name != self.metadata.name)"),
            "message": format!("{one} has the name of the service, which is that of its own container"),
            "fieldPath": format!(".spec.{list}")
        })
    };
    let containers = [container("initContainers", "an init container"), container("sidecars", "a sidecar")];
    adjust(MicroService::crd(), MAX_NAME, &[&[name][..], &containers].concat())
}

/// Both, in the order in which they are installed.
pub fn all() -> [CustomResourceDefinition; 2] {
    [gitsync(), microservice()]
}

/// The OpenAPI schema of a CRD's only version.
pub fn open_api_schema(crd: &CustomResourceDefinition) -> Value {
    let schema = crd.spec.versions.first().and_then(|version| version.schema.as_ref());
    schema.and_then(|schema| serde_json::to_value(&schema.open_api_v3_schema).ok()).unwrap_or(Value::Null)
}

/// Bounds the name, adds root rules, and drops what would make the CRD large or its answers surprising.
fn adjust(mut crd: CustomResourceDefinition, max_name: usize, rules: &[Value]) -> CustomResourceDefinition {
    let mut schema = open_api_schema(&crd);
    drop_borrowed_descriptions(&mut schema, 0);
    plain(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "metadata".into(),
            json!({"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": max_name}}}),
        );
    }
    if let Some(root) = schema.as_object_mut() {
        root.insert("x-kubernetes-validations".into(), json!(rules));
    }
    if let Some(version) = crd.spec.versions.first_mut().and_then(|version| version.schema.as_mut()) {
        version.open_api_v3_schema = serde_json::from_value(schema).ok();
    }
    crd
}

/// Kubernetes' own descriptions are long, and Kubernetes documents them: ours fit in a paragraph.
fn drop_borrowed_descriptions(schema: &mut Value, depth: usize) {
    const OURS: usize = 240;
    match schema {
        Value::Object(map) => {
            let long =
                map.get("description").and_then(Value::as_str).is_some_and(|text| text.len() > OURS || depth > 12);
            if long {
                map.remove("description");
            }
            for value in map.values_mut() {
                drop_borrowed_descriptions(value, depth + 1);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_borrowed_descriptions(item, depth + 1)),
        _ => {}
    }
}

/// A null would be stored as one, and then differ from its absence; and Rust's own number formats mean nothing to
/// the API server, which warns of them.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("nullable");
            // Without its two types, a field that is a number or a text may also be null.
            if map.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
                map.insert("anyOf".into(), json!([{"type": "integer"}, {"type": "string"}]));
                return;
            }
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.remove("format");
            }
            map.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}
