//! The order of the work: what may begin now, and what waits for its turn. A wait is a state of the loop and no task.

use tracing::{info, warn};

use super::SyncLoop;
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::report::waiting as words;
use crate::sync::work::Item;

impl SyncLoop {
    /// Takes a plan that was just made: from now on, its work is done in order.
    pub(super) fn begin_in_order(&mut self) {
        let Some(state) = &mut self.state else { return };
        state.begin_in_order(&self.deps.live, self.todo.values().map(|(item, _)| item));
    }

    /// Looks again at what need not be held back any longer. Returns whether the plan goes on.
    pub(super) fn go_on(&mut self) -> bool {
        let Some(state) = &mut self.state else { return false };
        if !state.waits.stale {
            return false;
        }
        let free = state.go_on(&self.deps.live, &self.deps.operator_namespace);
        let goes_on = state.waits.planned.is_some() && !free.is_empty();
        // They are decided anew: it may be long ago that they were held back.
        tokio::task::block_in_place(|| free.iter().for_each(|key| self.examine(key, false, false)));
        self.status_within(super::COUNTS);
        goes_on
    }

    /// Of the work that was noted, what may begin now.
    pub(super) fn in_turn(&mut self) -> Vec<(Item, Vec<DriftedField>)> {
        let Some(state) = &mut self.state else { return Vec::new() };
        self.todo.drain().map(|(_, item)| item).filter(|(item, _)| state.admits(item)).collect()
    }

    /// Sees what is waited for, for the status: says it once, and comes back when it takes too long. A request to
    /// reconcile is handled when only something outside can change what is waited for.
    pub(super) fn see_waiting(&mut self, applying: bool) {
        let Some(state) = &mut self.state else { return };
        let left = state.see_waiting(&self.deps.live, &self.deps.operator_namespace, applying);
        if !applying && state.waits.now.as_ref().is_some_and(crate::model::Waiting::needs_help) {
            state.handled = self.owed.take().or(state.handled.take());
        }
        let uid = state.settings.sync.uid.clone();
        if state.current
            && !applying
            && let Some(waiting) = state.waits.news()
        {
            let (reason, message) = (words::reason(waiting), words::message(waiting));
            if waiting.stalled() {
                warn!(sync = %self.key, reason, detail = message, "waiting in vain");
                let note = EventNote::on("GitSync", &self.key, Some(uid.as_str()), reason, "Wait", message);
                self.deps.events.emit(note.warning());
            } else {
                info!(sync = %self.key, reason, detail = message, "waiting");
            }
        }
        if let Some(left) = left {
            self.status_within(left);
        }
    }
}
