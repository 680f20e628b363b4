//! Thousands of webhooks: what they are answered, and what is done for them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::audit::Calls;
use crate::daemon::{Daemon, push};
use crate::stage::{SHORT, Stage};
use crate::stats::Latency;

/// Requests that wait for their answers at a time: beyond it the sender is late, which is told by its rate.
const OUTSTANDING: usize = 512;
/// Between two handfuls.
const TICK: Duration = Duration::from_millis(10);
/// Nobody looked at a repository for so long: all that was asked for is done.
const QUIET: Duration = Duration::from_secs(2);

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// In words.
    pub what: &'static str,
    /// Addresses that it comes from.
    pub sources: u8,
    /// Requests in a second.
    pub per_second: usize,
    /// For so long.
    pub lasts: Duration,
    /// The number of the first one: no two deliveries are the same.
    pub first: usize,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flood {
    /// What was sent.
    pub what: String,
    /// Addresses that it came from.
    pub sources: u8,
    /// Requests.
    pub sent: usize,
    /// Requests in a second, as they were sent.
    pub per_second: f64,
    /// How they were answered.
    pub answers: BTreeMap<String, usize>,
    /// From a request to its answer.
    pub took: Latency,
    /// Looks at repositories.
    pub looks: u64,
    /// Until the last of them.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls of the API server.
    pub calls: Calls,
    /// Its memory before, in bytes.
    pub resident_before: u64,
    /// And after.
    pub resident_after: u64,
}

/// Sends it to these GitSyncs in turn.
pub async fn flood(stage: &Stage, daemon: &Daemon, syncs: &[String], shape: Shape) -> anyhow::Result<Flood> {
    let hooks: Vec<String> = syncs.iter().map(|sync| daemon.hook(sync)).collect::<Result<_, _>>()?;
    let clients: Vec<reqwest::Client> = (0..shape.sources).map(client).collect::<Result<_, _>>()?;
    let (mark, cpu, resident_before) = (stage.audit.mark()?, daemon.cpu()?, daemon.resident()?);
    let (before, began) = (stage.git.stats().await?.ls_refs, Instant::now());
    let total = (shape.per_second as f64 * shape.lasts.as_secs_f64()) as usize;
    let room = Arc::new(Semaphore::new(OUTSTANDING));
    let (mut sending, mut sent) = (JoinSet::new(), 0);
    let mut ticks = tokio::time::interval(TICK);
    while sent < total {
        ticks.tick().await;
        let due = ((began.elapsed().as_secs_f64() * shape.per_second as f64) as usize).min(total);
        for number in sent..due {
            let request =
                push(&clients[number % clients.len()], &hooks[number % hooks.len()], Some(shape.first + number))?;
            let place = Arc::clone(&room).acquire_owned().await?;
            sending.spawn(async move {
                let asked = Instant::now();
                let word = answer(request).await;
                drop(place);
                (word, asked.elapsed())
            });
        }
        sent = due;
    }
    let per_second = sent as f64 / began.elapsed().as_secs_f64();
    let (mut answers, mut took) = (BTreeMap::new(), Vec::new());
    while let Some(done) = sending.join_next().await {
        let (word, time) = done?;
        *answers.entry(word).or_default() += 1;
        took.push(time);
    }
    let (looks, last) = settled(stage, before).await?;
    Ok(Flood {
        what: shape.what.to_owned(),
        sources: shape.sources,
        sent,
        per_second,
        answers,
        took: Latency::of(&took),
        looks,
        seconds: last.saturating_duration_since(began).as_secs_f64(),
        cpu_seconds: daemon.cpu()? - cpu,
        calls: stage.audit.since(mark, "gitmoor")?,
        resident_before,
        resident_after: daemon.resident()?,
    })
}

/// Of an address of its own: all of 127.0.0.0/8 is this machine.
pub fn client(number: u8) -> anyhow::Result<reqwest::Client> {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 1, number + 1));
    reqwest::Client::builder().local_address(address).timeout(SHORT).build().context("cannot make a client")
}

async fn answer(request: reqwest::RequestBuilder) -> String {
    let Ok(answer) = request.send().await else { return "no answer".into() };
    let status = answer.status().as_u16();
    let said: Value = serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or_default();
    format!("{status} {}", said["result"].as_str().unwrap_or("without a word"))
}

/// Waits until nobody looks at a repository any more; says how many looks there were since, and when the last was.
async fn settled(stage: &Stage, before: u64) -> anyhow::Result<(u64, Instant)> {
    let (mut seen, mut last) = (stage.git.stats().await?.ls_refs, Instant::now());
    while last.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = stage.git.stats().await?.ls_refs;
        if now != seen {
            (seen, last) = (now, Instant::now());
        }
    }
    Ok((seen - before, last))
}
