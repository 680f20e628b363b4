//! Drift in words and in status.

#[cfg(test)]
mod tests;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::shorten;
use crate::api::condition::truncate_to_seconds;
use crate::api::drift::DeclaredAt;
use crate::api::status::{DriftStatus, DriftedField};
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift, ObjectKey};

/// Fields that a status lists; the count says how many there are.
pub const LISTED: usize = 20;
/// Bytes of a value in status, logs and events.
const VALUE: usize = 256;
/// Bytes of a commit's subject in a sentence.
const SUBJECT: usize = 120;
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
    let field = DriftedField {
        kind: subject.kind.to_owned(),
        object: subject.key.to_string(),
        path: drift.pointer.to_string(),
        keyed_path: drift.keyed.clone(),
        change: drift.change.as_str().to_owned(),
        declared: drift.declared.as_ref().map(value),
        live: drift.live.as_ref().map(value),
        manager: attribution.manager.clone(),
        operation,
        time: attribution.time.map(Time),
        observed: Time(truncate_to_seconds(now)),
        user: None,
        declared_at: None,
        policy: None,
    };
    as_before(field, known)
}

/// A drift that was told before: since when it is known, and what was found out about it, stays.
pub fn as_before(mut field: DriftedField, known: &[DriftedField]) -> DriftedField {
    if let Some(earlier) = known.iter().find(|earlier| same(earlier, &field)) {
        field.observed = earlier.observed.clone();
        field.user.clone_from(&earlier.user);
        field.declared_at.clone_from(&earlier.declared_at);
    }
    field
}

/// A whole object that is gone.
pub fn deleted(kind: &str, key: &ObjectKey, now: jiff::Timestamp) -> DriftedField {
    DriftedField {
        kind: kind.to_owned(),
        object: key.to_string(),
        path: String::new(),
        keyed_path: None,
        change: ChangeKind::Deleted.as_str().to_owned(),
        declared: None,
        live: None,
        manager: None,
        operation: None,
        time: None,
        observed: Time(truncate_to_seconds(now)),
        user: None,
        declared_at: None,
        policy: None,
    }
}

/// A whole object whose deletion is held. Who asked for it is recorded nowhere; when, is.
pub fn terminating(kind: &str, key: &ObjectKey, live: &Value, now: jiff::Timestamp) -> DriftedField {
    let metadata = &live["metadata"];
    let since = metadata["deletionTimestamp"].as_str().and_then(|time| time.parse().ok());
    DriftedField {
        change: ChangeKind::Terminating.as_str().to_owned(),
        live: metadata.get("finalizers").map(bounded),
        time: since.map(Time),
        ..deleted(kind, key, now)
    }
}

/// Whether a difference is one that was reported before and stands.
pub fn stands(subject: &Subject<'_>, drift: &FieldDrift, known: &[DriftedField]) -> bool {
    !known.is_empty() && {
        let field = field(subject, drift, known, jiff::Timestamp::UNIX_EPOCH);
        known.iter().any(|known| same(known, &field))
    }
}

/// Whether two findings speak of the same place, wherever the items of its lists stand. An older version wrote the
/// place without their keys.
pub fn same_place(a: &DriftedField, b: &DriftedField) -> bool {
    let same_path = match (&a.keyed_path, &b.keyed_path) {
        (Some(a), Some(b)) => a == b,
        _ => a.path == b.path,
    };
    a.kind == b.kind && a.object == b.object && same_path
}

/// Whether two findings speak of the same difference.
pub fn same(a: &DriftedField, b: &DriftedField) -> bool {
    same_place(a, b) && a.change == b.change && a.live == b.live && a.declared == b.declared
}

/// Whether somebody wrote a field again that differed already.
pub fn rewritten(before: &[DriftedField], fields: &[DriftedField]) -> bool {
    let again = |field: &DriftedField| before.iter().any(|known| same_place(known, field) && !same(known, field));
    fields.iter().any(again)
}

/// One sentence for events and conditions.
pub fn sentence(field: &DriftedField) -> String {
    let what = match field.change.as_str() {
        "Deleted" => "was deleted".to_owned(),
        "Recreated" => "was deleted and made anew".to_owned(),
        "Terminating" => format!("is being deleted, and finalizers hold it: {}", text(field.live.as_ref())),
        "Disowned" if field.path.is_empty() => "is as declared, but no longer owned by Gitmoor".to_owned(),
        "Disowned" => format!("{} is as declared, but no longer owned by Gitmoor", field.path),
        "Added" => format!("{} was added: {}", field.path, text(field.live.as_ref())),
        "Removed" => format!("{} was removed; declared {}", field.path, text(field.declared.as_ref())),
        _ => format!("{} is {}; declared {}", field.path, text(field.live.as_ref()), text(field.declared.as_ref())),
    };
    let place = field.declared_at.as_ref().map(|at| format!("; declared at {}", place(at))).unwrap_or_default();
    format!("{} {} {what} ({}){place}", field.kind, field.object, hand(field))
}

/// Where it is declared, by which commit and whom, as far as that is known.
pub fn place(at: &DeclaredAt) -> String {
    let DeclaredAt { file, line, commit, or_earlier, author, subject, .. } = at;
    let mut text = format!("{file}:{line}");
    if let Some(commit) = commit {
        let short = commit.get(..7).unwrap_or(commit);
        text += &if *or_earlier { format!(" in {short} or earlier") } else { format!(" in {short}") };
    }
    if let Some(author) = author {
        text += &format!(" by {author}");
    }
    if let Some(subject) = subject.as_ref().filter(|subject| !subject.is_empty()) {
        text += &format!(": {}", shorten(subject, SUBJECT));
    }
    text
}

/// Who did it, as far as it is known.
pub fn hand(field: &DriftedField) -> String {
    let who = match (&field.user, &field.manager) {
        (Some(user), Some(manager)) => format!("{user} with {manager}"),
        (Some(user), None) => user.clone(),
        (None, Some(manager)) => manager.clone(),
        (None, None) => "unknown".to_owned(),
    };
    match &field.time {
        Some(time) => format!("by {who} at {}", time.0),
        None => format!("by {who}, seen at {}", field.observed.0),
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
        let count = clamp(fields.len());
        return Some(DriftStatus {
            count,
            since: Some(since),
            fields: listed,
            last_corrected,
            ..DriftStatus::default()
        });
    }
    if !corrected.is_empty() {
        let listed = corrected.iter().take(LISTED).cloned().collect();
        return Some(DriftStatus { fields: listed, last_corrected: Some(now), ..DriftStatus::default() });
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
