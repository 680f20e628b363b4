//! What a loop does because it is time.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::SyncLoop;
use crate::sync::state::State;

impl SyncLoop {
    pub(super) fn timer(&mut self) {
        let now = Instant::now();
        if self.poll_at <= now && self.polls() {
            self.wanted = true;
        }
        if self.rules_at.take_if(|at| *at <= now).is_some() {
            self.status_now();
        }
        if let Some(state) = &mut self.state
            && state.stale.becomes(state.settings.interval, now)
        {
            let reason = state.fault.as_ref().map(|fault| fault.reason.clone());
            warn!(sync = %self.key, reason, "source could not be read for long: what is applied is stale");
            self.status_now();
        }
        let due = self.state.as_ref().map(|state| state.due(now)).unwrap_or_default();
        for key in due {
            if let Some(state) = &mut self.state {
                state.trying(&key);
            }
            self.due_deletions.insert(key.clone());
            self.examine(&key, false, true);
        }
        self.wake();
        self.judge |= self.state.as_mut().is_some_and(|state| state.holds.fits_now());
    }

    pub(super) fn next_timer(&self) -> Instant {
        let idle = Instant::now() + Duration::from_secs(600);
        let poll = if self.fetching.is_some() || !self.polls() { idle } else { self.poll_at };
        let retry = if self.running.is_some() { None } else { self.state.as_ref().and_then(State::next_try) };
        let suspended = self.state.as_ref().is_none_or(|state| state.settings.suspended);
        let fits =
            self.state.as_ref().filter(|_| self.running.is_none() && !suspended).and_then(|state| state.holds.fits());
        let stale =
            self.state.as_ref().filter(|_| !suspended).and_then(|state| state.stale.due(state.settings.interval));
        let (waiting, wakes) = (self.waiting_until(), self.wakes_at());
        let times = [Some(poll), retry, fits, self.status_at, self.rules_at, self.finalizer_at, waiting, wakes, stale];
        times.into_iter().flatten().min().unwrap_or(idle)
    }
}
