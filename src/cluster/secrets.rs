//! Secrets, read by name and never kept in anything that prints.

use k8s_openapi::api::core::v1::Secret;
use kube::core::{ApiResource, DynamicObject, Request, Resource, params::GetParams};

use super::calls::Cluster;
use super::error::CallError;
use crate::model::{ObjectKey, is_name};

/// Why a key of a Secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is no such Secret.
    #[error("Secret {0} does not exist")]
    Missing(ObjectKey),
    /// The Secret has no such key.
    #[error("Secret {secret} has no key {key:?}")]
    KeyMissing {
        /// The Secret.
        secret: ObjectKey,
        /// The key.
        key: String,
    },
    /// It could not be read.
    #[error("Secret {secret} could not be read: {source}")]
    Unread {
        /// The Secret.
        secret: ObjectKey,
        /// Why.
        source: CallError,
    },
}

impl Cluster {
    /// One key of a Secret.
    pub async fn secret(&self, secret: &ObjectKey, key: &str) -> Result<Vec<u8>, SecretError> {
        // A name with a slash would lead to another namespace.
        if !is_name(&secret.name) {
            return Err(SecretError::Missing(secret.clone()));
        }
        let kind = ApiResource::erase::<Secret>(&());
        let request = || {
            Request::new(DynamicObject::url_path(&kind, Some(&secret.namespace)))
                .get(&secret.name, &GetParams::default())
        };
        let found: Secret =
            match self.call(crate::telemetry::metrics::Verb::Get, &kind, &secret.namespace, request).await {
                Ok(found) => found,
                Err(CallError::NotFound(_)) => return Err(SecretError::Missing(secret.clone())),
                Err(source) => return Err(SecretError::Unread { secret: secret.clone(), source }),
            };
        let value = found.data.and_then(|mut data| data.remove(key));
        value
            .map(|value| value.0)
            .ok_or_else(|| SecretError::KeyMissing { secret: secret.clone(), key: key.to_owned() })
    }
}
