//! The GitSync's status and its marks as parent of an ApplySet.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use super::SyncLoop;
use crate::api::GitSyncStatus;
use crate::api::condition::{self, UNUSED_RULES};
use crate::api::gitsync_status::{Counts, ObjectProblem};
use crate::api::names::{APPLYSET_MANAGER, SYNC_MANAGER};
use crate::cluster::{Apply, CallError, gitsyncs};
use crate::model::{ObjectKey, codes};
use crate::report::gitsync::{self as report, RULES_DECIDE_NOTHING};
use crate::report::written::Written;
use crate::sync::told::{Account, Told};
use crate::telemetry::metrics::{DriftLevel, ObjectState};

impl SyncLoop {
    pub(super) fn status_now(&mut self) {
        self.status_at = Some(Instant::now());
    }

    pub(super) fn status_within(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.status_at = Some(self.status_at.map_or(at, |earlier| earlier.min(at)));
    }

    pub(super) async fn write_status(&mut self) {
        if self.status_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.status_at = None;
        let Some(state) = &self.state else { return };
        let applying = !state.settings.suspended
            && (self.replan
                || self.waiting.is_some()
                || state.waits.under_way()
                || self.running.as_ref().is_some_and(|running| running.whole));
        self.see_waiting(applying);
        self.see_rules();
        let Some(state) = &self.state else { return };
        let Some(entry) = self.deps.live.gitsyncs.get(&self.key) else { return };
        let live = entry.object.value();
        let previous: GitSyncStatus =
            live.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()).unwrap_or_default();
        let nothing_new = state.snapshot.is_none() && state.fault.is_none() && state.revisions.held.is_none();
        if nothing_new && previous.observed_generation == state.settings.generation {
            // What the status says was observed by the spec as it is, and nothing was since.
            return;
        }
        let observed = state.observed(&self.deps.live, applying);
        self.count(&observed.counts);
        let (source, workload) = state.fields_that_differ(&self.deps.live);
        self.deps.metrics.drift_fields(&self.key, DriftLevel::Source, source);
        self.deps.metrics.drift_fields(&self.key, DriftLevel::Workload, workload);
        let mut status = report::status(&observed, &previous, jiff::Timestamp::now());
        self.deps.tracer.complete_fields(&mut status.drift);
        let account = || Told::Account(Box::new(Account::from(&observed)));
        let wanted = serde_json::to_value(&status).unwrap_or_default();
        let marks = state.parent_marks();
        if self.marks.as_ref() != Some(&marks) && self.has_revision() {
            match self.deps.cluster.apply(&gitsyncs(), &self.key, &marks, Apply::forced(APPLYSET_MANAGER)).await {
                Ok(_) => self.marks = Some(marks),
                Err(error) => {
                    warn!(sync = %self.key, code = error.code(), reason = error.reason(), %error, "ApplySet marks not written");
                }
            }
        }
        let there = said(&live);
        if there == wanted || self.written.is_some_and(|written| written.is_enough(&wanted, &there)) {
            self.written = Some(Written::new(&wanted, &there));
            self.tell(account);
            self.recorded();
            return;
        }
        let cluster = &self.deps.cluster;
        match cluster.apply_whole_status(&gitsyncs(), &self.key, &wanted, SYNC_MANAGER, &report::OTHERS).await {
            Ok(answer) => {
                log_rules(&self.key, &status, &previous);
                for problem in report::news(&status, &previous) {
                    log_problem(&self.key, problem, observed.faults.iter().any(|fault| fault.object == problem.object));
                }
                self.tell_pause(&status, &previous);
                self.written = Some(Written::new(&wanted, &said(&answer.value())));
                self.tell(account);
                self.recorded();
                self.deps.live.gitsyncs.answered(answer);
            }
            Err(CallError::NotFound(_)) => {}
            Err(error) => {
                warn!(sync = %self.key, code = error.code(), reason = error.reason(), %error, "status not written");
                self.status_within(Duration::from_secs(5));
            }
        }
    }

    /// Another hand has changed the status, or a restore: it is written again, for it speaks for this loop alone.
    pub(super) fn see_status(&mut self) {
        let Some(entry) = self.deps.live.gitsyncs.get(&self.key) else { return };
        if self.written.is_none_or(|written| written.stands(&said(&entry.object.value()))) {
            return;
        }
        if let Some(pause) = self.mending.pause(Instant::now()) {
            info!(sync = %self.key, again_in = ?pause, "the status was changed by another hand; it is written again");
            self.status_within(pause);
        }
    }

    /// Which rules about drift decide nothing, once it is known what is declared.
    fn see_rules(&mut self) {
        let Some(state) = self.state.as_mut().filter(|state| state.current) else { return };
        let now = jiff::Timestamp::now();
        let unused = self.deps.rule_use.unused(&self.key, now);
        state.see_rules(&unused);
        let wait = unused.next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
        self.rules_at = wait.map(|wait| Instant::now() + wait);
    }

    /// The status says what is about to be deleted: now it may be.
    fn recorded(&mut self) {
        if let Some(recorded) = self.unrecorded.take() {
            // A run that gave way meanwhile has left it.
            let _ = recorded.send(());
        }
    }

    pub(super) fn count(&self, counts: &Counts) {
        let states = [
            (ObjectState::Declared, counts.declared),
            (ObjectState::Ready, counts.ready),
            (ObjectState::Drifted, counts.drifted),
            (ObjectState::Quarantined, counts.quarantined),
            (ObjectState::Held, counts.held),
        ];
        for (state, count) in states {
            self.deps.metrics.objects(&self.key, state, count as usize);
        }
    }
}

/// What the status says of this loop; null where there is none.
fn said(live: &Value) -> Value {
    report::less_told(live.get("status").cloned().unwrap_or_default())
}

/// A rule that decides nothing does no harm; whoever wrote it thinks that it does something.
fn log_rules(sync: &ObjectKey, status: &GitSyncStatus, before: &GitSyncStatus) {
    let said =
        |status: &GitSyncStatus| condition::find(&status.conditions, UNUSED_RULES).map(|one| one.message.clone());
    if let Some(detail) = said(status).filter(|detail| said(before).as_ref() != Some(detail)) {
        let (code, reason) = (codes::code_of(RULES_DECIDE_NOTHING), RULES_DECIDE_NOTHING);
        info!(%sync, code, reason, detail, "rules about drift decide nothing");
    }
}

/// A problem that the status did not have. What somebody asked for, or what passes, is no warning.
fn log_problem(sync: &ObjectKey, problem: &ObjectProblem, fault: bool) {
    let ObjectProblem { object, reason, code, message, .. } = problem;
    if fault {
        warn!(%sync, object, code, reason, detail = message, "object is not as declared");
    } else {
        info!(%sync, object, code, reason, detail = message, "object is left alone");
    }
}
