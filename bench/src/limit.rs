//! The limit: the same manifests applied by a loop that does nothing else, and by kubectl.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use kube::core::params::{Patch, PatchParams};
use kube::core::{DynamicObject, Request, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::api::{Api, microservices};
use crate::process;
use crate::stage::{Fleet, Stage};

/// A loop's run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bare {
    /// From the first file read to the last answer.
    pub seconds: f64,
    /// CPU of the API server and etcd meanwhile.
    pub server_cpu_seconds: f64,
}

/// A kubectl command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kubectl {
    /// How long it took.
    pub seconds: f64,
    /// CPU that kubectl itself used.
    pub cpu_seconds: f64,
    /// Calls that it made.
    pub calls: u64,
}

/// Applies every manifest as it is, with so many calls in flight, and looks at nothing.
pub async fn bare(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Bare> {
    let server = stage.server_cpu()?;
    let started = Instant::now();
    let files: Arc<Vec<_>> = Arc::new(
        fleet.manifests.iter().map(|one| fleet.repository.folder().join(&one.path["apps/".len()..])).collect(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..stage.program.concurrency {
        let (api, files, next) = (stage.api.clone(), Arc::clone(&files), Arc::clone(&next));
        workers.spawn(async move {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                apply(&api, file).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Bare { seconds, server_cpu_seconds: stage.server_cpu()? - server })
}

async fn apply(api: &Api, file: &Path) -> anyhow::Result<()> {
    let body: Value = serde_yaml::from_str(&std::fs::read_to_string(file)?)?;
    let text = |field: &str| body["metadata"][field].as_str().context("a manifest without a name");
    let path = DynamicObject::url_path(&microservices(), Some(text("namespace")?));
    let params = PatchParams::apply("bare").force();
    let request = Request::new(path).patch(text("name")?, &params, &Patch::Apply(&body))?;
    api.client.request_text(request).await?;
    Ok(())
}

/// `kubectl apply --server-side --recursive`.
pub fn kubectl_apply(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Kubectl> {
    kubectl(stage, fleet, &["apply", "--server-side", "--force-conflicts"])
}

/// `kubectl diff --server-side --recursive`.
pub fn kubectl_diff(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Kubectl> {
    kubectl(stage, fleet, &["diff", "--server-side", "--force-conflicts"])
}

fn kubectl(stage: &Stage, fleet: &Fleet, args: &[&str]) -> anyhow::Result<Kubectl> {
    let (mark, cpu, started) = (stage.audit.mark()?, process::ended_children_cpu()?, Instant::now());
    let status = tokio::task::block_in_place(|| {
        Command::new(&stage.kubectl)
            .args(args)
            .args(["--recursive", "--filename"])
            .arg(fleet.repository.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
    })?;
    let seconds = started.elapsed().as_secs_f64();
    anyhow::ensure!(status.success(), "kubectl {} failed: {status}", args.join(" "));
    let cpu_seconds = process::ended_children_cpu()? - cpu;
    Ok(Kubectl { seconds, cpu_seconds, calls: stage.audit.since(mark, "kubectl")?.total() })
}
