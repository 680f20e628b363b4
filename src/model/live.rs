//! An object as the API server has it, kept small: 10,000 of them must fit in memory.

use std::sync::Arc;

use serde_json::Value;

use super::key::ObjectKey;

/// A live object: what is looked at often as fields, the rest as compact JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveObject {
    /// Its name.
    pub key: ObjectKey,
    /// Its UID.
    pub uid: Arc<str>,
    /// Its resourceVersion, a number since Kubernetes 1.35 promises so; greater is newer.
    pub resource_version: u64,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// UID of its controller, where it has one.
    pub controller_uid: Option<Arc<str>>,
    /// The whole object as compact JSON, less managed fields of status.
    json: Box<str>,
}

/// Why a value is not a live object.
#[derive(Debug, thiserror::Error)]
#[error("the API server sent an object without {0}")]
pub struct NotAnObject(&'static str);

impl LiveObject {
    /// Takes what the API server sent. Managed fields of status are dropped: nobody declares status.
    pub fn from_json(mut value: Value) -> Result<Self, NotAnObject> {
        let metadata = value.get_mut("metadata").ok_or(NotAnObject("metadata"))?;
        if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
            entries.retain(|entry| entry.get("subresource").and_then(Value::as_str) != Some("status"));
        }
        let text = |field: &str| metadata.get(field).and_then(Value::as_str);
        let key =
            ObjectKey::new(text("namespace").unwrap_or_default(), text("name").ok_or(NotAnObject("metadata.name"))?);
        let uid = text("uid").ok_or(NotAnObject("metadata.uid"))?.into();
        let resource_version = text("resourceVersion")
            .and_then(|rv| rv.parse().ok())
            .ok_or(NotAnObject("a numeric metadata.resourceVersion"))?;
        let deleting = metadata.get("deletionTimestamp").is_some();
        let controller_uid = metadata
            .get("ownerReferences")
            .and_then(Value::as_array)
            .and_then(|owners| owners.iter().find(|owner| owner["controller"] == Value::Bool(true)))
            .and_then(|owner| owner["uid"].as_str())
            .map(Into::into);
        Ok(Self { key, uid, resource_version, deleting, controller_uid, json: value.to_string().into() })
    }

    /// The whole object.
    pub fn value(&self) -> Value {
        // It was made by serialising a value, so it parses.
        serde_json::from_str(&self.json).unwrap_or(Value::Null)
    }

    /// The whole object as compact JSON with sorted keys, less managed fields of status.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The whole object as a type.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(&self.json)
    }

    /// Bytes that the JSON takes.
    pub fn size(&self) -> usize {
        self.json.len()
    }
}
