//! One `check` for all comparisons: what is declared, what is live, and the findings as lines.

mod added;
mod attributed;
mod changed;
mod corrected;
mod held;
mod properties;
mod samples;
mod server;
mod sets;

use serde_json::Value;

use super::*;

/// YAML as JSON, as the API server would have it.
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("the test's YAML is valid")
}

/// The manager that applies this kind.
fn manager(declared: &Value) -> &'static str {
    if declared["kind"] == "MicroService" { "gitmoor" } else { "gitmoor-controller" }
}

/// Where a test says nothing of managed fields, whose a value is is not its business.
pub(super) fn compared(declared: &Value, live: &Value) -> Comparison {
    let mut found = compare(declared, live, &Compare { manager: manager(declared) });
    if live["metadata"]["managedFields"].is_null() {
        found.drifts.retain(|drift| drift.change != ChangeKind::Disowned);
    }
    found
}

/// Findings as `Modified /spec/replicas 3 → 5 by kubectl`, in order, yielded ones last.
fn lines(found: &Comparison) -> Vec<String> {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "none".into(), Value::to_string);
    let drift = |drift: &FieldDrift| {
        let by = drift.attribution.manager.as_ref().map(|manager| format!(" by {manager}")).unwrap_or_default();
        let values = format!("{} → {}", value(&drift.declared), value(&drift.live));
        format!("{} {} {values}{by}", drift.change.as_str(), drift.pointer)
    };
    let yielded = found.yielded.iter().map(|pointer| format!("Yielded {pointer}"));
    found.drifts.iter().map(drift).chain(yielded).collect()
}

/// The two objects, of one kind and name.
pub(super) fn pair(kind: &str, declared: &str, live: &str) -> (Value, Value) {
    let api_version = match kind {
        "MicroService" => "gitmoor.dev/v1alpha1",
        "Deployment" => "apps/v1",
        "PodDisruptionBudget" => "policy/v1",
        "NetworkPolicy" => "networking.k8s.io/v1",
        "Widget" => "example.com/v1",
        _ => "v1",
    };
    let object = |text: &str| {
        let mut object = yaml(text);
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        object["metadata"]["name"] = "orders".into();
        object
    };
    let mut live = object(live);
    live["metadata"]["uid"] = "e3b0c442".into();
    live["metadata"]["resourceVersion"] = "7".into();
    live["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z".into();
    live["metadata"]["generation"] = 3.into();
    live["metadata"]["namespace"] = "shop".into();
    (object(declared), live)
}

/// Compares two objects of one kind.
#[track_caller]
fn check(kind: &str, declared: &str, live: &str, expected: &[&str]) {
    let (declared, live) = pair(kind, declared, live);
    let found = compared(&declared, &live);
    assert_eq!(lines(&found), expected, "{live:#}");
    for drift in &found.drifts {
        let object = if drift.change == ChangeKind::Removed { &declared } else { &live };
        assert!(drift.pointer.get(object).is_some(), "{} leads somewhere", drift.pointer);
    }
    for pointer in &found.yielded {
        assert!(pointer.get(&declared).is_some(), "{pointer} leads somewhere");
    }
}

/// Compares two pods' only container, in a Deployment.
#[track_caller]
fn check_container(declared: &str, live: &str, expected: &[&str]) {
    let deployment = |container: &str| {
        let mut object = yaml("{spec: {template: {spec: {containers: [{name: app}]}}}}");
        let fields = yaml(container);
        for (name, value) in fields.as_object().expect("a container is a map") {
            object["spec"]["template"]["spec"]["containers"][0][name] = value.clone();
        }
        object.to_string()
    };
    let long = "/spec/template/spec/containers/0";
    let expected: Vec<_> = expected.iter().map(|line| line.replace(" .", &format!(" {long}"))).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check("Deployment", &deployment(declared), &deployment(live), &expected);
}
