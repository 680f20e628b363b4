//! Pauses and fights in the loop of a GitSync: hearing of them, waking up for them, and telling of each begin and end.

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use super::SyncLoop;
use crate::api::GitSyncStatus;
use crate::cluster::EventNote;
use crate::model::pause::Pause;
use crate::model::{Target, codes};
use crate::report::fight as words;
use crate::report::pause::{self, Told};
use crate::telemetry::drift::{fight_began, fight_ended};
use crate::telemetry::metrics::DriftLevel;

impl SyncLoop {
    /// Reads what the GitSync's annotations ask for. What a pause kept from being put back is looked at anew when
    /// another holds, or none.
    pub(super) fn see_pause(&mut self) {
        let (now, entry) = (Timestamp::now(), self.deps.live.gitsyncs.get(&self.key));
        let marks = entry.as_ref().and_then(|entry| entry.extra.pause.as_ref());
        let Some(state) = &mut self.state else { return };
        if state.restraint.ask(marks, now) {
            let woken = state.restraint.woken(true, now);
            woken.iter().for_each(|key| self.examine(key, false, true));
            self.status_now();
        }
    }

    /// Looks at what is due for a pause that ended or a fight.
    pub(super) fn wake(&mut self) {
        self.see_pause();
        let Some(state) = &mut self.state else { return };
        let woken = state.restraint.woken(false, Timestamp::now());
        woken.iter().for_each(|key| self.examine(key, false, true));
    }

    /// When something is due.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        let next = self.state.as_ref()?.restraint.next(Timestamp::now())?;
        Some(Instant::now() + next)
    }

    /// Has an object that differs looked at again when a pause ends.
    pub(super) fn wake_after(&mut self, key: &Target, pause: Option<&Pause>) {
        if let (Some(state), Some(pause)) = (&mut self.state, pause) {
            state.restraint.wake(key, pause.until);
        }
    }

    /// Whether status has to wait, as somebody fights for the object and it was written a moment ago.
    pub(super) fn is_hushed(&mut self, key: &Target) -> bool {
        let hushed = self.state.as_mut().is_some_and(|state| state.restraint.hush(key, Timestamp::now()));
        if hushed {
            self.unsaid.insert(key.clone());
        }
        hushed
    }

    /// Whether somebody fights for an object, so that it is not put back now.
    pub(super) fn is_slowed(&mut self, key: &Target) -> bool {
        let Some((slowed, began)) = self.state.as_mut().map(|state| state.must_wait(key)) else { return false };
        if let Some(fight) = began {
            self.deps.metrics.fight_began(DriftLevel::Source);
            fight_began(DriftLevel::Source, key, &fight);
            self.tell_fight(key, words::FIGHTING, words::sentence("it", &fight), true);
        }
        slowed
    }

    /// Whether a fight for an object ended: nothing of it differs, or nothing is put back any more.
    pub(super) fn fight_ended(&mut self, key: &Target, corrects: bool) -> bool {
        let ended = self.state.as_mut().and_then(|state| state.restraint.quiet(key, corrects, Timestamp::now()));
        if let Some(fight) = &ended {
            fight_ended(DriftLevel::Source, key, fight);
            self.tell_fight(key, words::ENDED, words::ended("it", fight), false);
        }
        ended.is_some()
    }

    /// Whether the status of an object speaks of a fight that is over: it ended while the object was being written.
    pub(super) fn speaks_of_a_past_fight(&self, key: &Target, live: &Value) -> bool {
        let fought = self.state.as_ref().is_some_and(|state| state.restraint.is_fought(key));
        live["status"]["sourceDrift"].get("fight").is_some() && !fought
    }

    fn tell_fight(&self, key: &Target, reason: &str, note: String, warning: bool) {
        let live = self.deps.live.get(key);
        let uid = live.as_ref().map(|live| &*live.object().uid);
        let note = EventNote::on(key.kind.as_str(), key, uid, reason, "Correct", note);
        self.deps.events.emit(if warning { note.warning() } else { note });
    }

    /// Tells of a pause what the newly written status says and the one before did not.
    pub(super) fn tell_pause(&self, status: &GitSyncStatus, before: &GitSyncStatus) {
        let Some((told, condition)) = pause::news(&before.conditions, &status.conditions) else { return };
        let (reason, detail) = (condition.reason.as_str(), condition.message.as_str());
        match told {
            Told::Began => warn!(sync = %self.key, reason, detail, "corrections are paused"),
            Told::Changed => warn!(sync = %self.key, reason, detail, "the pause of corrections was changed"),
            Told::Ended => info!(sync = %self.key, reason, detail, "the pause of corrections is over"),
            Told::Refused => {
                warn!(sync = %self.key, code = codes::code_of(reason), reason, detail, "corrections are not paused");
            }
        }
        let uid = self.state.as_ref().map(|state| state.settings.sync.uid.as_str());
        let note = EventNote::on("GitSync", &self.key, uid, reason, "Pause", detail);
        self.deps.events.emit(if told == Told::Ended { note } else { note.warning() });
    }
}
