//! Who is behind a drift, and what is left to Kubernetes' controllers.

use super::samples::{container, container_fields, deployment, edited, entry};
use super::*;
use crate::model::Attribution;

fn scaled(entries: &[(&str, &str)]) -> Comparison {
    let (declared, mut live) = deployment();
    live["spec"]["replicas"] = 5.into();
    // Whoever changed it took it from us.
    let ours = live.pointer_mut("/metadata/managedFields/0/fieldsV1/f:spec").and_then(Value::as_object_mut);
    ours.expect("the apply has a spec").remove("f:replicas");
    for (who, fields) in entries {
        entry(&mut live, who, fields);
    }
    compared(&declared, &live)
}

const REPLICAS: &str = "{f:spec: {f:replicas: {}}}";

#[test]
fn replicas_of_an_autoscaler_are_yielded() {
    let found = scaled(&[("kube-controller-manager Update scale", REPLICAS)]);
    assert_eq!(lines(&found), ["Yielded /spec/replicas"]);
}

#[test]
fn a_person_who_scales_is_named_without_a_time() {
    let found = scaled(&[("kubectl Update scale", REPLICAS)]);
    assert_eq!(lines(&found), ["Modified /spec/replicas 2 → 5 by kubectl"]);
    let expected = Attribution {
        manager: Some("kubectl".into()),
        operation: Some("Update".into()),
        subresource: Some("scale".into()),
        time: None,
    };
    assert_eq!(found.drifts[0].attribution, expected);
}

#[test]
fn the_latest_of_several_is_named() {
    let found = scaled(&[
        ("one Update - 2026-01-01T00:00:00Z", REPLICAS),
        ("two Update - 2026-01-03T00:00:00Z", REPLICAS),
        ("three Update - 2026-01-02T00:00:00Z", REPLICAS),
        ("four Update", REPLICAS),
        ("gitmoor-controller Apply - 2026-01-09T00:00:00Z", REPLICAS),
    ]);
    assert_eq!(lines(&found), ["Modified /spec/replicas 2 → 5 by two"]);
    assert_eq!(found.drifts[0].attribution.time.map(|time| time.to_string()).as_deref(), Some("2026-01-03T00:00:00Z"));
}

#[test]
fn what_nobody_recorded_is_unknown() {
    let found = scaled(&[]);
    assert_eq!(lines(&found), ["Modified /spec/replicas 2 → 5"]);
    assert_eq!(found.drifts[0].attribution, Attribution::default());
    assert_eq!(
        lines(&scaled(&[("x Update - yesterday", "{f:spec: {f:paused: {}}}")])),
        ["Modified /spec/replicas 2 → 5"]
    );
}

#[test]
fn a_part_of_an_atomic_value_belongs_to_the_owner_of_the_whole() {
    let (declared, mut live) = deployment();
    container(&mut live)["args"] = serde_json::json!(["serve"]);
    edited(&mut live, &container_fields("{f:args: {}}"));
    assert_eq!(
        lines(&compared(&declared, &live)),
        ["Modified /spec/template/spec/containers/0/args [\"serve\",\"--port=8080\"] → [\"serve\"] by kubectl-edit",]
    );
}

#[test]
fn items_are_attributed_wherever_they_moved() {
    let (declared, mut live) = deployment();
    let env = container(&mut live)["env"].as_array_mut().unwrap();
    env[0]["value"] = "debug".into();
    env.reverse();
    edited(&mut live, &container_fields(r#"{f:env: {'k:{"name":"LOG"}': {f:value: {}}}}"#));
    let found = compared(&declared, &live);
    assert_eq!(
        lines(&found),
        ["Modified /spec/template/spec/containers/0/env/1/value \"info\" → \"debug\" by kubectl-edit",]
    );
    let blamed = declared_pointer(&declared, &live, &found.drifts[0]);
    assert_eq!(blamed.to_string(), "/spec/template/spec/containers/0/env/0/value");
}

#[test]
fn status_entries_say_nothing() {
    let found = scaled(&[("kubectl Update status", REPLICAS)]);
    assert_eq!(lines(&found), ["Modified /spec/replicas 2 → 5"]);
}

#[test]
fn keys_with_escapes_are_found() {
    let (declared, mut live) = deployment();
    let (mut declared, path) = (declared, "/a&\"b");
    for object in [&mut declared, &mut live] {
        container(object)["volumeMounts"] = serde_json::json!([{"name": "tmp", "mountPath": path}]);
    }
    container(&mut live)["volumeMounts"][0]["name"] = "other".into();
    edited(&mut live, &container_fields(r#"{f:volumeMounts: {'k:{"mountPath":"/a\u0026\"b"}': {f:name: {}}}}"#));
    assert_eq!(
        lines(&compared(&declared, &live)),
        ["Modified /spec/template/spec/containers/0/volumeMounts/0/name \"tmp\" → \"other\" by kubectl-edit",]
    );
}
