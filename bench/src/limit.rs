//! The limit: the same manifests applied by a loop that does nothing else, and by kubectl.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use gitmoor::api::MicroService;
use gitmoor::controller::resource;
use gitmoor::workload::{self, Surroundings};
use kube::core::params::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, Request, Resource};
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
    each(stage, fleet, |api, file| async move { apply(&api, &file).await.map(drop) }).await
}

/// Applies every manifest and, with the answer, its children as they are rendered.
pub async fn bare_with_children(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Bare> {
    each(stage, fleet, |api, file| async move {
        let service: MicroService = serde_json::from_str(&apply(&api, &file).await?)?;
        for child in workload::render(&service, &Surroundings::default()) {
            send(&api, &resource(child.kind), &child.body).await?;
        }
        Ok(())
    })
    .await
}

/// Does something with every file, with so many at a time.
async fn each<F>(stage: &Stage, fleet: &Fleet, work: impl Fn(Api, PathBuf) -> F) -> anyhow::Result<Bare>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let server = stage.server_cpu()?;
    let started = Instant::now();
    let folder = fleet.repository.folder();
    let mut files = fleet.manifests.iter().map(|one| folder.join(&one.path["apps/".len()..]));
    let mut workers = JoinSet::new();
    for file in files.by_ref().take(stage.program.concurrency) {
        workers.spawn(work(stage.api.clone(), file));
    }
    while let Some(done) = workers.join_next().await {
        done??;
        if let Some(file) = files.next() {
            workers.spawn(work(stage.api.clone(), file));
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Bare { seconds, server_cpu_seconds: stage.server_cpu()? - server })
}

async fn apply(api: &Api, file: &Path) -> anyhow::Result<String> {
    let body: Value = serde_yaml::from_str(&std::fs::read_to_string(file)?)?;
    send(api, &microservices(), &body).await
}

async fn send(api: &Api, kind: &ApiResource, body: &Value) -> anyhow::Result<String> {
    let text = |field: &str| body["metadata"][field].as_str().context("an object without a name");
    let path = DynamicObject::url_path(kind, Some(text("namespace")?));
    let params = PatchParams::apply("bare").force();
    let request = Request::new(path).patch(text("name")?, &params, &Patch::Apply(body))?;
    Ok(api.client.request_text(request).await?)
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
