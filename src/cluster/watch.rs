//! One watch per kind, which never ends: it lists, follows, and lists again when it lost its place.

use std::sync::Arc;

use futures::TryStreamExt;
use kube::core::ApiResource;
use kube::runtime::watcher::{Config, Event};
use tracing::{debug, warn};

use super::calls::Cluster;
use super::error::CallError;
use super::news;
use super::raw::Raw;
use super::store::{Entry, Extra, Store};

/// Follows everything of a kind, in what is looked at of the cluster, into `store`, until dropped.
pub async fn follow<X: Extra>(cluster: Cluster, kind: ApiResource, labels: Option<&'static str>, store: Arc<Store<X>>) {
    let config = match labels {
        Some(labels) => Config::default().labels(labels),
        None => Config::default(),
    };
    run(&cluster, cluster.scope(), kind, config, store).await;
}

/// The same for the one object of that name, of a kind without namespaces.
pub async fn follow_named<X: Extra>(cluster: Cluster, kind: ApiResource, name: String, store: Arc<Store<X>>) {
    let config = Config::default().fields(&format!("metadata.name={name}"));
    run(&cluster, None, kind, config, store).await;
}

async fn run<X: Extra>(
    cluster: &Cluster,
    namespace: Option<&str>,
    kind: ApiResource,
    config: Config,
    store: Arc<Store<X>>,
) {
    let mut events = news::of(cluster.client().clone(), &kind, namespace, config);
    loop {
        match events.try_next().await {
            Ok(Some(event)) => take(event, &store),
            Ok(None) => return,
            // The backoff is in the stream; the store keeps what it had.
            Err(error) => {
                let error = CallError::from_watch(error, &kind);
                warn!(kind = kind.kind, reason = error.reason(), %error, "watch interrupted; will list again");
            }
        }
    }
}

fn take<X: Extra>(event: Event<Raw>, store: &Store<X>) {
    match event {
        Event::Init => store.relist_begins(),
        Event::Apply(raw) | Event::InitApply(raw) => {
            if let Some(entry) = entry(raw) {
                store.seen(entry);
            }
        }
        Event::Delete(raw) => {
            if let Some(entry) = entry::<X>(raw) {
                store.gone(&entry.object);
            }
        }
        Event::InitDone => store.relist_ends(),
    }
}

fn entry<X: Extra>(raw: Raw) -> Option<Entry<X>> {
    Entry::from_json(raw.value).inspect_err(|error| debug!(%error, "object skipped")).ok()
}
