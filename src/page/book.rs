//! The book of rows: what is known of all objects, in the order of their names, with a version that grows with each change.
//!
//! It is kept by one writer and read by many. It holds rows and no objects: whoever wants all of an object asks the stores.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::access::Rights;
use super::counts::{Counts, Tally};
use super::log::{Changed, Log};
use super::row::Row;
use super::timeline::{self, Timeline};
use crate::api::{GitSync, MicroService};
use crate::model::{Kind, ObjectKey, Target};

/// Namespaces that an overview lists.
const NAMESPACES: usize = 1000;

/// What this process does among several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// There are no others.
    #[default]
    Alone,
    /// It acts.
    Leader,
    /// Another one acts.
    Standby,
}

impl Role {
    /// Reads what the readiness probe is told.
    pub fn of(word: Option<&str>) -> Self {
        match word {
            Some("leader") => Self::Leader,
            Some("standby") => Self::Standby,
            _ => Self::Alone,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Leader => "leader",
            Self::Standby => "standby",
        }
    }
}

/// What is said of the daemon itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About {
    /// What it does among several.
    pub role: Role,
    /// Whether all that there is was seen.
    pub complete: bool,
}

/// The book of rows.
#[derive(Debug)]
pub struct Book {
    epoch: String,
    version: u64,
    about: About,
    pub(super) services: BTreeMap<ObjectKey, Row>,
    pub(super) gitsyncs: BTreeMap<ObjectKey, Row>,
    counts: BTreeMap<(Arc<str>, Kind), Counts>,
    pub(super) log: Log,
    pub(super) timeline: Timeline,
}

/// How many of everything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    version: String,
    gitmoor: &'static str,
    role: Role,
    complete: bool,
    git_syncs: Tally,
    micro_services: Tally,
    held: u32,
    paused: u32,
    fights: u32,
    drifted_fields: u32,
    namespaces: Vec<OfNamespace>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct OfNamespace {
    name: Arc<str>,
    git_syncs: Tally,
    micro_services: Tally,
}

impl Book {
    /// An empty book. No other one ever has the same `epoch`: a version of another book means nothing here.
    pub fn new(epoch: &str) -> Self {
        Self {
            epoch: epoch.to_owned(),
            version: 0,
            about: About::default(),
            services: BTreeMap::new(),
            gitsyncs: BTreeMap::new(),
            counts: BTreeMap::new(),
            log: Log::default(),
            timeline: Timeline::default(),
        }
    }

    /// Which version this is.
    pub fn version(&self) -> String {
        self.named(self.version)
    }

    /// How a version of that number is called.
    pub fn named(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    /// The number of a version; none where it is of another book, or of none.
    pub(super) fn number(&self, version: &str) -> Option<u64> {
        let number = version.strip_prefix(&self.epoch)?.strip_prefix('-')?.parse().ok()?;
        (number <= self.version).then_some(number)
    }

    /// The version as a number, to wait for the next.
    pub fn now(&self) -> u64 {
        self.version
    }

    /// What is said of the daemon itself.
    pub fn about(&self) -> About {
        self.about
    }

    /// Says what the daemon itself is like.
    pub fn set_about(&mut self, about: About) {
        if self.about != about {
            self.about = about;
            self.note(Changed::About);
        }
    }

    /// Takes a MicroService as it is now; none where it is gone.
    pub fn service(&mut self, key: &ObjectKey, service: Option<&MicroService>, now: Timestamp) {
        let row = service.map(Row::of_service);
        let entries = service.map(|one| timeline::of_service(one, self.services.get(key), now)).unwrap_or_default();
        self.turn(Target::service(key.clone()), row, entries);
    }

    /// Takes a GitSync as it is now; none where it is gone.
    pub fn gitsync(&mut self, key: &ObjectKey, gitsync: Option<&GitSync>) {
        let row = gitsync.map(Row::of_sync);
        let entries = gitsync.map(timeline::of_sync).unwrap_or_default();
        self.turn(Target::gitsync(key.clone()), row, entries);
    }

    fn turn(&mut self, target: Target, row: Option<Row>, entries: Vec<timeline::Entry>) {
        let before = self.rows(target.kind).get(&target.key);
        let same = match (before, &row) {
            (None, None) => true,
            (Some(before), Some(row)) => before.json == row.json && before.has_drift == row.has_drift,
            _ => false,
        };
        if !same {
            let (old, new) = (before.map(|row| row.counts), row.as_ref().map(|row| row.counts));
            self.count(&target, old, new);
            self.note(Changed::Object(target.clone()));
            let version = self.version;
            let rows = match target.kind {
                Kind::MicroService => &mut self.services,
                Kind::GitSync => &mut self.gitsyncs,
            };
            match row {
                Some(row) => drop(rows.insert(target.key, Row { version, ..row })),
                None => drop(rows.remove(&target.key)),
            }
        }
        for entry in entries {
            let id = Arc::clone(&entry.id);
            if self.timeline.add(entry) {
                self.note(Changed::Entry(id));
            }
        }
    }

    fn count(&mut self, target: &Target, old: Option<Counts>, new: Option<Counts>) {
        let at = (Arc::clone(&target.key.namespace), target.kind);
        let counts = self.counts.entry(at.clone()).or_default();
        old.iter().for_each(|old| *counts -= old);
        new.iter().for_each(|new| *counts += new);
        if counts.tally.total == 0 {
            self.counts.remove(&at);
        }
    }

    fn note(&mut self, changed: Changed) {
        self.version += 1;
        self.log.note(self.version, changed);
    }

    /// The rows of a kind.
    pub(super) fn rows(&self, kind: Kind) -> &BTreeMap<ObjectKey, Row> {
        match kind {
            Kind::MicroService => &self.services,
            Kind::GitSync => &self.gitsyncs,
        }
    }

    /// Every namespace that something is in.
    pub fn namespaces(&self) -> BTreeSet<Arc<str>> {
        self.counts.keys().map(|(namespace, _)| Arc::clone(namespace)).collect()
    }

    /// MicroServices whose status speaks of drift, at most so many.
    pub fn with_drift(&self, most: usize, wanted: impl Fn(&ObjectKey) -> bool) -> Vec<ObjectKey> {
        let rows = self.services.iter().filter(|(key, row)| row.has_drift && wanted(key));
        rows.map(|(key, _)| key.clone()).take(most).collect()
    }

    /// How many of everything that a viewer may see.
    pub fn overview(&self, rights: &Rights) -> Overview {
        let (mut services, mut gitsyncs) = (Counts::default(), Counts::default());
        let mut namespaces: Vec<OfNamespace> = Vec::new();
        for ((namespace, kind), counts) in &self.counts {
            if !rights.of(*kind).has(namespace) {
                continue;
            }
            if namespaces.last().is_none_or(|last| last.name != *namespace) {
                namespaces.push(OfNamespace { name: Arc::clone(namespace), ..OfNamespace::default() });
            }
            let Some(of) = namespaces.last_mut() else { continue };
            match kind {
                Kind::MicroService => (of.micro_services, services) = (counts.tally, plus(services, counts)),
                Kind::GitSync => (of.git_syncs, gitsyncs) = (counts.tally, plus(gitsyncs, counts)),
            }
        }
        namespaces.truncate(NAMESPACES);
        Overview {
            version: self.version(),
            gitmoor: env!("CARGO_PKG_VERSION"),
            role: self.about.role,
            complete: self.about.complete,
            git_syncs: gitsyncs.tally,
            micro_services: services.tally,
            held: gitsyncs.held,
            paused: services.paused.saturating_add(gitsyncs.paused),
            fights: services.fights,
            drifted_fields: services.fields,
            namespaces,
        }
    }
}

fn plus(mut all: Counts, more: &Counts) -> Counts {
    all += more;
    all
}

#[cfg(test)]
pub(super) mod tests;
