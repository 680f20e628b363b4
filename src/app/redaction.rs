//! The key of digests that stand for values: made once for an installation, and kept in a Secret of the operator's
//! namespace, so that restarts and replicas agree. Where it cannot be had, values are hidden without a digest.

use k8s_openapi::api::core::v1::Secret;
use kube::core::ApiResource;
use rustls::crypto::ring::default_provider;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::api::names::SYNC_MANAGER;
use crate::cluster::{CallError, Cluster, SecretError};
use crate::model::{ObjectKey, codes};
use crate::report::redact::{KEY, KEY_MISSING, RedactPath, Redactor, SECRET};

/// Name of the key in the Secret.
const ENTRY: &str = "key";
/// A key that somebody else put there has at least as many bytes.
const SHORTEST: usize = 16;
/// Another replica may make it at the same time.
const TRIES: usize = 3;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
enum NoKey {
    #[error("{0}")]
    Read(#[from] SecretError),
    #[error("Secret {secret} could not be written: {source}")]
    Written { secret: ObjectKey, source: CallError },
    #[error("Secret {0} has a key of fewer than {SHORTEST} bytes; remove it, and one is made")]
    Short(ObjectKey),
    #[error("there is no randomness to make a key from")]
    Random,
}

/// What decides about values, with the installation's key.
pub async fn redactor(cluster: &Cluster, namespace: &str, paths: Vec<RedactPath>) -> Redactor {
    let secret = ObjectKey::new(namespace, SECRET);
    match key(cluster, &secret).await {
        Ok(key) => Redactor::new(Some(key), paths),
        Err(error) => {
            let code = codes::code_of(KEY_MISSING);
            warn!(
                code, reason = KEY_MISSING, %error,
                "values that look secret are hidden without a digest; apply deploy/access.yaml, which has the Secret and \
                 the right to it"
            );
            Redactor::new(None, paths)
        }
    }
}

async fn key(cluster: &Cluster, secret: &ObjectKey) -> Result<[u8; KEY], NoKey> {
    let mut tries = 0;
    loop {
        tries += 1;
        let made = match cluster.secret(secret, ENTRY).await {
            Ok(bytes) if bytes.len() < SHORTEST => return Err(NoKey::Short(secret.clone())),
            // Of whatever length it is.
            Ok(bytes) => return Ok(Sha256::digest(&bytes).into()),
            Err(SecretError::KeyMissing { .. }) => fill(cluster, secret).await,
            Err(SecretError::Missing(_)) => {
                let body = json!({
                    "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": random()?,
                    "metadata": {"namespace": &*secret.namespace, "name": &*secret.name}
                });
                cluster.create(&secrets(), secret, &body, SYNC_MANAGER).await.map(|_| ())
            }
            Err(error) => return Err(error.into()),
        };
        match made {
            Ok(()) => info!(%secret, "a key for digests was made"),
            // Somebody else was faster: theirs is taken.
            Err(CallError::Conflict(_) | CallError::NotFound(_)) if tries < TRIES => {}
            Err(source) => return Err(NoKey::Written { secret: secret.clone(), source }),
        }
    }
}

/// Puts a key into a Secret that has none, if nobody else has meanwhile.
async fn fill(cluster: &Cluster, secret: &ObjectKey) -> Result<(), CallError> {
    let Some(live) = cluster.get(&secrets(), secret).await? else {
        return Err(CallError::NotFound("the Secret went".into()));
    };
    let data = random().map_err(|error| CallError::Unexpected(error.to_string()))?;
    let version = live.resource_version.to_string();
    let patch = json!({"metadata": {"uid": &*live.uid, "resourceVersion": version}, "data": data});
    cluster.merge(&secrets(), secret, &patch, SYNC_MANAGER).await.map(|_| ())
}

/// The data of the Secret.
fn random() -> Result<Value, NoKey> {
    let mut key = [0; KEY];
    default_provider().secure_random.fill(&mut key).map_err(|_| NoKey::Random)?;
    Ok(json!({ENTRY: data_encoding::BASE64.encode(&key)}))
}

fn secrets() -> ApiResource {
    ApiResource::erase::<Secret>(&())
}
