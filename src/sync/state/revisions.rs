//! What a loop knows of revisions: the last ones, and the one that is held as a whole.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::State;
use crate::api::GitSyncStatus;
use crate::api::condition::truncate_to_seconds;
use crate::api::gitsync_status::{HeldPlan, HistoryEntry, VerifiedRevision};
use crate::cluster::Targets;
use crate::model::{Action, CommitId, Declared, Revision, Snapshot, Target};
use crate::plan::decide::{decide, undeclared};
use crate::plan::rewrite::{Consequences, Past, REWRITTEN_HISTORY, Rewritten};
use crate::plan::{Guards, Others, Rules, Sync};
use crate::report::history::{self, Ended};
use crate::sync::work::live_view;

/// Deletions of a held revision that its status names.
const NAMED: usize = 20;

/// What a loop knows of revisions.
#[derive(Debug, Default)]
pub struct Revisions {
    /// The last ones, newest first.
    pub history: Vec<HistoryEntry>,
    /// The one that is held.
    pub held: Option<HeldRevision>,
    /// Who signed the one that was read.
    pub verified: Option<VerifiedRevision>,
    /// The one that was let go, and the plan that a person approved for it.
    approved: Option<(Revision, String)>,
    /// Hash of the url and ref that the applied one was read from.
    source: Option<String>,
    /// What the status says to be held, until a revision is read.
    said: Option<HeldPlan>,
}

/// A revision of which nothing is applied.
#[derive(Debug, Clone)]
pub struct HeldRevision {
    /// The revision.
    pub revision: Revision,
    /// The commit that was applied when it was judged.
    pub applied: CommitId,
    /// What the status says of it.
    pub plan: HeldPlan,
}

impl Revisions {
    /// What the status says.
    pub fn new(status: &GitSyncStatus) -> Self {
        let said = status.hold.clone().filter(|hold| hold.reason == REWRITTEN_HISTORY);
        let (history, source) = (status.history.clone(), status.last_applied_source.clone());
        Self { history, source, verified: status.verified.clone(), said, ..Self::default() }
    }
}

impl State {
    /// What a new revision is measured by.
    pub fn past(&self) -> Past {
        let known = self.revisions.source.as_ref();
        // An older daemon has not written that down; what it has written down is more.
        let same_source = known.map_or(self.scope.as_ref() == Some(&self.settings.scope_hash), |known| {
            *known == self.settings.source_hash
        });
        Past { applied: self.applied.clone(), history: self.revisions.history.clone(), same_source }
    }

    /// The commits that are kept, so that a person can go back to them.
    pub fn to_keep(&self) -> Vec<CommitId> {
        history::commits(&self.revisions.history, self.applied.as_ref())
    }

    /// The revision that the source was last seen to be at, whether it is held or declared.
    pub fn seen(&self) -> Option<Revision> {
        let held = self.revisions.held.as_ref().map(|held| held.revision.clone());
        held.or_else(|| self.snapshot.as_ref().map(|snapshot| snapshot.revision.clone()))
    }

    /// The commit that the GitSync is pinned to, where that is what is declared.
    pub fn pinned(&self) -> Option<CommitId> {
        let pin = self.settings.pinned.as_deref().and_then(CommitId::parse)?;
        let declared = self.snapshot.as_ref().filter(|_| self.current)?.revision.commit()?;
        (declared == pin).then_some(pin)
    }

    /// What a revision would do if it were followed.
    pub fn would(&self, new: &Snapshot, declared: &Declared, live: &Targets, others: &dyn Others) -> Consequences {
        let guards = Guards::new(declared, self.settings.prunes, self.scope_changed(new));
        let rules = Rules { take_over: self.settings.take_over, others };
        consequences(&self.settings.sync, declared, &guards, live, rules)
    }

    /// Takes a revision that is held. Returns whether that is news.
    pub fn hold(&mut self, held: &Rewritten, would: Consequences) -> bool {
        let before = self.revisions.held.take().map(|held| held.plan).or_else(|| self.revisions.said.take());
        let same = before.filter(|before| before.plan == held.plan);
        let news = same.is_none();
        let since = same.map_or_else(|| Time(truncate_to_seconds(jiff::Timestamp::now())), |same| same.since);
        let plan = HeldPlan {
            plan: held.plan.clone(),
            revision: held.new.to_string(),
            reason: REWRITTEN_HISTORY.into(),
            message: held.message(&self.settings.sync.key, &would),
            creations: would.creations,
            updates: would.updates,
            deletions: would.deletions,
            deletes: would.deletes,
            members: None,
            since,
        };
        self.revisions.held = Some(HeldRevision { revision: held.new.clone(), applied: held.applied, plan });
        news
    }

    /// Takes a revision that is not held.
    pub fn follow(&mut self, revision: &Revision, approved: Option<String>) {
        self.revisions.held = None;
        self.revisions.said = None;
        if let Some(plan) = approved {
            self.revisions.approved = Some((revision.clone(), plan));
        }
    }

    /// The plan that a person approved for this revision.
    pub fn approved_for(&self, revision: &Revision) -> Option<String> {
        self.revisions.approved.as_ref().filter(|(of, _)| of == revision).map(|(_, plan)| plan.clone())
    }

    /// Writes down how an apply of a whole revision ended.
    pub fn ended(&mut self, snapshot: &Snapshot, ended: &Ended) {
        history::add(&mut self.revisions.history, snapshot, ended, jiff::Timestamp::now());
    }

    /// Writes down where the applied revision came from. Returns whether what is held was measured by another one.
    pub fn applied_from_here(&mut self) -> bool {
        self.revisions.source = Some(self.settings.source_hash.clone());
        let applied = self.applied.as_ref().and_then(|applied| Revision(applied.revision.as_str().into()).commit());
        self.revisions.held.as_ref().is_some_and(|held| Some(held.applied) != applied)
    }

    /// Hash of the url and ref that the applied revision was read from.
    pub(super) fn applied_source(&self) -> Option<String> {
        self.revisions.source.clone()
    }
}

fn consequences(sync: &Sync, declared: &Declared, guards: &Guards, live: &Targets, rules: Rules<'_>) -> Consequences {
    let mut would = Consequences::default();
    for (key, object) in &declared.objects {
        let live = live.get(key);
        match decide(sync, key, object, live.as_ref().map(live_view), rules) {
            Action::Create => would.creations += 1,
            Action::Update { .. } | Action::TakeOver { .. } => would.updates += 1,
            _ => {}
        }
    }
    let known = |key: &Target| declared.objects.contains_key(key) || declared.quarantined.contains_key(key);
    for key in live.of(&sync.applyset).into_iter().filter(|key| !known(key)) {
        let Some(live) = live.get(&key) else { continue };
        let view = live_view(&live);
        if !view.deleting && matches!(undeclared(sync, &key, view, guards, rules), Action::Delete { .. }) {
            would.deletions += 1;
            if would.deletes.len() < NAMED {
                would.deletes.push(key.to_string());
            }
        }
    }
    would
}
