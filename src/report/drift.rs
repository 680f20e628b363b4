//! Drift in words and in status.

#[cfg(test)]
mod tests;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::episodes;
use super::redact::{HIDDEN, Redactor};
use super::shorten;
use crate::api::condition::truncate_to_seconds;
use crate::api::drift::{DeclaredAt, DriftEpisode, EPISODES};
use crate::api::status::{DriftStatus, DriftedField};
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift, ObjectKey};

/// Fields that a status lists; the count says how many there are.
pub const LISTED: usize = 20;
/// Bytes of a value in status, logs and events.
const VALUE: usize = 256;
/// Bytes of a commit's subject in a sentence.
const SUBJECT: usize = 120;
/// Bytes that the episodes of one level take in status: objects have to stay small.
const HISTORY: usize = 8 * 1024;

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
    /// What of values is shown.
    pub redact: &'a Redactor,
}

/// A drift as it goes into status, logs and events. Seen before, it keeps the time when it was first seen.
pub fn field(subject: &Subject<'_>, drift: &FieldDrift, known: &[DriftedField], now: jiff::Timestamp) -> DriftedField {
    // The pointer leads into one of the two forms only; in the other one it may lead to another item of a list.
    let root = if drift.change == ChangeKind::Removed { subject.declared } else { subject.live };
    let value = |value: &Value| shown(subject, root, &drift.pointer, value);
    let attribution = &drift.attribution;
    let operation = match (&attribution.operation, &attribution.subresource) {
        (Some(operation), Some(subresource)) => Some(format!("{operation} ({subresource})")),
        (operation, _) => operation.clone(),
    };
    let field = DriftedField {
        path: drift.pointer.to_string(),
        keyed_path: drift.keyed.clone(),
        change: drift.change.as_str().to_owned(),
        declared: drift.declared.as_ref().map(value),
        live: drift.live.as_ref().map(value),
        manager: attribution.manager.clone(),
        operation,
        time: attribution.time.map(Time),
        ..deleted(subject.kind, subject.key, now)
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

/// A value as it goes out: less its secrets, and bounded. `pointer` leads to it in `root`, one of the two forms.
pub fn shown(subject: &Subject<'_>, root: &Value, pointer: &Pointer, value: &Value) -> Value {
    bounded(subject.redact.shown(&subject.key.namespace, root, pointer, value))
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
        // To the millisecond here, so that it can be told how long it lasted; status has seconds.
        observed: Time(now),
        began: None,
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
        live: metadata.get("finalizers").cloned().map(bounded),
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
    same_place(a, b) && a.change == b.change && same_value(&a.live, &b.live) && same_value(&a.declared, &b.declared)
}

/// Where one of two has no digest, nothing says that they differ.
fn same_value(a: &Option<Value>, b: &Option<Value>) -> bool {
    let hidden =
        |value: &Option<Value>| value.as_ref().and_then(Value::as_str).is_some_and(|text| text.starts_with("(hidden"));
    let bare = |value: &Option<Value>| value.as_ref().is_some_and(|value| value == HIDDEN);
    a == b || (hidden(a) && hidden(b) && (bare(a) || bare(b)))
}

/// Whether somebody wrote a field again that differed already.
pub fn rewritten(before: &[DriftedField], fields: &[DriftedField]) -> bool {
    let another = |a: &DriftedField, b: &DriftedField| same_place(a, b) && a.change == b.change && !same(a, b);
    fields.iter().any(|field| before.iter().any(|known| another(known, field)))
}

/// One sentence for events and conditions.
pub fn sentence(field: &DriftedField) -> String {
    let place = field.declared_at.as_ref().map(|at| format!("; declared at {}", declaration(at))).unwrap_or_default();
    format!("{} {} {} ({}){place}", field.kind, field.object, difference(field), hand(field))
}

/// What differs, without the object and without who did it.
pub fn difference(field: &DriftedField) -> String {
    match field.change.as_str() {
        "Deleted" => "was deleted".to_owned(),
        "Recreated" => "was deleted and made anew".to_owned(),
        "Terminating" => format!("is being deleted, and finalizers hold it: {}", text(field.live.as_ref())),
        "Disowned" if field.path.is_empty() => "is as declared, but no longer owned by Gitmoor".to_owned(),
        "Disowned" => format!("{} is as declared, but no longer owned by Gitmoor", field.path),
        "Added" => format!("{} was added: {}", field.path, text(field.live.as_ref())),
        "Removed" => format!("{} was removed; declared {}", field.path, text(field.declared.as_ref())),
        _ => format!("{} is {}; declared {}", field.path, text(field.live.as_ref()), text(field.declared.as_ref())),
    }
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
        None => format!("by {who}, seen at {}", truncate_to_seconds(field.observed.0)),
    }
}

/// Where Git declares it, as in `apps/orders.yaml:7`.
pub fn place(at: &DeclaredAt) -> String {
    format!("{}:{}", at.file, at.line)
}

/// Where it is declared, by which commit and whom, as far as that is known.
pub fn declaration(at: &DeclaredAt) -> String {
    commit(at).map_or_else(|| place(at), |commit| format!("{} in {commit}", place(at)))
}

/// The commit that last touched that line, in one line.
pub fn commit(at: &DeclaredAt) -> Option<String> {
    let commit = at.commit.as_deref()?;
    let short = commit.get(..7).unwrap_or(commit);
    let or_earlier = if at.or_earlier { " or earlier" } else { "" };
    let author = at.author.as_ref().map(|author| format!(" by {author}")).unwrap_or_default();
    let subject = at.subject.as_ref().filter(|subject| !subject.is_empty());
    let subject = subject.map(|subject| format!(": {}", shorten(subject, SUBJECT))).unwrap_or_default();
    Some(format!("{short}{or_earlier}{author}{subject}"))
}

/// A value as compact JSON, bounded; `-` for none.
pub fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| shorten(&value.to_string(), VALUE))
}

/// The drift of one level in status. `fields` differ now; `corrected` were put back just now; `ended` is what ended and
/// is not in its history yet.
pub fn status(
    fields: &[DriftedField],
    corrected: &[DriftedField],
    ended: &[DriftEpisode],
    previous: Option<&DriftStatus>,
    now: jiff::Timestamp,
) -> Option<DriftStatus> {
    let now = Time(truncate_to_seconds(now));
    if fields.is_empty() && corrected.is_empty() && ended.is_empty() && previous.is_none() {
        return None;
    }
    let mut status = previous.cloned().unwrap_or_default();
    status.count = clamp(fields.len());
    status.since = (!fields.is_empty()).then(|| status.since.unwrap_or_else(|| now.clone()));
    // What differed last stays until something else does.
    let last = if fields.is_empty() { corrected } else { fields };
    if !last.is_empty() {
        status.fields = last.iter().take(LISTED).cloned().collect();
    }
    status.unlisted = unlisted(fields.get(LISTED..).unwrap_or_default());
    if !corrected.is_empty() {
        status.last_corrected = Some(now);
    }
    episodes::add(&mut status.history, ended, EPISODES, HISTORY);
    Some(status)
}

/// Whether a status says that just these fields differ, with what is done about them.
pub fn says(status: Option<&DriftStatus>, fields: &[DriftedField]) -> bool {
    let standing = status.filter(|status| status.count > 0);
    let listed = standing.map(|status| status.fields.as_slice()).unwrap_or_default();
    let said = |field: &DriftedField| listed.iter().any(|listed| same(listed, field) && stands_as(listed, field));
    standing.map_or(0, |status| status.count) == clamp(fields.len())
        && fields.iter().take(LISTED).all(said)
        && standing.and_then(|status| status.unlisted.clone()) == unlisted(fields.get(LISTED..).unwrap_or_default())
}

/// Whether the same is done about it, and it is where it was, in the object and in Git.
fn stands_as(listed: &DriftedField, field: &DriftedField) -> bool {
    let moved = match (&listed.declared_at, &field.declared_at) {
        (Some(listed), Some(now)) => !listed.is_at(now),
        _ => false,
    };
    listed.policy == field.policy && listed.path == field.path && !moved
}

/// What was told before this process began, as far as status says: fields that stand, and of `seen` those that it had no
/// place for.
pub fn recalled(status: Option<&DriftStatus>, seen: &[DriftedField]) -> Vec<DriftedField> {
    let Some(status) = status.filter(|status| status.count > 0) else { return Vec::new() };
    let mut known = status.fields.clone();
    if status.unlisted.is_some() {
        let rest: Vec<_> = seen.iter().filter(|field| !known.iter().any(|known| same(known, field))).collect();
        if unlisted(rest.iter().copied()) == status.unlisted {
            known.extend(rest.into_iter().cloned());
        }
    }
    known
}

/// What of many fields a status keeps instead of them, to know them again.
fn unlisted<'a>(fields: impl IntoIterator<Item = &'a DriftedField>) -> Option<String> {
    let texts = fields.into_iter().map(|field| {
        json!([field.kind, field.object, field.path, field.change, field.declared, field.live]).to_string()
    });
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(texts.concat()));
    (!texts.is_empty()).then(|| digest[..16].to_owned())
}

fn clamp(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A value that is small enough for status.
fn bounded(value: Value) -> Value {
    let text = value.to_string();
    if text.len() <= VALUE { value } else { json!(shorten(&text, VALUE)) }
}
