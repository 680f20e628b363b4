//! Deletions: which were made within the hour, which are held, and which were approved. All that matters of it is in the
//! GitSync's status, so that a daemon that is killed takes nothing with it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::time::Instant;

use crate::api::GitSyncStatus;
use crate::api::condition::truncate_to_seconds;
use crate::api::gitsync_status::{Deletions, HeldPlan};
use crate::cluster::was_refused;
use crate::model::{ObjectKey, Outcome, OutcomeKind, Revision, Target};
use crate::plan::budget::{self, Judged};
use crate::plan::judge::REASONS;
use crate::plan::{Approved, Doomed, Held, Permit};
use crate::sync::work::{Item, Task};

/// Deletions of a held plan that its status names.
const NAMED: usize = 20;
/// What a loop knows of deletions.
pub struct Holds {
    /// The plan that is held, as the status says it.
    pub plan: Option<HeldPlan>,
    /// When it fits the budget by itself.
    fits_at: Option<jiff::Timestamp>,
    /// Creations that wait for a deletion, with the name that they replace.
    pub creations: BTreeMap<Target, Target>,
    /// Objects that a rename waits for.
    pub awaited: HashSet<Target>,
    recent: Vec<Deletions>,
    approved: Option<Approved>,
    /// The entry of a run that has begun no deletion yet.
    opened: Option<Deletions>,
    /// How many deletions the run has begun.
    begun: u32,
    /// What the daemon before this one left in the status is to be compared with what there is.
    inherited: bool,
    clock: (jiff::Timestamp, Instant),
}

/// How a held plan changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A plan is held that was not held before.
    Held,
    /// Another plan is held than before.
    Changed,
    /// Nothing is held any more.
    Gone,
}

impl Holds {
    /// What the status says.
    pub fn new(status: &GitSyncStatus) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            plan: status.hold.clone().filter(|hold| REASONS.contains(&hold.reason.as_str())),
            fits_at: None,
            creations: BTreeMap::new(),
            awaited: HashSet::new(),
            recent: budget::read(&status.recent_deletions, now),
            approved: None,
            opened: None,
            begun: 0,
            inherited: true,
            clock: (now, Instant::now()),
        }
    }

    /// The time for budgets: it goes on evenly, whoever sets the clock.
    pub fn now(&self) -> jiff::Timestamp {
        let (then, since) = self.clock;
        budget::steady(jiff::Timestamp::now(), then, since.elapsed())
    }

    /// When the held plan fits the budget by itself.
    pub fn fits(&self) -> Option<Instant> {
        let wait = self.fits_at?.duration_since(self.now());
        Some(Instant::now() + Duration::try_from(wait).unwrap_or_default())
    }

    /// Whether that time has come. It is told once: what follows is judged then.
    pub fn fits_now(&mut self) -> bool {
        let now = self.now();
        self.fits_at.take_if(|at| *at <= now).is_some()
    }

    /// Deletions of the last hour, and maybe some before.
    pub fn recent(&self) -> &[Deletions] {
        &self.recent
    }

    /// The members that the held plan was counted against.
    pub fn held_of(&self) -> Option<u32> {
        self.plan.as_ref().and_then(|plan| plan.members)
    }

    /// The approved plan that is being carried out.
    pub fn approved(&self) -> Option<&Approved> {
        self.approved.as_ref()
    }

    /// Whether anything is held: then what is created or goes is a reason to judge anew.
    pub fn stands(&self) -> bool {
        self.plan.is_some()
    }

    /// Takes what is held now. Returns how that changed.
    pub fn hold(&mut self, held: Option<&Held>, sum: &Judged, sync: &ObjectKey, revision: &Revision) -> Option<Turn> {
        let before = self.plan.take();
        self.fits_at = held.and(sum.fits_at);
        self.plan = held.map(|held| {
            let same = before.as_ref().filter(|before| before.plan == held.plan);
            let now = Time(truncate_to_seconds(self.now()));
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            HeldPlan {
                plan: held.plan.clone(),
                revision: same.map_or_else(|| revision.to_string(), |same| same.revision.clone()),
                reason: held.reason.reason().into(),
                message: held.message(sync),
                creations: number(self.creations.len()),
                updates: 0,
                deletions: number(held.deletions.len()),
                deletes: held.deletions.iter().take(NAMED).map(|(doomed, _)| doomed.key.to_string()).collect(),
                members: Some(number(sum.base)),
                since: same.map_or(now, |same| same.since.clone()),
            }
        });
        match (before, &self.plan) {
            (None, Some(_)) => Some(Turn::Held),
            (Some(before), Some(now)) => (before.plan != now.plan).then_some(Turn::Changed),
            (Some(_), None) => Some(Turn::Gone),
            (None, None) => None,
        }
    }

    /// Takes what a person approved. Returns whether that is news.
    pub fn approve(&mut self, permit: &Permit, deletions: &[Doomed]) -> bool {
        let Some(plan) = &permit.approved else {
            self.approved = None;
            return false;
        };
        let known = self.approved.as_ref().is_some_and(|begun| begun.plan == *plan && begun.is_left(deletions));
        if !known {
            self.approved = Some(Approved::new(plan, deletions));
        }
        !known
    }

    /// A run begins that may delete something. Nothing is deleted before [`Holds::begin`] said so.
    pub fn open(&mut self, entry: Option<Deletions>) {
        self.opened = entry;
        self.begun = 0;
    }

    /// Notes some deletions before the first of them is begun: whoever is killed then has counted too many, not too few,
    /// and the next daemon can tell. `gone` is what was deleted since the last time.
    pub fn begin(&mut self, deletions: &[Doomed], gone: &[Target]) {
        let now = self.now();
        if let Some(entry) = self.opened.take() {
            budget::record(&mut self.recent, Deletions { count: 0, ..entry }, now);
        }
        if let Some(approved) = &mut self.approved {
            gone.iter().for_each(|key| approved.done(key));
        }
        let count = u32::try_from(deletions.len()).unwrap_or(u32::MAX);
        self.begun = self.begun.saturating_add(count);
        let (plan, left) = self.under_way();
        if let Some(entry) = self.recent.last_mut() {
            entry.count = entry.count.saturating_add(count);
            entry.pending = deletions.iter().map(|doomed| doomed.uid.to_string()).collect();
            (entry.plan, entry.left) = (plan, left);
        }
    }

    /// Takes what became of a run: what was surely not deleted counts no more. Returns the approved plan that is done with
    /// that.
    pub fn end(&mut self, outcomes: &[(Item, Outcome)]) -> Option<String> {
        self.opened = None;
        let begun = std::mem::take(&mut self.begun);
        if begun == 0 {
            return None;
        }
        let mut gone = 0;
        for (item, outcome) in outcomes.iter().filter(|(item, _)| matches!(item.task, Task::Delete { .. })) {
            match &outcome.kind {
                OutcomeKind::Failed { reason, .. } => gone += u32::from(!was_refused(reason)),
                _ => {
                    gone += 1;
                    if let Some(approved) = &mut self.approved {
                        approved.done(&item.key);
                    }
                }
            }
        }
        let done = self.approved.take_if(|approved| approved.is_done()).map(|approved| approved.plan);
        let (plan, left) = self.under_way();
        if let Some(entry) = self.recent.last_mut() {
            entry.count = entry.count.saturating_sub(begun.saturating_sub(gone));
            entry.pending.clear();
            (entry.plan, entry.left) = (plan, left);
        }
        self.recent.retain(|entry| entry.count > 0);
        done
    }

    fn under_way(&self) -> (Option<String>, Option<String>) {
        (self.approved.as_ref().map(|begun| begun.plan.clone()), self.approved.as_ref().map(Approved::left))
    }

    /// Compares what a daemon before this one had begun with what there still is: what it did not come to counts no more,
    /// and what a person had approved still is. `live` are the UIDs of all members that are not being deleted, `deletions`
    /// those of them that are to be deleted.
    pub fn inherit(&mut self, deletions: &[Doomed], live: impl FnOnce() -> HashSet<String>) {
        if !std::mem::take(&mut self.inherited) {
            return;
        }
        if let Some(Deletions { plan: Some(plan), left: Some(left), pending, .. }) = self.recent.last() {
            self.approved = Approved::resumed(plan, left, deletions, pending);
        }
        if self.recent.iter().all(|entry| entry.pending.is_empty()) {
            return;
        }
        let live = live();
        for entry in &mut self.recent {
            let spared = entry.pending.drain(..).filter(|uid| live.contains(uid)).count();
            entry.count = entry.count.saturating_sub(u32::try_from(spared).unwrap_or(u32::MAX));
        }
        self.recent.retain(|entry| entry.count > 0);
    }
}

#[cfg(test)]
mod tests;
