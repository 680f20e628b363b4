//! One watch per kind, which never ends: it lists, follows, and lists again when it lost its place.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, core::ApiResource};
use tracing::{debug, warn};

use super::calls::Cluster;
use super::error::CallError;
use super::raw::Raw;
use super::store::{Entry, Extra, Store};

/// Follows everything of a kind, in what is looked at of the cluster, into `store`, until dropped.
pub async fn follow<X: Extra>(cluster: Cluster, kind: ApiResource, labels: Option<&'static str>, store: Arc<Store<X>>) {
    let config = watcher::Config::default().streaming_lists();
    let config = match labels {
        Some(labels) => config.labels(labels),
        None => config,
    };
    let client = cluster.client().clone();
    let api = match cluster.scope() {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    };
    run(api, kind, config, store).await;
}

/// The same for the one object of that name, of a kind without namespaces.
pub async fn follow_named<X: Extra>(cluster: Cluster, kind: ApiResource, name: String, store: Arc<Store<X>>) {
    let config = watcher::Config::default().streaming_lists().fields(&format!("metadata.name={name}"));
    run(Api::all_with(cluster.client().clone(), &kind), kind, config, store).await;
}

async fn run<X: Extra>(api: Api<Raw>, kind: ApiResource, config: watcher::Config, store: Arc<Store<X>>) {
    let mut events = watch(api, config).default_backoff().boxed();
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
