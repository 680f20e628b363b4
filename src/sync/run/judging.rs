//! Deletions: judged together, before a run begins, and announced when they are held or let go.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::{info, warn};

use super::SyncLoop;
use crate::api::gitsync_status::Deletions;
use crate::cluster::EventNote;
use crate::model::{HoldReason, Silence, Target, codes};
use crate::plan::{Held, Permit, approval};
use crate::sync::apply::Begin;
use crate::sync::doomed::{Gathered, Sentence};
use crate::sync::neighbours::Seen;
use crate::sync::state::Turn;
use crate::sync::work::{Item, Task, View};

/// The deletions of one run.
#[derive(Debug, Default)]
pub(super) struct Doom {
    /// What may be deleted.
    pub permit: Permit,
    /// What the status says of that before it is begun.
    pub entry: Option<Deletions>,
}

impl SyncLoop {
    /// What is not declared changed, or may have: all deletions are judged anew before anything is done.
    pub(super) fn examine_undeclared(&mut self, key: &Target) {
        let Some(state) = &mut self.state else { return };
        let applyset = &state.settings.sync.applyset;
        let member = self.deps.live.get(key).is_some_and(|live| live.standing().part_of.as_ref() == Some(applyset));
        if !member || state.declared.quarantined.contains_key(key) {
            state.looked(key, None);
        }
        if member || state.holds.stands() {
            self.judge = true;
        }
        if !member || state.declared.quarantined.contains_key(key) {
            self.nothing_to_do(key);
        }
    }

    /// Judges all deletions of the plan, and the creations that go with them. What may go is put on the list of work;
    /// the permit says the same once more.
    pub(super) fn judge_deletions(&mut self) -> Doom {
        let due = std::mem::take(&mut self.due_deletions);
        let Some(state) = &mut self.state else { return Doom::default() };
        // What was held with a deletion is judged with it.
        let waiting = std::mem::take(&mut state.holds.creations);
        waiting.keys().for_each(|key| self.examine(key, false, false));
        self.todo.retain(|_, (item, _)| !matches!(item.task, Task::Delete { .. }));
        let Some(state) = &mut self.state else { return Doom::default() };
        let Some(revision) = state.snapshot.as_ref().map(|snapshot| snapshot.revision.clone()) else {
            return Doom::default();
        };
        let live = &self.deps.live;
        let (settings, declared, guards) = (Arc::clone(&state.settings), Arc::clone(&state.declared), &state.guards);
        let found = self.found_at.map(|at| (at, &revision));
        let others = &Seen { neighbours: &self.deps.neighbours, settings: &settings, found };
        let (revision, lessons, now) = (revision.as_str(), &*state.lessons, jiff::Timestamp::now());
        let view = View { settings: &settings, declared: &declared, revision, live, guards, others, lessons, now };
        let gathered = Gathered::of(view, &self.pruned);
        state.holds.inherit(&gathered.doomed, || living(live, &settings.sync.applyset));
        for (key, reason) in &gathered.held {
            state.looked(key, Some(reason));
            // Once it is no longer held, nothing of an earlier try puts it off.
            state.forget_failure(key);
        }
        let sentence = state.judge(gathered, live, state.holds.now());
        let Sentence { gathered, renames, .. } = &sentence;
        let marks = renames.iter().filter_map(|(old, new)| Some((new.clone(), gathered.mark_of(old)?)));
        self.renamed = Arc::new(marks.collect());
        if state.fault.is_some() {
            // What a person approves is decided once the source can be read again.
            gathered.doomed.iter().for_each(|doomed| state.looked(&doomed.key, Some(&HoldReason::SourceFailed)));
            for (new, old) in &waiting {
                state.looked(new, Some(&HoldReason::RenameHeld(old.to_string())));
                self.todo.remove(new);
            }
            state.holds.creations = waiting;
            return Doom::default();
        }
        let permit = self.carry_out(&sentence, &due);
        self.announce_hold(&sentence);
        self.ask_neighbours();
        let now = self.state.as_ref().map(|state| state.holds.now());
        let entry = now.map(|now| sentence.verdict.sum.entry(permit.len(), now));
        let entry = entry.filter(|_| !permit.is_empty());
        Doom { permit, entry }
    }

    /// Has the status say what is about to be deleted: whoever comes after a crash must know.
    pub(super) fn begin_deleting(&mut self, begin: Begin) {
        if let Some(state) = &mut self.state {
            state.holds.begin(&begin.deletions, &begin.gone);
        }
        self.unrecorded = Some(begin.recorded);
        self.status_now();
    }

    /// Puts on the list of work what may go, and takes from it what is held. Returns the permit for just that.
    fn carry_out(&mut self, sentence: &Sentence, due: &HashSet<Target>) -> Permit {
        let Sentence { gathered, verdict, renames } = sentence;
        let Some(state) = &mut self.state else { return Permit::default() };
        state.holds.awaited.clear();
        // What another GitSync may declare is known in a moment; the new name waits for that with the old one.
        let asked = |old: &Target| {
            let waits = |reason: &HoldReason| matches!(reason, HoldReason::MayMove(_, Silence::Reading));
            gathered.held.iter().any(|(key, reason)| key == old && waits(reason))
        };
        for (old, new) in renames.iter().filter(|(old, _)| asked(old)) {
            state.looked(new, Some(&HoldReason::RenameHeld(old.to_string())));
            state.holds.creations.insert(new.clone(), old.clone());
            self.todo.remove(new);
        }
        if let Some(held) = &verdict.held {
            for (doomed, reason) in &held.deletions {
                state.looked(&doomed.key, Some(reason));
                state.forget_failure(&doomed.key);
            }
            if held.holds_creations() {
                for (old, new) in renames.iter().filter(|(old, _)| held.holds(old)) {
                    state.looked(new, Some(&HoldReason::RenameHeld(old.to_string())));
                    state.holds.creations.insert(new.clone(), old.clone());
                    self.todo.remove(new);
                }
            }
            state.holds.awaited = held.awaited().filter_map(Target::parse).collect();
        }
        let suspended = state.settings.suspended;
        let allowed = verdict.permit.allowed().map(|doomed| &doomed.key);
        let in_order = state.order_deletions(&self.deps.live, allowed, &self.pruned);
        let begins = |key: &Target| !suspended && in_order.contains(key) && !state.is_put_off(key, due);
        let permit = verdict.permit.clone().only(|doomed| begins(&doomed.key));
        verdict.permit.allowed().for_each(|doomed| state.looked(&doomed.key, None));
        // A deletion that was due and does not begin now is not put off for that.
        let begun = |key: &Target| permit.allowed().any(|doomed| doomed.key == *key);
        let doomed = gathered.doomed.iter().map(|doomed| &doomed.key);
        doomed.filter(|key| due.contains(*key) && !begun(key)).for_each(|key| state.forget_failure(key));
        for doomed in permit.allowed() {
            if let Some(&resource_version) = gathered.versions.get(&doomed.key) {
                let task = Task::Delete { uid: doomed.uid.to_string(), resource_version };
                self.todo.insert(doomed.key.clone(), (Item { key: doomed.key.clone(), task }, Vec::new()));
            }
        }
        permit
    }

    fn announce_hold(&mut self, sentence: &Sentence) {
        let Some(state) = &mut self.state else { return };
        if state.settings.suspended {
            return;
        }
        let Sentence { gathered, verdict, .. } = sentence;
        let Some(revision) = state.snapshot.as_ref().map(|snapshot| snapshot.revision.clone()) else { return };
        let approved = state.holds.approve(&verdict.permit, &gathered.doomed);
        let before = state.holds.plan.as_ref().map(|held| held.plan.clone()).unwrap_or_default();
        let turn = state.holds.hold(verdict.held.as_ref(), &verdict.sum, &self.key, &revision);
        let plan = state.holds.plan.clone();
        self.deps.metrics.plan_held(&self.key, plan.is_some());
        if approved && let Some(hash) = &verdict.permit.approved {
            let count = gathered.doomed.len();
            let live = self.deps.live.gitsyncs.get(&self.key).map(|entry| entry.object.value()).unwrap_or_default();
            let by = approval::by(&live).unwrap_or("unknown");
            info!(sync = %self.key, plan = hash, by, deletions = count, "held plan approved");
            self.tell_of_plan("PlanApproved", format!("plan {hash} was approved by {by}: {count} deletions"), false);
        }
        match (turn, plan) {
            (Some(Turn::Held | Turn::Changed), Some(held)) => {
                // An Event of the same reason would only be counted, and keep the words of the first.
                let changed = turn == Some(Turn::Changed);
                let (message, event) =
                    if changed { ("held plan changed", "PlanChanged") } else { ("plan held", "PlanHeld") };
                let deletions = held.deletions;
                let code = codes::code_of(&held.reason);
                warn!(sync = %self.key, code, plan = held.plan, reason = held.reason, deletions, why = held.message, "{message}");
                let passes = verdict.held.as_ref().is_some_and(Held::passes);
                self.tell_of_plan(event, format!("{}: {}", held.reason, held.message), !passes);
            }
            (Some(Turn::Gone), _) if !approved => {
                info!(sync = %self.key, plan = before, "held plan withdrawn: it is not asked for any more, or fits by now");
                self.tell_of_plan("PlanWithdrawn", format!("plan {before} is not held any more"), false);
            }
            _ => {}
        }
        if turn.is_some() || approved {
            self.status_now();
        }
    }

    pub(super) fn tell_of_plan(&self, reason: &str, note: String, warning: bool) {
        let uid = self.state.as_ref().map(|state| state.settings.sync.uid.clone());
        let note = EventNote::on("GitSync", &self.key, uid.as_deref(), reason, "Prune", note);
        self.deps.events.emit(if warning { note.warning() } else { note });
    }
}

/// UIDs of all members that are not being deleted.
fn living(live: &crate::cluster::Targets, applyset: &str) -> HashSet<String> {
    let mut uids = HashSet::new();
    live.each_of(applyset, |member| {
        if !member.object.deleting {
            uids.insert(member.object.uid.to_string());
        }
    });
    uids
}
