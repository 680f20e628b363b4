//! All that happened to the objects of a story, in the order in which the API server wrote it down. It asks the API server
//! itself, past whatever the daemons have to go through.

use jiff::Timestamp;
use serde_json::Value;

use crate::support::chronicle::Chronicle;
use crate::support::daemon::OPERATOR;
use crate::support::{Kube, eventually, holds};

/// Kinds that are written down.
const KINDS: [&str; 3] = ["GitSync", "MicroService", "Deployment"];
/// And where daemons take turns, what they take turns with.
const LEASE: &str = "Lease";

/// One thing that happened to an object.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the order of all things.
    pub version: u64,
    /// The earliest place that it can have had in part.
    pub earliest: u64,
    /// When it was heard of.
    pub heard: Timestamp,
    pub kind: &'static str,
    pub deleted: bool,
    pub object: Value,
}

impl Event {
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// Writes down what happens from now on.
pub struct Record {
    chronicles: Vec<(&'static str, Chronicle)>,
}

impl Record {
    /// Of nothing but the Leases of the daemons, before there is one.
    pub async fn of_leases(kube: &Kube) -> Self {
        Self { chronicles: vec![(LEASE, Chronicle::begin(kube, LEASE, OPERATOR).await)] }
    }

    /// Also of all that is in a namespace.
    pub async fn begin(&mut self, kube: &Kube, namespace: &str) {
        for kind in KINDS {
            self.chronicles.push((kind, Chronicle::begin(kube, kind, namespace).await));
        }
    }

    /// All of it until now, in order.
    pub fn all(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for (kind, chronicle) in &self.chronicles {
            all.extend(chronicle.all().into_iter().map(|one| Event {
                version: one.version,
                earliest: one.earliest,
                heard: one.heard,
                kind,
                deleted: one.what == "deleted",
                object: one.object,
            }));
        }
        all.sort_by_key(|event| event.version);
        all
    }

    /// Waits until it has heard of that version of an object of a kind.
    pub async fn has(&self, kind: &str, version: u64) {
        eventually("the record is complete", async || {
            let chronicles = self.chronicles.iter().filter(|(of, _)| *of == kind);
            let newest = chronicles.filter_map(|(_, chronicle)| chronicle.all().last().map(|one| one.version)).max();
            holds(newest >= Some(version), newest)
        })
        .await;
    }
}
