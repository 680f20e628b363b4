//! Lists of single values, and how items are named.

use serde_json::json;

use super::samples::entry;
use super::*;

/// A GitSync with its paths, as declared and as it lives.
fn git_sync(live: &Value, by: &str) -> (Value, Value) {
    let declared =
        yaml("{apiVersion: gitmoor.dev/v1alpha1, kind: GitSync, metadata: {name: x}, spec: {paths: [a, b]}}");
    let mut object = declared.clone();
    object["spec"]["paths"] = live.clone();
    object["metadata"]["managedFields"] = json!([]);
    entry(&mut object, "gitmoor-controller Apply", r#"{f:spec: {f:paths: {'v:"a"': {}, 'v:"b"': {}}}}"#);
    entry(&mut object, "kubectl-edit Update", by);
    (declared, object)
}

#[track_caller]
fn check_paths(live: &Value, by: &str, expected: &[&str]) {
    let (declared, live) = git_sync(live, by);
    let found = compared(&declared, &live);
    assert_eq!(lines(&found), expected);
}

#[test]
fn the_order_of_a_set_is_no_difference() {
    check_paths(&json!(["b", "a"]), "{}", &[]);
}

#[test]
fn each_item_of_a_set_is_a_field_of_its_own() {
    check_paths(&json!(["b"]), "{}", &["Removed /spec/paths/0 \"a\" → none"]);
    let by = r#"{f:spec: {f:paths: {'v:"c"': {}}}}"#;
    check_paths(&json!(["b", "c", "a"]), by, &["Added /spec/paths/1 none → \"c\" by kubectl-edit"]);
    let (declared, live) = git_sync(&json!(["b", "c"]), by);
    let found = compared(&declared, &live);
    let keyed: Vec<_> = found.drifts.iter().map(|drift| drift.keyed.as_deref().unwrap_or_default()).collect();
    assert_eq!(keyed, ["/spec/paths/[=a]", "/spec/paths/[=c]"]);
    let body = declared_for_apply(&declared, &live, &found.drifts, &[], "gitmoor-controller");
    assert_eq!(body["spec"]["paths"], json!(["b"]));
}

#[test]
fn an_item_is_named_the_same_wherever_it_stands() {
    let names = |live: &str| {
        let declared =
            "spec: {template: {spec: {containers: [{name: app, env: [{name: A, value: a}, {name: B, value: b}]}]}}}";
        let (declared, live) = pair("Deployment", declared, live);
        let found = compared(&declared, &live);
        found.drifts.iter().map(|drift| drift.keyed.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    let expected = ["/spec/template/spec/containers/[name=app]/env/[name=B]/value"];
    let app = |env: &str| format!("spec: {{template: {{spec: {{containers: [{env}]}}}}}}");
    assert_eq!(names(&app("{name: app, env: [{name: A, value: a}, {name: B, value: c}]}")), expected);
    assert_eq!(
        names(&app("{name: spy}, {name: app, env: [{name: B, value: c}, {name: X}, {name: A, value: a}]}")),
        expected
    );
    assert_eq!(
        names(&app("{name: app, env: [{name: A, value: a}, {name: B, value: b}, {name: A, value: z}]}")),
        ["/spec/template/spec/containers/[name=app]/env/[name=A,#2]"],
        "a duplicate has a name of its own"
    );
}
