//! JSON Schemas for editors, made of the CRDs: yaml-language-server completes and checks by them while one types. They are
//! stricter than the API server where that helps an author: an unknown field is a mistake, and status is nobody's to write.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Map, Value, json};

use super::crds::open_api_schema;

/// The draft that editors know best.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema of a kind.
pub fn of(crd: &CustomResourceDefinition) -> Value {
    let kind = &crd.spec.names.kind;
    let version = crd.spec.versions.first().map(|version| version.name.as_str()).unwrap_or_default();
    let mut schema = open_api_schema(crd);
    strict(&mut schema);
    let metadata = metadata(schema["properties"]["metadata"].take());
    let spec = schema["properties"]["spec"].take();
    json!({
        "$schema": DRAFT,
        "title": format!("{kind} of {}/{version}", crd.spec.group),
        "description": schema["description"],
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "const": format!("{}/{version}", crd.spec.group)},
            "kind": {"type": "string", "const": kind},
            "metadata": metadata,
            "spec": spec
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false
    })
}

/// A schema of any of the kinds, by their files: for editors that take one for all files of a folder.
pub fn any(files: &[(&str, &str)]) -> Value {
    let kinds: Vec<_> = files.iter().map(|(kind, _)| kind).collect();
    let each: Vec<_> = files
        .iter()
        .map(|(kind, file)| json!({"if": {"properties": {"kind": {"const": kind}}}, "then": {"$ref": file}}))
        .collect();
    json!({
        "$schema": DRAFT,
        "title": "Any object of gitmoor.dev",
        "type": "object",
        "properties": {"kind": {"enum": kinds}},
        "required": ["kind"],
        "allOf": each
    })
}

/// What a person writes of metadata.
fn metadata(ours: Value) -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "type": "object",
        "properties": {
            "name": ours["properties"]["name"], "namespace": {"type": "string"}, "labels": texts, "annotations": texts
        },
        "required": ["name"]
    })
}

/// Objects take no other fields than those that are named; and what only Kubernetes understands goes.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
            map.retain(|key, _| !key.starts_with("x-kubernetes-"));
            // A list of alternatives has properties of its own that say no type.
            if !open && map.get("type") == Some(&json!("object")) && map.get("properties").is_some_and(Value::is_object)
            {
                map.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            descend(map);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}

/// Names of fields are no words of a schema: a field may be called `type`.
fn descend(map: &mut Map<String, Value>) {
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(fields)) => fields.values_mut().for_each(strict),
            ("default" | "enum" | "example", _) => {}
            (_, value) => strict(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::crds;

    #[test]
    fn what_is_named_is_all_that_is_taken() {
        let schema = of(&crds::microservice());
        assert_eq!(schema["additionalProperties"], false);
        let spec = &schema["properties"]["spec"];
        assert_eq!(spec["additionalProperties"], false);
        assert_eq!(spec["properties"]["ports"]["items"]["additionalProperties"], false);
        let open = &spec["properties"]["nodeSelector"]["additionalProperties"];
        assert_eq!(open["type"], "string", "a map takes any key");
        assert!(schema["properties"]["status"].is_null(), "nobody writes status");
        assert!(!schema.to_string().contains("x-kubernetes-"), "an editor knows nothing of it");
    }

    #[test]
    fn a_field_may_have_the_name_of_a_word_of_schemas() {
        let mut schema = json!({"type": "object", "properties": {
            "type": {"type": "string"}, "properties": {"type": "object", "properties": {"a": {"type": "string"}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {}}}
        }});
        strict(&mut schema);
        assert_eq!(schema["properties"]["type"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["properties"]["additionalProperties"], false);
        assert!(schema["properties"]["free"]["additionalProperties"].is_null());
    }
}
