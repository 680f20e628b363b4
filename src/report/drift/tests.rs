//! What is said of a drift, what is hidden, and what of it stays from one look to the next.

use super::*;
use crate::model::Attribution;

fn redact() -> Redactor {
    Redactor::default()
}

fn drift(pointer: &str, declared: Option<Value>, live: Option<Value>) -> FieldDrift {
    FieldDrift {
        co_owned: false,
        keyed: None,
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
fn a_sentence_says_where_it_is_declared_and_which_user_it_was() {
    let mut field = shown(&json!({}), &drift("/spec/replicas", Some(json!(2)), Some(json!(5))));
    field.user = Some("ann@example.com".into());
    let mut check = |at: Value, expected: &str| {
        field.declared_at = serde_json::from_value(at).unwrap();
        assert!(sentence(&field).ends_with(expected), "{}", sentence(&field));
    };
    check(
        json!({"file": "a.yaml", "line": 7, "field": "/spec/replicas"}),
        "(by ann@example.com with kubectl-edit, seen at 1970-01-01T00:00:00Z); declared at a.yaml:7",
    );
    let commit = "0123456789012345678901234567890123456789";
    let mut at = json!({
        "file": "a.yaml", "line": 7, "field": "", "commit": commit, "author": "Ada", "subject": "scale it"
    });
    check(at.clone(), "; declared at a.yaml:7 in 0123456 by Ada: scale it");
    at = json!({"file": "a.yaml", "line": 7, "field": "", "commit": commit, "orEarlier": true});
    check(at, "; declared at a.yaml:7 in 0123456 or earlier");
}

#[test]
fn a_known_drift_keeps_when_it_was_seen_who_it_was_and_where_it_is_declared() {
    let mut first = shown(&json!({}), &drift("/spec/replicas", Some(json!(2)), Some(json!(5))));
    first.user = Some("ann".into());
    first.declared_at = serde_json::from_value(json!({"file": "a.yaml", "line": 1, "field": ""})).unwrap();
    let key = ObjectKey::new("shop", "orders");
    let root = json!({});
    let subject = Subject { kind: "Deployment", key: &key, declared: &root, live: &root, redact: &redact() };
    let later = jiff::Timestamp::from_second(99).unwrap();
    let again =
        field(&subject, &drift("/spec/replicas", Some(json!(2)), Some(json!(5))), std::slice::from_ref(&first), later);
    assert_eq!(again, first);
}

#[test]
fn an_item_that_moved_is_the_same_drift() {
    let at = |pointer: &str, keyed: &str| {
        let drift = drift(pointer, Some(json!("a")), Some(json!("b")));
        shown(&json!({}), &FieldDrift { keyed: Some(keyed.to_owned()), ..drift })
    };
    let first = at("/spec/env/0/value", "/spec/env/[name=A]/value");
    assert!(same(&first, &at("/spec/env/3/value", "/spec/env/[name=A]/value")));
    assert!(!same(&first, &at("/spec/env/0/value", "/spec/env/[name=B]/value")), "another item in its place");
    // What an older version wrote has no keys.
    let older = DriftedField { keyed_path: None, ..first.clone() };
    assert!(same(&older, &first) && !same(&older, &at("/spec/env/3/value", "/spec/env/[name=A]/value")));
}

#[test]
fn what_is_told_of_a_whole_object_stays_too() {
    let key = ObjectKey::new("shop", "orders");
    let at = |second: i64| jiff::Timestamp::from_second(second).unwrap();
    let mut first = deleted("Service", &key, at(10));
    first.declared_at = serde_json::from_value(json!({"file": "a.yaml", "line": 1, "field": ""})).unwrap();
    let again = |field: DriftedField| as_before(field, std::slice::from_ref(&first));
    assert_eq!(again(deleted("Service", &key, at(99))), first);
    let held = terminating("Service", &key, &json!({"metadata": {"finalizers": ["a/b"]}}), at(99));
    assert_eq!(again(held.clone()), held, "another change of it is new");
}

#[test]
fn a_held_deletion_names_the_finalizers_and_when_it_was_asked_for() {
    let live = json!({"metadata": {"deletionTimestamp": "2026-03-01T12:00:00Z", "finalizers": ["example.com/hold"]}});
    let field = terminating("Service", &ObjectKey::new("shop", "orders"), &live, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(field.time.as_ref().map(|time| time.0.to_string()).as_deref(), Some("2026-03-01T12:00:00Z"));
    let said = sentence(&field);
    assert!(
        said.starts_with(
            r#"Service shop/orders is being deleted, and finalizers hold it: ["example.com/hold"] (by unknown"#
        ),
        "{said}"
    );
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
