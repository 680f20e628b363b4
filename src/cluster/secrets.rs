//! Secrets, read by name and never kept in anything that prints.

use std::collections::BTreeMap;

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

/// What is in a Secret. It has no `Debug`.
pub struct SecretContent {
    /// Its resourceVersion.
    pub version: u64,
    /// Its keys, with what they have.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl Cluster {
    /// One key of a Secret.
    pub async fn secret(&self, secret: &ObjectKey, key: &str) -> Result<Vec<u8>, SecretError> {
        let found = self.secret_content(secret).await?.data.remove(key);
        found.ok_or_else(|| SecretError::KeyMissing { secret: secret.clone(), key: key.to_owned() })
    }

    /// Some keys of a Secret, of which any may be missing.
    pub async fn secret_keys<const N: usize>(
        &self,
        secret: &ObjectKey,
        keys: [&str; N],
    ) -> Result<[Option<Vec<u8>>; N], SecretError> {
        let mut data = self.secret_content(secret).await?.data;
        Ok(keys.map(|key| data.remove(key)))
    }

    /// All of a Secret.
    pub async fn secret_content(&self, secret: &ObjectKey) -> Result<SecretContent, SecretError> {
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
        let version = found.metadata.resource_version.and_then(|version| version.parse().ok()).unwrap_or_default();
        let data = found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        Ok(SecretContent { version, data })
    }
}
