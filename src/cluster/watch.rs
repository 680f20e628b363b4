//! One watch per kind, which never ends: it lists, follows, and lists again when it lost its place.

use std::sync::Arc;
use std::time::Duration;

use kube::api::WatchParams;
use kube::{Api, core::ApiResource};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::calls::Cluster;
use super::raw::Raw;
use super::store::{Entry, Extra, Store};
use super::stream::{Following, News};

/// A server that is behind lists what was before for moments. When that is all that is listed for so long, it is what there is.
const RESTORED: Duration = Duration::from_secs(300);

/// Follows everything of a kind, in what is looked at of the cluster, into `store`, until dropped.
pub async fn follow<X: Extra>(cluster: Cluster, kind: ApiResource, labels: Option<&'static str>, store: Arc<Store<X>>) {
    let only = labels.into_iter().fold(WatchParams::default(), WatchParams::labels);
    let mut following = Following::new(in_scope(&cluster, &kind), kind.clone(), only);
    loop {
        until_restored(&mut following, &kind, &store).await;
    }
}

/// The same until it is certain that etcd was restored from a backup. What a process knows of the cluster is of another one
/// then: it has to begin anew.
pub async fn follow_until_restored<X: Extra>(cluster: Cluster, kind: ApiResource, store: Arc<Store<X>>) {
    let api = in_scope(&cluster, &kind);
    until_restored(&mut Following::new(api, kind.clone(), WatchParams::default()), &kind, &store).await;
    error!(
        kind = kind.kind,
        "for minutes the API server has listed nothing but what was before what it told already: etcd was restored from a \
         backup. This process has to begin anew, which its liveness probe asks for"
    );
}

/// The same for the one object of that name, of a kind without namespaces.
pub async fn follow_named<X: Extra>(cluster: Cluster, kind: ApiResource, name: String, store: Arc<Store<X>>) {
    let only = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut following = Following::new(Api::all_with(cluster.client().clone(), &kind), kind.clone(), only);
    loop {
        until_restored(&mut following, &kind, &store).await;
    }
}

fn in_scope(cluster: &Cluster, kind: &ApiResource) -> Api<Raw> {
    let client = cluster.client().clone();
    match cluster.scope() {
        Some(namespace) => Api::namespaced_with(client, namespace, kind),
        None => Api::all_with(client, kind),
    }
}

async fn until_restored<X: Extra>(following: &mut Following<Raw>, kind: &ApiResource, store: &Store<X>) {
    let mut older_since: Option<Instant> = None;
    loop {
        match following.next().await {
            Ok(News::Listing) => store.relist_begins(),
            Ok(News::Seen(raw)) => entry(raw).into_iter().for_each(|entry| store.seen(entry)),
            Ok(News::Gone(raw)) => entry::<X>(raw).into_iter().for_each(|entry| store.gone(&entry.object)),
            Ok(News::Listed(version)) => match store.relist_ends(version) {
                Ok(()) => older_since = None,
                Err(older) => {
                    warn!(
                        kind = kind.kind,
                        listed = older.listed,
                        known = older.known,
                        "the API server listed what was before what it told already; nothing of it is believed, and it is \
                         asked again"
                    );
                    following.again();
                    if older_since.get_or_insert_with(Instant::now).elapsed() >= RESTORED {
                        return;
                    }
                }
            },
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};

    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tokio::time::timeout;

    use super::*;
    use crate::cluster::microservices;
    use crate::telemetry::Metrics;

    /// An API server that lists nothing, as of a version, and forgets each place at once.
    fn server(version: &Arc<AtomicU64>) -> Cluster {
        let version = Arc::clone(version);
        let service = tower::service_fn(move |_: Request<Body>| {
            let object = json!({
                "kind": "MicroService", "apiVersion": "gitmoor.dev/v1alpha1",
                "metadata": {
                    "resourceVersion": version.load(Ordering::Relaxed).to_string(),
                    "annotations": {"k8s.io/initial-events-end": "true"}
                }
            });
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410,
                "message": "too old", "reason": "Expired"});
            let lines = [json!({"type": "BOOKMARK", "object": object}), json!({"type": "ERROR", "object": status})];
            let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
            async move { Ok::<_, Infallible>(Response::new(Body::from(lines.into_bytes()))) }
        });
        Cluster::new(Client::new(service, "default"), Metrics::new("1"), Duration::from_secs(5))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_listed_as_before_for_minutes_is_what_there_is_and_a_process_begins_anew() {
        let version = Arc::new(AtomicU64::new(20));
        let store = Arc::new(Store::<()>::default());
        let mut follow = Box::pin(follow_until_restored(server(&version), microservices(), Arc::clone(&store)));
        let mut ends_within = async |seconds| timeout(Duration::from_secs(seconds), &mut follow).await.is_ok();
        assert!(!ends_within(600).await && store.is_synced());
        // One server of several is behind, and then is not.
        version.store(10, Ordering::Relaxed);
        assert!(!ends_within(200).await);
        version.store(30, Ordering::Relaxed);
        assert!(!ends_within(60).await);
        version.store(10, Ordering::Relaxed);
        assert!(!ends_within(240).await);
        assert!(ends_within(240).await);
    }
}
