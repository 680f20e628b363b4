//! Values as declared that are not ours any more.

use serde_json::json;

use super::samples::{container, container_fields, deployment, edited, entry, micro_service};
use super::*;

/// What is found after somebody took these fields from our apply: `(the map in managed fields, its field)`.
#[track_caller]
fn check_taken(taken: &[(&str, &str)], fields: &str, expected: &[&str]) {
    let (declared, mut live) = deployment();
    for (map, field) in taken {
        take(&mut live, map, field);
    }
    if !fields.is_empty() {
        edited(&mut live, fields);
    }
    assert_eq!(lines(&compared(&declared, &live)), expected);
}

fn take(live: &mut Value, map: &str, field: &str) {
    let map = live.pointer_mut(&format!("/metadata/managedFields/0/fieldsV1{map}")).unwrap();
    map.as_object_mut().unwrap().remove(field).unwrap();
}

const CONTAINER: &str = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"app\"}";

#[test]
fn a_value_that_was_changed_and_changed_back_is_theirs() {
    check_taken(
        &[("/f:spec", "f:replicas")],
        "{f:spec: {f:replicas: {}}}",
        &["Disowned /spec/replicas 2 → 2 by kubectl-edit"],
    );
    check_taken(
        &[(&format!("{CONTAINER}/f:env/k:{{\"name\":\"LOG\"}}"), "f:value")],
        &container_fields(r#"{f:env: {'k:{"name":"LOG"}': {f:value: {}}}}"#),
        &["Disowned /spec/template/spec/containers/0/env/0/value \"info\" → \"info\" by kubectl-edit"],
    );
    check_taken(
        &[(CONTAINER, "f:args")],
        &container_fields("{f:args: {}}"),
        &["Disowned /spec/template/spec/containers/0/args [\"serve\",\"--port=8080\"] → [\"serve\",\"--port=8080\"] \
            by kubectl-edit"],
    );
}

#[test]
fn what_nobody_owns_any_more_was_lost_too() {
    check_taken(&[("/f:spec", "f:replicas")], "", &["Disowned /spec/replicas 2 → 2"]);
    check_taken(
        &[(&format!("{CONTAINER}/f:resources/f:requests"), "f:cpu")],
        "",
        &["Disowned /spec/template/spec/containers/0/resources/requests/cpu 0.1 → \"100m\""],
    );
}

#[test]
fn a_loss_is_told_at_the_highest_place_of_which_nothing_is_left() {
    let resources = "{\"limits\":{\"memory\":\"256Mi\"},\"requests\":{\"cpu\":0.1,\"memory\":\"128Mi\"}} → \
        {\"limits\":{\"memory\":\"256Mi\"},\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}}";
    check_taken(
        &[(CONTAINER, "f:resources")],
        "",
        &[&format!("Disowned /spec/template/spec/containers/0/resources {resources}")],
    );
    // The whole object, where the managed fields were rewritten or the object was made anew.
    let (declared, mut live) = deployment();
    live["metadata"]["managedFields"] = json!([]);
    assert_eq!(lines(&compared(&declared, &live)), ["Disowned  none → none"]);
    entry(&mut live, "kubectl-replace Update - 2026-02-03T04:05:06Z", "{f:spec: {f:replicas: {}}}");
    assert_eq!(lines(&compared(&declared, &live)), ["Disowned  none → none by kubectl-replace"]);
}

#[test]
fn what_differs_is_not_lost_as_well() {
    let (declared, mut live) = deployment();
    take(&mut live, &format!("{CONTAINER}/f:resources"), "f:requests");
    container(&mut live)["resources"]["requests"] = json!({"cpu": "2", "memory": "1Gi"});
    edited(&mut live, &container_fields("{f:resources: {f:requests: {f:cpu: {}, f:memory: {}}}}"));
    let found = compared(&declared, &live);
    assert!(found.drifts.iter().all(|drift| drift.change == ChangeKind::Modified), "{:?}", lines(&found));
    assert_eq!(found.drifts.len(), 2);
}

#[test]
fn a_changed_item_that_was_made_anew_is_one_drift() {
    let (declared, mut live) = deployment();
    take(&mut live, &format!("{CONTAINER}/f:env"), "k:{\"name\":\"LOG\"}");
    container(&mut live)["env"][0]["value"] = "debug".into();
    edited(&mut live, &container_fields(r#"{f:env: {'k:{"name":"LOG"}': {.: {}, f:name: {}, f:value: {}}}}"#));
    assert_eq!(
        lines(&compared(&declared, &live)),
        ["Modified /spec/template/spec/containers/0/env/0/value \"info\" → \"debug\" by kubectl-edit"]
    );
}

#[test]
fn what_a_controller_keeps_at_the_same_value_is_as_it_should_be() {
    let (declared, mut live) = deployment();
    take(&mut live, "/f:spec", "f:replicas");
    entry(&mut live, "kube-controller-manager Update scale", "{f:spec: {f:replicas: {}}}");
    assert_eq!(compared(&declared, &live), Comparison::default());
}

#[test]
fn what_we_own_beside_others_is_nobodys_drift() {
    let (declared, mut live) = micro_service();
    entry(&mut live, "other Apply - 2026-02-03T04:05:06Z", "{f:spec: {f:replicas: {}, f:image: {}}}");
    assert_eq!(compared(&declared, &live), Comparison::default());
    // When Git no longer declares it, and the other keeps it, it was added.
    let mut later = declared;
    later["spec"].as_object_mut().unwrap().remove("replicas");
    take(&mut live, "/f:spec", "f:replicas");
    assert_eq!(lines(&compared(&later, &live)), ["Added /spec/replicas none → 3 by other"]);
}

#[test]
fn an_apply_puts_it_right_under_every_policy() {
    let (declared, mut live) = deployment();
    take(&mut live, "/f:spec", "f:replicas");
    edited(&mut live, "{f:spec: {f:replicas: {}}}");
    let found = compared(&declared, &live);
    for keep in [&found.drifts[..], &[]] {
        let body = declared_for_apply(&declared, &live, keep, &found.yielded, "gitmoor-controller");
        assert_eq!(body["spec"]["replicas"], 2);
    }
    assert_eq!(removal_patch(&live, &found.drifts), None);
}
