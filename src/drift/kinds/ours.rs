//! The shapes of our own kinds, read from their CRDs: what is added to a kind is compared without a table to keep.
//!
//! The API server stores what is written, so that no zero value is dropped and nothing is filled in.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::super::shape::{Key, Shape};
use crate::api::crds::open_api_schema;

/// The shape of the kind that a CRD defines. `wishes` are fields of its spec that anybody may set where they are not
/// declared. It is made once for each kind and lives as long as the process.
pub(super) fn from_crd(crd: &CustomResourceDefinition, wishes: &[&str]) -> Shape {
    let schema = open_api_schema(crd);
    let mut spec = fields(&schema["properties"]["spec"]["properties"]);
    spec.retain(|(name, _)| !wishes.contains(name));
    spec.extend(wishes.iter().map(|name| (text(name), &Shape::Wish)));
    let spec = leaked(Shape::Record(Vec::leak(spec)));
    Shape::Object(Vec::leak(vec![("spec", spec)]))
}

fn fields(properties: &Value) -> Vec<(&'static str, &'static Shape)> {
    let all = properties.as_object().into_iter().flatten();
    all.map(|(name, schema)| (text(name), leaked(shape(schema)))).filter(|(_, shape)| !plain(shape)).collect()
}

/// Whether it says no more than the absence of a field says.
fn plain(shape: &Shape) -> bool {
    matches!(shape, Shape::Any)
}

fn shape(schema: &Value) -> Shape {
    let is = |mark: &str, wanted: &str| schema[mark] == *wanted;
    if schema["x-kubernetes-int-or-string"] == true {
        // A percentage is told by its pattern. Of the others, ports and quantities, each is the same as text or as quantity.
        let percent = schema["pattern"].as_str().is_some_and(|pattern| pattern.ends_with("%$"));
        return if percent { Shape::IntOrString } else { Shape::Quantity };
    }
    if let Some(items) = schema.get("items") {
        let item = || leaked(shape(items));
        return match schema["x-kubernetes-list-type"].as_str() {
            Some("map") => Shape::Keyed(keys(schema), item()),
            Some("set") => Shape::Set,
            _ if plain(&shape(items)) => Shape::Any,
            _ => Shape::List(item()),
        };
    }
    let inner = if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        Shape::Map(leaked(shape(values)))
    } else {
        let fields = fields(&schema["properties"]);
        if fields.is_empty() { Shape::Any } else { Shape::Record(Vec::leak(fields)) }
    };
    if is("x-kubernetes-map-type", "atomic") { Shape::Atomic(leaked(inner)) } else { inner }
}

fn keys(schema: &Value) -> &'static [Key] {
    let names = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let key = |name: &str| {
        let default = schema["items"]["properties"][name]["default"].as_str().map(text);
        Key { name: text(name), default }
    };
    Vec::leak(names.map(key).collect())
}

fn text(text: &str) -> &'static str {
    Box::leak(text.into())
}

fn leaked(shape: Shape) -> &'static Shape {
    Box::leak(Box::new(shape))
}
