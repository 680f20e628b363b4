//! Many hand edits, of MicroServices and of their children: all at once, and for a while at a rate that leaves the API
//! server room for the corrections. Each is told apart by its value, must be reported, and must be put back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Watch, key, microservices};
use crate::audit::Calls;
use crate::daemon::{Daemon, NAMESPACE};
use crate::manifests::Manifest;
use crate::stage::{SETTLE, Stage};
use crate::stats::Latency;

/// Edits of a burst.
const BURST: usize = 1000;
/// Writes that measure what the API server can do.
const CAPACITY: usize = 1000;
/// The share of it that hand edits take when they go on.
const SHARE: f64 = 0.4;
/// How long they go on.
const SUSTAINED: Duration = Duration::from_secs(60);
/// Corrections of one object within a minute that are made at once: more would measure how they are slowed down.
const EACH: usize = 4;
/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// What became of many edits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Edits {
    /// How many, half of them of children.
    pub edits: usize,
    /// From the first edit to the last correction.
    pub seconds: f64,
    /// From an edit's first byte to the daemon's log line.
    pub reported: Latency,
    /// From an edit's first byte to the watch event that shows the declared value again.
    pub healed: Latency,
    /// Calls of the daemon. A `get` would be one that no edit should cost.
    pub calls: Calls,
    /// Memory of the daemon before, in bytes.
    pub resident_before: u64,
    /// And after.
    pub resident_after: u64,
}

/// Edits at a rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sustained {
    /// Writes that the API server does in a second while nothing else happens.
    pub capacity_per_second: f64,
    /// Edits in a second.
    pub per_second: f64,
    /// What became of them.
    pub edits: Edits,
}

/// One edit: a label of a MicroService, which Git declares, or of its Service, which is rendered.
#[derive(Clone)]
struct Edit {
    number: usize,
    kind: ApiResource,
    key: String,
    label: &'static str,
}

impl Edit {
    fn new(number: usize, fleet: &[Manifest]) -> Self {
        // Every second one is of a child, and no object has its turn again before all others had theirs.
        let manifest = &fleet[number / 2 % fleet.len()];
        let (kind, label) = if number.is_multiple_of(2) {
            (microservices(), "team")
        } else {
            (ApiResource::erase::<Service>(&()), "app.kubernetes.io/name")
        };
        Self { number, kind, key: manifest.key(), label }
    }

    async fn make(&self, stage: &Stage) -> anyhow::Result<(usize, Instant)> {
        let started = Instant::now();
        let patch = json!({"metadata": {"labels": {self.label: value(self.number)}}});
        stage.api.edit(&self.kind, &self.key, &patch).await?;
        Ok((self.number, started))
    }
}

/// All at once, with as many calls in flight as the daemon has.
pub async fn burst(stage: &Stage, fleet: &[Manifest], daemon: &mut Daemon) -> anyhow::Result<Edits> {
    let count = BURST.min(fleet.len() * 2);
    let edits = stream::iter((0..count).map(|number| Edit::new(number, fleet)));
    let made = edits.map(|edit| async move { edit.make(stage).await }).buffer_unordered(stage.program.concurrency);
    follow(stage, daemon, count, made.try_collect()).await
}

/// At [`SHARE`] of what the API server can write.
pub async fn sustained(stage: &Stage, fleet: &[Manifest], daemon: &mut Daemon) -> anyhow::Result<Sustained> {
    let capacity_per_second = capacity(stage).await?;
    let per_second = capacity_per_second * SHARE;
    let count = ((per_second * SUSTAINED.as_secs_f64()) as usize).min(fleet.len() * 2 * EACH);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
    // A tick that was missed is made up for: the rate counts.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let edits = stream::unfold((0, ticks), |(number, mut ticks)| async move {
        if number == count {
            return None;
        }
        ticks.tick().await;
        Some((Edit::new(number, fleet), (number + 1, ticks)))
    });
    let made = edits.map(|edit| async move { edit.make(stage).await }).buffer_unordered(4 * stage.program.concurrency);
    let edits = follow(stage, daemon, count, made.try_collect()).await?;
    Ok(Sustained { capacity_per_second, per_second, edits })
}

/// Makes the edits and waits until each was reported and put back.
async fn follow(
    stage: &Stage,
    daemon: &mut Daemon,
    count: usize,
    edits: impl Future<Output = anyhow::Result<Vec<(usize, Instant)>>>,
) -> anyhow::Result<Edits> {
    let services = stage.api.watch(&microservices()).await?;
    let children = stage.api.watch(&ApiResource::erase::<Service>(&())).await?;
    let (mark, resident_before, started) = (stage.audit.mark()?, daemon.resident()?, Instant::now());
    let half = count / 2;
    let all = async {
        tokio::try_join!(
            edits,
            reported(daemon, count),
            healed(services, "team", count - half),
            healed(children, "app.kubernetes.io/name", half)
        )
    };
    let (made, reported, mut healed, more) = tokio::time::timeout(PATIENCE, all)
        .await
        .with_context(|| format!("not all of {count} edits were healed"))??;
    healed.extend(more);
    let since = |seen: &HashMap<usize, Instant>| -> Vec<Duration> {
        made.iter().filter_map(|(number, at)| Some(seen.get(number)?.saturating_duration_since(*at))).collect()
    };
    let last = healed.values().max().copied().unwrap_or(started);
    tokio::time::sleep(SETTLE * 4).await;
    Ok(Edits {
        edits: count,
        seconds: (last - started).as_secs_f64(),
        reported: Latency::of(&since(&reported)),
        healed: Latency::of(&since(&healed)),
        calls: stage.audit.since(mark, "gitmoor")?,
        resident_before,
        resident_after: daemon.resident()?,
    })
}

/// When the daemon said which edit.
async fn reported(daemon: &mut Daemon, count: usize) -> anyhow::Result<HashMap<usize, Instant>> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        let line = daemon.line(PATIENCE, |line| line["message"] == "drift").await?;
        let live: Option<Value> = line.fields["live"].as_str().and_then(|text| serde_json::from_str(text).ok());
        if let Some(number) = live.as_ref().and_then(number) {
            seen.entry(number).or_insert(line.at);
        }
    }
    Ok(seen)
}

/// When a watch showed that an edit was put back.
async fn healed(mut watch: Watch, label: &str, count: usize) -> anyhow::Result<HashMap<usize, Instant>> {
    let (mut edited, mut seen) = (HashMap::new(), HashMap::new());
    while seen.len() < count {
        let event = watch.until(PATIENCE, |_| true).await?;
        let key = key(&event.object);
        match number(&event.object["metadata"]["labels"][label]) {
            Some(number) => {
                edited.insert(key, number);
            }
            None => {
                if let Some(number) = edited.remove(&key) {
                    seen.insert(number, event.at);
                }
            }
        }
    }
    Ok(seen)
}

/// Writes that the API server does in a second while nothing else happens, each of another object than the one before.
pub async fn capacity(stage: &Stage) -> anyhow::Result<f64> {
    let kind = &ApiResource::erase::<ConfigMap>(&());
    let started = Instant::now();
    let writes = stream::iter(0..CAPACITY).map(|number| async move {
        let name = format!("capacity-{}", number % 100);
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"number": number.to_string()}
        });
        stage.api.apply(kind, Some(NAMESPACE), &body).await.map(drop)
    });
    writes.buffer_unordered(stage.program.concurrency).try_collect::<()>().await?;
    Ok(CAPACITY as f64 / started.elapsed().as_secs_f64())
}

fn value(number: usize) -> String {
    format!("edit-{number}")
}

fn number(value: &Value) -> Option<usize> {
    value.as_str()?.strip_prefix("edit-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_known_by_its_value() {
        assert_eq!(number(&json!(value(17))), Some(17));
        assert_eq!((number(&json!("money")), number(&Value::Null)), (None, None));
    }
}
