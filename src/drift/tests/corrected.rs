//! Apply bodies that keep drift, and patches that take additions away.

use serde_json::json;

use super::samples::{container, container_fields, deployment, edited, entry, micro_service};
use super::*;

/// The body that keeps all drift, with the drifts' lines for the reader.
fn body(declared: &Value, live: &Value) -> Value {
    let found = compared(declared, live);
    declared_for_apply(declared, live, &found.drifts, &found.yielded, manager(declared))
}

/// Takes a field from our apply, as an update by somebody else does.
fn lose(live: &mut Value, pointer: &str) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let fields = live.pointer_mut(&format!("/metadata/managedFields/0/fieldsV1{parent}")).unwrap();
    fields.as_object_mut().unwrap().remove(field).unwrap();
}

#[test]
fn without_drift_the_body_is_what_is_declared() {
    let (declared, live) = deployment();
    assert_eq!(body(&declared, &live), declared);
}

#[test]
fn what_another_manager_changed_is_left_out() {
    let (mut declared, mut live) = micro_service();
    live["spec"]["replicas"] = 5.into();
    live["spec"]["env"][0]["value"] = "debug".into();
    lose(&mut live, "/f:spec/f:replicas");
    lose(&mut live, "/f:spec/f:env/k:{\"name\":\"LOG\"}/f:value");
    edited(&mut live, r#"{f:spec: {f:replicas: {}, f:env: {'k:{"name":"LOG"}': {f:value: {}}}}}"#);

    let body = body(&declared, &live);
    declared["spec"].as_object_mut().unwrap().remove("replicas");
    declared["spec"]["env"][0] = json!({"name": "LOG"});
    assert_eq!(body, declared, "the item keeps its key");
}

#[test]
fn what_we_own_goes_in_as_it_lives() {
    let (mut declared, mut live) = micro_service();
    live["spec"]["env"].as_array_mut().unwrap().reverse();
    live["spec"]["env"][1]["value"] = "debug".into();
    live["spec"]["replicas"] = 5.into();

    let body = body(&declared, &live);
    declared["spec"]["replicas"] = 5.into();
    declared["spec"]["env"][0]["value"] = "debug".into();
    assert_eq!(body, declared, "in the place where it is declared");
}

#[test]
fn what_was_removed_stays_removed() {
    let (mut declared, mut live) = micro_service();
    live["spec"]["env"] = json!([]);
    live["spec"].as_object_mut().unwrap().remove("resources");
    live["metadata"]["annotations"].as_object_mut().unwrap().clear();

    let body = body(&declared, &live);
    declared["spec"].as_object_mut().unwrap().remove("env");
    declared["spec"].as_object_mut().unwrap().remove("resources");
    assert_eq!(body, declared, "no empty map is left, and our marks are put back");
}

#[test]
fn removed_items_leave_the_others_in_place() {
    let (mut declared, _) = micro_service();
    let names: Vec<_> = (0..12).map(|n| json!({"name": format!("N{n}"), "value": "x"})).collect();
    declared["spec"]["env"] = names.into();
    let mut live = declared.clone();
    live["spec"]["env"] = json!([{"name": "N3", "value": "x"}, {"name": "N1", "value": "y"}]);
    live["metadata"]["managedFields"] = json!([]);

    let body = body(&declared, &live);
    assert_eq!(body["spec"]["env"], json!([{"name": "N1"}, {"name": "N3", "value": "x"}]));
}

#[test]
fn yielded_fields_are_left_out() {
    let (mut declared, mut live) = deployment();
    live["spec"]["replicas"] = 5.into();
    lose(&mut live, "/f:spec/f:replicas");
    entry(&mut live, "kube-controller-manager Update scale", "{f:spec: {f:replicas: {}}}");
    let body = body(&declared, &live);
    declared["spec"].as_object_mut().unwrap().remove("replicas");
    assert_eq!(body, declared);
}

#[test]
fn what_is_not_kept_is_corrected() {
    let (declared, mut live) = micro_service();
    live["spec"]["replicas"] = 5.into();
    live["spec"]["image"] = "x".into();
    let found = compared(&declared, &live);
    let kept: Vec<_> =
        found.drifts.iter().filter(|drift| drift.pointer.to_string() == "/spec/image").cloned().collect();
    let body = declared_for_apply(&declared, &live, &kept, &[], "gitmoor");
    assert_eq!((&body["spec"]["image"], &body["spec"]["replicas"]), (&json!("x"), &json!(3)));
}

#[test]
fn an_atomic_value_is_kept_as_a_whole() {
    let (declared, mut live) = deployment();
    container(&mut live)["args"] = json!(["serve"]);
    let found = body(&declared, &live);
    assert_eq!(found.pointer("/spec/template/spec/containers/0/args"), Some(&json!(["serve"])));
    container(&mut live)["args"] = json!(["other"]);
    lose(&mut live, "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"app\"}/f:args");
    edited(&mut live, &container_fields("{f:args: {}}"));
    assert_eq!(body(&declared, &live).pointer("/spec/template/spec/containers/0/args"), None);
}

/// A MicroService with three added env entries and a label.
fn with_additions() -> (Value, Value) {
    let (declared, mut live) = micro_service();
    let env = live["spec"]["env"].as_array_mut().unwrap();
    env.insert(0, json!({"name": "A", "value": "1"}));
    env.insert(2, json!({"name": "B", "value": "2"}));
    env.push(json!({"name": "C", "value": "3"}));
    live["metadata"]["labels"]["a/b"] = "c".into();
    edited(
        &mut live,
        r#"{f:metadata: {f:labels: {f:a/b: {}}},
            f:spec: {f:env: {'k:{"name":"A"}': {.: {}}, 'k:{"name":"B"}': {.: {}}, 'k:{"name":"C"}': {.: {}}}}}"#,
    );
    (declared, live)
}

#[test]
fn the_patch_removes_exactly_what_was_added() {
    let (declared, mut live) = with_additions();
    live["spec"]["replicas"] = 9.into();
    let found = compared(&declared, &live);
    let patch = removal_patch(&live, &found.drifts).expect("something was added");
    let text: Vec<_> = patch.0.iter().map(ToString::to_string).collect();
    assert!(text[0].contains("/metadata/uid") && text[1].contains("/metadata/resourceVersion"), "{text:?}");
    json_patch::patch(&mut live, &patch).expect("the patch applies");

    let mut expected = micro_service().1;
    expected["spec"]["replicas"] = 9.into();
    expected["metadata"]["managedFields"] = live["metadata"]["managedFields"].clone();
    assert_eq!(live, expected);
}

#[test]
fn the_patch_holds_only_for_what_was_seen() {
    let (declared, live) = with_additions();
    let found = compared(&declared, &live);
    let patch = removal_patch(&live, &found.drifts).unwrap();
    for pointer in ["/metadata/uid", "/metadata/resourceVersion", "/metadata/labels/a~1b", "/spec/env/0"] {
        let mut other = live.clone();
        *other.pointer_mut(pointer).unwrap() = "other".into();
        assert!(json_patch::patch(&mut other, &patch).is_err(), "{pointer} is another");
    }
    let mut moved = live.clone();
    moved["spec"]["env"] = json!([]);
    moved["metadata"]["labels"] = json!({});
    assert_eq!(removal_patch(&moved, &found.drifts), None, "nothing of it is there any more");
}

#[test]
fn no_patch_without_an_addition_or_an_identity() {
    let (declared, mut live) = micro_service();
    live["spec"]["replicas"] = 9.into();
    assert_eq!(removal_patch(&live, &compared(&declared, &live).drifts), None);
    let (declared, mut live) = with_additions();
    live["metadata"].as_object_mut().unwrap().remove("uid");
    assert_eq!(removal_patch(&live, &compared(&declared, &live).drifts), None);
}

#[test]
fn nested_additions_are_removed_once() {
    let (_, live) = with_additions();
    let added = |text: &str| FieldDrift {
        co_owned: false,
        pointer: Pointer::parse(text).unwrap(),
        keyed: None,
        change: ChangeKind::Added,
        declared: None,
        live: live.pointer(text).cloned(),
        attribution: crate::model::Attribution::default(),
    };
    let drifts = ["/spec/env/0/value", "/spec/env/0", "/spec/env/0", "/spec/ports"].map(added);
    let patch = removal_patch(&live, &drifts).unwrap();
    assert_eq!(patch.0.len(), 2 + 2 * 2);
    assert_eq!(removal_patch(&live, &[added("")]), None, "never the whole object");
}
