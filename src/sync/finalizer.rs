//! The finalizer of a GitSync: on it as long as its MicroServices go with it, and the last that is taken off.

use serde_json::{Value, json};

use crate::api::names::{FINALIZER, SYNC_MANAGER};
use crate::cluster::{CallError, Cluster, gitsyncs};
use crate::model::LiveObject;

/// Puts it on or takes it off. The list has other finalizers, too: it is written as it was looked at, or not at all.
pub async fn set(cluster: &Cluster, live: &LiveObject, wanted: bool) -> Result<LiveObject, CallError> {
    let value = live.value();
    let others = value["metadata"]["finalizers"].as_array().into_iter().flatten().filter(|one| *one != FINALIZER);
    let mut finalizers: Vec<Value> = others.cloned().collect();
    if wanted {
        finalizers.push(json!(FINALIZER));
    }
    let patch = json!({"metadata": {
        "uid": &*live.uid, "resourceVersion": live.resource_version.to_string(), "finalizers": finalizers
    }});
    cluster.merge(&gitsyncs(), &live.key, &patch, SYNC_MANAGER).await
}
