//! Namespaces: whether one is on its way out. None is watched; it is asked for where a GitSync in it is being deleted.

use k8s_openapi::api::core::v1::Namespace;
use kube::core::params::GetParams;
use kube::core::{ApiResource, DynamicObject, Request, Resource};
use serde_json::Value;

use super::calls::Cluster;
use super::error::CallError;
use crate::telemetry::metrics::Verb;

impl Cluster {
    /// Whether a namespace is being deleted, or gone.
    pub async fn is_namespace_going(&self, name: &str) -> Result<bool, CallError> {
        let kind = ApiResource::erase::<Namespace>(&());
        let request = || Request::new(DynamicObject::url_path(&kind, None)).get(name, &GetParams::default());
        match self.call::<Value>(Verb::Get, &kind, name, request).await {
            Ok(namespace) => Ok(namespace["metadata"].get("deletionTimestamp").is_some()),
            Err(CallError::NotFound(_) | CallError::NamespaceMissing(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
