//! Revisions that are held, pinned and remembered.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{info, warn};

use super::{Reading, Running, SyncLoop};
use crate::cluster::EventNote;
use crate::model::OutcomeKind;
use crate::report::history::Ended;
use crate::source::SourceError;
use crate::sync::apply::Ran;
use crate::sync::errand::{Errand, FoundHeld, FoundUnverified};
use crate::sync::fetch::{FoundRevision, Parsed};
use crate::sync::neighbours::Seen;
use crate::sync::settings::Settings;
use crate::sync::state::State;

impl SyncLoop {
    /// What is sent for, as things are now.
    pub(super) fn errand(&self) -> Option<Errand> {
        let state = self.state.as_ref()?;
        // Whatever is declared while a pin lasts is the pinned commit: what the branch has is not it.
        let known = if state.settings.pinned.is_some() {
            state.pinned().and(state.snapshot.as_ref()).map(|snapshot| snapshot.revision.clone())
        } else {
            state.seen()
        };
        Some(Errand {
            mirror: (self.places.at() > 0).then(|| state.settings.place(self.places.at()).to_owned()),
            settings: Arc::clone(&state.settings),
            known: known.filter(|_| !self.afresh),
            since: self.since,
            past: state.past(),
            declares: state.current,
            keep: state.to_keep(),
        })
    }

    /// Whether the source is looked at by a timer: what a pin names does not change.
    pub(super) fn polls(&self) -> bool {
        let settings = self.state.as_ref().map(|state| &state.settings);
        settings.is_some_and(|settings| !settings.suspended && (settings.pinned.is_none() || self.pace.is_failing()))
    }

    /// What annotations ask for about revisions is done at once, whatever is under way.
    pub(super) fn revisions_asked(&mut self, before: &Settings) {
        let Some(state) = &self.state else { return };
        let settings = Arc::clone(&state.settings);
        // Whoever asks for a look may know that what could not be told can be told now.
        let judge_anew = state.revisions.held.as_ref().is_some_and(|held| {
            let approved = before.approve != settings.approve && settings.approve.as_ref() == Some(&held.plan.plan);
            approved || before.requested != settings.requested || before.rewrites != settings.rewrites
        });
        let pinned = before.pinned != settings.pinned;
        if pinned {
            info!(sync = %self.key, pinned = settings.pinned, "pinned to another revision, or released");
            self.stop_fetching();
        }
        if pinned || judge_anew {
            self.afresh = true;
            self.look_now(Instant::now());
        }
    }

    /// Gives up a fetch. The source stays: the cache of a new one would be another.
    pub(super) fn stop_fetching(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            fetching.abort();
            self.reading = self.source.clone().map(|source| Reading { source, parsed: Parsed::default() });
        }
    }

    /// Takes a revision that is held: nothing of it is applied, and what is applied goes on being declared.
    pub(super) fn found_held(&mut self, found: FoundHeld) {
        let FoundHeld { held, new, base } = found;
        let lost = base.and_then(|base| self.declare_applied(base));
        let Some(state) = &mut self.state else { return };
        let found = Some((Instant::now(), &new.snapshot.revision));
        let others = Seen { neighbours: &self.deps.neighbours, settings: &state.settings, found };
        let would = state.would(&new.snapshot, &new.declared, &self.deps.live, &others);
        let news = state.hold(&held, would);
        if let (Some(held), Some(lost)) = (&mut state.revisions.held, lost) {
            held.plan.message.push_str(&lost);
        }
        let message = state.revisions.held.as_ref().map(|held| held.plan.message.clone()).unwrap_or_default();
        let uid = state.settings.sync.uid.clone();
        warn!(sync = %self.key, revision = %held.new, applied = %held.applied, plan = held.plan, why = message, "revision held");
        if news {
            let note = EventNote::on("GitSync", &self.key, Some(&uid), "RevisionHeld", "Compare", message);
            self.deps.events.emit(note.warning());
        }
        let answered = self.answering.take();
        if self.replan || self.running.as_ref().is_some_and(|running| running.whole) {
            self.owed = answered.or(self.owed.take());
        } else if let Some(state) = self.state.as_mut().filter(|_| answered.is_some()) {
            state.handled = answered;
        }
        self.status_now();
    }

    /// Takes a revision that nobody who may has signed: it is as if the source could not be read.
    pub(super) fn found_unverified(&mut self, found: FoundUnverified) {
        if let Some(base) = found.base {
            self.declare_applied(base);
        }
        self.source_failed(&found.error, &[]);
    }

    /// What is applied goes on being declared. Where it cannot be read, what that means in words.
    fn declare_applied(&mut self, base: Result<FoundRevision, SourceError>) -> Option<String> {
        let state = self.state.as_mut()?;
        match base {
            Ok(base) => {
                let before = (Arc::clone(&state.declared), state.snapshot.clone());
                state.read(base.snapshot, base.declared);
                tokio::task::spawn_blocking(move || drop(before));
                self.found_at = Some(Instant::now());
                self.replan = true;
                None
            }
            Err(error) => {
                let reason = error.reason();
                warn!(sync = %self.key, reason, %error, "what is applied cannot be read: drift of it is not corrected");
                // The next look may find it.
                self.afresh = true;
                Some(format!(". What is applied cannot be read, so drift of it is not corrected: {error}"))
            }
        }
    }

    /// Writes down how an apply of a whole revision ended, or of deletions that were held before.
    pub(super) fn remember(&mut self, running: &Running, ran: &Ran) {
        let Some(state) = &mut self.state else { return };
        let count = |fits: fn(&OutcomeKind) -> bool| ran.outcomes.iter().filter(|(_, done)| fits(&done.kind)).count();
        let superseded = running.cancel.is_cancelled();
        let revision = &running.snapshot.revision;
        let (failed, held) =
            if superseded { (count(|kind| matches!(kind, OutcomeKind::Failed { .. })), 0) } else { state.unsettled() };
        let ended = Ended {
            superseded,
            took: running.started.elapsed(),
            changed: count(is_change),
            pruned: count(|kind| matches!(kind, OutcomeKind::Deleted)),
            quarantined: failed + running.quarantined,
            held,
            approved: running.permit.approved.clone().or_else(|| state.approved_for(revision)),
            pinned: running.pinned,
        };
        state.ended(&running.snapshot, &ended);
    }

    /// Another revision is the applied one: what is held was measured by the one before.
    pub(super) fn measure_anew(&mut self) {
        if self.state.as_mut().is_some_and(State::applied_from_here) {
            self.afresh = true;
            self.wanted = true;
        }
    }
}

fn is_change(kind: &OutcomeKind) -> bool {
    matches!(kind, OutcomeKind::Created | OutcomeKind::Updated | OutcomeKind::TakenOver { .. })
}
