//! What other GitSyncs declare: telling them, asking them, and waiting for their answers.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::SyncLoop;
use crate::cluster::EventNote;
use crate::model::{Outcome, OutcomeKind};
use crate::sync::neighbours::Published;
use crate::sync::state::State;

/// How long a revision counts as not applied to its end because another GitSync has not looked at its source.
const PATIENCE: Duration = Duration::from_secs(30);

/// A revision of which all is applied but what another GitSync may declare.
pub(super) struct Waiting {
    /// When its apply began.
    pub started: Instant,
    until: Instant,
}

impl Waiting {
    pub fn since(started: Instant) -> Self {
        Self { started, until: Instant::now() + PATIENCE }
    }
}

impl SyncLoop {
    /// Tells the others what is declared here now.
    pub(super) fn publish(&self) {
        let Some(state) = &self.state else { return };
        if let Some(snapshot) = state.snapshot.as_ref().filter(|_| state.current) {
            self.deps.tracer.read(&self.key, snapshot, &state.declared);
        }
        let known = Published {
            settings: state.settings.clone(),
            declared: state.snapshot.is_some().then(|| state.declared.clone()),
            revision: state.snapshot.as_ref().map(|snapshot| snapshot.revision.clone()),
            current: state.current,
            failing: state.fault.is_some(),
            looked: self.looked_at,
        };
        self.deps.neighbours.publish(&self.key, &state.settings.sync.uid, known);
    }

    /// Says that an object became ours, and what of it changed by that.
    pub(super) fn say_taken_over(&self, outcome: &Outcome) {
        let OutcomeKind::TakenOver { from, changed } = &outcome.kind else { return };
        let had = from.as_deref().unwrap_or("nobody");
        info!(sync = %self.key, object = %outcome.key, from = had, changed = changed.join("; "), "taken over");
        let how = if changed.is_empty() { "nothing of it changed".to_owned() } else { changed.join("; ") };
        let whose =
            from.as_ref().map_or_else(|| "which nobody owned".to_owned(), |from| format!("which was GitSync {from}'s"));
        let note = format!("GitSync {} took it over, {whose}: {how}", self.key);
        let uid = self.deps.live.get(&outcome.key).map(|live| live.object().uid.clone());
        let kind = outcome.key.kind.as_str();
        self.deps.events.emit(EventNote::on(kind, &outcome.key, uid.as_deref(), "TakenOver", "Apply", note));
    }

    /// Another GitSync reads or declares something else than before: what was held for that is looked at again.
    pub(super) fn neighbours_changed(&mut self) {
        let between = self.state.as_ref().map(State::between_gitsyncs).unwrap_or_default();
        if between.is_empty() {
            return;
        }
        between.iter().for_each(|target| self.examine(target, false, true));
        self.ask_neighbours();
        self.status_now();
    }

    /// Asks those whose answer is waited for: to look at their source, once for each revision.
    pub(super) fn ask_neighbours(&mut self) {
        let unheard = self.state.as_ref().map(State::unheard).unwrap_or_default();
        for key in unheard {
            let first = self.asked.insert(key.clone());
            self.deps.neighbours.ask(&self.key, &key, first);
        }
    }

    /// Whether the revision's end waits for a look of another GitSync.
    pub(super) fn awaits_answers(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.unheard().is_empty())
    }

    /// Ends a revision that waited for other GitSyncs, once they have answered, or have not in time.
    pub(super) fn end_waiting(&mut self) {
        let idle =
            self.running.is_none() && self.todo.is_empty() && self.again.is_empty() && !self.replan && !self.judge;
        let Some(waiting) = &self.waiting else { return };
        let started = waiting.started;
        if idle && (waiting.until <= Instant::now() || !self.awaits_answers()) {
            self.waiting = None;
            self.revision_applied(started);
            self.status_now();
        }
    }

    /// When that is over at the latest.
    pub(super) fn waiting_until(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|waiting| waiting.until.max(Instant::now()))
    }
}
