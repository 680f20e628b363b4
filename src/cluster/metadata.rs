//! News of the metadata of one kind in one namespace, or of one object. What is in the objects is never asked for.

use std::ops::ControlFlow;

use futures::TryStreamExt;
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::runtime::watcher::{Config, Event};
use kube::{Api, ResourceExt};
use tracing::warn;

use super::calls::Cluster;
use super::error::CallError;
use super::news;
use crate::model::ObjectKey;

/// What a watch of metadata tells.
#[derive(Debug)]
pub enum MetadataNews {
    /// A list begins.
    Listing,
    /// An object is there.
    Seen {
        /// Its name.
        name: String,
        /// Its resourceVersion.
        version: u64,
    },
    /// An object is gone.
    Gone(String),
    /// The list is complete: what was not in it is not there.
    Listed,
    /// Nothing is heard until the next list.
    Interrupted(CallError),
}

/// Follows the metadata of a kind in a namespace, until dropped.
pub async fn follow_metadata(
    cluster: Cluster,
    kind: ApiResource,
    namespace: String,
    tell: impl Fn(MetadataNews) + Send,
) {
    let tell = move |news| {
        tell(news);
        ControlFlow::Continue(())
    };
    follow(&cluster, &kind, &namespace, Config::default(), tell).await;
}

/// Follows the metadata of one object, until dropped or until told to stop.
pub async fn follow_named(
    cluster: Cluster,
    kind: ApiResource,
    object: ObjectKey,
    tell: impl Fn(MetadataNews) -> ControlFlow<()> + Send,
) {
    let config = Config::default().fields(&format!("metadata.name={}", object.name));
    follow(&cluster, &kind, &object.namespace, config, tell).await;
}

async fn follow(
    cluster: &Cluster,
    kind: &ApiResource,
    namespace: &str,
    config: Config,
    tell: impl Fn(MetadataNews) -> ControlFlow<()> + Send,
) {
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::namespaced_with(cluster.client().clone(), namespace, kind);
    let mut events = news::streamed_or_listed(api, config);
    let mut told = ControlFlow::Continue(());
    while told.is_continue() {
        told = match events.try_next().await {
            Ok(Some(Event::Init)) => tell(MetadataNews::Listing),
            Ok(Some(Event::Apply(object) | Event::InitApply(object))) => {
                let version = object.resource_version().and_then(|version| version.parse().ok());
                tell(MetadataNews::Seen { name: object.name_any(), version: version.unwrap_or_default() })
            }
            Ok(Some(Event::Delete(object))) => tell(MetadataNews::Gone(object.name_any())),
            Ok(Some(Event::InitDone)) => tell(MetadataNews::Listed),
            Ok(None) => return,
            Err(error) => {
                let error = CallError::from_watch(error, kind);
                let reason = error.reason();
                let told = tell(MetadataNews::Interrupted(error.clone()));
                if told.is_continue() {
                    warn!(kind = kind.kind, namespace, reason, %error, "watch interrupted; will list again");
                }
                told
            }
        };
    }
}
