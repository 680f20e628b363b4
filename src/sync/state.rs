//! What a loop knows of its GitSync, and the status that follows. No call is made here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::settings::Settings;
use super::work::{Item, Task};
use crate::api::gitsync_status::{AppliedRevision, Counts, ObjectProblem};
use crate::api::status::DriftedField;
use crate::api::{GitSyncStatus, names};
use crate::cluster::Services;
use crate::drift::Pace;
use crate::model::{ChangeKind, Declared, HoldReason, ObjectKey, OutcomeKind, Snapshot};
use crate::plan::Guards;
use crate::report::gitsync::{Fault, Observed};

/// Pauses after failures of one object.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// After a lost race: the watch has the newer object in a moment.
const RACE: Duration = Duration::from_millis(50);

/// What a loop knows.
pub struct State {
    /// What the spec says.
    pub settings: Arc<Settings>,
    /// What was read last.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What it declares.
    pub declared: Arc<Declared>,
    /// What forbids deletions.
    pub guards: Guards,
    /// Whether a revision was read by the spec as it is now. Until then nothing is written.
    pub current: bool,
    /// Why the source could not be read.
    pub fault: Option<Fault>,
    /// Drift that stands.
    pub drift: BTreeMap<ObjectKey, Vec<DriftedField>>,
    /// Objects that a person deleted and that policy leaves deleted, with the document's hash.
    pub left_deleted: HashMap<ObjectKey, Arc<str>>,
    /// The last handled request to reconcile.
    pub handled: Option<String>,
    /// Objects that the status says to be left deleted, until the first revision is read.
    said_deleted: Vec<ObjectKey>,
    applied: Option<AppliedRevision>,
    scope: Option<String>,
    scope_held: Option<String>,
    failed: BTreeMap<ObjectKey, ObjectProblem>,
    held: BTreeMap<ObjectKey, HoldReason>,
    failures: HashMap<ObjectKey, Failure>,
    paces: HashMap<ObjectKey, Pace>,
    last: Counts,
}

struct Failure {
    times: u32,
    again: Instant,
}

impl State {
    /// What is known at the start: what the status says.
    pub fn new(settings: Arc<Settings>, status: &GitSyncStatus) -> Self {
        Self {
            settings,
            snapshot: None,
            declared: Arc::default(),
            guards: Guards::default(),
            current: false,
            fault: None,
            drift: BTreeMap::new(),
            left_deleted: HashMap::new(),
            handled: status.last_handled_reconcile_at.clone(),
            said_deleted: said_deleted(status),
            applied: status.last_applied_revision.clone(),
            scope: status.last_applied_scope.clone(),
            scope_held: status.scope_held.clone(),
            failed: BTreeMap::new(),
            held: BTreeMap::new(),
            failures: HashMap::new(),
            paces: HashMap::new(),
            last: status.counts.unwrap_or_default(),
        }
    }

    /// Takes a revision. Returns whether it is another than the one before.
    pub fn read(&mut self, snapshot: Arc<Snapshot>, declared: Declared) -> bool {
        let changed = self.snapshot.as_ref().is_none_or(|before| before.revision != snapshot.revision);
        let scope_changed = self.scope_changed(&snapshot);
        self.guards = Guards::new(&declared, self.settings.prunes, scope_changed);
        self.failed.clear();
        self.drift.retain(|key, _| declared.objects.contains_key(key));
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
        self.fault = None;
        self.current = true;
        changed
    }

    /// Judges anew what forbids deletions, after a change of the spec that does not change what is read.
    pub fn guard_anew(&mut self) {
        let scope_changed = self.snapshot.as_ref().is_some_and(|snapshot| self.scope_changed(snapshot));
        self.guards = Guards::new(&self.declared, self.settings.prunes, scope_changed);
    }

    /// Whether url, ref, paths or targetNamespace are others than those that the applied revision was read with. Then
    /// nothing is deleted until the next revision: with that, the change of scope is a fact that commits build on.
    fn scope_changed(&self, snapshot: &Snapshot) -> bool {
        let current = &self.settings.scope_hash;
        if self.scope.as_ref() == Some(current) {
            return false;
        }
        let held = self.scope_held.as_deref().and_then(|held| held.split_once(" at "));
        !held.is_some_and(|(hash, revision)| hash == current && revision != snapshot.revision.as_str())
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
    pub fn looked(&mut self, key: &ObjectKey, hold: Option<&HoldReason>) {
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
        match outcome {
            OutcomeKind::Failed { reason, message } => {
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
                        ..ObjectProblem::default()
                    };
                    self.failed.insert(key.clone(), problem);
                }
                return;
            }
            OutcomeKind::Created | OutcomeKind::Updated => self.last.applied += 1,
            OutcomeKind::Deleted => self.last.pruned += 1,
            OutcomeKind::Corrected => {
                self.paces.entry(key.clone()).or_default().corrected(jiff::Timestamp::now());
            }
            OutcomeKind::Unchanged => {}
        }
        self.failures.remove(key);
        self.failed.remove(key);
        if matches!(item.task, Task::Correct | Task::Create) {
            self.drift.remove(key);
        }
    }

    /// Puts a correction off when the object was corrected again and again. Returns whether it did.
    pub fn must_wait(&mut self, key: &ObjectKey) -> bool {
        let now = jiff::Timestamp::now();
        self.paces.retain(|_, pace| !pace.is_idle(now));
        let Some(wait) = self.paces.get(key).and_then(|pace| pace.wait(now)) else { return false };
        let again = Instant::now() + wait.unsigned_abs();
        self.failures.insert(key.clone(), Failure { times: 0, again });
        true
    }

    /// Forgets that an object failed: there is nothing to be done about it any more.
    pub fn forget_failure(&mut self, key: &ObjectKey) {
        self.failures.remove(key);
        self.failed.remove(key);
    }

    /// What the revision declares and the cluster does not have, because its manifest is invalid or the server refused
    /// it: it may be the new name of what is no longer declared.
    pub fn unborn(&self, services: &Services) -> Option<&ObjectKey> {
        let invalid = self.declared.quarantined.keys();
        let refused = self.failed.keys().filter(|key| self.declared.objects.contains_key(*key));
        invalid.chain(refused).find(|key| services.get(key).is_none())
    }

    /// Whether some deletion waits for what may be its object's new name.
    pub fn has_renames(&self) -> bool {
        self.held.values().any(|reason| matches!(reason, HoldReason::RenamePending(_)))
    }

    /// Objects whose next try is due.
    pub fn due(&self, now: Instant) -> Vec<ObjectKey> {
        self.failures.iter().filter(|(_, failure)| failure.again <= now).map(|(key, _)| key.clone()).collect()
    }

    /// Puts off the next try of an object that is being looked at now.
    pub fn trying(&mut self, key: &ObjectKey) {
        if let Some(failure) = self.failures.get_mut(key) {
            failure.again = Instant::now() + LONGEST_PAUSE;
        }
    }

    /// When the next try is due.
    pub fn next_try(&self) -> Option<Instant> {
        self.failures.values().map(|failure| failure.again).min()
    }

    /// How many objects failed, and how many are held.
    pub fn unsettled(&self) -> (usize, usize) {
        (self.failed.len(), self.held.len())
    }

    /// What the status is made of.
    pub fn observed(&self, services: &Services, applying: bool) -> Observed<'_> {
        let (faults, others): (Vec<_>, Vec<_>) = self.held.iter().partition(|(_, reason)| reason.is_fault());
        let held = |(key, reason): (&ObjectKey, &HoldReason)| ObjectProblem {
            object: key.to_string(),
            reason: reason.reason().into(),
            message: reason.message(),
            ..ObjectProblem::default()
        };
        Observed {
            generation: self.settings.generation,
            suspended: self.settings.suspended,
            source: self.fault.clone(),
            attempted: self.snapshot.as_ref().map(|snapshot| snapshot.revision.to_string()),
            applying,
            applied: self.applied.clone(),
            counts: self.counts(services),
            missing_paths: &self.declared.missing_paths,
            diagnostics: &self.declared.diagnostics,
            faults: self.failed.values().cloned().chain(faults.into_iter().map(held)).collect(),
            holds: others.into_iter().map(held).collect(),
            retrying: self.failures.values().any(|failure| failure.times > 0),
            current: self.current,
            unread: self.snapshot.is_none(),
            drift: self.all_drift(),
            scope: self.scope.clone(),
            scope_held: self.scope_held.clone(),
            handled: self.handled.clone(),
        }
    }

    /// Deletions first: after a restart, the status is all that is known of them.
    fn all_drift(&self) -> Vec<DriftedField> {
        let deleted = |field: &&DriftedField| field.change == ChangeKind::Deleted.as_str();
        let (gone, others): (Vec<_>, Vec<_>) = self.drift.values().flatten().partition(deleted);
        gone.into_iter().chain(others).cloned().collect()
    }

    fn counts(&self, services: &Services) -> Counts {
        let failed = self.failed.len();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let own = self.settings.sync.key.to_string();
        let (mut ready, mut drifted) = (0, 0);
        services.each_of(&self.settings.sync.applyset, |member| {
            if member.extra.sync.as_deref() == Some(&own) {
                ready += usize::from(member.extra.ready);
                drifted += usize::from(member.extra.drifted || self.drift.contains_key(&member.object.key));
            }
        });
        drifted += self.drift.keys().filter(|key| services.get(key).is_none()).count();
        let declared = self.declared.objects.len();
        Counts {
            declared: number(declared + self.declared.quarantined.len()),
            unchanged: number(declared.saturating_sub(self.last.applied as usize + failed)),
            quarantined: number(self.declared.quarantined.len() + failed),
            held: number(self.held.len()),
            drifted: number(drifted),
            ready: number(ready),
            ignored_documents: self.declared.ignored,
            ..self.last
        }
    }

    /// Namespaces of members beside the GitSync's own, for the ApplySet's annotation.
    pub fn namespaces(&self) -> String {
        let own = &self.settings.sync.key.namespace;
        let all: BTreeSet<&str> =
            self.declared.objects.keys().map(|key| &*key.namespace).filter(|name| **name != **own).collect();
        all.into_iter().collect::<Vec<_>>().join(",")
    }

    /// Labels and annotations that make the GitSync the parent of an ApplySet.
    pub fn parent_marks(&self) -> serde_json::Value {
        let sync = &self.settings.sync;
        serde_json::json!({
            "apiVersion": crate::api::API_VERSION,
            "kind": "GitSync",
            "metadata": {
                "name": &*sync.key.name,
                "namespace": &*sync.key.namespace,
                "uid": sync.uid,
                "labels": {names::APPLYSET_ID: sync.applyset},
                "annotations": {
                    names::APPLYSET_TOOLING: crate::plan::applyset::tooling(),
                    names::APPLYSET_GROUP_KINDS: format!("MicroService.{}", crate::api::GROUP),
                    names::APPLYSET_NAMESPACES: self.namespaces(),
                }
            }
        })
    }
}

/// A restart does not bring back what a person deleted and policy leaves deleted.
fn said_deleted(status: &GitSyncStatus) -> Vec<ObjectKey> {
    let deleted = status.drift.iter().filter(|field| field.change == ChangeKind::Deleted.as_str());
    deleted.filter_map(|field| ObjectKey::parse(&field.object)).collect()
}

/// Doubles with each failure, less up to half by chance; a lost race is tried again at once.
fn pause(times: u32, race: bool) -> Duration {
    if race && times <= 3 {
        return RACE;
    }
    let full = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1).min(20))).min(LONGEST_PAUSE);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}
