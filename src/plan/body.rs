//! The body of an apply: the document as Git has it, and our marks.

use serde_json::{Value, json};

use crate::api::SourceMark;
use crate::api::names::{PART_OF, RENAMED_FROM, SOURCE, SOURCE_HASH, SOURCE_PATH, SOURCE_REVISION};
use crate::model::{DeclaredObject, ObjectKey};

/// What Gitmoor adds to a document.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// `namespace/name` of the GitSync.
    pub sync: &'a ObjectKey,
    /// Its UID.
    pub sync_uid: &'a str,
    /// Its ApplySet.
    pub applyset: &'a str,
    /// The revision that changed the object.
    pub revision: &'a str,
}

/// What is applied for a declared object: its own JSON, its namespace, and our marks.
pub fn apply_body(key: &ObjectKey, object: &DeclaredObject, marks: &Marks<'_>) -> Value {
    // A document's body was made by serialising JSON.
    let mut body: Value = serde_json::from_str(&object.document.body).unwrap_or_else(|_| json!({}));
    let mark =
        SourceMark { sync: marks.sync.to_string(), sync_uid: marks.sync_uid.to_owned(), object: key.to_string() };
    let place = format!("{}:{}", object.file, object.document.start.line);
    body["metadata"]["namespace"] = json!(&*key.namespace);
    let mut put = |map: &str, name: &str, value: &str| body["metadata"][map][name] = json!(value);
    put("labels", PART_OF, marks.applyset);
    put("annotations", SOURCE, &mark.to_string());
    put("annotations", SOURCE_PATH, &place);
    put("annotations", SOURCE_HASH, &object.document.hash);
    put("annotations", SOURCE_REVISION, marks.revision);
    body
}

/// The same body, with the marks that change from commit to commit as the live object has them: what drift is
/// measured against.
pub fn with_live_marks(body: Value, live: &Value) -> Value {
    with_marks_of(body, live, &[SOURCE_PATH, SOURCE_REVISION, RENAMED_FROM])
}

/// The same body, with the mark of the name that the live object had before: it stays until a new object takes its place.
pub fn with_former_name(body: Value, live: &Value) -> Value {
    with_marks_of(body, live, &[RENAMED_FROM])
}

fn with_marks_of(mut body: Value, live: &Value, names: &[&str]) -> Value {
    for &name in names {
        let there = live["metadata"]["annotations"].get(name).cloned();
        if let (Some(there), Some(annotations)) = (there, body["metadata"]["annotations"].as_object_mut()) {
            annotations.insert(name.to_owned(), there);
        }
    }
    body
}
