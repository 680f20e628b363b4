//! Drift in words and in status, from values.

use super::*;
use crate::model::Attribution;

fn redact() -> Redactor {
    Redactor::default()
}

fn drift(pointer: &str, declared: Option<Value>, live: Option<Value>) -> FieldDrift {
    FieldDrift {
        co_owned: false,
        pointer: Pointer::parse(pointer).unwrap(),
        change: ChangeKind::Modified,
        declared,
        live,
        attribution: Attribution { manager: Some("kubectl-edit".into()), ..Attribution::default() },
    }
}

fn shown(root: &Value, drift: &FieldDrift) -> DriftedField {
    let key = ObjectKey::new("shop", "orders");
    let subject = Subject { kind: "Deployment", key: &key, declared: root, live: root, redact: &redact() };
    field(&subject, drift, &[], jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn a_value_that_looks_secret_is_hidden_wherever_it_stands() {
    let root =
        json!({"spec": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LOG", "value": "debug"}]}});
    let check = |pointer: &str, live: Value, expected: Value| {
        assert_eq!(shown(&root, &drift(pointer, None, Some(live))).live, Some(expected));
    };
    check("/spec/env/0/value", json!("hunter2"), json!("(hidden)"));
    check("/spec/env/1/value", json!("debug"), json!("debug"));
    check("/spec/env/0", root["spec"]["env"][0].clone(), json!({"name": "DB_PASSWORD", "value": "(hidden)"}));
    let container = json!({"name": "x", "env": [{"name": "API-TOKEN", "value": "t"}]});
    check("/spec/containers/1", container, json!({"name": "x", "env": [{"name": "API-TOKEN", "value": "(hidden)"}]}));
}

#[test]
fn a_declared_secret_is_hidden_where_the_lists_are_in_another_order() {
    let declared = json!({"spec": {"env": [{"name": "LOG", "value": "debug"}, {"name": "TOKEN", "value": "t1"}]}});
    let live = json!({"spec": {"env": [{"name": "TOKEN", "value": "t2"}, {"name": "LOG", "value": "debug"}]}});
    let key = ObjectKey::new("shop", "orders");
    let subject = Subject { kind: "MicroService", key: &key, declared: &declared, live: &live, redact: &redact() };
    let drift = drift("/spec/env/0/value", Some(json!("t1")), Some(json!("t2")));
    let field = field(&subject, &drift, &[], jiff::Timestamp::UNIX_EPOCH);
    assert_eq!((field.declared, field.live), (Some(json!("(hidden)")), Some(json!("(hidden)"))));
}

#[test]
fn who_logs_in_is_hidden_in_every_url() {
    let root = json!({});
    let check = |live: &str, expected: &str| {
        assert_eq!(shown(&root, &drift("/spec/args/0", None, Some(json!(live)))).live, Some(json!(expected)));
    };
    check("postgres://u:p@db/x?a=b@c", "postgres://(hidden)@db/x?a=b@c");
    check("a http://h/1 and redis://:pw@r:1 b", "a http://h/1 and redis://(hidden)@r:1 b");
    check("https://example.com/a@b", "https://example.com/a@b");
    check("mail@example.com", "mail@example.com");
}

#[test]
fn a_sentence_says_what_and_who() {
    let field = shown(&json!({}), &drift("/spec/replicas", Some(json!(2)), Some(json!(5))));
    let said = sentence(&field);
    assert_eq!(
        said,
        "Deployment shop/orders /spec/replicas is 5; declared 2 (by kubectl-edit, seen at 1970-01-01T00:00:00Z)"
    );
}

#[test]
fn a_known_drift_keeps_the_time_when_it_was_seen() {
    let first = shown(&json!({}), &drift("/spec/replicas", Some(json!(2)), Some(json!(5))));
    let key = ObjectKey::new("shop", "orders");
    let root = json!({});
    let subject = Subject { kind: "Deployment", key: &key, declared: &root, live: &root, redact: &redact() };
    let later = jiff::Timestamp::from_second(99).unwrap();
    let again =
        field(&subject, &drift("/spec/replicas", Some(json!(2)), Some(json!(5))), std::slice::from_ref(&first), later);
    assert_eq!(again, first);
}

#[test]
fn a_long_value_is_cut() {
    let field = shown(&json!({}), &drift("/spec/args", None, Some(json!("x".repeat(10_000)))));
    assert!(field.live.unwrap().to_string().len() < 300);
}

#[test]
fn status_counts_what_differs_and_remembers_what_was_corrected() {
    let now = jiff::Timestamp::from_second(10).unwrap();
    let field = shown(&json!({}), &drift("/spec/replicas", Some(json!(2)), Some(json!(5))));
    let differs = status(std::slice::from_ref(&field), &[], &[], None, now).unwrap();
    assert_eq!((differs.count, differs.since.is_some()), (1, true));
    let healed = status(&[], std::slice::from_ref(&field), &[], Some(&differs), now).unwrap();
    assert_eq!((healed.count, healed.since, healed.last_corrected.is_some()), (0, None, true));
    assert_eq!(healed.fields.len(), 1);
    assert_eq!(status(&[], &[], &[], None, now), None);
}
