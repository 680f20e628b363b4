//! What the status of a GitSync is made of.

use std::collections::BTreeSet;

use super::State;
use crate::api::gitsync_status::{Counts, ObjectProblem};
use crate::api::names;
use crate::api::status::DriftedField;
use crate::cluster::Targets;
use crate::model::{ChangeKind, HoldReason, Target};
use crate::report::gitsync::{LISTED, Observed};
use crate::report::quarantine;
use crate::sync::confinement::Refusal;

impl State {
    /// How many objects failed, and how many are held.
    pub fn unsettled(&self) -> (usize, usize) {
        (self.failed.len(), self.held.len())
    }

    /// What the status is made of.
    pub fn observed(&self, live: &Targets, applying: bool) -> Observed<'_> {
        let (faults, others): (Vec<_>, Vec<_>) = self.held.iter().partition(|(_, reason)| reason.is_fault());
        let held = |(key, reason): (&Target, &HoldReason)| ObjectProblem {
            object: key.to_string(),
            reason: reason.reason().into(),
            message: reason.message(),
            place: self.place(key),
            ..ObjectProblem::default()
        };
        let itself = Target::gitsync(self.settings.sync.key.clone()).to_string();
        let refused = |refusal: &Refusal| ObjectProblem {
            object: itself.clone(),
            reason: refusal.reason.into(),
            message: refusal.message.clone(),
            ..ObjectProblem::default()
        };
        Observed {
            generation: self.settings.generation,
            suspended: self.settings.suspended,
            source: self.fault.clone(),
            stale: self.stale.is_told(),
            mirror: self.mirror.clone(),
            attempted: self.seen().map(|revision| revision.to_string()),
            applying,
            applied: self.applied.clone(),
            counts: self.counts(live),
            missing_paths: &self.declared.missing_paths,
            diagnostics: &self.declared.diagnostics,
            refused: self.settings.refused.iter().map(refused).collect(),
            failed: last_good(self.failed.values().cloned().collect(), live),
            invalid: last_good(quarantine::invalid(&self.declared), live),
            faults: faults.into_iter().map(held).collect(),
            holds: others.into_iter().map(held).collect(),
            retrying: self.failures.values().any(|failure| failure.times > 0),
            current: self.current,
            unread: self.snapshot.is_none(),
            drift: self.all_drift(),
            drift_history: &self.episodes.history,
            scope: self.scope.clone(),
            scope_held: self.scope_held.clone(),
            hold: self.holds.plan.clone(),
            recent: self.holds.recent().to_vec(),
            handled: self.handled.clone(),
            revision_hold: self.revisions.held.as_ref().map(|held| held.plan.clone()),
            pinned: self.pinned(),
            verified: self.revisions.verified.as_ref().filter(|_| self.settings.verify.is_some()),
            history: &self.revisions.history,
            applied_source: self.applied_source(),
            waiting: self.waits.now.as_ref(),
            unused_rules: &self.unused_rules,
            left_deleted: self.silently_deleted(),
            asked: self.restraint.asked.as_ref(),
            pause: self.restraint.record.as_ref(),
        }
    }

    /// Where the manifest of an object is, if there is one.
    pub(super) fn place(&self, key: &Target) -> Option<String> {
        let object = self.declared.objects.get(key)?;
        let start = object.document.start;
        Some(format!("{}:{}:{}", object.file, start.line, start.column))
    }

    /// What somebody deleted and nothing is said about: after a restart, only the status can tell.
    fn silently_deleted(&self) -> Vec<String> {
        let silent = self.left_deleted.keys().filter(|key| !self.drift.contains_key(*key));
        let mut silent: Vec<_> = silent.map(Target::to_string).collect();
        silent.sort_unstable();
        silent
    }

    /// Deletions first: after a restart, the status is all that is known of them.
    fn all_drift(&self) -> Vec<DriftedField> {
        let deleted = |field: &&DriftedField| field.change == ChangeKind::Deleted.as_str();
        let (gone, others): (Vec<_>, Vec<_>) = self.drift.values().flatten().partition(deleted);
        gone.into_iter().chain(others).cloned().collect()
    }

    fn counts(&self, live: &Targets) -> Counts {
        let failed = self.failed.len();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let own = &self.settings.sync.key;
        let (mut ready, mut drifted) = (0, 0);
        live.each_of(&self.settings.sync.applyset, |member| {
            if member.standing.mark.as_ref().is_some_and(|mark| own.is(&mark.sync)) {
                ready += usize::from(member.ready);
                drifted += usize::from(member.drifted || self.drift.contains_key(&member.target()));
            }
        });
        drifted += self.drift.keys().filter(|key| live.get(key).is_none()).count();
        let declared = self.declared.objects.len();
        Counts {
            declared: number(declared + self.declared.quarantined.len()),
            unchanged: number(declared.saturating_sub(self.last.applied as usize + failed)),
            quarantined: number(self.declared.quarantined.len() + failed),
            held: number(self.held.len()),
            drifted: number(drifted),
            ready: number(ready),
            ignored_documents: self.declared.ignored,
            excluded_files: self.declared.excluded,
            ..self.last
        }
    }

    /// How many fields of what it applied differ, and how many of the children of its MicroServices.
    pub fn fields_that_differ(&self, live: &Targets) -> (usize, usize) {
        let (own, mut workload) = (&self.settings.sync.key, 0);
        live.each_of(&self.settings.sync.applyset, |member| {
            if member.standing.mark.as_ref().is_some_and(|mark| own.is(&mark.sync)) {
                workload += member.workload_fields as usize;
            }
        });
        (self.drift.values().map(Vec::len).sum(), workload)
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
                    names::APPLYSET_GROUP_KINDS: self.kinds(),
                    names::APPLYSET_NAMESPACES: self.namespaces(),
                }
            }
        })
    }

    /// Kinds of the members, for the ApplySet's annotation. A kind that nothing declares any more may still have members.
    fn kinds(&self) -> String {
        let group = crate::api::GROUP;
        if self.settings.scope.gitsyncs {
            format!("GitSync.{group},MicroService.{group}")
        } else {
            format!("MicroService.{group}")
        }
    }
}

/// Names the revision that the live state of each object comes from, for as many as a status lists.
fn last_good(mut problems: Vec<ObjectProblem>, live: &Targets) -> Vec<ObjectProblem> {
    for problem in problems.iter_mut().take(LISTED) {
        let member = Target::parse(&problem.object).and_then(|target| live.get(&target));
        let value = member.map(|member| member.object().value()).unwrap_or_default();
        problem.last_good_revision =
            value["metadata"]["annotations"][names::SOURCE_REVISION].as_str().map(str::to_owned);
    }
    problems
}
