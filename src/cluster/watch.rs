//! One watch per kind, which never ends: it lists, follows, and lists again when it lost its place.

use std::sync::Arc;

use kube::api::WatchParams;
use kube::{Api, core::ApiResource};
use tracing::{debug, warn};

use super::calls::Cluster;
use super::raw::Raw;
use super::store::{Entry, Extra, Store};
use super::stream::{Following, News};

/// Follows everything of a kind, in what is looked at of the cluster, into `store`, until dropped.
pub async fn follow<X: Extra>(cluster: Cluster, kind: ApiResource, labels: Option<&'static str>, store: Arc<Store<X>>) {
    let client = cluster.client().clone();
    let api = match cluster.scope() {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    };
    let only = labels.into_iter().fold(WatchParams::default(), WatchParams::labels);
    run(Following::new(api, kind.clone(), only), kind, &store).await;
}

/// The same for the one object of that name, of a kind without namespaces.
pub async fn follow_named<X: Extra>(cluster: Cluster, kind: ApiResource, name: String, store: Arc<Store<X>>) {
    let only = WatchParams::default().fields(&format!("metadata.name={name}"));
    run(Following::new(Api::all_with(cluster.client().clone(), &kind), kind.clone(), only), kind, &store).await;
}

async fn run<X: Extra>(mut following: Following<Raw>, kind: ApiResource, store: &Store<X>) {
    loop {
        match following.next().await {
            Ok(News::Listing) => store.relist_begins(),
            Ok(News::Seen(raw)) => entry(raw).into_iter().for_each(|entry| store.seen(entry)),
            Ok(News::Gone(raw)) => entry::<X>(raw).into_iter().for_each(|entry| store.gone(&entry.object)),
            Ok(News::Listed(version)) => {
                if let Err(older) = store.relist_ends(version) {
                    warn!(
                        kind = kind.kind,
                        listed = older.listed,
                        known = older.known,
                        "the API server listed what was before what it told already; nothing of it is believed, and it is \
                         asked again. If etcd was restored from a backup, start this process anew"
                    );
                    following.again();
                }
            }
            // The pause is in what is followed; the store keeps what it had.
            Err(error) => {
                warn!(kind = kind.kind, reason = error.reason(), %error, "watch interrupted; will list again");
            }
        }
    }
}

fn entry<X: Extra>(raw: Raw) -> Option<Entry<X>> {
    Entry::from_json(raw.value).inspect_err(|error| debug!(%error, "object skipped")).ok()
}
