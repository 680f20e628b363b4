//! What a loop does with news: of its own spec, of its source, of objects and of other GitSyncs.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::warn;

use super::{COUNTS, SyncLoop};
use crate::api::GitSync;
use crate::api::names::PUSH_ANNOUNCED;
use crate::model::codes;
use crate::report::unread::{self, INVALID_SPEC};
use crate::sync::inbox::News;
use crate::sync::settings::Settings;
use crate::sync::state::State;

impl SyncLoop {
    pub(super) fn heard(&mut self, news: News) {
        if news.status {
            self.see_status();
        }
        if (News { status: true, ..News::default() }) == news {
            return;
        }
        if news.spec {
            self.spec_changed();
            self.see_pause();
            self.publish();
        }
        if let Some(asked) = news.look {
            self.look_now(asked);
        }
        if news.announced {
            self.pace.announced();
        }
        if self.has_revision() {
            for (key, gone) in news.dirty {
                // What we deleted ourselves is nobody's drift.
                let gone = gone && !self.pruned.remove(&key);
                self.judge |= self.state.as_ref().is_some_and(|state| state.holds.awaited.contains(&key));
                self.examine(&key, gone, true);
                if let Some(state) = &mut self.state {
                    state.moved(&self.deps.live, &key);
                }
            }
            self.status_within(COUNTS);
            if news.neighbours {
                self.neighbours_changed();
            }
            self.ask_neighbours();
        }
        if news.rules {
            self.status_now();
        }
        self.traced(news.traced);
        if news.dependencies
            && let Some(state) = &mut self.state
        {
            state.waits.stale = true;
            self.status_now();
        }
    }

    fn spec_changed(&mut self) {
        let Some(entry) = self.deps.live.gitsyncs.get(&self.key) else { return };
        let (gitsync, unreadable) = match entry.object.parse::<GitSync>() {
            Ok(gitsync) => (gitsync, None),
            Err(error) => {
                let why = unread::why(&error);
                let Some(rest) = unread::gitsync(&entry.object.value()) else {
                    let (code, reason) = (codes::code_of(INVALID_SPEC), INVALID_SPEC);
                    warn!(sync = %self.key, code, reason, why, "GitSync and its status cannot be read");
                    return;
                };
                (rest, Some(unread::message(&why)))
            }
        };
        let default = self.deps.default_service_account.as_deref();
        let settings = Settings::of(&gitsync, &self.deps.operator_namespace);
        let mut settings = settings.by_default_as(default).hiding(self.deps.redact.get());
        settings.invalid = unreadable.or(settings.invalid);
        let settings = Arc::new(settings);
        let status = gitsync.status.unwrap_or_default();
        let state = self.state.get_or_insert_with(|| State::new(Arc::clone(&settings), &status));
        if settings.requested.is_some() && settings.requested != state.handled {
            self.wanted = true;
            self.asked_at = Some(Instant::now());
        }
        let before = std::mem::replace(&mut state.settings, Arc::clone(&settings));
        self.judge |= before.approve != settings.approve;
        // A replica that stands by was told of a push.
        if before.requested != settings.requested
            && settings.requested.as_ref().is_some_and(|requested| requested.starts_with(PUSH_ANNOUNCED))
        {
            self.pace.announced();
        }
        self.revisions_asked(&before);
        if before.generation == settings.generation && self.written.is_some() {
            return;
        }
        let same_source = before.has_same_source(&settings);
        if !same_source {
            self.leave_sources(before.source_hash != settings.source_hash);
        }
        let Some(state) = &mut self.state else { return };
        for refusal in &settings.refused {
            warn!(sync = %self.key, reason = refusal.reason, why = refusal.message, "a part of the spec is refused");
        }
        self.compare_all = true;
        self.status_at = Some(Instant::now());
        // What is being applied is what the spec asked for before: nothing more of that is begun.
        if let Some(running) = &self.running {
            running.cancel.cancel();
        }
        // Who must sign now may not have signed what was read. By a spec that means nothing, nothing is written at all.
        let same = same_source && before.verify == settings.verify && settings.invalid.is_none();
        if state.current && same && before.narrowing == settings.narrowing && before.scope == settings.scope {
            // What was read is what would be read.
            state.guard_anew();
            self.replan = true;
            self.look_now(Instant::now());
            return;
        }
        state.current = false;
        self.stop_fetching();
        self.todo.clear();
        self.again.clear();
        self.unsaid.clear();
        self.afresh = true;
        self.look_now(Instant::now());
        self.poll_at = Instant::now();
    }
}
