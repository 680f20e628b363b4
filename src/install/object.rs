//! One object of an installation, and what becomes of it.

use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

use super::Broken;
use crate::model::ObjectKey;

/// One object, and how it is addressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: ApiResource,
    /// Its name; what belongs to the whole cluster has no namespace.
    pub key: ObjectKey,
    /// What is applied.
    pub body: Value,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// There was none.
    Created,
    /// It was another.
    Configured,
    /// It was so already, and was not written.
    Unchanged,
}

impl Step {
    /// What became of it, or would, by its content before and after. Versions do not tell: what is only asked for has none
    /// of its own, and a controller may have written a status in between.
    pub fn between(before: Option<Value>, after: Value) -> Self {
        let content = |mut object: Value| {
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                // Who manages a field is no content, and status is not applied.
                metadata
                    .retain(|field, _| !["managedFields", "generation", "resourceVersion"].contains(&field.as_str()));
            }
            if let Some(object) = object.as_object_mut() {
                object.remove("status");
            }
            object
        };
        let Some(before) = before else { return Self::Created };
        if content(before) == content(after) { Self::Unchanged } else { Self::Configured }
    }

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Object {
    /// Reads a manifest.
    pub fn of(body: Value) -> Result<Self, Broken> {
        let text = |value: &Value, what| value.as_str().map(str::to_owned).ok_or(Broken::Lacks(what));
        let (version, kind) = (text(&body["apiVersion"], "apiVersion")?, text(&body["kind"], "kind")?);
        let (group, version) = version.rsplit_once('/').unwrap_or(("", &version));
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let name = text(&body["metadata"]["name"], "metadata.name")?;
        let key = ObjectKey::new(body["metadata"]["namespace"].as_str().unwrap_or_default(), name);
        Ok(Self { kind, key, body })
    }

    /// Kind and name, as `Deployment gitmoor-system/gitmoor`.
    pub fn name(&self) -> String {
        match &*self.key.namespace {
            "" => format!("{} {}", self.kind.kind, self.key.name),
            namespace => format!("{} {namespace}/{}", self.kind.kind, self.key.name),
        }
    }

    /// Whether it is of that kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.kind == kind
    }
}
