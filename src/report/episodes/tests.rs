//! Episodes of drift, from what stood and what is seen.

use serde_json::{Value, json};

use super::*;
use crate::model::ObjectKey;
use crate::report::redact::Redactor;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

/// A drift of `path` to `live`, by a manager, seen at second 1.
fn field(path: &str, live: u32, manager: &str) -> DriftedField {
    serde_json::from_value(json!({
        "kind": "Deployment", "object": "shop/orders", "path": path, "change": "Modified", "declared": 2, "live": live,
        "manager": if manager.is_empty() { Value::Null } else { json!(manager) }, "observed": "1970-01-01T00:00:01Z"
    }))
    .unwrap()
}

fn removed(path: &str) -> DriftedField {
    DriftedField { change: "Removed".into(), live: None, ..field(path, 0, "") }
}

/// What began, changed and ended, by path.
#[track_caller]
fn check(before: &[DriftedField], seen: &[DriftedField], began: &[&str], changed: &[&str], ended: &[&str]) -> Turn {
    let turn = turn(before, seen.to_vec(), at(9), |_| Some(Ended::Reverted));
    let paths = |fields: Vec<&DriftedField>| fields.iter().map(|field| field.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(turn.began.iter().collect()), began, "began");
    assert_eq!(paths(turn.changed.iter().map(|changed| &changed.now).collect()), changed, "changed");
    assert_eq!(paths(turn.ended.iter().map(|episode| &episode.field).collect()), ended, "ended");
    assert_eq!(turn.standing.len(), seen.len(), "all that is seen stands, and no more");
    turn
}

#[test]
fn each_begin_change_and_end_is_told_once() {
    let (five, six, other) = (field("/a", 5, "kubectl"), field("/a", 6, "kubectl"), field("/b", 1, "mesh"));
    check(&[], &[], &[], &[], &[]);
    check(&[], std::slice::from_ref(&five), &["/a"], &[], &[]);
    check(std::slice::from_ref(&five), std::slice::from_ref(&five), &[], &[], &[]);
    check(std::slice::from_ref(&five), std::slice::from_ref(&six), &[], &["/a"], &[]);
    check(std::slice::from_ref(&five), &[field("/a", 5, "mesh")], &[], &["/a"], &[]);
    check(std::slice::from_ref(&five), &[], &[], &[], &["/a"]);
    check(std::slice::from_ref(&five), std::slice::from_ref(&other), &["/b"], &[], &["/a"]);
    check(&[five.clone(), other.clone()], &[other, six], &[], &["/a"], &[]);
    check(std::slice::from_ref(&five), &[removed("/a")], &[], &["/a"], &[]);
}

#[test]
fn two_fields_at_one_pointer_are_two_episodes() {
    // An item of a list that is gone, by its index in the declared list, and one in the live list.
    let both = [field("/env/0", 5, "kubectl"), removed("/env/0")];
    check(&both, &both, &[], &[], &[]);
    check(&both, &both[1..], &[], &[], &["/env/0"]);
    check(&both[..1], &both, &["/env/0"], &[], &[]);
}

#[test]
fn what_changes_keeps_its_begin_and_what_stands_its_hand() {
    let five = DriftedField { policy: Some(DriftPolicy::Report), ..field("/a", 5, "kubectl") };
    let later = |field: DriftedField| DriftedField { observed: Time(at(7)), ..field };
    let turn = check(std::slice::from_ref(&five), &[later(field("/a", 6, "kubectl"))], &[], &["/a"], &[]);
    assert_eq!((began(&turn.standing[0]), turn.standing[0].observed.0), (at(1), at(7)));
    // Once more, and it still began then.
    let turn = check(&turn.standing, &[later(field("/a", 7, "kubectl"))], &[], &["/a"], &[]);
    assert_eq!(began(&turn.standing[0]), at(1));
    // Our own apply takes the field over with its value, or its owner goes: it is still the doing of who was seen.
    for forgotten in ["", SYNC_MANAGER, CONTROLLER_MANAGER] {
        let turn = check(std::slice::from_ref(&five), &[later(field("/a", 5, forgotten))], &[], &[], &[]);
        assert_eq!(turn.standing, std::slice::from_ref(&five), "{forgotten}");
    }
}

#[test]
fn what_nobody_looked_at_stands() {
    let five = field("/a", 5, "kubectl");
    let turn = turn(std::slice::from_ref(&five), vec![], at(9), |_| None);
    assert!(turn.is_quiet());
    assert_eq!(turn.standing, [five]);
}

#[test]
fn what_is_put_back_ends_so() {
    let mut turn = turn(&[], vec![field("/a", 5, ""), field("/b", 5, "")], at(9), |_| None);
    turn.put_back(at(3), |field| field.path == "/a");
    assert_eq!(turn.standing.len(), 1);
    assert_eq!((turn.ended[0].ended, lasted(&turn.ended[0])), (Ended::Corrected, Duration::from_secs(2)));
}

#[test]
fn how_a_drift_ended_is_seen_in_what_is_declared_now() {
    let (key, redact) = (ObjectKey::new("shop", "orders"), Redactor::default());
    let check = |now: Option<Value>, field: &DriftedField, expected: Ended| {
        let object = json!({"now": now});
        let subject = Subject { kind: "Deployment", key: &key, declared: &object, live: &object, redact: &redact };
        let found = object.get("now").filter(|now| !now.is_null());
        assert_eq!(how(field, &subject, |pointer, _| Some((pointer.clone(), found?))), expected, "{now:?}");
    };
    check(Some(json!(2)), &field("/a", 5, ""), Ended::Reverted);
    check(Some(json!(5)), &field("/a", 5, ""), Ended::Declared);
    check(None, &field("/a", 5, ""), Ended::Declared);
    let added = DriftedField { change: "Added".into(), declared: None, ..field("/a", 5, "") };
    check(None, &added, Ended::Reverted);
    check(Some(json!(5)), &added, Ended::Declared);
    let deleted = DriftedField { change: "Deleted".into(), path: String::new(), ..added };
    check(Some(json!(5)), &deleted, Ended::Reverted);
}

#[test]
fn a_history_is_bounded_in_number_and_bytes_and_has_nothing_twice() {
    let ended = |number: u32| episode(&field(&format!("/{number}"), number, "x"), Ended::Corrected, at(number.into()));
    let mut history = Vec::new();
    for number in 0..30 {
        add(&mut history, &[ended(number)], 10, 100_000);
        add(&mut history, &[ended(number)], 10, 100_000);
    }
    let paths: Vec<_> = history.iter().map(|episode| episode.field.path.as_str()).collect();
    assert_eq!(paths, ["/29", "/28", "/27", "/26", "/25", "/24", "/23", "/22", "/21", "/20"]);
    let size = serde_json::to_string(&history[0]).unwrap().len();
    add(&mut history, &[], 10, (size + 1) * 3);
    assert_eq!(history.len(), 3);
    // One that is too large for all is told without its values, and does not push out all others.
    let large = DriftedField { path: format!("/{}", "x".repeat(100_000)), ..field("/x", 1, "x") };
    add(&mut history, &[episode(&large, Ended::Gone, at(99))], 10, (size + 1) * 4);
    assert!(history[0].field.path.starts_with("/xxx") && history.len() > 1, "{}", history.len());
    assert!(serde_json::to_string(&history).unwrap().len() <= (size + 1) * 4 + 2);
}

#[test]
fn an_event_says_all_of_it() {
    let five = DriftedField { policy: Some(DriftPolicy::Correct), ..field("/spec/replicas", 5, "kubectl") };
    let mut told = turn(&[], vec![five.clone()], at(1), |_| None);
    told.put_back(at(4), |_| true);
    let notes = notes(&told, Between::Workload);
    let said: Vec<_> = notes.iter().map(|note| (note.reason, note.warning, note.text.as_str())).collect();
    let by = "(by kubectl, seen at 1970-01-01T00:00:01Z)";
    let first = format!("Deployment shop/orders /spec/replicas is 5; declared 2 {by}; policy Correct");
    let last = format!("Deployment shop/orders: put back after 3s; it had been: /spec/replicas is 5; declared 2 {by}");
    assert_eq!(said, [("WorkloadDrift", true, first.as_str()), ("WorkloadDriftEnded", false, last.as_str())]);
    assert_eq!(notes[0].field, "Deployment/spec/replicas");
}

#[test]
fn durations_are_short() {
    let check = |millis: u64, expected: &str| assert_eq!(duration(Duration::from_millis(millis)), expected);
    check(3, "0s");
    check(120, "0.12s");
    check(3_000, "3s");
    check(200_000, "3m20s");
    check(7_500_000, "2h5m");
}

#[test]
fn a_drift_that_somebody_took_back_has_ended_and_what_it_left_is_told_by_itself() {
    let lost = DriftedField { change: "Disowned".into(), ..field("/a", 2, "kubectl") };
    let turn = check(&[field("/a", 5, "kubectl")], std::slice::from_ref(&lost), &["/a"], &[], &["/a"]);
    assert_eq!((turn.ended[0].ended, turn.ended[0].field.change.as_str()), (Ended::Reverted, "Modified"));
    check(std::slice::from_ref(&lost), std::slice::from_ref(&lost), &[], &[], &[]);
    check(std::slice::from_ref(&lost), &[field("/a", 5, "kubectl")], &[], &["/a"], &[]);
}
