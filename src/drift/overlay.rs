//! A strategic merge: one object over another, by the keys by which their fields compare.

use serde_json::{Map, Value};

use super::items::key_of;
use super::shape::{Key, Shape};
use super::shape_of;

/// What a patch says to do instead of merging.
const DIRECTIVE: &str = "$patch";

/// Lays a patch over an object. Maps are merged, null removes a field, and lists are replaced; but items of lists with
/// keys are merged by their keys and added where they are new. `$patch: replace` in a map, and `$patch: delete` in an item
/// of a list, are as Kubernetes has them.
pub fn overlay(object: &mut Value, patch: &Value) {
    let shape = shape_of(object);
    merge(object, patch, shape);
}

fn merge(value: &mut Value, patch: &Value, shape: &'static Shape) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(patch)) => {
            if patch.get(DIRECTIVE).is_some_and(|word| word == "replace") {
                fields.clear();
            }
            merge_fields(fields, patch, shape);
        }
        (Value::Array(items), Value::Array(patch)) => match shape {
            Shape::Keyed(keys, item) => merge_items(items, patch, keys, item),
            _ => *items = patch.iter().map(plain).collect(),
        },
        (value, patch) => *value = plain(patch),
    }
}

fn merge_fields(fields: &mut Map<String, Value>, patch: &Map<String, Value>, shape: &'static Shape) {
    for (name, patch) in patch.iter().filter(|(name, _)| *name != DIRECTIVE) {
        match fields.get_mut(name) {
            _ if patch.is_null() => drop(fields.remove(name)),
            Some(value) => merge(value, patch, shape.field(name)),
            None => drop(fields.insert(name.clone(), plain(patch))),
        }
    }
}

fn merge_items(items: &mut Vec<Value>, patch: &[Value], keys: &'static [Key], shape: &'static Shape) {
    for patch in patch {
        let key = key_of(patch, keys);
        let place = key.and_then(|key| items.iter().position(|item| key_of(item, keys) == Some(key)));
        match (place, patch.get(DIRECTIVE).and_then(Value::as_str)) {
            (Some(place), Some("delete")) => drop(items.remove(place)),
            (None, Some("delete")) => {}
            (Some(place), _) => merge(&mut items[place], patch, shape),
            (None, _) => items.push(plain(patch)),
        }
    }
}

/// A value as it is sent: without nulls and directives.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !value.is_null() && *name != DIRECTIVE)
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        Value::Array(items) => items.iter().map(plain).collect(),
        scalar => scalar.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `pod` is the pod's spec of a Deployment.
    #[track_caller]
    fn check(pod: &Value, patch: &Value, expected: &Value) {
        let deployment =
            |pod: &Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": pod}}});
        let mut object = deployment(pod);
        overlay(&mut object, &json!({"spec": {"template": {"spec": patch}}}));
        assert_eq!(object, deployment(expected));
    }

    #[test]
    fn maps_are_merged_and_null_removes() {
        let pod = json!({"a": {"b": 1, "c": 2}, "d": 3});
        check(
            &pod,
            &json!({"a": {"b": 9, "e": {"f": null, "g": 1}}, "d": null}),
            &json!({"a": {"b": 9, "c": 2, "e": {"g": 1}}}),
        );
        check(&pod, &json!({"a": {"$patch": "replace", "x": 1}}), &json!({"a": {"x": 1}, "d": 3}));
        check(&pod, &json!({"d": [1, {"x": null}]}), &json!({"a": {"b": 1, "c": 2}, "d": [1, {}]}));
    }

    #[test]
    fn items_are_merged_by_their_keys() {
        let container = json!({"name": "a", "image": "a:1", "ports": [{"containerPort": 80, "protocol": "TCP"}]});
        let pod = json!({"containers": [container]});
        check(
            &pod,
            &json!({"containers": [{"name": "a", "tty": true, "ports": [{"containerPort": 80, "hostPort": 80}]}]}),
            &json!({"containers": [{
                "name": "a", "image": "a:1", "tty": true,
                "ports": [{"containerPort": 80, "protocol": "TCP", "hostPort": 80}]
            }]}),
        );
        check(
            &pod,
            &json!({"containers": [{"name": "b", "image": "b:1"}, {"name": "c", "$patch": "delete"}]}),
            &json!({"containers": [container, {"name": "b", "image": "b:1"}]}),
        );
        check(&pod, &json!({"containers": [{"name": "a", "$patch": "delete"}]}), &json!({"containers": []}));
    }

    #[test]
    fn lists_without_keys_are_replaced() {
        check(&json!({"hosts": ["a", "b"]}), &json!({"hosts": ["c"]}), &json!({"hosts": ["c"]}));
    }
}
