//! What so many MicroServices cost: memory, CPU, calls, disk, sizes and times, at several sizes each, so that lines can be
//! drawn through them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use crate::api::{gitsyncs, key, microservices};
use crate::audit::Calls;
use crate::change::{self, Changed};
use crate::children::{Readied, Watched, until_ready, watched};
use crate::daemon::{Daemon, GITSYNC, NAMESPACE, Program};
use crate::edits;
use crate::limit::{self, Bare};
use crate::process;
use crate::results::{Machine, Versions};
use crate::stage::{Fleet, LONG, SETTLE, SHORT, Stage};
use crate::sync::{self, Cold, Unchanged};

/// For how long nothing happens while it is measured what that costs.
const REST: Duration = Duration::from_secs(10);
/// After the last of several changes: a rollout and what is said of it end within this time.
const QUIET: Duration = Duration::from_secs(5);

/// Everything, by size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cost {
    /// When.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub versions: Versions,
    /// Calls in flight.
    pub concurrency: usize,
    /// Writes that the API server does in a second while nothing else happens.
    pub writes_per_second: f64,
    /// From Git to MicroServices, without their children.
    pub sync: Vec<SyncRow>,
    /// With the controller, and with the children.
    pub full: Vec<FullRow>,
}

/// One size without children.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncRow {
    /// MicroServices, one file each.
    pub services: usize,
    /// Bytes of all files.
    pub manifest_bytes: usize,
    /// The first sync, of everything.
    pub first: Cold,
    /// Memory of the daemon when all was done.
    pub resident_bytes: u64,
    /// Nothing happens.
    pub rest: Rest,
    /// A look at the repository that finds nothing new.
    pub look: Unchanged,
    /// One changed file.
    pub changed: Changed,
    /// A start with all applied and the repository in the cache.
    pub warm: Cold,
    /// The same with an empty cache.
    pub without_cache: Cold,
    /// The cache on disk, after all that.
    pub cache_bytes: u64,
    /// Status of the GitSync, as JSON.
    pub gitsync_status_bytes: u64,
    /// All MicroServices as the API server sends them.
    pub services_bytes: u64,
}

/// One size with children.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FullRow {
    /// MicroServices.
    pub services: usize,
    /// From an empty cluster until the last object is written.
    pub applied_seconds: f64,
    /// The same objects written by a loop that does nothing else; at the largest size only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare: Option<Bare>,
    /// From an empty cluster until all are ready.
    pub seconds: f64,
    /// CPU of the daemon for that.
    pub cpu_seconds: f64,
    /// Most memory of the daemon until then.
    pub peak_bytes: u64,
    /// Its calls until then.
    pub calls: Calls,
    /// Its memory when all was done.
    pub resident_bytes: u64,
    /// Nothing happens.
    pub rest: Rest,
    /// Changed files, each of which rolls a service out.
    pub changes: Changes,
    /// A start when all is there.
    pub restart: Restart,
    /// What it watches.
    pub watched: Vec<Watched>,
    /// The largest status of a MicroService, as JSON.
    pub service_status_bytes: u64,
    /// Status of the GitSync, as JSON.
    pub gitsync_status_bytes: u64,
}

/// A while in which nothing happens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rest {
    /// How long.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls.
    pub calls: Calls,
}

/// Several changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Changes {
    /// How many.
    pub changes: usize,
    /// CPU of the daemon for all.
    pub cpu_seconds: f64,
    /// Its calls for all.
    pub calls: Calls,
}

/// A start on what is there already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restart {
    /// Until the revision is known to be applied and the controller has seen every child.
    pub seconds: f64,
    /// CPU of the daemon until it rested again.
    pub cpu_seconds: f64,
    /// Most memory of the daemon.
    pub peak_bytes: u64,
    /// Its calls.
    pub calls: Calls,
}

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// MicroServices without children.
    pub sync: Vec<usize>,
    /// With children.
    pub full: Vec<usize>,
    /// Changed files for each.
    pub runs: usize,
}

/// Measures all sizes.
pub async fn measure(stage: &Stage, sizes: &Sizes, ground: (String, Machine, Versions)) -> anyhow::Result<Cost> {
    let (date, machine, versions) = ground;
    let mut cost = Cost {
        date,
        machine,
        versions,
        concurrency: stage.program.concurrency,
        writes_per_second: edits::capacity(stage).await?,
        sync: Vec::new(),
        full: Vec::new(),
    };
    for count in &sizes.sync {
        let fleet = crate::fleet(stage, *count, &format!("cost-{count}.git")).await?;
        cost.sync.push(Box::pin(without_children(stage, &fleet, sizes.runs)).await?);
    }
    for count in &sizes.full {
        let fleet = crate::fleet(stage, *count, &format!("cost-full-{count}.git")).await?;
        let mut row = Box::pin(with_children(stage, &fleet, sizes.runs)).await?;
        if sizes.full.last() == Some(count) {
            stage.progress.say("the same objects by a bare loop");
            row.bare = Some(limit::bare_with_children(stage, &fleet).await?);
            // With the control plane all of it goes.
        }
        cost.full.push(row);
    }
    Ok(cost)
}

async fn without_children(stage: &Stage, fleet: &Fleet, runs: usize) -> anyhow::Result<SyncRow> {
    let say = |what: &str| stage.progress.say(&format!("{} MicroServices: {what}", fleet.manifests.len()));
    stage.make_gitsync(&fleet.repository).await?;
    say("first sync");
    let cache = TempDir::new()?;
    let (first, daemon) = sync::cold(stage, fleet, &cache).await?;
    say("at rest");
    let rest = rest(stage, &daemon).await?;
    let resident_bytes = daemon.resident()?;
    let look = sync::unchanged(stage, &daemon, runs).await?;
    say("changed files");
    let changed = change::changed(stage, fleet, &daemon, runs).await?;
    daemon.stop()?;
    let cache_bytes = process::folder(cache.path());
    say("restarts");
    let (warm, daemon) = sync::cold(stage, fleet, &cache).await?;
    daemon.stop()?;
    let empty = TempDir::new()?;
    let (without_cache, daemon) = sync::cold(stage, fleet, &empty).await?;
    daemon.stop()?;
    let (_, services_bytes) = stage.api.weigh(&microservices(), None).await?;
    let gitsync_status_bytes = status_bytes(&stage.api.get(&gitsyncs(), NAMESPACE, GITSYNC).await?);
    clear(stage, fleet).await?;
    Ok(SyncRow {
        services: fleet.manifests.len(),
        manifest_bytes: fleet.manifests.iter().map(|one| one.text(0).len()).sum(),
        first,
        resident_bytes,
        rest,
        look,
        changed,
        warm,
        without_cache,
        cache_bytes,
        gitsync_status_bytes,
        services_bytes,
    })
}

async fn with_children(stage: &Stage, fleet: &Fleet, runs: usize) -> anyhow::Result<FullRow> {
    let say = |what: &str| stage.progress.say(&format!("{} with children: {what}", fleet.manifests.len()));
    stage.make_gitsync(&fleet.repository).await?;
    let cache = TempDir::new()?;
    let program = Program { components: "sync,controller", ..stage.program.clone() };
    let count = fleet.manifests.len();
    let Readied { daemon, applied_seconds, seconds, cpu_seconds, calls } =
        until_ready(stage, count, || program.start(&cache)).await?;
    let peak_bytes = daemon.peak()?;
    say("at rest");
    let rest = rest(stage, &daemon).await?;
    let resident_bytes = daemon.resident()?;
    say("changed files");
    let changes = changes(stage, fleet, &daemon, runs).await?;
    daemon.stop()?;
    say("restart");
    let restart = restart(stage, &program, &cache, 1).await?;
    let watched = watched(stage).await?;
    let live = stage.api.list(&microservices()).await?;
    let service_status_bytes = live.iter().map(status_bytes).max().unwrap_or_default();
    let gitsync_status_bytes = status_bytes(&stage.api.get(&gitsyncs(), NAMESPACE, GITSYNC).await?);
    say("cleaning up");
    clear(stage, fleet).await?;
    Ok(FullRow {
        services: count,
        applied_seconds,
        bare: None,
        seconds,
        cpu_seconds,
        peak_bytes,
        calls,
        resident_bytes,
        rest,
        changes,
        restart,
        watched,
        service_status_bytes,
        gitsync_status_bytes,
    })
}

/// Waits and counts.
pub async fn rest(stage: &Stage, daemon: &Daemon) -> anyhow::Result<Rest> {
    let (mark, cpu, began) = (stage.audit.mark()?, daemon.cpu()?, Instant::now());
    tokio::time::sleep(REST).await;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), daemon.cpu()? - cpu);
    Ok(Rest { seconds, cpu_seconds, calls: stage.audit.since(mark, "gitmoor")? })
}

/// Changes one image after the other in Git, and waits until all that follows is done.
async fn changes(stage: &Stage, fleet: &Fleet, daemon: &Daemon, runs: usize) -> anyhow::Result<Changes> {
    let mut watch = stage.api.watch(&microservices()).await?;
    let (mark, cpu) = (stage.audit.mark()?, daemon.cpu()?);
    let mut changed = HashSet::new();
    for manifest in fleet.manifests.iter().step_by((fleet.manifests.len() / runs).max(1)).take(runs) {
        let (wanted, image) = (manifest.key(), manifest.image(1));
        fleet.repository.write(&manifest.path, &manifest.text(1))?;
        fleet.repository.commit("a release")?;
        daemon.announce().await?;
        watch.until(SHORT, |object| key(object) == wanted && object["spec"]["image"] == *image).await?;
        changed.insert(wanted);
    }
    tokio::time::sleep(QUIET).await;
    let cpu_seconds = daemon.cpu()? - cpu;
    Ok(Changes { changes: changed.len(), cpu_seconds, calls: stage.audit.since(mark, "gitmoor")? })
}

/// Starts the daemon and waits until it knows that everything is applied and has seen all children; says when that was.
pub async fn known(program: &Program, cache: &TempDir, syncs: usize) -> anyhow::Result<(Daemon, Instant)> {
    let mut daemon = program.start(cache)?;
    let (mut synced, mut seen, mut end) = (0, false, daemon.started);
    while synced < syncs || !seen {
        let is_synced = |line: &Value| line["message"] == "revision applied" && line["applied"] == 0;
        let line = daemon.line(LONG, |line| is_synced(line) || line["message"] == "controller started").await?;
        if is_synced(&line.fields) {
            synced += 1;
        } else {
            seen = true;
        }
        end = line.at;
    }
    Ok((daemon, end))
}

/// Starts the daemon on what so many GitSyncs applied already.
pub async fn restart(stage: &Stage, program: &Program, cache: &TempDir, syncs: usize) -> anyhow::Result<Restart> {
    let mark = stage.audit.mark()?;
    let (daemon, end) = known(program, cache, syncs).await?;
    let seconds = (end - daemon.started).as_secs_f64();
    // Every service is looked at once.
    let mut cpu_seconds = daemon.cpu()?;
    loop {
        tokio::time::sleep(SETTLE * 4).await;
        let now = daemon.cpu()?;
        if now - cpu_seconds < 0.05 {
            cpu_seconds = now;
            break;
        }
        cpu_seconds = now;
    }
    let calls = stage.audit.since(mark, "gitmoor")?;
    let peak_bytes = daemon.peak()?;
    daemon.stop()?;
    Ok(Restart { seconds, cpu_seconds, peak_bytes, calls })
}

/// Removes what a size made, so that the next one finds nothing.
async fn clear(stage: &Stage, fleet: &Fleet) -> anyhow::Result<()> {
    stage.api.delete(&gitsyncs(), NAMESPACE, GITSYNC).await?;
    stage.api.wipe(&fleet.namespaces).await?;
    let began = Instant::now();
    // What is left goes with its owners, which takes the garbage collector a while.
    while watched(stage).await?.iter().any(|kind| kind.objects > 0) {
        anyhow::ensure!(began.elapsed() < LONG, "children do not go away");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// How large the status of an object is.
pub fn status_bytes(object: &Value) -> u64 {
    object["status"].to_string().len() as u64
}
