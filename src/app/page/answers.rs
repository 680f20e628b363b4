//! What the page's listener is answered.

use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tracing::warn;

use super::{LivePages, SECRET, SECRET_FRESH, read_secret};
use crate::api::{GitSync, MicroService};
use crate::model::ObjectKey;
use crate::page::access::{Identity, Rights};
use crate::page::asked::Proof;
use crate::page::excerpt::Excerpt;
use crate::page::query::DriftQuery;
use crate::page::{Book, Refusal, detail, tree};
use crate::server::Pages;
use crate::view::{Seen, declared_by};

/// Bytes of a manifest of which lines are shown.
const MANIFEST: u64 = 1 << 20;
/// MicroServices whose drift one answer looks at.
const DRIFTED: usize = 2000;

impl LivePages {
    fn service_at(&self, key: &ObjectKey) -> Option<MicroService> {
        self.services.get(key)?.object.parse().ok()
    }

    fn gitsync_at(&self, key: &ObjectKey) -> Option<GitSync> {
        self.gitsyncs.get(key)?.object.parse().ok()
    }

    fn version(&self) -> String {
        self.book.read().unwrap_or_else(PoisonError::into_inner).version()
    }
}

impl Pages for LivePages {
    fn book(&self) -> &RwLock<Book> {
        &self.book
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    fn gitsync(&self, key: &ObjectKey) -> Option<Value> {
        let version = self.version();
        let excerpt = |file: &str, line: u32| Excerpt::of(&self.tracer.text(key, file, MANIFEST)?, line);
        Some(detail::gitsync(&self.gitsync_at(key)?, &version, excerpt))
    }

    fn service(&self, key: &ObjectKey) -> Option<Value> {
        let version = self.version();
        let service = self.service_at(key)?;
        let sync = declared_by(&service).and_then(|sync| self.gitsync_at(&ObjectKey::parse(&sync)?));
        Some(detail::service(&service, sync.as_ref(), &version))
    }

    fn tree(&self, key: &ObjectKey) -> Option<Value> {
        let service = self.service_at(key)?;
        let uid = service.metadata.uid.as_deref().unwrap_or_default();
        let family = self.kin.get().and_then(|kin| kin.family(key, uid));
        serde_json::to_value(tree::tree(&service, family.as_ref(), Timestamp::now())).ok()
    }

    fn drift(&self, query: &DriftQuery, rights: &Rights) -> Value {
        let (keys, version) = {
            let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
            let wanted = |key: &ObjectKey| query.has(&key.namespace) && rights.services.has(&key.namespace);
            (book.with_drift(DRIFTED, wanted), book.version())
        };
        let seen = Seen {
            services: keys.iter().filter_map(|key| self.service_at(key)).collect(),
            gitsyncs: self.gitsyncs.all().iter().filter_map(|entry| entry.object.parse().ok()).collect(),
        };
        let wanted = |name: &str| ObjectKey::parse(name).is_some_and(|key| query.has(&key.namespace));
        detail::drift(&seen, rights, wanted, query.limit, &version)
    }

    fn proof(&self) -> Proof {
        let Some(file) = &self.secret_file else {
            return if self.only_proxies { Proof::Connection } else { Proof::Secret(Vec::new()) };
        };
        let mut known = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, secret)) = &*known
            && read.elapsed() < SECRET_FRESH
        {
            return Proof::Secret(secret.clone());
        }
        let secret = match read_secret(file) {
            Ok(secret) if secret.len() >= SECRET => secret,
            Ok(_) => {
                warn!("the proxy's secret is too short: nobody is let in");
                Vec::new()
            }
            Err(error) => {
                warn!(%error, "the proxy's secret cannot be read: nobody is let in");
                Vec::new()
            }
        };
        *known = Some((Instant::now(), secret.clone()));
        Proof::Secret(secret)
    }

    async fn identify(&self, token: &str) -> Result<Identity, Refusal> {
        self.reviews.identify(token).await
    }

    async fn rights(&self, identity: &Identity) -> Result<Rights, Refusal> {
        let namespaces = self.book.read().unwrap_or_else(PoisonError::into_inner).namespaces();
        self.reviews.rights(identity, namespaces).await
    }
}
