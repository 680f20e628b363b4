//! Applying a plan, beside the loop, and what came of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::judging::Doom;
use super::moving::Waiting;
use super::{Running, SyncLoop};
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::model::OutcomeKind;
use crate::sync::apply::{Ran, Run};
use crate::sync::told::Told;
use crate::sync::work::{Item, Task};
use crate::telemetry::metrics::SyncResult;
use crate::telemetry::panics::aside;

/// Each call has a deadline, and the calls of all GitSyncs take turns: a run without any outcome for longer is stuck.
const STALLED: Duration = Duration::from_secs(300);

impl SyncLoop {
    pub(super) fn start_run(&mut self) {
        if self.running.is_some() || self.state.as_ref().is_none_or(|state| !state.current && !state.settings.suspended)
        {
            return;
        }
        let whole = std::mem::take(&mut self.replan);
        if whole {
            self.waiting = None;
            let began = Instant::now();
            self.plan_everything();
            self.begin_in_order();
            self.way_looked(began);
        }
        let mut whole = self.go_on() || whole;
        let creates = |(item, _): &(Item, Vec<DriftedField>)| item.task == Task::Create;
        let holding = self.state.as_ref().is_some_and(|state| state.holds.stands());
        let judged = std::mem::take(&mut self.judge) || (holding && self.todo.values().any(creates));
        let doom = if judged { self.judge_deletions() } else { Doom::default() };
        let Some(state) = &mut self.state else { return };
        let Some(snapshot) = state.snapshot.clone() else { return };
        if state.settings.suspended {
            self.todo.clear();
            state.waits.forget();
            if whole {
                self.status_now();
            }
            return;
        }
        self.write_traces();
        let items = self.in_turn();
        let Some(state) = &mut self.state else { return };
        whole |= state.waits.at_end();
        if items.is_empty() && !whole {
            return;
        }
        let cancel = CancellationToken::new();
        let keys = items.iter().map(|(item, _)| item.key.clone()).collect();
        state.holds.open(doom.entry);
        let (begins, receiver) = mpsc::channel(1);
        self.begins = Some(receiver);
        let ended = state.episodes.to_write(&items);
        state.episodes.begin(&items);
        let run = Run {
            items,
            ended,
            aside: Mutex::default(),
            settings: Arc::clone(&state.settings),
            declared: Arc::clone(&state.declared),
            revision: snapshot.revision.to_string(),
            guards: state.guards.clone(),
            permit: doom.permit.clone(),
            begins,
            renamed: Arc::clone(&self.renamed),
            live: self.deps.live.clone(),
            cluster: self.deps.cluster.clone(),
            writer: self.deps.cluster.acting_as(state.settings.account.as_ref()),
            neighbours: Arc::clone(&self.deps.neighbours),
            tracer: self.deps.tracer.clone(),
            found: self.found_at.map(|at| (at, snapshot.revision.clone())),
            lessons: Arc::clone(&state.lessons),
            permits: Arc::clone(&self.deps.permits),
            fights: state.restraint.fights(),
            cancel: cancel.clone(),
            beat: self.deps.pulse.register(format!("apply of {}", self.key), STALLED),
        };
        let handle = aside(run.run());
        let (pinned, quarantined) = (state.pinned().is_some(), state.declared.quarantined.len());
        let started = state.waits.planned.filter(|_| whole).unwrap_or_else(Instant::now);
        let permit = doom.permit;
        self.running = Some(Running { handle, cancel, keys, permit, whole, snapshot, pinned, quarantined, started });
        if whole {
            self.status_within(Duration::from_millis(500));
        }
    }

    pub(super) fn ran(&mut self, ran: Ran) {
        let Some(running) = self.running.take() else { return };
        for (_, outcome) in &ran.outcomes {
            self.tell(|| Told::Outcome(outcome.clone()));
            self.say_taken_over(outcome);
        }
        let Some(state) = &mut self.state else { return };
        for (item, outcome) in &ran.outcomes {
            state.done(item, &outcome.kind);
            state.episodes_done(item, &outcome.kind, &ran);
            if outcome.kind == OutcomeKind::Deleted {
                self.pruned.insert(item.key.clone());
            }
            if item.task == Task::Try && outcome.kind == OutcomeKind::Unchanged {
                // Now that it is known whose doing it is, it can be told.
                self.again.insert(item.key.clone());
            }
            if !matches!(outcome.kind, OutcomeKind::Failed { .. }) {
                state.waits.done(&item.key);
            }
            // Deletions may wait for it.
            self.judge |= item.task == Task::Create && outcome.kind == OutcomeKind::Created && state.holds.stands();
        }
        let done = state.holds.end(&ran.outcomes);
        self.way_went_on(&running.snapshot, &ran);
        self.tell_drift();
        self.begins = None;
        self.unrecorded = None;
        if let Some(plan) = &done {
            info!(sync = %self.key, plan, "approved plan carried out");
            self.tell_of_plan("PlanCarriedOut", format!("plan {plan} was carried out"), false);
        }
        let Some(state) = &mut self.state else { return };
        let superseded = running.cancel.is_cancelled();
        if running.whole && !superseded && state.waits.holds_back() {
            state.waits.worked();
        } else if running.whole {
            state.wait_ended(superseded);
            let (failed, held) = state.unsettled();
            let result = match (superseded, failed + held + state.declared.quarantined.len(), ran.outcomes.len()) {
                (true, ..) => SyncResult::Superseded,
                (false, 0, 0) => SyncResult::Unchanged,
                (false, 0, _) => SyncResult::Applied,
                (false, ..) => SyncResult::Partial,
            };
            self.deps.metrics.synced(&self.key, result, running.started.elapsed());
            if superseded {
                info!(sync = %self.key, done = ran.outcomes.len(), left = ran.left.len(), "gave way to a newer revision");
            } else if self.awaits_answers() {
                self.waiting = Some(Waiting::since(running.started));
            } else {
                self.revision_applied(running.started);
            }
        }
        if running.whole || !running.permit.is_empty() {
            self.remember(&running, &ran);
        }
        if let Some(state) = &mut self.state {
            // What was done may let other work begin.
            state.waits.stale |= state.waits.planned.is_some();
        }
        self.again.extend(ran.left);
        for key in std::mem::take(&mut self.again) {
            self.examine(&key, false, true);
        }
        self.status_now();
    }

    pub(super) fn revision_applied(&mut self, started: Instant) {
        let Some(state) = &mut self.state else { return };
        let (failed, held) = state.unsettled();
        state.applied(jiff::Timestamp::now());
        if let Some(owed) = self.owed.take() {
            state.handled = Some(owed);
        }
        self.measure_anew();
        let Some(state) = &self.state else { return };
        let counts = state.observed(&self.deps.live, false).counts;
        let revision = state.snapshot.as_ref().map(|snapshot| snapshot.revision.short()).unwrap_or_default();
        info!(
            sync = %self.key,
            revision,
            applied = counts.applied,
            unchanged = counts.unchanged,
            pruned = counts.pruned,
            quarantined = counts.quarantined,
            failed,
            held,
            took = ?started.elapsed(),
            "revision applied"
        );
        if let Some(commit) = state.snapshot.as_ref().and_then(|snapshot| snapshot.commit.as_ref())
            && counts.applied + counts.pruned > 0
        {
            let age = jiff::Timestamp::now().duration_since(commit.time);
            self.deps.metrics.commit_applied(&self.key, age.as_secs_f64());
            let note = format!(
                "{revision} applied: {} changed, {} pruned, {} unchanged",
                counts.applied, counts.pruned, counts.unchanged
            );
            let uid = Some(state.settings.sync.uid.as_str());
            self.deps.events.emit(EventNote::on("GitSync", &self.key, uid, "Applied", "Apply", note));
        }
        self.way_ends(&counts, failed + held);
    }
}
