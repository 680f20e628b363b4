//! What every measurement stands on: the API server, its audit log, the Git server, the daemon's program.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Api, Watch, gitsyncs};
use crate::audit::Audit;
use crate::daemon::{Daemon, GITSYNC, NAMESPACE, Program, SECRET};
use crate::git::{GitServer, Repository};
use crate::manifests::Manifest;
use crate::process;
use crate::progress::Progress;

/// How long a sync of everything may take.
pub const LONG: Duration = Duration::from_secs(900);
/// How long one change may take.
pub const SHORT: Duration = Duration::from_secs(30);
/// After a change: what comes late comes within this time.
pub const SETTLE: Duration = Duration::from_millis(300);

/// The stage.
pub struct Stage {
    /// The API server.
    pub api: Api,
    /// Its audit log.
    pub audit: Audit,
    /// The control plane's folder.
    pub instance: PathBuf,
    /// The Git server.
    pub git: GitServer,
    /// The daemon's program.
    pub program: Program,
    /// kubectl.
    pub kubectl: PathBuf,
    /// Says what goes on.
    pub progress: Progress,
}

/// The repository of one size.
pub struct Fleet {
    /// Its MicroServices.
    pub manifests: Vec<Manifest>,
    /// Their namespaces.
    pub namespaces: Vec<String>,
    /// The repository.
    pub repository: Repository,
}

impl Stage {
    /// CPU seconds that the API server and etcd have used.
    pub fn server_cpu(&self) -> anyhow::Result<f64> {
        let list = std::fs::read_to_string(self.instance.join("processes"))?;
        let mut total = 0.0;
        for line in list.lines() {
            let mut words = line.split_whitespace();
            let (Some(pid), Some(_), Some(name)) = (words.next(), words.next(), words.next()) else { continue };
            if name == "etcd" || name == "kube-apiserver" {
                total += process::cpu(pid.parse()?)?;
            }
        }
        Ok(total)
    }

    /// Starts the daemon with an empty cache, or a used one.
    pub fn start(&self, cache: &TempDir) -> anyhow::Result<Daemon> {
        self.program.start(cache)
    }

    /// A new GitSync of that repository: nothing of an earlier one is known of it.
    pub async fn make_gitsync(&self, repository: &Repository) -> anyhow::Result<()> {
        self.api.delete(&gitsyncs(), NAMESPACE, GITSYNC).await?;
        let body = json!({
            "apiVersion": gitmoor::api::API_VERSION, "kind": "GitSync",
            "metadata": {"name": GITSYNC, "namespace": NAMESPACE},
            "spec": {
                "url": repository.url, "allowedNamespaces": ["*"],
                // Nothing is polled for while something is measured.
                "interval": "24h", "timeout": "300s",
                "webhook": {"secretRef": {"name": SECRET}}
            }
        });
        self.api.apply(&gitsyncs(), Some(NAMESPACE), &body).await.context("cannot make the GitSync")?;
        Ok(())
    }
}

/// Whether a GitSync says that it applied a revision.
pub fn applied(gitsync: &Value, revision: &str) -> bool {
    gitsync["status"]["lastAppliedRevision"]["revision"] == revision
}

/// Waits until the GitSync says that a revision was applied.
pub async fn until_applied(gitsyncs: &mut Watch, revision: &str, patience: Duration) -> anyhow::Result<()> {
    gitsyncs.until(patience, |gitsync| applied(gitsync, revision)).await.map(drop)
}
