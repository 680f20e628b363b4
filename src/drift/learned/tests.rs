//! What the answers to writes teach.

use serde_json::{Value, json};

use super::*;
use crate::drift::tests::{compared, pair};

/// The differences between a declared and a live Deployment whose spec our apply owns but for what `theirs` names.
fn differences(declared: &str, live: &str, theirs: Value) -> (Vec<FieldDrift>, Value) {
    let (declared, mut live) = pair("Deployment", declared, live);
    live["metadata"]["managedFields"] = json!([
        {"manager": "gitmoor-controller", "operation": "Apply",
         "fieldsV1": {"f:spec": {"f:paused": {}, "f:replicas": {}, "f:minReadySeconds": {}}}},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": theirs}}
    ]);
    (compared(&declared, &live).drifts, live)
}

fn is_open(drifts: &[FieldDrift], live: &Value, learned: &Learned) -> Vec<bool> {
    drifts.iter().map(|drift| learned.is_open(drift, live, "gitmoor-controller")).collect()
}

#[test]
fn a_difference_that_our_own_apply_owns_is_to_be_found_out() {
    let check = |declared: &str, live: &str, theirs: Value, expected: &[bool]| {
        let (drifts, live) = differences(declared, live, theirs);
        assert_eq!(is_open(&drifts, &live, &Learned::default()), expected, "{drifts:#?}");
    };
    check("{spec: {replicas: 2}}", "{spec: {replicas: 3}}", json!({}), &[true]);
    check("{spec: {replicas: 2, minReadySeconds: 5}}", "{spec: {replicas: 2}}", json!({}), &[true]);
    check("{spec: {replicas: 2, revisionHistoryLimit: 5}}", "{spec: {replicas: 2}}", json!({}), &[false]);
    check(
        "{spec: {revisionHistoryLimit: 5}}",
        "{spec: {revisionHistoryLimit: 3}}",
        json!({"f:revisionHistoryLimit": {}}),
        &[false],
    );
    check("{spec: {}}", "{spec: {revisionHistoryLimit: 3}}", json!({"f:revisionHistoryLimit": {}}), &[false]);
}

#[test]
fn what_came_back_is_no_drift_until_an_answer_shows_it_no_more() {
    let (drifts, live) =
        differences("{spec: {replicas: 2, paused: true}}", "{spec: {replicas: 3, paused: false}}", json!({}));
    let mut learned = Learned::default();
    learned.tried(&drifts, &drifts[1..]);
    assert_eq!(is_open(&drifts, &live, &learned), [false, false], "both are known");
    assert_eq!(drifts.iter().map(|drift| learned.is_injected(drift)).collect::<Vec<_>>(), [false, true]);
    learned.answered(&drifts[..1]);
    assert_eq!(drifts.iter().map(|drift| learned.is_injected(drift)).collect::<Vec<_>>(), [true, false]);
    let (other, _) = differences("{spec: {replicas: 2}}", "{spec: {replicas: 4}}", json!({}));
    assert!(!learned.is_injected(&other[0]), "another value is another difference");
    learned.answered(&[]);
    learned.tried(&[], &[]);
    assert!(!learned.is_injected(&drifts[0]));
}

#[test]
fn the_answer_is_held_against_what_was_sent() {
    let (sent, answer) =
        pair("Deployment", "{spec: {replicas: 2, paused: true}}", "{spec: {replicas: 3, paused: true}}");
    let found = came_back(Some(&sent), &answer, &[], "gitmoor-controller");
    assert_eq!(found.iter().map(|drift| drift.pointer.to_string()).collect::<Vec<_>>(), ["/spec/replicas"]);
    assert_eq!(came_back(Some(&answer), &answer, &[], "gitmoor-controller"), []);
}

#[test]
fn what_was_taken_away_and_is_there_again_came_back() {
    let (added, live) =
        differences("{spec: {}}", "{spec: {revisionHistoryLimit: 3}}", json!({"f:revisionHistoryLimit": {}}));
    let answer = |limit: Value| json!({"spec": {"revisionHistoryLimit": limit}});
    let check =
        |answer: Value, expected: usize| assert_eq!(came_back(None, &answer, &added, "x").len(), expected, "{answer}");
    check(live, 1);
    check(answer(json!(3)), 1);
    check(answer(json!(4)), 0);
    check(json!({"spec": {}}), 0);
}

#[test]
fn what_is_ignored_stands_until_the_next_look() {
    let (drifts, _) = differences("{spec: {replicas: 2, revisionHistoryLimit: 5}}", "{spec: {replicas: 2}}", json!({}));
    let mut learned = Learned::default();
    learned.ignores(drifts.iter());
    assert!(learned.was_ignored(&drifts[0]) && !learned.is_injected(&drifts[0]) && !learned.is_empty());
    learned.ignores([].iter());
    assert!(learned.is_empty());
}
