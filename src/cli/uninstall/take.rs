//! Takes one thing out of a cluster: exactly what was looked at.

use anyhow::bail;
use futures::StreamExt;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::super::act::denied;
use super::super::install::{INSTALL_MANAGER, advice};
use super::super::reach::key;
use crate::api::GitSync;
use crate::api::names::{ALLOW_DELETE, FINALIZER};
use crate::cluster::{CallError, Cluster, follow_one, gitsyncs};
use crate::install::Object;

/// How often an object is looked at anew that moved meanwhile.
const TRIES: u32 = 5;

/// Deletes it; what is gone already is a success. Of a CRD it is said on the object itself that it is meant, as the policy
/// against deletions by hand wants it.
pub async fn delete(cluster: &Cluster, object: &Object) -> anyhow::Result<()> {
    let doing = format!("delete {}", object.name());
    for _ in 0..TRIES {
        let live = cluster.get(&object.kind, &object.key).await.map_err(|error| advice(error, &doing))?;
        let Some(mut live) = live else { return Ok(()) };
        if object.is("CustomResourceDefinition") {
            let allow = json!({"metadata": {"annotations": {ALLOW_DELETE: "true"}}});
            let allowed = cluster.merge(&object.kind, &object.key, &allow, INSTALL_MANAGER).await;
            live = allowed.map_err(|error| advice(error, &doing))?;
        }
        match cluster.delete(&object.kind, &object.key, &live.uid, Some(live.resource_version)).await {
            Ok(()) => return Ok(()),
            Err(CallError::Conflict(_)) => {}
            Err(error) => return Err(advice(error, &doing)),
        }
    }
    bail!("{} was changed by somebody else with each of {TRIES} tries; run this again", object.name())
}

/// Takes our finalizer off a GitSync, and leaves those of others.
pub async fn finalizer(cluster: &Cluster, sync: &GitSync) -> anyhow::Result<()> {
    let key = key(sync);
    for _ in 0..TRIES {
        let live = cluster
            .get(&gitsyncs(), &key)
            .await
            .map_err(|error| denied(error, "get", &gitsyncs(), Some(&key.namespace)))?;
        let Some(live) = live.map(|live| live.value()) else { return Ok(()) };
        let all = live["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let Some(at) = all.iter().position(|one| one == FINALIZER) else { return Ok(()) };
        let path = format!("/metadata/finalizers/{at}");
        let patch = json!([{"op": "test", "path": path, "value": FINALIZER}, {"op": "remove", "path": path}]);
        let patch: json_patch::Patch = serde_json::from_value(patch)?;
        match cluster.patch(&gitsyncs(), &key, &patch, INSTALL_MANAGER).await {
            Ok(_) | Err(CallError::NotFound(_)) => return Ok(()),
            Err(CallError::Conflict(_)) => {}
            Err(error) => return Err(denied(error, "patch", &gitsyncs(), Some(&key.namespace))),
        }
    }
    bail!("the finalizer of GitSync {key} cannot be taken off: somebody changes it all the time; run this again")
}

/// Waits until it is gone.
pub async fn until_gone(cluster: &Cluster, object: &Object, deadline: Instant) -> anyhow::Result<()> {
    let mut news = follow_one(cluster, &object.kind, &object.key);
    let waiting = async {
        while let Some(news) = news.next().await {
            if news?.is_none() {
                return Ok(());
            }
        }
        Err(CallError::Unreachable("the watch ended".into()))
    };
    match timeout_at(deadline, waiting).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(advice(error, &format!("watch {}", object.name()))),
        Err(_) => bail!(
            "{} is still being deleted: something in it has a finalizer of somebody else; see: kubectl get {} {} -o yaml",
            object.name(),
            object.kind.plural,
            object.key.name
        ),
    }
}
