//! Where fields come from, and that nothing else decides them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::*;
use crate::workload::defaults::Defaults;
use crate::workload::tests::specs;

fn service(spec: Value) -> Value {
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec
    })
}

fn full() -> Value {
    service(json!({
        "image": "x:1", "replicas": 3,
        "ports": [{"containerPort": 8080, "servicePort": 80}, {"name": "metrics", "containerPort": 9090}],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "resources": {"limits": {"memory": "1Gi"}}, "args": ["serve", "fast"],
        "service": {"annotations": {"a/b": "c"}}, "podMetadata": {"labels": {"team": "x"}},
        "securityProfile": "Restricted", "accessPolicy": {},
        "overrides": [{
            "target": {"apiVersion": "apps/v1", "kind": "Deployment"},
            "patch": {"spec": {"paused": false, "template": {"spec": {"containers": [{"name": "orders", "stdin": true}]}}}}
        }]
    }))
}

/// What decides a field most, and how.
fn told(explained: &[Explained], kind: &str, field: &str) -> String {
    let child = explained.iter().find(|one| one.child.kind.kind == kind).unwrap();
    let found = child.fields.iter().find(|one| one.field.to_string() == field).unwrap_or_else(|| panic!("{field}"));
    found.causes.first().map_or_else(|| "built in".to_owned(), |cause| format!("{:?} {}", cause.how, cause.field))
}

#[test]
fn each_field_is_told_with_what_decides_it() {
    let explained = explain(&full()).unwrap();
    let mut wrong = Vec::new();
    let mut check = |kind: &str, field: &str, expected: &str| {
        let told = told(&explained, kind, field);
        if told != expected {
            wrong.push(format!("{kind} {field}: {told}, and not {expected}"));
        }
    };
    let container = |field: &str| format!("/spec/template/spec/containers/0/{field}");
    check("Deployment", "/spec/replicas", "Value /spec/replicas");
    check("Deployment", "/metadata/name", "Value /metadata/name");
    check("Deployment", "/metadata/namespace", "Value /metadata/namespace");
    check("Deployment", "/kind", "built in");
    check("Deployment", "/spec/strategy/type", "built in");
    check("Deployment", "/spec/paused", "Value /spec/overrides/0/patch/spec/paused");
    check("Deployment", "/spec/template/metadata/labels/team", "Value /spec/podMetadata/labels/team");
    check("Deployment", &container("image"), "Value /spec/image");
    check("Deployment", &container("stdin"), "Value /spec/overrides/0/patch/spec/template/spec/containers/0/stdin");
    check("Deployment", &container("args/1"), "Value /spec/args/1");
    check("Deployment", &container("env/1/name"), "Value /spec/env/1/name");
    check("Deployment", &container("env/1/value"), "Value /spec/env/1/value");
    check("Deployment", &container("ports/0/containerPort"), "Value /spec/ports/0/containerPort");
    check("Deployment", &container("resources/limits/memory"), "Value /spec/resources/limits/memory");
    check("Deployment", &container("securityContext/readOnlyRootFilesystem"), "Chosen /spec/securityProfile");
    check("Deployment", "/spec/template/spec/enableServiceLinks", "built in");
    check("Service", "/spec/ports/0/port", "Value /spec/ports/0/servicePort");
    check("Service", "/spec/ports/1/port", "Value /spec/ports/1/containerPort");
    check("Service", "/metadata/annotations/a~1b", "Value /spec/service/annotations/a~1b");
    check("Service", "/spec/ports/1/targetPort", "Value /spec/ports/1/name");
    check("Service", "/spec/ports/1/protocol", "Present /spec/ports/1");
    check("NetworkPolicy", "/spec/policyTypes/0", "Present /spec/accessPolicy");
    check("PodDisruptionBudget", "/spec/maxUnavailable", "Chosen /spec/replicas");
    assert_eq!(wrong, Vec::<String>::new());
    let plain = explain(&service(json!({"image": "x:1"}))).unwrap();
    assert_eq!(told(&plain, "Deployment", &container("name")), "Value /metadata/name");
}

#[test]
fn the_hash_is_computed_from_all_and_told_as_that() {
    let explained = explain(&full()).unwrap();
    for one in &explained {
        let computed: Vec<_> =
            one.fields.iter().filter(|field| field.computed).map(|field| field.field.to_string()).collect();
        assert_eq!(computed, ["/metadata/annotations/gitmoor.dev~1rendered-hash"]);
    }
}

#[test]
fn what_an_override_hides_is_not_told() {
    let mut service = full();
    service["spec"]["overrides"][0]["patch"] = json!({"spec": {"replicas": 7}});
    let explained = explain(&service).unwrap();
    let deployment = explained.iter().find(|one| one.child.kind.kind == "Deployment").unwrap();
    let replicas = deployment.fields.iter().find(|field| field.field.to_string() == "/spec/replicas").unwrap();
    let causes: Vec<_> = replicas.causes.iter().map(|cause| cause.field.to_string()).collect();
    assert!(causes.contains(&"/spec/overrides/0/patch/spec/replicas".to_owned()), "{causes:?}");
    assert!(!causes.contains(&"/spec/replicas".to_owned()), "{causes:?}");
}

#[test]
fn what_an_operator_decided_is_a_field_of_the_completed_service() {
    let defaults = json!({"defaults": {"replicas": 5, "childMetadata": {"labels": {"cost": "7"}}}});
    let service = service(json!({"image": "a:1"}));
    let completed = Defaults::from_json(&defaults).complete(&service).unwrap();
    let explained = explain(&completed.service).unwrap();
    assert_eq!(told(&explained, "Deployment", "/spec/replicas"), "Value /spec/replicas");
    assert_eq!(told(&explained, "Deployment", "/metadata/labels/cost"), "Value /childMetadata/labels/cost");
    for one in &explained {
        for cause in one.fields.iter().flat_map(|field| &field.causes) {
            assert!(cause.field.get(&completed.service).is_some(), "{} is nowhere", cause.field);
        }
    }
}

/// Another value of the same type, from what was drawn.
fn changed(value: &Value, number: i64, text: &str) -> Option<Value> {
    Some(match value {
        Value::Bool(value) => json!(!value),
        Value::Number(_) => json!(number),
        Value::String(_) => json!(text),
        _ => return None,
    })
}

/// Fields of the spec that hold a value.
fn fields(service: &Value) -> Vec<Pointer> {
    let spec = Pointer::root().child("spec");
    leaves(&service["spec"])
        .into_values()
        .map(|leaf| spec.segments().iter().chain(leaf.field.segments()).cloned().collect())
        .collect()
}

fn set(service: &Value, field: &Pointer, value: Value) -> Value {
    let mut service = service.clone();
    *service.pointer_mut(&field.to_string()).unwrap() = value;
    service
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a field of the service is changed to: what changes by it in the children is told to come from it.
    #[test]
    fn a_change_of_a_field_changes_only_what_is_told_to_come_from_it(
        spec in specs(),
        changes in proptest::collection::vec((any::<Index>(), 0_i64..200, "[a-zA-Z0-9]{0,8}"), 6),
    ) {
        let service = service(spec);
        let explained = explain(&service).unwrap();
        let all = fields(&service);
        for (place, number, text) in changes {
            let field = place.get(&all);
            let Some(value) = changed(field.get(&service).unwrap(), number, &text) else { continue };
            let before = field.get(&service).unwrap();
            let Some(others) = rendered(&set(&service, field, value.clone())) else { continue };
            let children: Vec<_> = explained.iter().map(|one| one.child.clone()).collect();
            for (place, one) in explained.iter().enumerate() {
                let other = counterpart(&children, place, &others).map(|other| leaves(&other.body)).unwrap_or_default();
                let told: BTreeSet<_> = one
                    .fields
                    .iter()
                    .filter(|of| of.computed || of.causes.iter().any(|cause| cause.field == *field))
                    .map(|of| of.field.clone())
                    .collect();
                for (path, leaf) in leaves(&one.child.body) {
                    let found = leaves::same(&other, &path, Some((before, &value)));
                    let same = found.is_some_and(|other| other.value == leaf.value);
                    prop_assert!(same || told.contains(&leaf.field), "{field} changes {} {path:?} untold", one.child.kind.kind);
                }
            }
        }
    }
}
