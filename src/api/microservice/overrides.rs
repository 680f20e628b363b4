//! Overrides: the escape hatch for what a MicroService has no word for.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A strategic merge patch of a child as it is rendered: maps are merged, lists with keys by their keys, null removes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// Which child.
    pub target: OverrideTarget,
    /// What of it is another. What says whose the child is and which pods are its own cannot be changed.
    #[schemars(schema_with = "patch")]
    pub patch: Value,
}

/// Which child an override changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverrideTarget {
    /// Its apiVersion, as apps/v1.
    #[schemars(length(min = 1, max = 317))]
    pub api_version: String,
    /// Its kind.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Its name. Default: all of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
}

/// CEL does not see inside of what has no schema, so what is protected is said by structure.
fn patch(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "not": without(&["apiVersion", "kind", "status"]),
        "properties": {
            "metadata": metadata(),
            "spec": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": true,
                "not": without(&["selector", "podSelector"]),
                "properties": {
                    "template": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": true,
                        "properties": {"metadata": metadata()}
                    }
                }
            }
        }
    })
}

/// No name, namespace or owner; and none of our marks.
fn metadata() -> Value {
    json!({
        "type": "object",
        "properties": {
            "labels": marks("app.kubernetes.io/name and instance and managed-by, and labels under gitmoor.dev/, are Gitmoor's own",
                "self.all(k, !k.startsWith('gitmoor.dev/') && k != 'app.kubernetes.io/name' && k != 'app.kubernetes.io/instance' && k != 'app.kubernetes.io/managed-by')"),
            "annotations": marks("annotations under gitmoor.dev/ are Gitmoor's own", "self.all(k, !k.startsWith('gitmoor.dev/'))")
        }
    })
}

fn marks(message: &str, rule: &str) -> Value {
    json!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "maxLength": 4096},
        "x-kubernetes-validations": [{"rule": rule, "message": message}]
    })
}

/// A schema that a map fits which has one of the fields.
fn without(fields: &[&str]) -> Value {
    let has = |field: &&str| json!({"required": [field]});
    json!({"anyOf": fields.iter().map(has).collect::<Vec<_>>()})
}
