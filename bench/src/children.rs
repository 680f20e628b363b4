//! Sync and controller together: until every MicroService has its children and is ready.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use crate::api::{Watch, key, microservices};
use crate::audit::Calls;
use crate::daemon::{Daemon, Program};
use crate::edits::{self, Edits, Sustained};
use crate::stage::{Fleet, LONG, Stage};

/// What the daemon's label selects.
const MANAGED: &str = "app.kubernetes.io/managed-by=gitmoor";
/// After the last became ready: what comes late comes within this time.
const QUIET: Duration = Duration::from_secs(5);

/// How long the daemon remembers that it corrected something.
pub const FORGOTTEN: Duration = Duration::from_secs(61);

/// A fleet with everything on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WithChildren {
    /// MicroServices.
    pub services: usize,
    /// Until all were ready.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Most memory of the daemon.
    pub peak_bytes: u64,
    /// Its calls.
    pub calls: Calls,
    /// Its calls in the quiet time after all were ready.
    pub calls_when_ready: Calls,
    /// What it watches.
    pub watched: Vec<Watched>,
    /// Many hand edits at once; absent in results of before there was this measurement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Edits>,
    /// Hand edits that go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustained: Option<Sustained>,
}

/// Objects of a kind that the daemon watches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watched {
    /// The kind.
    pub kind: String,
    /// How many.
    pub objects: u64,
    /// Their size as the API server sends them.
    pub bytes: u64,
}

/// A fleet that became ready, and the daemon that made it so.
pub struct Readied {
    /// The daemon.
    pub daemon: Daemon,
    /// Until the last object was written.
    pub applied_seconds: f64,
    /// Until all were ready.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls, with those that came late.
    pub calls: Calls,
}

/// From an empty cluster to all ready.
pub async fn with_children(stage: &Stage, fleet: &Fleet) -> anyhow::Result<WithChildren> {
    let cache = TempDir::new()?;
    let capacity = edits::capacity(stage).await?;
    let program = Program { components: "sync,controller", ..stage.program.clone() };
    let Readied { mut daemon, seconds, cpu_seconds, calls, .. } =
        until_ready(stage, fleet.manifests.len(), || program.start(&cache)).await?;
    let mark = stage.audit.mark()?;
    tokio::time::sleep(QUIET).await;
    let calls_when_ready = stage.audit.since(mark, "gitmoor")?;
    for warning in daemon.warnings().iter().take(3) {
        stage.progress.warn(&format!("the daemon warned: {warning}"));
    }
    stage.progress.say("a burst of hand edits");
    let burst = Some(edits::burst(stage, &fleet.manifests, &mut daemon).await?);
    stage.progress.say("hand edits that go on");
    // Corrections of the burst are forgotten after a minute, and no sooner: an object that is corrected too often waits.
    tokio::time::sleep(FORGOTTEN).await;
    let sustained = Some(edits::sustained(stage, &fleet.manifests, &mut daemon, capacity).await?);
    let peak_bytes = daemon.peak()?;
    daemon.stop()?;
    let watched = watched(stage).await?;
    let services = fleet.manifests.len();
    Ok(WithChildren { services, seconds, cpu_seconds, peak_bytes, calls, calls_when_ready, watched, burst, sustained })
}

/// Waits until so many MicroServices are ready that the daemon, which begins now, makes.
pub async fn until_ready(
    stage: &Stage,
    count: usize,
    start: impl FnOnce() -> anyhow::Result<Daemon>,
) -> anyhow::Result<Readied> {
    let mark = stage.audit.mark()?;
    let mut watch = stage.api.watch(&microservices()).await?;
    let (born, daemon) = (jiff::Timestamp::now(), start()?);
    let end = all_ready(stage, &mut watch, count, |_| true).await?.max(daemon.started);
    let (seconds, cpu_seconds) = ((end - daemon.started).as_secs_f64(), daemon.cpu()?);
    tokio::time::sleep(QUIET).await;
    let calls = stage.audit.since(mark, "gitmoor")?;
    let written = stage.audit.last_write(mark, "gitmoor")?.context("nothing was written")?;
    let applied_seconds = written.duration_since(born).as_secs_f64();
    Ok(Readied { daemon, applied_seconds, seconds, cpu_seconds, calls })
}

/// Waits until a watch has shown so many MicroServices ready that are as wanted; says when the last one was.
pub async fn all_ready(
    stage: &Stage,
    watch: &mut Watch,
    count: usize,
    wanted: impl Fn(&Value) -> bool,
) -> anyhow::Result<Instant> {
    let mut ready: HashSet<String> = HashSet::new();
    let mut end = Instant::now();
    while ready.len() < count {
        let seen = watch.until(LONG, |_| true).await.with_context(|| format!("{} are ready", ready.len()))?;
        if is_ready(&seen.object) && wanted(&seen.object) {
            ready.insert(key(&seen.object));
            end = seen.at;
            if ready.len().is_multiple_of(50) {
                stage.progress.say(&format!("{} of {count} with children are ready", ready.len()));
            }
        }
    }
    Ok(end)
}

/// Whether a MicroService is ready as it is declared now.
pub fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    current && conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
}

/// What there is of the kinds that the daemon watches.
pub async fn watched(stage: &Stage) -> anyhow::Result<Vec<Watched>> {
    let kinds = [
        (microservices(), None),
        (ApiResource::erase::<Deployment>(&()), Some(MANAGED)),
        (ApiResource::erase::<Service>(&()), Some(MANAGED)),
        (ApiResource::erase::<ServiceAccount>(&()), Some(MANAGED)),
        (ApiResource::erase::<PodDisruptionBudget>(&()), Some(MANAGED)),
        (ApiResource::erase::<Pod>(&()), Some(MANAGED)),
    ];
    let mut all = Vec::new();
    for (kind, labels) in kinds {
        let (objects, bytes) = stage.api.weigh(&kind, labels).await?;
        all.push(Watched { kind: kind.kind, objects, bytes });
    }
    Ok(all)
}
