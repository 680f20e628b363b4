//! Deletions: which were made within the hour, which are held, and which were approved. All that matters of it is in the
//! GitSync's status, so that a daemon that is killed takes nothing with it.

use std::collections::{BTreeMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::time::Instant;

use crate::api::GitSyncStatus;
use crate::api::condition::truncate_to_seconds;
use crate::api::gitsync_status::{Deletions, HeldPlan};
use crate::model::{ObjectKey, Outcome, OutcomeKind, Revision, Target};
use crate::plan::budget::{self, Judged};
use crate::plan::{Approved, Held, Permit};
use crate::sync::work::{Item, Task};

/// Deletions of a held plan that its status names.
const NAMED: usize = 20;
/// UIDs that an entry of deletions names while they are under way.
const PENDING: usize = 64;

/// What a loop knows of deletions.
pub struct Holds {
    /// The plan that is held, as the status says it.
    pub plan: Option<HeldPlan>,
    /// When it fits the budget by itself.
    pub fits_at: Option<jiff::Timestamp>,
    /// Creations that wait for a deletion, with the name that they replace.
    pub creations: BTreeMap<Target, Target>,
    /// The approved plan that the last run of a whole revision, or one after it, carried out: for the history.
    pub carried_out: Option<String>,
    /// Objects that a rename waits for.
    pub awaited: HashSet<Target>,
    recent: Vec<Deletions>,
    approved: Option<Approved>,
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
            plan: status.hold.clone(),
            fits_at: None,
            creations: BTreeMap::new(),
            awaited: HashSet::new(),
            carried_out: None,
            recent: budget::read(&status.recent_deletions, now),
            approved: None,
            inherited: true,
            clock: (now, Instant::now()),
        }
    }

    /// The time for budgets: it goes on evenly, whoever sets the clock.
    pub fn now(&self) -> jiff::Timestamp {
        let (then, since) = self.clock;
        budget::steady(jiff::Timestamp::now(), then, since.elapsed())
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
    pub fn approve(&mut self, permit: &Permit, deletions: &[crate::plan::Doomed]) -> bool {
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

    /// Notes deletions before the first of them is begun: whoever is killed then has counted too many, not too few.
    pub fn begin(&mut self, permit: &Permit, mut entry: Deletions) {
        if permit.len() <= PENDING {
            entry.pending = permit.allowed().map(|doomed| doomed.uid.to_string()).collect();
        }
        let now = self.now();
        budget::record(&mut self.recent, entry, now);
    }

    /// Takes what became of them: what was surely not deleted counts no more. Returns the approved plan that is done with
    /// that.
    pub fn end(&mut self, permit: &Permit, outcomes: &[(Item, Outcome)]) -> Option<String> {
        if permit.is_empty() {
            return None;
        }
        let mut gone = 0;
        for (item, outcome) in outcomes.iter().filter(|(item, _)| matches!(item.task, Task::Delete { .. })) {
            match &outcome.kind {
                OutcomeKind::Failed { reason, .. } => gone += u32::from(!is_refusal(reason)),
                _ => {
                    gone += 1;
                    if let Some(approved) = &mut self.approved {
                        approved.done(&item.key);
                    }
                }
            }
        }
        if let Some(entry) = self.recent.last_mut() {
            let begun = u32::try_from(permit.len()).unwrap_or(u32::MAX);
            entry.count = entry.count.saturating_sub(begun.saturating_sub(gone));
            entry.pending.clear();
        }
        self.recent.retain(|entry| entry.count > 0);
        let done = self.approved.take_if(|approved| approved.is_done())?;
        self.carried_out = Some(done.plan.clone());
        Some(done.plan)
    }

    /// Compares what a daemon before this one had begun with what there still is. `live` are the UIDs of all members that
    /// are not being deleted.
    pub fn inherit(&mut self, live: impl FnOnce() -> HashSet<String>) {
        if !std::mem::take(&mut self.inherited) || self.recent.iter().all(|entry| entry.pending.is_empty()) {
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

/// Whether the server said no. Where it said nothing, it may have done it.
fn is_refusal(reason: &str) -> bool {
    !matches!(reason, "Timeout" | "Unreachable" | "ServerError" | "UnexpectedAnswer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Target;
    use crate::plan::{Budget, Case, Doomed, judge};

    fn doomed(names: &str) -> Vec<Doomed> {
        let one = |name: &str| Doomed {
            key: Target::service(ObjectKey::new("shop", name)),
            uid: format!("uid-{name}").into(),
        };
        names.split_whitespace().map(one).collect()
    }

    /// Holds that have just begun to delete those, and the permit.
    fn begun(names: &str) -> (Holds, Permit) {
        let (deletions, none) = (doomed(names), BTreeMap::new());
        let mut holds = Holds::new(&GitSyncStatus::default());
        let verdict = judge(&Case {
            sync_uid: "sync",
            deletions: &deletions,
            stay: 10,
            creations: 0,
            asks: None,
            unborn: None,
            renamed: &none,
            budget: Budget::Percent(100),
            recent: holds.recent(),
            held_of: None,
            approve: None,
            approved: None,
            now: holds.now(),
        });
        let entry = verdict.sum.entry(verdict.permit.len(), holds.now());
        holds.begin(&verdict.permit, entry);
        (holds, verdict.permit)
    }

    fn counted(holds: &Holds) -> u32 {
        holds.recent().iter().map(|entry| entry.count).sum()
    }

    /// What a daemon knows that starts with the status of one that was killed.
    fn after_a_crash(holds: &Holds, live: &str) -> Holds {
        let status = GitSyncStatus { recent_deletions: holds.recent().to_vec(), ..GitSyncStatus::default() };
        let mut next = Holds::new(&status);
        next.inherit(|| live.split_whitespace().map(str::to_owned).collect());
        next
    }

    #[test]
    fn what_was_not_deleted_counts_no_more() {
        let check = |outcomes: &[(&str, Option<&str>)], expected: u32| {
            let (mut holds, permit) = begun("a b c");
            assert_eq!(counted(&holds), 3, "before the first is begun");
            let outcome = |(name, refused): &(&str, Option<&str>)| {
                let key = Target::service(ObjectKey::new("shop", *name));
                let failed = |reason: &str| OutcomeKind::Failed { reason: reason.into(), message: String::new() };
                let kind = refused.map_or(OutcomeKind::Deleted, failed);
                let task = Task::Delete { uid: format!("uid-{name}"), resource_version: 1 };
                (Item { key: key.clone(), task }, Outcome { key, kind })
            };
            let outcomes: Vec<_> = outcomes.iter().map(outcome).collect();
            holds.end(&permit, &outcomes);
            assert_eq!(counted(&holds), expected, "{outcomes:?}");
            assert!(holds.recent().iter().all(|entry| entry.pending.is_empty() && entry.count > 0));
        };
        check(&[("a", None), ("b", None), ("c", None)], 3);
        check(&[("a", None), ("b", Some("Conflict"))], 1);
        check(&[], 0);
        // No answer is not a no.
        check(&[("a", Some("Timeout")), ("b", Some("Forbidden")), ("c", Some("Unreachable"))], 2);
    }

    #[test]
    fn after_a_crash_what_is_still_there_was_not_deleted() {
        let (holds, _) = begun("a b c");
        assert_eq!(counted(&after_a_crash(&holds, "uid-other")), 3);
        assert_eq!(counted(&after_a_crash(&holds, "uid-b uid-other")), 2);
        let none = after_a_crash(&holds, "uid-a uid-b uid-c");
        assert!(none.recent().is_empty());
        // One made anew under the same name is another.
        assert_eq!(counted(&after_a_crash(&holds, "uid-a2")), 3);
    }

    #[test]
    fn after_a_crash_amid_more_than_can_be_named_all_count() {
        let names: Vec<_> = (0..=PENDING).map(|n| n.to_string()).collect();
        let (holds, _) = begun(&names.join(" "));
        let live: Vec<_> = names.iter().map(|name| format!("uid-{name}")).collect();
        assert_eq!(counted(&after_a_crash(&holds, &live.join(" "))), 65);
    }
}
