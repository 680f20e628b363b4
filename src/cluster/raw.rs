//! An object as plain JSON, in the form that kube's watcher wants.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::ApiResource;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object as JSON. The metadata has only what a watch needs: typed metadata of 10,000 objects costs time and memory.
#[derive(Debug, Clone)]
pub struct Raw {
    metadata: ObjectMeta,
    /// The whole object.
    pub value: Value,
}

impl Raw {
    /// The same with its version and kind, which a server leaves out of what it lists.
    pub(super) fn of(mut self, kind: &ApiResource) -> Self {
        if let Some(object) = self.value.as_object_mut() {
            object.entry("apiVersion").or_insert_with(|| kind.api_version.as_str().into());
            object.entry("kind").or_insert_with(|| kind.kind.as_str().into());
        }
        self
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = |field: &str| value["metadata"][field].as_str().map(str::to_owned);
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, value })
    }
}

impl Resource for Raw {
    type DynamicType = ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(dt: &ApiResource) -> Cow<'_, str> {
        dt.kind.as_str().into()
    }

    fn group(dt: &ApiResource) -> Cow<'_, str> {
        dt.group.as_str().into()
    }

    fn version(dt: &ApiResource) -> Cow<'_, str> {
        dt.version.as_str().into()
    }

    fn plural(dt: &ApiResource) -> Cow<'_, str> {
        dt.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
