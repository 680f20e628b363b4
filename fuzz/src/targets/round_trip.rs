//! Diff, then apply: what is found between a declared and a live object, put back by the bodies and patches that are sent, leaves
//! nothing to find; and what is kept stays as it is.

use gitmoor::drift::{Compare, compare, declared_for_apply, overlay, removal_patch};
use gitmoor::model::{ChangeKind, FieldDrift};
use serde_json::{Map, Value, json};

use super::choices::Choices;

const OURS: &str = "gitmoor-controller";

pub fn run(data: &[u8]) {
    let mut choices = Choices::of(data);
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

    // What was added goes by a patch; what was changed or removed comes back with an apply.
    let mut corrected = live.clone();
    if let Some(patch) = removal_patch(&live, &found.drifts) {
        json_patch::patch(&mut corrected, &patch).expect("it fits the object that it was made for");
    }
    overlay(&mut corrected, &declared);
    let left = differing(compare(&declared, &corrected, &options).drifts);
    assert!(left.is_empty(), "{left:?} is left of {:?}", found.drifts);

    // What is kept is not touched by the body that is sent meanwhile.
    let body = declared_for_apply(&declared, &live, &found.drifts, &found.yielded, OURS);
    let mut kept = live.clone();
    overlay(&mut kept, &body);
    let (before, after) = (differing(found.drifts), differing(compare(&declared, &kept, &options).drifts));
    let places = |drifts: &[FieldDrift]| {
        drifts.iter().map(|drift| (drift.change, drift.pointer.to_string(), drift.live.clone())).collect::<Vec<_>>()
    };
    assert_eq!(places(&before), places(&after), "what is kept stays");
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
            let mut container = json!({"name": format!("c{at}"), "image": "i:1", "args": ["a"]});
            if !env.is_empty() {
                container["env"] = env.into();
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
    let what = choices.below(9);
    let (one, other) = (choices.below(16), choices.below(16));
    match what {
        0 => live["spec"]["replicas"] = json!(10 + one),
        1 => live["spec"]["paused"] = json!(one % 2 == 0),
        2 => live["metadata"]["labels"][format!("n{one}")] = json!("n"),
        3 => live["metadata"]["labels"][format!("l{}", one % 3)] = json!("w"),
        _ => {
            let Some(containers) = live["spec"]["template"]["spec"]["containers"].as_array_mut() else { return };
            let count = containers.len();
            match what {
                4 => containers.rotate_left(one % count),
                5 if containers.iter().all(|container| container["name"] != "side") => {
                    containers.insert(one % (count + 1), json!({"name": "side", "image": "s:1"}));
                }
                6 => containers[one % count]["image"] = json!(format!("i:{other}")),
                7 => containers[one % count]["args"] = json!(["b", other]),
                _ => env(&mut containers[one % count], other),
            }
        }
    }
}

fn env(container: &mut Value, by: usize) {
    let Some(env) = container["env"].as_array_mut() else { return };
    let name = format!("N{by}");
    match by % 3 {
        0 => {
            let at = by % env.len().max(1);
            env.iter_mut().skip(at).take(1).for_each(|item| item["value"] = json!("w"));
        }
        1 if env.iter().all(|item| item["name"] != name.as_str()) => env.push(json!({"name": name, "value": "n"})),
        _ => env.reverse(),
    }
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
        let (mine, other) = split(declared.get(field), &strip(live)[field]);
        ours[format!("f:{field}")] = mine;
        theirs[format!("f:{field}")] = other;
    }
    json!([
        {"manager": OURS, "operation": "Apply", "fieldsV1": ours},
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z", "fieldsV1": theirs},
    ])
}

/// Whose what is in a value: ours where it is as declared, a person's where not.
fn split(declared: Option<&Value>, live: &Value) -> (Value, Value) {
    let (mut ours, mut theirs) = (json!({}), json!({}));
    let mut take = |step: String, declared: Option<&Value>, live: &Value| {
        let (mine, other) = split(declared, live);
        if !mine.is_null() {
            ours[&step] = mine;
        }
        if !other.is_null() {
            theirs[&step] = other;
        }
    };
    match live {
        Value::Object(fields) => {
            for (name, value) in fields {
                take(format!("f:{name}"), declared.and_then(|declared| declared.get(name)), value);
            }
        }
        Value::Array(items) if items.iter().all(|item| item["name"].is_string()) => {
            for item in items {
                let of = declared.and_then(Value::as_array);
                let same = of.and_then(|of| of.iter().find(|other| other["name"] == item["name"]));
                take(format!("k:{}", json!({"name": item["name"]})), same, item);
            }
        }
        leaf if declared == Some(leaf) => return (json!({}), Value::Null),
        _ => return (Value::Null, json!({})),
    }
    let none = |map: Value| if map.as_object().is_some_and(Map::is_empty) { Value::Null } else { map };
    let item = live.get("name").is_some() && live.get("image").is_none_or(Value::is_string);
    if item {
        // Who has an item has its key.
        let holder = if declared.is_some() { &mut ours } else { &mut theirs };
        holder["."] = json!({});
    }
    (none(ours), none(theirs))
}
