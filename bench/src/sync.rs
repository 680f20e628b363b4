//! The daemon with everything to do, and with nothing to do.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::api::{gitsyncs, microservices};
use crate::audit::Calls;
use crate::daemon::Daemon;
use crate::stage::{Fleet, LONG, SETTLE, SHORT, Stage, applied, until_applied};
use crate::stats::Latency;

/// From the daemon's start to the end of its first sync.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cold {
    /// Until the GitSync said that all is applied.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// CPU of the API server and etcd meanwhile.
    pub server_cpu_seconds: f64,
    /// Most memory of the daemon so far.
    pub peak_bytes: u64,
    /// Its calls.
    pub calls: Calls,
}

/// Looks at the repository that found nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unchanged {
    /// How many looks.
    pub passes: usize,
    /// CPU of the daemon for one.
    pub cpu_ms: f64,
    /// Its calls for all of them.
    pub calls: Calls,
    /// From the webhook to the end of the look.
    pub took: Latency,
}

/// Starts the daemon on a fleet that the cluster does not have, or has already.
pub async fn cold(stage: &Stage, fleet: &Fleet, cache: &TempDir) -> anyhow::Result<(Cold, Daemon)> {
    let revision = fleet.repository.revision()?;
    let mut watch = stage.api.watch(&gitsyncs()).await?;
    let (mark, server) = (stage.audit.mark()?, stage.server_cpu()?);
    let mut daemon = stage.start(cache)?;
    let ends = async {
        // Said by the status; a daemon that had it so before says nothing, so its log counts as well.
        let done = daemon.line(LONG, |line| line["message"] == "revision applied").await?;
        if line_applied_nothing(&done.fields) {
            return anyhow::Ok(done.at);
        }
        Ok(watch.until(LONG, |gitsync| applied(gitsync, &revision)).await?.at)
    };
    let end = ends.await?;
    let seconds = (end - daemon.started).as_secs_f64();
    let server_cpu_seconds = stage.server_cpu()? - server;
    let cpu_seconds = daemon.cpu()?;
    tokio::time::sleep(SETTLE * 4).await;
    let there = stage.api.count(&microservices(), None).await?;
    anyhow::ensure!(there == fleet.manifests.len() as u64, "{there} of {} are there", fleet.manifests.len());
    for warning in daemon.warnings() {
        stage.progress.warn(&format!("the daemon warned: {warning}"));
    }
    let calls = stage.audit.since(mark, "gitmoor")?;
    Ok((Cold { seconds, cpu_seconds, server_cpu_seconds, peak_bytes: daemon.peak()?, calls }, daemon))
}

fn line_applied_nothing(line: &serde_json::Value) -> bool {
    line["applied"] == 0
}

/// Announces pushes that did not happen.
pub async fn unchanged(stage: &Stage, daemon: &Daemon, passes: usize) -> anyhow::Result<Unchanged> {
    let mut took = Vec::new();
    // The first one reads the token, which is then believed for a while.
    pass(stage, daemon).await?;
    let (mark, cpu) = (stage.audit.mark()?, daemon.cpu()?);
    for _ in 0..passes {
        took.push(pass(stage, daemon).await?);
    }
    let cpu_ms = (daemon.cpu()? - cpu) * 1000.0 / passes as f64;
    let calls = stage.audit.since(mark, "gitmoor")?;
    Ok(Unchanged { passes, cpu_ms, calls, took: Latency::of(&took) })
}

async fn pass(stage: &Stage, daemon: &Daemon) -> anyhow::Result<Duration> {
    let before = stage.git.stats().await?.ls_refs;
    let started = Instant::now();
    daemon.announce().await?;
    while stage.git.stats().await?.ls_refs == before {
        anyhow::ensure!(started.elapsed() < SHORT, "nobody looked at the repository");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = started.elapsed();
    tokio::time::sleep(SETTLE).await;
    Ok(took)
}

/// Pushes commits that touch no manifest.
pub async fn touched(stage: &Stage, fleet: &Fleet, daemon: &Daemon, passes: usize) -> anyhow::Result<Unchanged> {
    let mut watch = stage.api.watch(&gitsyncs()).await?;
    let (mut took, mut cpu_seconds, mut calls) = (Vec::new(), 0.0, Calls::default());
    for number in 0..passes {
        fleet.repository.write("README.md", &format!("Deployments of Acme, edition {number}.\n"))?;
        let revision = fleet.repository.commit("readme")?;
        let (mark, cpu, started) = (stage.audit.mark()?, daemon.cpu()?, Instant::now());
        daemon.announce().await?;
        until_applied(&mut watch, &revision, SHORT).await?;
        took.push(started.elapsed());
        tokio::time::sleep(SETTLE * 4).await;
        cpu_seconds += daemon.cpu()? - cpu;
        for (call, count) in stage.audit.since(mark, "gitmoor")?.0 {
            *calls.0.entry(call).or_default() += count;
        }
    }
    Ok(Unchanged { passes, cpu_ms: cpu_seconds * 1000.0 / passes as f64, calls, took: Latency::of(&took) })
}
