//! What is found in a spec, and when the checksum changes.

use serde_json::{Value, json};

use super::*;

fn service(mut spec: Value) -> MicroService {
    spec["image"] = json!("a:1");
    spec["restartOnChange"] = json!(true);
    let object =
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": "a"}, "spec": spec});
    serde_json::from_value(object).unwrap()
}

fn found(spec: Value) -> Vec<String> {
    let say = |(reference, part): (Reference, Part)| {
        let keys = part.keys.map_or("*".to_owned(), |keys| keys.into_iter().collect::<Vec<_>>().join(","));
        format!("{} {} {keys}{}", reference.kind.as_str(), reference.name, if part.optional { " optional" } else { "" })
    };
    references(&service(spec)).into_iter().map(say).collect()
}

fn check(spec: Value, expected: &[&str]) {
    assert_eq!(found(spec.clone()), expected, "{spec}");
}

#[test]
fn every_place_that_can_name_one_is_looked_at() {
    let key = |name: &str, key: &str| json!({"name": "A", "valueFrom": {name: {"name": "x", "key": key}}});
    check(json!({}), &[]);
    check(json!({"env": [key("configMapKeyRef", "a")]}), &["ConfigMap x a"]);
    check(json!({"env": [key("secretKeyRef", "a")]}), &["Secret x a"]);
    check(json!({"envFrom": [{"configMapRef": {"name": "x"}}]}), &["ConfigMap x *"]);
    check(json!({"envFrom": [{"secretRef": {"name": "x", "optional": true}}]}), &["Secret x * optional"]);
    check(json!({"volumes": [{"name": "v", "configMap": {"name": "x"}}]}), &["ConfigMap x *"]);
    check(
        json!({"volumes": [{"name": "v", "secret": {"secretName": "x", "items": [{"key": "a", "path": "b"}]}}]}),
        &["Secret x a"],
    );
    let sources = json!([{"configMap": {"name": "x"}}, {"secret": {"name": "y", "optional": true}}]);
    check(
        json!({"volumes": [{"name": "v", "projected": {"sources": sources}}]}),
        &["ConfigMap x *", "Secret y * optional"],
    );
    for list in ["initContainers", "sidecars"] {
        let container =
            json!([{"name": "c", "env": [key("secretKeyRef", "a")], "envFrom": [{"configMapRef": {"name": "x"}}]}]);
        check(json!({list: container}), &["ConfigMap x *", "Secret x a"]);
    }
}

#[test]
fn what_is_named_twice_is_read_as_a_whole_and_needed_if_anybody_needs_it() {
    let key = |key: &str, optional: bool| json!({"name": key, "valueFrom": {"secretKeyRef": {"name": "x", "key": key, "optional": optional}}});
    check(json!({"env": [key("a", true), key("b", true)]}), &["Secret x a,b optional"]);
    check(json!({"env": [key("a", true), key("b", false)]}), &["Secret x a,b"]);
    check(json!({"env": [key("a", false)], "envFrom": [{"secretRef": {"name": "x"}}]}), &["Secret x *"]);
}

#[test]
fn who_does_not_ask_names_nothing() {
    let mut service = service(json!({"envFrom": [{"secretRef": {"name": "x"}}]}));
    service.spec.restart_on_change = None;
    assert!(references(&service).is_empty());
}

fn sum(spec: Value, kind: ReferenceKind, object: Value) -> String {
    let reference = Reference { kind, name: "x".into() };
    let digests = (!object.is_null()).then(|| digests(kind, &object));
    checksum(&references(&service(spec)), &[(reference, digests)].into())
}

#[test]
fn only_what_is_read_changes_the_checksum() {
    let one_key = json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "a"}}}]});
    let of = |object| sum(one_key.clone(), ReferenceKind::ConfigMap, object);
    let before = of(json!({"data": {"a": "1"}}));
    assert_eq!(before, of(json!({"data": {"a": "1", "b": "2"}, "metadata": {"uid": "u", "annotations": {"x": "y"}}})));
    assert_ne!(before, of(json!({"data": {"a": "2"}})));
    assert_ne!(before, of(json!({"data": {"b": "1"}})));
    assert_ne!(before, of(Value::Null));
    let all = json!({"envFrom": [{"configMapRef": {"name": "x"}}]});
    let of = |object| sum(all.clone(), ReferenceKind::ConfigMap, object);
    assert_ne!(of(json!({"data": {"a": "1"}})), of(json!({"data": {"a": "1", "b": "2"}})));
    assert_ne!(of(json!({"data": {"a": "1"}})), of(json!({"data": {"a": "1"}, "binaryData": {"b": "AA=="}})));
    assert_ne!(of(json!({"data": {"a": "bc"}})), of(json!({"data": {"ab": "c"}})));
}

#[test]
fn a_checksum_of_a_secret_cannot_be_tried_out_without_its_uid() {
    let spec = json!({"envFrom": [{"secretRef": {"name": "x"}}]});
    let of = |uid: &str| {
        let object = json!({"metadata": {"uid": uid}, "data": {"a": "aHVudGVyMg=="}});
        sum(spec.clone(), ReferenceKind::Secret, object)
    };
    assert_ne!(of("1"), of("2"));
    assert_eq!(of("1"), of("1"));
}

#[test]
fn what_is_missing_is_named() {
    let spec = json!({
        "envFrom": [{"secretRef": {"name": "gone"}}, {"configMapRef": {"name": "maybe", "optional": true}}],
        "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "a"}}}]
    });
    let references = references(&service(spec));
    let reference = |kind, name: &str| Reference { kind, name: name.to_owned() };
    let found = [
        (reference(ReferenceKind::Secret, "gone"), None),
        (reference(ReferenceKind::ConfigMap, "maybe"), None),
        (reference(ReferenceKind::ConfigMap, "x"), Some(Digests::default())),
    ];
    assert_eq!(missing(&references, &found.into()), ["ConfigMap x has no key a", "Secret gone does not exist"]);
}
