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

    /// Our next apply, forced.
    pub(super) fn apply(&mut self, body: &Value) {
        let wanted = leaves(body);
        let gone: Vec<_> = self.ours.iter().filter(|path| !wanted.contains_key(*path)).cloned().collect();
        for path in gone {
            self.ours.remove(&path);
            // What others own something of stays, and so does the key of an item that stays.
            if !self.person.iter().any(|theirs| theirs.starts_with(&path)) && !is_key(&path) {
                take_out(&mut self.object, &path);
            }
        }
        for (path, value) in wanted {
            let slot = at(&mut self.object, &path);
            // An empty map or list takes nothing away from what others put into it.
            let empty = value == json!({}) || value == json!([]);
            if !is_item(&path) && *slot != value && (!empty || slot.is_null()) {
                *slot = value;
                self.person.remove(&path);
            }
            self.ours.insert(path);
        }
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

fn is_item(path: &Path) -> bool {
    path.last().is_some_and(|step| step.starts_with("k:"))
}

fn is_key(path: &Path) -> bool {
    path.last().is_some_and(|step| step == "f:name") && is_item(&path[..path.len() - 1].to_vec())
}

/// The value at a path, made where there is none.
fn at<'v>(value: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(value, |value, step| match step.split_once(':').expect("a step has a kind") {
        ("f", name) => &mut value[name],
        (_, key) => {
            let key: Value = serde_json::from_str(key).expect("a key is JSON");
            if value.is_null() {
                *value = json!([]);
            }
            let list = value.as_array_mut().expect("items are in a list");
            let found = list.iter().position(|item| item["name"] == key["name"]);
            let place = found.unwrap_or_else(|| {
                list.push(key);
                list.len() - 1
            });
            &mut list[place]
        }
    })
}

fn take_out(object: &mut Value, path: &[String]) {
    let (last, above) = path.split_last().expect("the root is owned by nobody");
    let holder = at(object, above);
    match (last.split_once(':').expect("a step has a kind"), holder) {
        (("f", name), Value::Object(map)) => drop(map.remove(name)),
        ((_, key), Value::Array(list)) => {
            let key: Value = serde_json::from_str(key).expect("a key is JSON");
            list.retain(|item| item["name"] != key["name"]);
        }
        _ => {}
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
