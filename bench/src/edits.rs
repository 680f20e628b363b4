//! Many hand edits, of MicroServices and of their children: all at once, and for a while at a rate that leaves the API
//! server room for the corrections. Each is told apart by its value, must be reported, and must be put back.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Service;
use kube::core::ApiResource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{Watch, key, microservices};
use crate::audit::Calls;
use crate::daemon::Daemon;
use crate::manifests::Manifest;
use crate::stage::{SETTLE, Stage};
use crate::stats::Latency;

/// Edits of a burst.
const BURST: usize = 1000;
/// Writes that measure what the API server can do.
const CAPACITY: usize = 1000;
/// MicroServices that are written for that, and as many Services.
const CAPACITY_OBJECTS: usize = 50;
/// Where they are.
const CAPACITY_IN: &str = "bench-capacity";
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
    /// Edits that another edit of the same object overtook before they were put back: the daemon fell behind.
    #[serde(default)]
    pub overtaken: usize,
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
    /// Such edits that the API server does in a second while nothing else happens.
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
pub async fn sustained(
    stage: &Stage,
    fleet: &[Manifest],
    daemon: &mut Daemon,
    capacity_per_second: f64,
) -> anyhow::Result<Sustained> {
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
    let seen = RefCell::new(Seen::default());
    let all = async {
        tokio::try_join!(
            edits,
            reported(daemon, count, &seen),
            healed(services, "team", count - count / 2, &seen),
            healed(children, "app.kubernetes.io/name", count / 2, &seen)
        )
    };
    let ended = tokio::time::timeout(PATIENCE, all).await;
    let seen = seen.into_inner();
    let (made, ..) = ended.with_context(|| seen.say(count))??;
    let since = |seen: &HashMap<usize, Instant>| -> Vec<Duration> {
        made.iter().filter_map(|(number, at)| Some(seen.get(number)?.saturating_duration_since(*at))).collect()
    };
    let last = seen.healed.values().max().copied().unwrap_or(started);
    tokio::time::sleep(SETTLE * 4).await;
    Ok(Edits {
        edits: count,
        seconds: (last - started).as_secs_f64(),
        reported: Latency::of(&since(&seen.reported)),
        healed: Latency::of(&since(&seen.healed)),
        overtaken: seen.overtaken.len(),
        calls: stage.audit.since(mark, "gitmoor")?,
        resident_before,
        resident_after: daemon.resident()?,
    })
}

/// What became of edits so far, by their numbers.
#[derive(Default)]
struct Seen {
    reported: HashMap<usize, Instant>,
    healed: HashMap<usize, Instant>,
    overtaken: HashSet<usize>,
}

impl Seen {
    /// An edit that was overtaken may never have been looked at: its object was reported with the later one.
    fn all_reported(&self, count: usize) -> bool {
        let unsaid = self.overtaken.iter().filter(|number| !self.reported.contains_key(number)).count();
        self.reported.len() + unsaid >= count
    }

    fn say(&self, count: usize) -> String {
        let missing: Vec<_> = (0..count)
            .filter(|number| !self.healed.contains_key(number) && !self.overtaken.contains(number))
            .take(10)
            .collect();
        format!(
            "of {count} edits {} were reported, {} were put back, {} were overtaken by another; still drifted: {missing:?}",
            self.reported.len(),
            self.healed.len(),
            self.overtaken.len()
        )
    }
}

/// When the daemon said which edit.
async fn reported(daemon: &mut Daemon, count: usize, seen: &RefCell<Seen>) -> anyhow::Result<()> {
    while !seen.borrow().all_reported(count) {
        // No line comes of an edit that was overtaken: whether all were reported is asked again without one, too.
        let next = daemon.line(PATIENCE, |line| line["message"] == "drift" || line["message"] == "drift changed");
        let Ok(line) = tokio::time::timeout(SETTLE, next).await else { continue };
        let line = line?;
        let live: Option<Value> = line.fields["live"].as_str().and_then(|text| serde_json::from_str(text).ok());
        if let Some(number) = live.as_ref().and_then(number) {
            seen.borrow_mut().reported.entry(number).or_insert(line.at);
        }
    }
    Ok(())
}

/// When a watch showed that an edit was put back.
async fn healed(mut watch: Watch, label: &str, count: usize, seen: &RefCell<Seen>) -> anyhow::Result<()> {
    let (mut edited, mut done) = (HashMap::new(), 0);
    while done < count {
        let event = watch.until(PATIENCE, |_| true).await?;
        let key = key(&event.object);
        match number(&event.object["metadata"]["labels"][label]) {
            Some(number) => {
                // The same edit is seen again when something else of its object changes.
                if let Some(before) = edited.insert(key, number).filter(|before| *before != number) {
                    seen.borrow_mut().overtaken.insert(before);
                    done += 1;
                }
            }
            None => {
                if let Some(number) = edited.remove(&key) {
                    seen.borrow_mut().healed.insert(number, event.at);
                    done += 1;
                }
            }
        }
    }
    Ok(())
}

/// Edits in a second, half of MicroServices and half of Services, while nobody puts anything back: call it while no
/// daemon runs. What it edits is gone afterwards.
pub async fn capacity(stage: &Stage) -> anyhow::Result<f64> {
    let service = ApiResource::erase::<Service>(&());
    stage.api.make_namespaces(&[CAPACITY_IN.to_owned()]).await?;
    for number in 0..CAPACITY_OBJECTS {
        let metadata = json!({"name": format!("capacity-{number}"), "labels": {"edit": "0"}});
        let body = json!({
            "apiVersion": gitmoor::api::API_VERSION, "kind": "MicroService", "metadata": metadata,
            "spec": {"image": "ghcr.io/acme/web:1", "ports": [{"name": "http", "containerPort": 8080}]}
        });
        stage.api.apply(&microservices(), Some(CAPACITY_IN), &body).await?;
        let body = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}
        });
        stage.api.apply(&service, Some(CAPACITY_IN), &body).await?;
    }
    let started = Instant::now();
    let edits = stream::iter(0..CAPACITY).map(|number| {
        let kind = if number.is_multiple_of(2) { microservices() } else { service.clone() };
        let key = format!("{CAPACITY_IN}/capacity-{}", number / 2 % CAPACITY_OBJECTS);
        async move { stage.api.edit(&kind, &key, &json!({"metadata": {"labels": {"edit": value(number)}}})).await }
    });
    edits.buffer_unordered(stage.program.concurrency).try_collect::<()>().await?;
    let per_second = CAPACITY as f64 / started.elapsed().as_secs_f64();
    for number in 0..CAPACITY_OBJECTS {
        let name = format!("capacity-{number}");
        stage.api.delete(&microservices(), CAPACITY_IN, &name).await?;
        stage.api.delete(&service, CAPACITY_IN, &name).await?;
    }
    Ok(per_second)
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
