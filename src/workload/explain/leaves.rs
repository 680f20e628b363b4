//! The values of an object, each by a path that stays when other items of a list come and go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::pointer::Pointer;

/// Steps to a value: names of fields, and `[key=value]` for an item of a list.
pub(super) type Path = Vec<String>;

/// A value that has nothing below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// Where it is in its object.
    pub field: Pointer,
    /// What it is.
    pub value: Value,
    /// Whether its item is known by it.
    pub is_key: bool,
}

/// By what items of lists are known, the first that tells all of them apart.
const KEYS: [&str; 6] = ["name", "mountPath", "containerPort", "topologyKey", "host", "key"];

/// The same leaf of an object in which `values` changed from the first to the second: an item that is known by what changed
/// is still that item.
pub(super) fn same<'o>(
    others: &'o BTreeMap<Path, Leaf>,
    path: &Path,
    values: Option<(&Value, &Value)>,
) -> Option<&'o Leaf> {
    let renamed = || {
        let (from, to) = values?;
        let renamed = |step: &String| match step.strip_prefix('[').and_then(|step| step.split_once('=')) {
            Some((key, value)) if value == format!("{from}]") => format!("[{key}={to}]"),
            _ => step.clone(),
        };
        others.get(&path.iter().map(renamed).collect::<Path>())
    };
    others.get(path).or_else(renamed)
}

/// The values of an object.
pub(super) fn leaves(object: &Value) -> BTreeMap<Path, Leaf> {
    let mut found = BTreeMap::new();
    collect(object, &Pointer::root(), &mut Vec::new(), None, &mut found);
    found
}

fn collect(value: &Value, field: &Pointer, path: &mut Path, key: Option<&str>, found: &mut BTreeMap<Path, Leaf>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                path.push(name.clone());
                let is_key = key == Some(name.as_str());
                match value {
                    Value::Object(_) | Value::Array(_) => collect(value, &field.child(name), path, None, found),
                    _ => drop(
                        found.insert(path.clone(), Leaf { field: field.child(name), value: value.clone(), is_key }),
                    ),
                }
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let key = key_of(items);
            for (place, item) in items.iter().enumerate() {
                path.push(key.map_or_else(|| place.to_string(), |key| format!("[{key}={}]", item[key])));
                collect(item, &field.child(place), path, key, found);
                path.pop();
            }
        }
        value => drop(found.insert(path.clone(), Leaf { field: field.clone(), value: value.clone(), is_key: false })),
    }
}

fn key_of(items: &[Value]) -> Option<&'static str> {
    KEYS.into_iter().find(|key| {
        let values: Option<BTreeSet<String>> = items.iter().map(|item| Some(item.get(key)?.to_string())).collect();
        values.is_some_and(|values| values.len() == items.len())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_are_known_by_their_keys_and_others_by_their_places() {
        let found =
            leaves(&json!({"env": [{"name": "A", "value": "1"}], "args": ["x"], "none": {}, "n": [{"a": 1}, {}]}));
        let told: Vec<_> = found
            .iter()
            .map(|(path, leaf)| {
                format!("{} {} {}{}", path.join("/"), leaf.field, leaf.value, if leaf.is_key { " key" } else { "" })
            })
            .collect();
        assert_eq!(
            told,
            [
                "args/0 /args/0 \"x\"",
                "env/[name=\"A\"]/name /env/0/name \"A\" key",
                "env/[name=\"A\"]/value /env/0/value \"1\"",
                "n/0/a /n/0/a 1",
                "n/1 /n/1 {}",
                "none /none {}",
            ]
        );
    }
}
