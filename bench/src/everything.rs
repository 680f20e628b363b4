//! A commit that changes everything: what the daemon does of it, and how far the cluster has come with it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use k8s_openapi::api::apps::v1::Deployment;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::api::{Watch, key, microservices};
use crate::audit::Calls;
use crate::children::is_ready;
use crate::course::{Course, Sampler};
use crate::crowd::Crowd;
use crate::daemon::Daemon;
use crate::stage::{LONG, SETTLE, Stage};
use crate::stats::Latency;

/// How long the cluster is watched after the daemon is done: making pods is not the daemon's work.
const ROLLOUT: Duration = Duration::from_secs(600);
/// How long the daemon may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Everything {
    /// MicroServices that it changes.
    pub services: usize,
    /// From the announcement until the watch shows a MicroService changed.
    pub applied: Latency,
    /// From the announcement until the watch shows its Deployment changed.
    pub written: Latency,
    /// Until every GitSync said that it is applied.
    pub seconds: f64,
    /// Until every Deployment was changed.
    pub written_seconds: f64,
    /// Services that were ready with it when looking ended.
    pub ready: usize,
    /// Until all were ready, or until looking ended.
    pub ready_seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls.
    pub calls: Calls,
    /// The daemon meanwhile.
    pub course: Course,
}

/// What watches have shown so far.
#[derive(Default)]
struct Seen {
    applied: HashMap<String, Instant>,
    written: HashMap<String, Instant>,
    ready: HashSet<String>,
}

/// Changes the image of every service.
pub async fn everything(stage: &Stage, crowd: &Crowd, daemon: &Daemon, cache: &TempDir) -> anyhow::Result<Everything> {
    let revisions = crowd.release(1)?;
    let services = stage.api.watch(&microservices()).await?;
    let deployments = stage.api.watch(&ApiResource::erase::<Deployment>(&())).await?;
    let wanted: HashMap<String, String> = crowd.manifests.iter().map(|one| (one.key(), one.image(1))).collect();
    let sampler = Sampler::start(stage.api.clone(), daemon.pid(), cache.path().to_owned());
    let (mark, cpu, began) = (stage.audit.mark()?, daemon.cpu()?, Instant::now());
    for name in &crowd.names {
        daemon.announce_to(name).await?;
    }
    let (seen, written) = (RefCell::new(Seen::default()), Cell::new(None::<Instant>));
    let said = async {
        crowd.all_applied(stage, &revisions).await?;
        anyhow::Ok(began.elapsed().as_secs_f64())
    };
    let all = async {
        tokio::try_join!(
            said,
            children(deployments, &wanted, &seen, &written),
            rollout(stage, services, &wanted, &seen, &written)
        )
    };
    let done = tokio::time::timeout(PATIENCE, all).await;
    let seen = seen.into_inner();
    let (seconds, ..) = done.with_context(|| seen.say(wanted.len()))??;
    let ready_seconds = began.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE * 10).await;
    let after = |times: &HashMap<String, Instant>| -> Vec<Duration> {
        times.values().map(|at| at.saturating_duration_since(began)).collect()
    };
    let written_last = written.get().context("no Deployment was changed")?;
    Ok(Everything {
        services: wanted.len(),
        applied: Latency::of(&after(&seen.applied)),
        written: Latency::of(&after(&seen.written)),
        seconds,
        written_seconds: written_last.saturating_duration_since(began).as_secs_f64(),
        ready: seen.ready.len(),
        ready_seconds,
        cpu_seconds: daemon.cpu()? - cpu,
        calls: stage.audit.since(mark, "gitmoor")?,
        course: sampler.end(),
    })
}

impl Seen {
    fn say(&self, all: usize) -> String {
        let Self { applied, written, ready } = self;
        format!("of {all}, {} applied, {} written, {} ready", applied.len(), written.len(), ready.len())
    }
}

/// When which Deployment was changed; and when the last one was.
async fn children(
    mut watch: Watch,
    wanted: &HashMap<String, String>,
    seen: &RefCell<Seen>,
    last: &Cell<Option<Instant>>,
) -> anyhow::Result<()> {
    while seen.borrow().written.len() < wanted.len() {
        let event = watch.until(LONG, |_| true).await.with_context(|| seen.borrow().say(wanted.len()))?;
        let key = key(&event.object);
        let image = &event.object["spec"]["template"]["spec"]["containers"][0]["image"];
        if wanted.get(&key).is_some_and(|wanted| image == wanted) {
            seen.borrow_mut().written.entry(key).or_insert(event.at);
        }
    }
    last.set(seen.borrow().written.values().max().copied());
    Ok(())
}

/// When which MicroService was changed, and which are ready with it: until all are, or for so long after the daemon was done.
async fn rollout(
    stage: &Stage,
    mut watch: Watch,
    wanted: &HashMap<String, String>,
    seen: &RefCell<Seen>,
    written: &Cell<Option<Instant>>,
) -> anyhow::Result<()> {
    let all = wanted.len();
    let is_over = || {
        let Seen { applied, ready, .. } = &*seen.borrow();
        let done = applied.len() == all && written.get().is_some_and(|at| at.elapsed() >= ROLLOUT);
        ready.len() == all || done
    };
    while !is_over() {
        // Without an event it is asked again whether it is over.
        let Ok(event) = tokio::time::timeout(SETTLE, watch.until(LONG, |_| true)).await else { continue };
        let event = event?;
        let key = key(&event.object);
        if wanted.get(&key).is_some_and(|image| event.object["spec"]["image"] == **image) {
            let mut seen = seen.borrow_mut();
            if is_ready(&event.object) {
                seen.ready.insert(key.clone());
            }
            seen.applied.entry(key).or_insert(event.at);
            if seen.applied.len().is_multiple_of(50) {
                stage.progress.say(&format!("a new release: {}", seen.say(all)));
            }
        }
    }
    Ok(())
}
