//! Diff, then apply: what is found between a declared and a live object, put back by the bodies and patches that are sent, leaves
//! nothing to find; and what is kept stays as it is. What differs, and that nothing does any more, is seen without the comparison,
//! too.

use std::collections::BTreeSet;

use gitmoor::drift::{Compare, compare, declared_for_apply, overlay, removal_patch};
use gitmoor::model::{ChangeKind, FieldDrift};
use serde_json::{Map, Value, json};

use super::choices::Choices;

const OURS: &str = "gitmoor-controller";

pub fn run(data: &[u8]) {
    let mut choices = Choices::of(data);
    let keeps = choices.below(256);
    let declared = declared(&mut choices);
    let mut live = declared.clone();
    live["metadata"]["uid"] = json!("u");
    live["metadata"]["resourceVersion"] = json!("1");
    while !choices.is_over() {
        edit(&mut live, &mut choices);
    }
    live["metadata"]["managedFields"] = owned(&declared, &live);

    let options = Compare { manager: OURS };
    let found = compare(&declared, &live, &options);
    let same = strip(&declared) == strip(&live);
    assert!(!same || found.drifts.is_empty(), "{:?}", found.drifts);
    let is_found = !differing(found.drifts.clone()).is_empty();
    assert_eq!(is_found, said(&declared) != said(&live), "{:?} of {live}", found.drifts);

    // All of it is put back, all is kept, or some of each.
    for keep in [0, 255, keeps] {
        let (kept, corrected): (Vec<_>, Vec<_>) =
            found.drifts.iter().cloned().enumerate().partition(|(at, _)| keep >> (at % 8) & 1 == 1);
        let [kept, corrected] =
            [kept, corrected].map(|some| some.into_iter().map(|(_, drift)| drift).collect::<Vec<_>>());
        // What was added goes by a patch; what was changed or removed comes back with an apply.
        let mut object = live.clone();
        if let Some(patch) = removal_patch(&live, &corrected) {
            json_patch::patch(&mut object, &patch).expect("it fits the object that it was made for");
        }
        overlay(&mut object, &declared_for_apply(&declared, &live, &kept, &found.yielded, OURS));
        let left = differing(compare(&declared, &object, &options).drifts);
        assert_eq!(values(&left), values(&differing(kept)), "is left of {:?}: {object}", found.drifts);
        if keep == 0 {
            assert_eq!(said(&object), said(&declared), "all is put back of {:?}", found.drifts);
        }
    }
}

/// What differs, wherever it stands by now.
fn values(drifts: &[FieldDrift]) -> BTreeSet<String> {
    drifts.iter().map(|drift| format!("{:?} {:?} {:?}", drift.change, drift.declared, drift.live)).collect()
}

/// Whose a value is that is as declared is another matter.
fn differing(mut drifts: Vec<FieldDrift>) -> Vec<FieldDrift> {
    drifts.retain(|drift| drift.change != ChangeKind::Disowned);
    drifts
}

fn declared(choices: &mut Choices<'_>) -> Value {
    let containers: Vec<_> = (0..=choices.below(3))
        .map(|at| {
            let env: Vec<_> = (0..choices.below(4)).map(|n| json!({"name": format!("E{n}"), "value": "v"})).collect();
            let ports: Vec<_> = (0..choices.below(3)).map(|n| json!({"containerPort": 80 + n})).collect();
            let mounts: Vec<_> =
                (0..choices.below(3)).map(|n| json!({"name": "v", "mountPath": format!("/m{n}")})).collect();
            let mut container = json!({
                "name": format!("c{at}"), "image": "i:1", "args": ["a"], "resources": {"requests": {"cpu": "500m"}},
            });
            for (field, items) in [("env", env), ("ports", ports), ("volumeMounts", mounts)] {
                if !items.is_empty() {
                    container[field] = items.into();
                }
            }
            container
        })
        .collect();
    let labels: Map<_, _> = (0..=choices.below(3)).map(|at| (format!("l{at}"), json!("v"))).collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "shop", "labels": labels},
        "spec": {"replicas": choices.below(9), "template": {"spec": {"containers": containers}}},
    })
}

/// One thing that a person does.
fn edit(live: &mut Value, choices: &mut Choices<'_>) {
    let what = choices.below(16);
    let (one, other) = (choices.below(16), choices.below(16));
    match what {
        0 => live["spec"]["replicas"] = json!(10 + one),
        1 => live["spec"]["paused"] = json!(one % 2 == 0),
        2 => live["metadata"]["labels"][format!("n{one}")] = json!("n"),
        3 => live["metadata"]["labels"][format!("l{}", one % 3)] = json!("w"),
        4 => {
            drop(live["metadata"]["labels"].as_object_mut().and_then(|labels| labels.remove(&format!("l{}", one % 3))));
        }
        5 => live["metadata"]["annotations"][format!("a/{one}~")] = json!(format!("b{other}")),
        6 => live["spec"]["template"]["spec"]["tolerations"] = json!([{"key": format!("t{one}")}]),
        _ => {
            let Some(containers) = live["spec"]["template"]["spec"]["containers"].as_array_mut() else { return };
            let count = containers.len();
            match what {
                7 => containers.rotate_left(one % count),
                8 if containers.iter().all(|container| container["name"] != "side") => {
                    containers.insert(one % (count + 1), json!({"name": "side", "image": "s:1"}));
                }
                _ => in_container(&mut containers[one % count], what, other),
            }
        }
    }
}

fn in_container(container: &mut Value, what: usize, by: usize) {
    match what {
        9 => container["image"] = json!(format!("i:{by}")),
        10 => container["args"] = json!(["b", by]),
        11 => container["resources"]["requests"]["cpu"] = json!(["0.5", "500m", "1", "1000m", "5e-1"][by % 5]),
        12 => list(container, "env", by, &|n| json!({"name": format!("N{n}"), "value": "n"}), "value"),
        13 => list(container, "ports", by, &|n| json!({"containerPort": 90 + n}), "hostPort"),
        14 => list(container, "volumeMounts", by, &|n| json!({"name": "v", "mountPath": format!("/n{n}")}), "name"),
        _ => {
            if let Some(fields) = container.as_object_mut() {
                fields.remove(["args", "env", "ports"][by % 3]);
            }
        }
    }
}

/// Adds to a list, changes, turns around or removes what is in it.
fn list(container: &mut Value, field: &str, by: usize, new: &dyn Fn(usize) -> Value, changes: &str) {
    if container.get(field).is_none() {
        container[field] = json!([]);
    }
    let Some(items) = container[field].as_array_mut() else { return };
    let at = by % items.len().max(1);
    let added = new(by);
    match by % 4 {
        0 => items.iter_mut().skip(at).take(1).for_each(|item| {
            item[changes] = if changes == "hostPort" { json!(7) } else { json!("w") };
        }),
        1 if items.iter().all(|item| keys(field, item) != keys(field, &added)) => items.insert(at, added),
        2 if at < items.len() => drop(items.remove(at)),
        _ => items.reverse(),
    }
    // An API server stores no empty list.
    if items.is_empty() {
        container.as_object_mut().and_then(|fields| fields.remove(field));
    }
}

/// What an item of a list is known by; none where the list belongs to one hand as a whole.
fn keys(field: &str, item: &Value) -> Option<Value> {
    match field {
        "containers" | "env" => Some(json!({"name": item["name"]})),
        "ports" => {
            let protocol = item.get("protocol").cloned().unwrap_or(json!("TCP"));
            Some(json!({"containerPort": item["containerPort"], "protocol": protocol}))
        }
        "volumeMounts" => Some(json!({"mountPath": item["mountPath"]})),
        _ => None,
    }
}

/// What an object says, in one form: lists that have keys in their order, amounts by one of their names, and nothing where what
/// stands there says nothing.
fn said(object: &Value) -> Value {
    fn plain(field: &str, value: &Value) -> Value {
        let is_said = |value: &Value| {
            !matches!(value, Value::Null | Value::Bool(false)) && *value != json!({}) && *value != json!([])
        };
        match value {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, inner)| (name.clone(), plain(name, inner)));
                fields.filter(|(_, inner)| is_said(inner)).collect()
            }
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(|item| plain("", item)).collect();
                if items.iter().all(|item| keys(field, item).is_some()) {
                    items.sort_by_key(|item| keys(field, item).map(|keys| keys.to_string()));
                }
                items.into()
            }
            Value::String(text) if field == "cpu" => match &**text {
                "0.5" | "5e-1" => json!("500m"),
                "1000m" => json!("1"),
                other => json!(other),
            },
            other => other.clone(),
        }
    }
    plain("", &strip(object))
}

/// The object without what only an API server writes.
fn strip(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        ["uid", "resourceVersion", "managedFields"].iter().for_each(|field| drop(metadata.remove(*field)));
    }
    object
}

/// managedFields, as if we had applied what is declared, and a person had written what differs from it.
fn owned(declared: &Value, live: &Value) -> Value {
    let (mut ours, mut theirs) = (json!({}), json!({}));
    for field in ["metadata", "spec"] {
        let (mine, other) = split(field, declared.get(field), &strip(live)[field]);
        ours[format!("f:{field}")] = mine;
        theirs[format!("f:{field}")] = other;
    }
    json!([
        {"manager": OURS, "operation": "Apply", "fieldsV1": ours},
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z", "fieldsV1": theirs},
    ])
}

/// Whose what is in a value: ours where it is as declared, a person's where not.
fn split(field: &str, declared: Option<&Value>, live: &Value) -> (Value, Value) {
    let (mut ours, mut theirs) = (json!({}), json!({}));
    let mut take = |step: String, (mine, other): (Value, Value)| {
        for (owner, part) in [(&mut ours, mine), (&mut theirs, other)] {
            if !part.is_null() {
                owner[&step] = part;
            }
        }
    };
    match live {
        Value::Object(fields) => {
            for (name, value) in fields {
                take(format!("f:{name}"), split(name, declared.and_then(|declared| declared.get(name)), value));
            }
        }
        Value::Array(items) if items.iter().all(|item| keys(field, item).is_some()) => {
            for item in items {
                let key = keys(field, item);
                let of = declared.and_then(Value::as_array);
                let same = of.and_then(|of| of.iter().find(|other| keys(field, other) == key));
                let (mut mine, mut other) = split("", same, item);
                // Who has an item has its key.
                let holder = if same.is_some() { &mut mine } else { &mut other };
                if holder.is_null() {
                    *holder = json!({});
                }
                holder["."] = json!({});
                take(format!("k:{}", key.unwrap_or_default()), (mine, other));
            }
        }
        leaf if declared == Some(leaf) => return (json!({}), Value::Null),
        _ => return (Value::Null, json!({})),
    }
    let none = |map: Value| if map.as_object().is_some_and(Map::is_empty) { Value::Null } else { map };
    (none(ours), none(theirs))
}
