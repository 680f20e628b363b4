//! Looking at the source, beside the loop.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::{Fetched, Reading, SyncLoop};
use crate::cluster::EventNote;
use crate::model::{ObjectKey, Severity, codes};
use crate::report::gitsync::Fault;
use crate::source::SourceError;
use crate::sync::fetch::Found;
use crate::sync::places::{Next, Places};
use crate::sync::settings::Settings;
use crate::sync::state::State;
use crate::telemetry::metrics::FetchResult;
use crate::telemetry::panics::aside;

/// Beside what the source may take: for the API server, which has the Secret, and for the disk.
const STALLED: Duration = Duration::from_secs(120);

impl SyncLoop {
    pub(super) fn start_fetch(&mut self) {
        let Some(state) = &mut self.state else { return };
        if !self.wanted || self.fetching.is_some() || state.settings.suspended {
            return;
        }
        let settings = Arc::clone(&state.settings);
        self.answering.clone_from(&settings.requested);
        if let Some(message) = settings.invalid.clone() {
            self.wanted = false;
            state.handled = self.answering.take().or(state.handled.take());
            let reason = "InvalidSpec";
            warn!(sync = %self.key, code = codes::code_of(reason), reason, detail = message, "GitSync cannot be acted on");
            state.fault = Some(Fault { reason: reason.into(), message, stalled: true });
            state.stale.failed(Instant::now());
            self.poll_again();
            self.status_now();
            return;
        }
        self.pace.begins();
        self.places.begin(self.pace.is_asked(), Instant::now());
        let reading = match self.open(&settings) {
            Ok(reading) => reading,
            Err(error) => {
                self.place_failed(error);
                return;
            }
        };
        self.wanted = false;
        self.since = self.good_since(&settings);
        self.news = reading.source.news();
        self.source = Some(Arc::clone(&reading.source));
        self.deps.tracer.opened(&self.key, &reading.source);
        let Some(errand) = self.errand() else { return };
        self.afresh = false;
        self.fetch_started = Instant::now();
        let (secrets, again) = (Arc::clone(&self.secrets), self.pace.is_failing());
        // Another server than the url's is not told what the Secret says.
        let told = match settings.is_told(self.places.at()) {
            true => settings,
            false => Arc::new(Settings { secret: None, ..(*settings).clone() }),
        };
        // A look is a handful of conversations, each within the timeout.
        let beat = self
            .deps
            .pulse
            .register(format!("fetch of {}", self.key), told.timeout.saturating_mul(4).saturating_add(STALLED));
        beat.at("reading");
        self.fetching = Some(aside(async move {
            let (mut reading, _beat) = (reading, beat);
            let result = match secrets.introduce(&reading.source, &told, again).await {
                // What a person pinned may be at hand, whoever may reach the server.
                Err(error) if errand.settings.pinned.is_none() => Err(error),
                _ => errand.run(&reading.source, &mut reading.parsed, &secrets).await,
            };
            (reading, result)
        }));
    }

    pub(super) fn fetched(&mut self, (reading, result): Fetched) {
        let took = self.fetch_started.elapsed();
        self.reading = Some(reading);
        match result {
            Err(error) => {
                self.deps.metrics.fetched(&self.key, FetchResult::Failed, took);
                self.place_failed(error);
            }
            Ok(Found::Unverified(found)) => {
                self.deps.metrics.fetched(&self.key, FetchResult::Failed, took);
                self.found_unverified(*found);
            }
            Ok(found) => {
                // What a pin names is at hand; anything else the server said, be it to another.
                let pinned = self.state.as_ref().is_some_and(|state| state.settings.pinned.is_some());
                let asked = self.source.as_ref().filter(|_| !pinned).and_then(|source| source.asked_at());
                self.looked_at = Some(asked.map_or(self.fetch_started, |asked| asked.min(self.fetch_started)));
                self.found(found, took);
            }
        }
        self.publish();
    }

    pub(super) fn found(&mut self, found: Found, took: Duration) {
        // What another one found was announced to it, or it was not: it is the one to tell.
        let shared = self.looked_at.is_some_and(|looked| looked < self.fetch_started);
        self.pace.succeeded(!shared && !matches!(found, Found::Unchanged));
        self.poll_again();
        let Some(state) = &mut self.state else { return };
        if state.settings.pinned.is_none() {
            // What was told to another one was true when that one asked.
            let (now, ago) = (jiff::Timestamp::now(), self.looked_at.map_or(Duration::ZERO, |at| at.elapsed()));
            self.deps.metrics.source_seen(&self.key, now.checked_sub(ago).unwrap_or(now));
        }
        let mirror = (self.places.at() > 0).then(|| state.settings.place(self.places.at()).to_owned());
        if state.mirror != mirror {
            info!(sync = %self.key, mirror, "source is read from another place");
            state.mirror = mirror;
            self.status_at = Some(Instant::now());
        }
        self.places.succeeded();
        if state.stale.succeeded() {
            info!(sync = %self.key, "source is not stale any more");
            self.status_at = Some(Instant::now());
        }
        if state.fault.take().is_some() {
            info!(sync = %self.key, "source can be read again");
            self.status_at = Some(Instant::now());
            // Deletions were held as long as it could not.
            self.replan |= state.current;
        }
        let result = match found {
            Found::Unchanged => {
                let answered = self.answering.take();
                let planned = state.waits.planned.is_some();
                if self.replan || planned || self.running.as_ref().is_some_and(|running| running.whole) {
                    self.owed = answered.or(self.owed.take());
                    self.status_at = Some(Instant::now());
                } else if answered.is_some() && state.handled != answered {
                    state.handled = answered;
                    self.status_at = Some(Instant::now());
                }
                FetchResult::Unchanged
            }
            Found::Held(held) => {
                self.found_held(*held);
                FetchResult::Changed
            }
            Found::Unverified(found) => {
                self.found_unverified(*found);
                FetchResult::Failed
            }
            Found::Revision(found) => {
                let revision = found.snapshot.revision.clone();
                state.follow(&revision, found.approved);
                state.revisions.verified = found.verified;
                let parsing = found.parsing;
                let (before, seen) = (Arc::clone(&state.declared), state.snapshot.clone());
                let changed = state.read(found.snapshot, found.declared);
                // To free ten thousand objects takes milliseconds for which nobody should wait.
                tokio::task::spawn_blocking(move || drop((before, seen)));
                if changed {
                    info!(sync = %self.key, %revision, declared = state.declared.objects.len(), took = ?took, "revision read");
                    log_diagnostics(&self.key, state);
                    self.way_begins(took, parsing);
                }
                self.found_at = Some(Instant::now());
                self.asked.clear();
                self.tell_drift();
                self.waiting = None;
                self.replan = true;
                self.owed = self.answering.take().or(self.owed.take());
                if changed && let Some(running) = &self.running {
                    running.cancel.cancel();
                }
                FetchResult::Changed
            }
        };
        self.deps.metrics.fetched(&self.key, result, took);
    }

    /// Another place is tried, or the round is over.
    fn place_failed(&mut self, error: SourceError) {
        let mirrors = self.state.as_ref().map_or(0, |state| state.settings.mirrors.len());
        let (code, reason, words) = (error.code(), error.reason(), error.to_string());
        match self.places.failed(error, mirrors, Instant::now()) {
            Next::Another => {
                info!(sync = %self.key, code, reason, error = words, "source cannot be read here; the next place is tried");
                self.afresh = true;
                self.look_now(self.since);
            }
            Next::Over(error, mirrors) => self.source_failed(&error, &mirrors),
        }
    }

    pub(super) fn source_failed(&mut self, error: &SourceError, mirrors: &[String]) {
        self.wanted = false;
        self.afresh = true;
        self.pace.failed(error.pause());
        let Some(state) = &mut self.state else { return };
        let message = match mirrors {
            [] => error.to_string(),
            mirrors => format!("{error}; and no mirror serves: {}", mirrors.join("; ")),
        };
        let fault = Fault { reason: error.reason().into(), message, stalled: !error.is_transient() };
        if state.fault.as_ref() != Some(&fault) {
            warn!(sync = %self.key, code = error.code(), reason = error.reason(), %error, "source cannot be read");
            let uid = Some(state.settings.sync.uid.as_str());
            let note = EventNote::on("GitSync", &self.key, uid, error.reason(), "Fetch", fault.message.clone());
            self.deps.events.emit(note.warning());
        }
        state.fault = Some(fault);
        state.stale.failed(Instant::now());
        // Whoever asked is told that it failed, and does not wait for the tries that follow.
        state.handled = self.answering.take().or(state.handled.take());
        self.poll_again();
        self.status_now();
    }

    /// The place that is read now, with what was parsed so far: a file of the same content is the same anywhere.
    fn open(&mut self, settings: &Settings) -> Result<Reading, SourceError> {
        let before = self.reading.take();
        let at = self.places.at();
        let source = match self.places.opened.get(&at) {
            Some(source) => Arc::clone(source),
            None => {
                let source = Arc::new(settings.open(&self.deps.sources, at)?);
                self.places.opened.insert(at, Arc::clone(&source));
                source
            }
        };
        Ok(Reading { source, parsed: before.map(|before| before.parsed).unwrap_or_default() })
    }

    /// Removes the caches where the GitSync went. A look that is under way would keep them for as long as it may take, from
    /// whoever reads the same, too.
    pub(super) async fn forget_sources(&mut self) {
        self.stop_fetching();
        self.reading = None;
        if self.deps.live.gitsyncs.get(&self.key).is_some_and(|entry| !entry.object.deleting) {
            return;
        }
        forget(&self.key, std::mem::take(&mut self.places)).await;
    }

    /// Gives the source up. What was kept of it is of no use where another one is read from now on.
    pub(super) fn leave_sources(&mut self, for_another: bool) {
        (self.reading, self.source, self.news) = (None, None, None);
        let (key, places) = (self.key.clone(), std::mem::take(&mut self.places));
        if for_another {
            tokio::spawn(async move { forget(&key, places).await });
        }
    }

    /// The source is looked at, and nothing that was said before that time is good enough.
    pub(super) fn look_now(&mut self, asked: Instant) {
        self.wanted = true;
        self.asked_at = self.asked_at.max(Some(asked));
    }

    /// Since when what the server said to others is good enough. Where nobody asked, that is half of the pause: so all that
    /// share a source make one request in that time, whichever of them comes first.
    fn good_since(&mut self, settings: &Settings) -> Instant {
        let now = Instant::now();
        let pause = self.pace.pause(settings.interval, 0.5);
        self.asked_at.take().unwrap_or_else(|| now.checked_sub(pause / 2).unwrap_or(now))
    }

    /// Sets the next look that nobody asks for. Who was told what another one heard looks again when that one does.
    pub(super) fn poll_again(&mut self) {
        let Some(state) = &self.state else { return };
        let now = Instant::now();
        let asked = self.source.as_ref().and_then(|source| source.asked_at());
        let shared = asked.filter(|asked| *asked >= self.since && *asked < self.fetch_started);
        let pause = self.pace.pause(state.settings.interval, fastrand::f64());
        self.poll_at = (shared.unwrap_or(now) + pause).max(now + pause / 4);
    }
}

/// Removes the caches of places that are not read again.
async fn forget(key: &ObjectKey, places: Places) {
    for source in places.opened.into_values() {
        if let Err(error) = source.forget().await {
            debug!(sync = %key, %error, "the cache of a source that is not read any more was not removed");
        }
    }
}

fn log_diagnostics(key: &ObjectKey, state: &State) {
    for finding in &state.declared.diagnostics {
        let place = finding.place();
        let code = finding.code.as_str();
        match finding.severity {
            Severity::Error => {
                warn!(sync = %key, code, place, hint = finding.hint, finding = finding.message, "manifest refused");
            }
            Severity::Warning => {
                info!(sync = %key, code, place, hint = finding.hint, finding = finding.message, "manifest warning");
            }
        }
    }
}
