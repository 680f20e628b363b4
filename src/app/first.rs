//! The GitSync of the flags: applied before anything else where this process is alone, and where several stand for election
//! by the one that leads, as all that it writes.

use anyhow::Context;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::lead::Office;
use crate::cluster::{Apply, Cluster, gitsyncs};
use crate::model::ObjectKey;

/// A GitSync, and the field manager that applies it.
pub(super) struct First {
    pub key: ObjectKey,
    pub gitsync: Value,
    pub manager: &'static str,
}

impl First {
    /// Applies it.
    pub async fn apply(self, cluster: &Cluster) -> anyhow::Result<()> {
        let applied = cluster.apply(&gitsyncs(), &self.key, &self.gitsync, Apply::forced(self.manager)).await;
        applied.map(drop).context("cannot apply the GitSync of the flags")
    }

    /// Applies it once this process leads. `cluster` writes within a term only.
    pub fn when_leading(self, cluster: Cluster, office: Office) -> JoinHandle<anyhow::Result<()>> {
        tokio::spawn(async move {
            office.held().await;
            self.apply(&cluster).await
        })
    }
}

/// Waits until it could not be applied; for ever where it was, or is not to be.
pub(super) async fn refused(first: &mut Option<JoinHandle<anyhow::Result<()>>>) -> anyhow::Error {
    match first {
        Some(applied) => match applied.await {
            Ok(Ok(())) => std::future::pending().await,
            Ok(Err(error)) => error,
            Err(error) => anyhow::Error::from(error).context("the GitSync of the flags was not applied"),
        },
        None => std::future::pending().await,
    }
}
