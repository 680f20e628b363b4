//! What a loop knows of its GitSync, and the status that follows. No call is made here.

mod episodes;
mod failures;
mod holds;
mod moving;
mod observed;
mod restraint;
mod revisions;
mod rules;
mod scope;
mod waits;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::lessons::Lessons;
use super::settings::Settings;
use super::stale::Staleness;
use super::work::{Item, Task};
use crate::api::GitSyncStatus;
use crate::api::condition::{self, SOURCE_STALE};
use crate::api::gitsync_status::{AppliedRevision, Counts, ObjectProblem};
use crate::api::status::DriftedField;
use crate::cluster::Targets;
use crate::model::{ChangeKind, Declared, HoldReason, OutcomeKind, Snapshot, Target};
use crate::plan::Guards;
use crate::report::gitsync::Fault;
use crate::telemetry::spans::Journey;
use episodes::Episodes;
use failures::{Failure, pause};
use holds::Holds;
pub use holds::Turn;
use restraint::Restraint;
use revisions::Revisions;
use waits::Waits;

/// A commit on its way into the cluster, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub journey: Journey,
    pub since: jiff::Timestamp,
}

/// What a loop knows.
pub struct State {
    /// What the spec says.
    pub settings: Arc<Settings>,
    /// What was read last.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What it declares.
    pub declared: Arc<Declared>,
    /// What the revision says about deletions.
    pub guards: Guards,
    /// Deletions that were made, and that are held.
    pub holds: Holds,
    /// Whether a revision was read by the spec as it is now. Until then nothing is written.
    pub current: bool,
    /// Why the source could not be read.
    pub fault: Option<Fault>,
    /// Whether that has lasted.
    pub stale: Staleness,
    /// The mirror that it is read from, while the url cannot serve.
    pub mirror: Option<String>,
    /// Drift that stands.
    pub drift: BTreeMap<Target, Vec<DriftedField>>,
    /// What became of drift, and where that is kept.
    pub episodes: Episodes,
    /// Objects that a person deleted and that policy leaves deleted, with the document's hash.
    pub left_deleted: HashMap<Target, Arc<str>>,
    /// The last handled request to reconcile.
    pub handled: Option<String>,
    /// The last revisions, and the one that is held as a whole.
    pub revisions: Revisions,
    /// What is held back until its turn comes.
    pub waits: Waits,
    /// What was learned about differences.
    pub lessons: Arc<Lessons>,
    /// Rules about drift that decide nothing, in words.
    pub unused_rules: Vec<String>,
    /// What keeps things from being put back.
    pub restraint: Restraint,
    /// How the revision comes into the cluster, for whoever wants to be told.
    pub way: Option<Way>,
    /// Objects whose status has yet to say which commits declared what differs.
    pub traced: HashSet<Target>,
    /// Objects that the status says to be left deleted, until the first revision is read.
    said_deleted: Vec<Target>,
    applied: Option<AppliedRevision>,
    scope: Option<String>,
    scope_held: Option<String>,
    failed: BTreeMap<Target, ObjectProblem>,
    held: BTreeMap<Target, HoldReason>,
    failures: HashMap<Target, Failure>,
    last: Counts,
}

impl State {
    /// What is known at the start: what the status says.
    pub fn new(settings: Arc<Settings>, status: &GitSyncStatus) -> Self {
        Self {
            settings,
            snapshot: None,
            way: None,
            declared: Arc::default(),
            guards: Guards::default(),
            holds: Holds::new(status),
            current: false,
            fault: None,
            stale: Staleness::restored(condition::is_true(&status.conditions, SOURCE_STALE)),
            mirror: status.mirror.clone(),
            drift: BTreeMap::new(),
            episodes: Episodes::new(status),
            left_deleted: HashMap::new(),
            handled: status.last_handled_reconcile_at.clone(),
            revisions: Revisions::new(status),
            waits: Waits::restored(status),
            lessons: Arc::default(),
            unused_rules: Vec::new(),
            restraint: Restraint::new(status.pause.clone()),
            traced: HashSet::new(),
            said_deleted: said_deleted(status),
            applied: status.last_applied_revision.clone(),
            scope: status.last_applied_scope.clone(),
            scope_held: status.scope_held.clone(),
            failed: BTreeMap::new(),
            held: BTreeMap::new(),
            failures: HashMap::new(),
            last: status.counts.unwrap_or_default(),
        }
    }

    /// Takes a revision. Returns whether it is another than the one before.
    pub fn read(&mut self, snapshot: Arc<Snapshot>, declared: Declared) -> bool {
        let changed = self.snapshot.as_ref().is_none_or(|before| before.revision != snapshot.revision);
        let scope_changed = self.scope_changed(&snapshot);
        self.guards = Guards::new(&declared, self.settings.prunes, scope_changed);
        self.failed.clear();
        self.lessons.retain(|key| declared.objects.contains_key(key));
        for key in std::mem::take(&mut self.said_deleted) {
            if let Some(object) = declared.objects.get(&key) {
                self.left_deleted.insert(key, Arc::clone(&object.document.hash));
            }
        }
        self.left_deleted
            .retain(|key, hash| declared.objects.get(key).is_some_and(|object| object.document.hash == *hash));
        self.failures.clear();
        self.snapshot = Some(snapshot);
        self.declared = Arc::new(declared);
        self.forget_undeclared_drift();
        self.fault = None;
        self.current = true;
        changed
    }

    /// Whether what was read last is what was applied last, as after a restart.
    pub fn is_applied(&self) -> bool {
        let read = self.snapshot.as_ref().map(|snapshot| snapshot.revision.as_str());
        read == self.applied.as_ref().map(|applied| applied.revision.as_str())
    }

    /// Judges anew what forbids deletions, after a change of the spec that does not change what is read.
    pub fn guard_anew(&mut self) {
        let scope_changed = self.snapshot.as_ref().is_some_and(|snapshot| self.scope_changed(snapshot));
        self.guards = Guards::new(&self.declared, self.settings.prunes, scope_changed);
    }

    /// Records that the current revision was applied to its end.
    pub fn applied(&mut self, now: jiff::Timestamp) {
        let Some(snapshot) = &self.snapshot else { return };
        let current = &self.settings.scope_hash;
        // The very first revision deletes nothing of anybody's: it may prune from the next on.
        let first = self.applied.is_none() && self.scope.is_none();
        if self.scope_changed(snapshot) && !first {
            let held = format!("{current} at {}", snapshot.revision);
            let same_scope =
                self.scope_held.as_deref().is_some_and(|known| known.starts_with(&format!("{current} at ")));
            if !same_scope {
                self.scope_held = Some(held);
            }
        } else {
            self.scope = Some(current.clone());
            self.scope_held = None;
        }
        let record = crate::report::gitsync::applied(snapshot, now);
        if self.applied.as_ref().is_none_or(|before| before.revision != record.revision) {
            self.applied = Some(record);
        }
    }

    /// Starts counting a whole plan anew.
    pub fn begin_plan(&mut self) {
        self.held.clear();
        self.failed.clear();
        self.last = Counts::default();
    }

    /// Takes what a look said about an object that is not to be touched, or is as declared.
    pub fn looked(&mut self, key: &Target, hold: Option<&HoldReason>) {
        match hold {
            Some(reason) => {
                self.held.insert(key.clone(), reason.clone());
            }
            None => {
                self.held.remove(key);
                if !self.failures.contains_key(key) {
                    self.failed.remove(key);
                }
            }
        }
    }

    /// Takes the outcome of an item.
    pub fn done(&mut self, item: &Item, outcome: &OutcomeKind) {
        let key = &item.key;
        // It says nothing about how the object is.
        if item.task == Task::Trace {
            return;
        }
        match outcome {
            OutcomeKind::Failed { reason, message } => {
                if item.task == Task::Correct && reason == "Conflict" {
                    self.restraint.tried(key, None, jiff::Timestamp::now());
                }
                let failure = self.failures.entry(key.clone()).or_insert(Failure { times: 0, again: Instant::now() });
                failure.times += 1;
                failure.again = Instant::now() + pause(failure.times, reason == "Conflict");
                // A lost race is nobody's problem until it is lost again and again; a namespace that goes is waited for.
                let passing = (reason == "Conflict" && failure.times <= 3) || reason == "NamespaceTerminating";
                if !passing {
                    let problem = ObjectProblem {
                        object: key.to_string(),
                        reason: reason.clone(),
                        message: message.clone(),
                        place: self.place(key),
                        ..ObjectProblem::default()
                    };
                    self.failed.insert(key.clone(), problem);
                }
                return;
            }
            OutcomeKind::Created | OutcomeKind::Updated | OutcomeKind::TakenOver { .. } => self.last.applied += 1,
            OutcomeKind::Deleted => self.last.pruned += 1,
            OutcomeKind::Corrected | OutcomeKind::Unchanged => {}
        }
        // What somebody had deleted is made anew, which is a correction, too.
        let corrects = matches!(outcome, OutcomeKind::Corrected | OutcomeKind::Created);
        if let Some(fields) = self.drift.get(key).filter(|_| corrects) {
            self.restraint.tried(key, Some(fields), jiff::Timestamp::now());
        }
        self.failures.remove(key);
        self.failed.remove(key);
    }

    /// What the revision declares and the cluster does not have, because its manifest is invalid or the server refused
    /// it: it may be the new name of what is no longer declared.
    pub fn unborn(&self, live: &Targets) -> Option<&Target> {
        let invalid = self.declared.quarantined.keys();
        let refused = self.failed.keys().filter(|key| self.declared.objects.contains_key(*key));
        invalid.chain(refused).find(|key| live.get(key).is_none())
    }
}

/// A restart does not bring back what a person deleted and policy leaves deleted.
fn said_deleted(status: &GitSyncStatus) -> Vec<Target> {
    let deleted = status.drift.iter().filter(|field| field.change == ChangeKind::Deleted.as_str());
    deleted.map(|field| &field.object).chain(&status.left_deleted).filter_map(|object| Target::parse(object)).collect()
}
