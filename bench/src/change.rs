//! One change at a time: a file in Git, and a field by hand.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::{key, microservices};
use crate::audit::Calls;
use crate::daemon::Daemon;
use crate::manifests::Manifest;
use crate::stage::{Fleet, SETTLE, SHORT, Stage};
use crate::stats::Latency;

/// One changed file by webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Changed {
    /// From the webhook's first byte to the watch event that shows the change.
    pub applied: Latency,
    /// MicroServices written for all runs.
    pub writes: u64,
    /// All calls for all runs.
    pub calls: Calls,
    /// CPU of the daemon for one.
    pub cpu_ms: f64,
}

/// A field changed by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Drifted {
    /// From the edit's first byte to the daemon's log line.
    pub reported: Latency,
    /// From the edit's first byte to the watch event that shows Git's value again.
    pub healed: Latency,
    /// All calls for all runs.
    pub calls: Calls,
    /// CPU of the daemon for one.
    pub cpu_ms: f64,
}

/// Far enough apart to be of other namespaces and folders each time.
const STRIDE: usize = 37;

/// Changes one image after the other in Git.
pub async fn changed(stage: &Stage, fleet: &Fleet, daemon: &Daemon, runs: usize) -> anyhow::Result<Changed> {
    let mut watch = stage.api.watch(&microservices()).await?;
    let (mut times, mut writes, mut cpu_seconds, mut calls) = (Vec::new(), 0, 0.0, Calls::default());
    for run in 0..runs {
        let manifest = &fleet.manifests[run * STRIDE % fleet.manifests.len()];
        let (wanted, image) = (manifest.key(), manifest.image(run + 1));
        fleet.repository.write(&manifest.path, &manifest.text(run + 1))?;
        fleet.repository.commit("a release")?;
        tokio::time::sleep(SETTLE).await;
        let (mark, cpu, started) = (stage.audit.mark()?, daemon.cpu()?, Instant::now());
        daemon.announce().await?;
        let seen = watch.until(SHORT, |object| key(object) == wanted && object["spec"]["image"] == *image).await?;
        times.push(seen.at - started);
        tokio::time::sleep(SETTLE * 4).await;
        cpu_seconds += daemon.cpu()? - cpu;
        let made = stage.audit.since(mark, "gitmoor")?;
        writes += made.writes();
        add(&mut calls, made);
    }
    Ok(Changed { applied: Latency::of(&times), writes, calls, cpu_ms: cpu_seconds * 1000.0 / runs as f64 })
}

/// The release that each changed file is at after so many changes.
pub fn releases(runs: usize, files: usize) -> HashMap<usize, usize> {
    (0..runs).map(|run| (run * STRIDE % files, run + 1)).collect()
}

/// Changes one number of replicas after the other by hand.
pub async fn drifted(stage: &Stage, fleet: &[Manifest], daemon: &mut Daemon, runs: usize) -> anyhow::Result<Drifted> {
    let mut watch = stage.api.watch(&microservices()).await?;
    let (mut reported, mut healed, mut cpu_seconds, mut calls) = (Vec::new(), Vec::new(), 0.0, Calls::default());
    for run in 0..runs {
        let manifest = &fleet[(run * STRIDE + 11) % fleet.len()];
        let (wanted, replicas) = (manifest.key(), manifest.replicas());
        let (mark, cpu, started) = (stage.audit.mark()?, daemon.cpu()?, Instant::now());
        stage.api.edit(&microservices(), &wanted, &json!({"spec": {"replicas": replicas + 5}})).await?;
        let line = daemon
            .line(SHORT, |line| {
                line["message"] == "drift" && line["service"] == *wanted && line["path"] == "/spec/replicas"
            })
            .await?;
        reported.push(line.at - started);
        let edited = |object: &serde_json::Value| key(object) == wanted && object["spec"]["replicas"] == replicas + 5;
        watch.until(SHORT, edited).await?;
        let seen = watch.until(SHORT, |object| key(object) == wanted && object["spec"]["replicas"] == replicas).await?;
        healed.push(seen.at - started);
        tokio::time::sleep(SETTLE * 2 + Duration::from_millis(20 * (run % 10) as u64)).await;
        cpu_seconds += daemon.cpu()? - cpu;
        add(&mut calls, stage.audit.since(mark, "gitmoor")?);
    }
    let cpu_ms = cpu_seconds * 1000.0 / runs as f64;
    Ok(Drifted { reported: Latency::of(&reported), healed: Latency::of(&healed), calls, cpu_ms })
}

fn add(calls: &mut Calls, more: Calls) {
    for (call, count) in more.0 {
        *calls.0.entry(call).or_default() += count;
    }
}
