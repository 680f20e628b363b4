//! What an API server says of an object: any managedFields, and any object around them.

use gitmoor::drift::{Compare, Hand, compare, declared_for_apply, removal_patch, users};
use gitmoor::model::ChangeKind;
use serde_json::{Value, json};

use super::choices::Choices;

const WORDS: [&str; 28] = [
    "metadata",
    "spec",
    "template",
    "containers",
    "env",
    "name",
    "image",
    "labels",
    "annotations",
    "ports",
    "containerPort",
    "protocol",
    "f:metadata",
    "f:spec",
    "f:template",
    "f:containers",
    "f:labels",
    "f:a",
    "k:{\"name\":\"a\"}",
    "k:{\"name\":\"B\"}",
    "k:{\"name\":\"C\"}",
    "k:{\"containerPort\":80,\"protocol\":\"TCP\"}",
    "k:{",
    "v:1",
    "i:0",
    ".",
    "a",
    "replicas",
];

pub fn run(data: &[u8]) {
    let declared = declared();
    // As JSON, where it is that; else as a row of choices.
    let mut live = live(&declared);
    let entries = serde_json::from_slice(data).unwrap_or_else(|_| entries(&live, &mut Choices::of(data)));
    live["metadata"]["managedFields"] = entries;
    check(&declared, &live);
    let mut any = Choices::of(data).json(&WORDS, 4);
    if any.is_object() {
        any["apiVersion"] = declared["apiVersion"].clone();
        any["kind"] = declared["kind"].clone();
        if any["metadata"].is_object() {
            any["metadata"]["uid"] = live["metadata"]["uid"].clone();
            any["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        }
        check(&declared, &any);
        check(&any, &live);
    }
}

fn declared() -> Value {
    let container =
        json!({"name": "a", "image": "a:1", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "shop", "labels": {"a": "1"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    })
}

/// The same after people were at it: something is changed, something gone, and around what is declared more than once something
/// new.
fn live(declared: &Value) -> Value {
    let mut live = declared.clone();
    (live["metadata"]["uid"], live["metadata"]["resourceVersion"]) = (json!("u"), json!("7"));
    live["metadata"]["labels"]["by-hand"] = json!("x");
    live["spec"]["replicas"] = json!(7);
    let container = &mut live["spec"]["template"]["spec"]["containers"][0];
    container["tty"] = json!(true);
    container["env"] = json!([{"name": "B", "value": "1"}, {"name": "A"}, {"name": "C", "value": "1"}]);
    container["ports"] =
        json!([{"containerPort": 81}, {"containerPort": 80, "protocol": "TCP"}, {"containerPort": 82}]);
    live
}

fn entries(live: &Value, choices: &mut Choices<'_>) -> Value {
    let count = choices.below(5);
    let managers = ["gitmoor-controller", "kubectl-edit", "kube-controller-manager", ""];
    (0..count)
        .map(|_| {
            json!({
                "manager": choices.pick(&managers),
                "operation": choices.pick(&["Apply", "Update", "x"]),
                "time": choices.pick(&["2026-01-02T03:04:05Z", "", "soon"]),
                "subresource": choices.pick(&["", "scale", "status"]),
                "fieldsV1": if choices.below(4) == 0 { choices.json(&WORDS, 6) } else { some_of(live, choices) },
            })
        })
        .collect()
}

/// Some of the fields that there are, as an API server writes them.
fn some_of(value: &Value, choices: &mut Choices<'_>) -> Value {
    let steps: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, inner)| (format!("f:{name}"), inner)).collect(),
        Value::Array(items) => items.iter().map(|item| (step(item), item)).collect(),
        _ => return json!({}),
    };
    let mut some = json!({});
    for (step, inner) in steps {
        match choices.below(6) {
            0 => {}
            1 => some[step] = json!({}),
            own => {
                some[&step] = some_of(inner, choices);
                if own == 2 {
                    some[&step]["."] = json!({});
                }
            }
        }
    }
    some
}

/// An item by its key, where it has one.
fn step(item: &Value) -> String {
    match (&item["name"], &item["containerPort"]) {
        (Value::Null, Value::Null) => format!("v:{item}"),
        (Value::Null, port) => format!("k:{}", json!({"containerPort": port, "protocol": "TCP"})),
        (name, _) => format!("k:{}", json!({"name": name})),
    }
}

fn check(declared: &Value, live: &Value) {
    let options = Compare { manager: "gitmoor-controller" };
    let found = compare(declared, live, &options);
    assert_eq!(found, compare(declared, live, &options), "the same is found twice");
    for drift in &found.drifts {
        let (of_live, of_declared) = (drift.pointer.get(live), drift.pointer.get(declared));
        match drift.change {
            ChangeKind::Modified | ChangeKind::Added => {
                assert!(of_live.is_some() && of_live == drift.live.as_ref(), "{drift:?}");
            }
            ChangeKind::Removed => {
                assert!(of_declared.is_some() && of_declared == drift.declared.as_ref(), "{drift:?}");
            }
            ChangeKind::Disowned => assert!(of_live.is_some(), "{drift:?}"),
            other => panic!("{other:?} is no finding of a comparison"),
        }
    }
    let hands = [Hand { before: declared, after: live, user: "ann" }];
    assert_eq!(users(declared, options.manager, &found.drifts, &hands).len(), found.drifts.len());
    let body = declared_for_apply(declared, live, &found.drifts, &found.yielded, options.manager);
    assert!(body.to_string().len() <= declared.to_string().len() + live.to_string().len());
    if let Some(patch) = removal_patch(live, &found.drifts) {
        let mut patched = live.clone();
        json_patch::patch(&mut patched, &patch).expect("a patch fits the object that it was made for");
    }
}
