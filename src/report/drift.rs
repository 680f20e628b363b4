//! Drift in words and in status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::shorten;
use crate::api::condition::truncate_to_seconds;
use crate::api::status::{DriftStatus, DriftedField};
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift, ObjectKey};

/// Fields that a status lists; the count says how many there are.
pub const LISTED: usize = 20;
/// Bytes of a value in status, logs and events.
const VALUE: usize = 256;
/// What stands for a value that looks like a secret.
const HIDDEN: &str = "(hidden)";

/// The object that drifted, in both its forms.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub key: &'a ObjectKey,
    /// What was declared.
    pub declared: &'a Value,
    /// What the cluster has.
    pub live: &'a Value,
}

/// A drift as it goes into status, logs and events. Seen before, it keeps the time when it was first seen.
pub fn field(subject: &Subject<'_>, drift: &FieldDrift, known: &[DriftedField], now: jiff::Timestamp) -> DriftedField {
    // The pointer leads into one of the two forms only; in the other one it may lead to another item of a list.
    let root = if drift.change == ChangeKind::Removed { subject.declared } else { subject.live };
    let value = |value: &Value| bounded(&hide(root, &drift.pointer, value));
    let attribution = &drift.attribution;
    let operation = match (&attribution.operation, &attribution.subresource) {
        (Some(operation), Some(subresource)) => Some(format!("{operation} ({subresource})")),
        (operation, _) => operation.clone(),
    };
    let mut field = DriftedField {
        kind: subject.kind.to_owned(),
        object: subject.key.to_string(),
        path: drift.pointer.to_string(),
        change: drift.change.as_str().to_owned(),
        declared: drift.declared.as_ref().map(value),
        live: drift.live.as_ref().map(value),
        manager: attribution.manager.clone(),
        operation,
        time: attribution.time.map(Time),
        observed: Time(truncate_to_seconds(now)),
    };
    if let Some(earlier) = known.iter().find(|earlier| same(earlier, &field)) {
        field.observed = earlier.observed.clone();
    }
    field
}

/// A whole object that is gone.
pub fn deleted(kind: &str, key: &ObjectKey, now: jiff::Timestamp) -> DriftedField {
    DriftedField {
        kind: kind.to_owned(),
        object: key.to_string(),
        path: String::new(),
        change: ChangeKind::Deleted.as_str().to_owned(),
        declared: None,
        live: None,
        manager: None,
        operation: None,
        time: None,
        observed: Time(truncate_to_seconds(now)),
    }
}

/// Whether a difference is one that was reported before and stands.
pub fn stands(subject: &Subject<'_>, drift: &FieldDrift, known: &[DriftedField]) -> bool {
    !known.is_empty() && {
        let field = field(subject, drift, known, jiff::Timestamp::UNIX_EPOCH);
        known.iter().any(|known| same(known, &field))
    }
}

/// Whether two findings speak of the same difference.
pub fn same(a: &DriftedField, b: &DriftedField) -> bool {
    a.kind == b.kind
        && a.object == b.object
        && a.path == b.path
        && a.change == b.change
        && a.live == b.live
        && a.declared == b.declared
}

/// One sentence for events and conditions.
pub fn sentence(field: &DriftedField) -> String {
    let what = match field.change.as_str() {
        "Deleted" => "was deleted".to_owned(),
        "Added" => format!("{} was added: {}", field.path, text(field.live.as_ref())),
        "Removed" => format!("{} was removed; declared {}", field.path, text(field.declared.as_ref())),
        _ => format!("{} is {}; declared {}", field.path, text(field.live.as_ref()), text(field.declared.as_ref())),
    };
    format!("{} {} {what} ({})", field.kind, field.object, hand(field))
}

/// Who did it, as far as it is known.
pub fn hand(field: &DriftedField) -> String {
    match (&field.manager, &field.time) {
        (Some(manager), Some(time)) => format!("by {manager} at {}", time.0),
        (Some(manager), None) => format!("by {manager}, seen at {}", field.observed.0),
        (None, _) => format!("by unknown, seen at {}", field.observed.0),
    }
}

/// A value as compact JSON, bounded; `-` for none.
pub fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| shorten(&value.to_string(), VALUE))
}

/// The drift of one level in status. `fields` differ now; `corrected` were put back just now.
pub fn status(
    fields: &[DriftedField],
    corrected: &[DriftedField],
    previous: Option<&DriftStatus>,
    now: jiff::Timestamp,
) -> Option<DriftStatus> {
    let now = Time(truncate_to_seconds(now));
    if !fields.is_empty() {
        let since = previous.and_then(|previous| previous.since.clone()).unwrap_or(now);
        let listed = fields.iter().take(LISTED).cloned().collect();
        let last_corrected = previous.and_then(|previous| previous.last_corrected.clone());
        return Some(DriftStatus { count: clamp(fields.len()), since: Some(since), fields: listed, last_corrected });
    }
    if !corrected.is_empty() {
        let listed = corrected.iter().take(LISTED).cloned().collect();
        return Some(DriftStatus { count: 0, since: None, fields: listed, last_corrected: Some(now) });
    }
    previous.map(|previous| DriftStatus { count: 0, since: None, ..previous.clone() })
}

fn clamp(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A value that is small enough for status.
fn bounded(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= VALUE { value.clone() } else { json!(shorten(&text, VALUE)) }
}

/// Hides values of environment variables whose name says that they are secret: a person may have typed one by hand.
fn hide(root: &Value, pointer: &Pointer, value: &Value) -> Value {
    let named_secret = |item: &Value| item["name"].as_str().is_some_and(looks_secret);
    if value.get("value").is_some() && named_secret(value) {
        let mut value = value.clone();
        value["value"] = json!(HIDDEN);
        return value;
    }
    if let Value::Array(items) = value {
        return items.iter().map(|item| hide(root, pointer, item)).collect();
    }
    if let Value::Object(map) = value {
        // A whole container that somebody added has its variables inside.
        return map.iter().map(|(key, inner)| (key.clone(), hide(root, pointer, inner))).collect();
    }
    let item = pointer.parent().and_then(|parent| root.pointer(&parent.to_string()));
    if pointer.last() == Some("value") && item.is_some_and(named_secret) {
        return json!(HIDDEN);
    }
    value.as_str().and_then(without_user).map_or_else(|| value.clone(), Value::String)
}

/// A text whose URLs lose who logs in and with what; `None` where there is no such URL.
fn without_user(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let end = rest[start..].find(['/', '?', '#', ' ', '"', '\'']).map_or(rest.len(), |end| start + end);
        let at = rest[start..end].rfind('@');
        out.push_str(&rest[..start]);
        match at {
            Some(at) => {
                out.push_str(HIDDEN);
                rest = &rest[start + at..];
            }
            None => rest = &rest[start..],
        }
    }
    (!out.is_empty()).then(|| out + rest).filter(|cleaned| cleaned != text)
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    const WORDS: [&str; 14] = [
        "pass",
        "pwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "access_key",
        "credential",
        "private",
        "auth",
        "dsn",
        "salt",
        "connection_string",
        "signing",
    ];
    WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Attribution;

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
        let subject = Subject { kind: "Deployment", key: &key, declared: root, live: root };
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
        check(
            "/spec/containers/1",
            container,
            json!({"name": "x", "env": [{"name": "API-TOKEN", "value": "(hidden)"}]}),
        );
    }

    #[test]
    fn a_declared_secret_is_hidden_where_the_lists_are_in_another_order() {
        let declared = json!({"spec": {"env": [{"name": "LOG", "value": "debug"}, {"name": "TOKEN", "value": "t1"}]}});
        let live = json!({"spec": {"env": [{"name": "TOKEN", "value": "t2"}, {"name": "LOG", "value": "debug"}]}});
        let key = ObjectKey::new("shop", "orders");
        let subject = Subject { kind: "MicroService", key: &key, declared: &declared, live: &live };
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
        let subject = Subject { kind: "Deployment", key: &key, declared: &root, live: &root };
        let later = jiff::Timestamp::from_second(99).unwrap();
        let again = field(
            &subject,
            &drift("/spec/replicas", Some(json!(2)), Some(json!(5))),
            std::slice::from_ref(&first),
            later,
        );
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
        let differs = status(std::slice::from_ref(&field), &[], None, now).unwrap();
        assert_eq!((differs.count, differs.since.is_some()), (1, true));
        let healed = status(&[], std::slice::from_ref(&field), Some(&differs), now).unwrap();
        assert_eq!((healed.count, healed.since, healed.last_corrected.is_some()), (0, None, true));
        assert_eq!(healed.fields.len(), 1);
        assert_eq!(status(&[], &[], None, now), None);
    }
}
