//! An API server in small: enough of server-side apply to say who owns what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, json};

use super::*;
use crate::drift::items::key_of;
use crate::drift::shape::Key;

/// A path in managed fields.
type Path = Vec<String>;

/// An API server with one object, which two managers write.
pub(super) struct Server {
    pub(super) object: Value,
    ours: BTreeSet<Path>,
    person: BTreeSet<Path>,
}

impl Server {
    /// Our first apply.
    pub(super) fn with(declared: &Value) -> Self {
        let mut object = declared.clone();
        object["metadata"]["uid"] = "u".into();
        object["metadata"]["resourceVersion"] = "1".into();
        object["spec"]["template"]["spec"]["dnsPolicy"] = "ClusterFirst".into();
        let ours = leaves(declared).into_keys().collect();
        Self { object, ours, person: BTreeSet::new() }
    }

    /// A person's update: what it changes is theirs, what it leaves is nobody's news.
    pub(super) fn update(&mut self, change: impl FnOnce(&mut Value)) {
        let before = leaves(&self.object);
        change(&mut self.object);
        let after = leaves(&self.object);
        for (path, value) in &after {
            if before.get(path) != Some(value) {
                self.ours.remove(path);
                self.person.insert(path.clone());
            }
        }
        self.ours.retain(|path| after.contains_key(path));
        self.person.retain(|path| after.contains_key(path));
    }

    /// The object with its managed fields.
    pub(super) fn live(&self) -> Value {
        let mut live = self.object.clone();
        live["metadata"]["managedFields"] = json!([
            {"manager": "gitmoor-controller", "operation": "Apply", "fieldsV1": fields(&self.ours)},
            {"manager": "person", "operation": "Update", "time": "2026-01-02T03:04:05Z", "fieldsV1": fields(&self.person)},
        ]);
        live
    }
}

/// What is owned in a value: scalars, atomic lists, and items themselves.
pub(super) fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    let mut path = Vec::new();
    descend(object, shape_of(object), &mut path, &mut found);
    found.retain(|path, _| !["f:apiVersion", "f:kind"].contains(&path[0].as_str()) && path.last().unwrap() != "f:uid");
    found
}

fn descend(value: &Value, shape: &Shape, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
    let mut step = |step: String, value: &Value, shape: &Shape, found: &mut BTreeMap<Path, Value>| {
        path.push(step);
        if matches!(value, Value::Object(_)) && path.last().unwrap().starts_with("k:") {
            found.insert(path.clone(), Value::Null);
        }
        descend(value, shape, path, found);
        path.pop();
    };
    match (value, shape) {
        (Value::Object(map), _) if !map.is_empty() => {
            map.iter().for_each(|(name, value)| step(format!("f:{name}"), value, shape.field(name), found));
        }
        (Value::Array(list), Shape::Keyed(keys, _)) if !list.is_empty() => {
            list.iter().for_each(|item| step(format!("k:{}", key_json(item, keys)), item, shape.item(), found));
        }
        (value, _) => {
            found.insert(path.clone(), value.clone());
        }
    }
}

fn key_json(item: &Value, keys: &[Key]) -> Value {
    let parts = key_of(item, keys).expect("generated items have keys");
    keys.iter().zip(parts).map(|(key, part)| (key.name.to_owned(), part.into())).collect::<Map<_, _>>().into()
}

fn fields(paths: &BTreeSet<Path>) -> Value {
    let mut root = json!({});
    for path in paths {
        let mut node = &mut root;
        for step in path {
            node = &mut node[step.as_str()];
            if node.is_null() {
                *node = json!({});
            }
        }
        if path.last().is_some_and(|step| step.starts_with("k:")) {
            node["."] = json!({});
        }
    }
    root
}
