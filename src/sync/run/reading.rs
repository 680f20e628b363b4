//! Looking at the source, beside the loop.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{Fetched, Reading, SyncLoop};
use crate::cluster::EventNote;
use crate::model::{ObjectKey, Severity, codes};
use crate::report::gitsync::Fault;
use crate::source::{SourceError, Sources};
use crate::sync::fetch::{Found, Parsed};
use crate::sync::settings::Settings;
use crate::sync::state::State;
use crate::telemetry::metrics::FetchResult;

/// First pause after a failed fetch.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause after failed fetches, where the interval is not longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

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
            self.poll_again();
            self.status_now();
            return;
        }
        let reading = match self.reading.take().map_or_else(|| open(&self.deps.sources, &settings), Ok) {
            Ok(reading) => reading,
            Err(error) => {
                self.source_failed(&error);
                return;
            }
        };
        self.wanted = false;
        self.source = Some(Arc::clone(&reading.source));
        self.deps.tracer.opened(&self.key, &reading.source);
        let Some(errand) = self.errand() else { return };
        self.afresh = false;
        self.fetch_started = Instant::now();
        let (secrets, again) = (Arc::clone(&self.secrets), self.fetch_failures > 0);
        self.fetching = Some(tokio::spawn(async move {
            let mut reading = reading;
            let result = match secrets.introduce(&reading.source, &errand.settings, again).await {
                // What a person pinned may be at hand, whoever may reach the server.
                Err(error) if errand.settings.pinned.is_none() => Err(error),
                _ => errand.run(&reading.source, &mut reading.parsed).await,
            };
            (reading, result)
        }));
    }

    pub(super) fn fetched(&mut self, fetched: Result<Fetched, JoinError>) {
        let took = self.fetch_started.elapsed();
        let Ok((reading, result)) = fetched else {
            error!(sync = %self.key, "a fetch panicked; the source is opened anew");
            self.deps.metrics.fetched(&self.key, FetchResult::Failed, took);
            self.afresh = true;
            self.poll_again();
            return;
        };
        self.reading = Some(reading);
        match result {
            Err(error) => {
                self.deps.metrics.fetched(&self.key, FetchResult::Failed, took);
                self.source_failed(&error);
            }
            Ok(found) => {
                self.looked_at = Some(self.fetch_started);
                self.found(found, took);
            }
        }
        self.publish();
    }

    pub(super) fn found(&mut self, found: Found, took: Duration) {
        self.fetch_failures = 0;
        self.poll_again();
        let Some(state) = &mut self.state else { return };
        if state.settings.pinned.is_none() {
            self.deps.metrics.source_seen(&self.key, jiff::Timestamp::now());
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
            Found::Revision(found) => {
                let revision = found.snapshot.revision.clone();
                state.follow(&revision, found.approved);
                let (before, seen) = (Arc::clone(&state.declared), state.snapshot.clone());
                let changed = state.read(found.snapshot, found.declared);
                // To free ten thousand objects takes milliseconds for which nobody should wait.
                tokio::task::spawn_blocking(move || drop((before, seen)));
                if changed {
                    info!(sync = %self.key, %revision, declared = state.declared.objects.len(), took = ?took, "revision read");
                    log_diagnostics(&self.key, state);
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

    pub(super) fn source_failed(&mut self, error: &SourceError) {
        self.wanted = false;
        self.afresh = true;
        self.fetch_failures += 1;
        let Some(state) = &mut self.state else { return };
        let fault = Fault { reason: error.reason().into(), message: error.to_string(), stalled: !error.is_transient() };
        if state.fault.as_ref() != Some(&fault) {
            warn!(sync = %self.key, code = error.code(), reason = error.reason(), %error, "source cannot be read");
            let uid = Some(state.settings.sync.uid.as_str());
            let note = EventNote::on("GitSync", &self.key, uid, error.reason(), "Fetch", error.to_string());
            self.deps.events.emit(note.warning());
        }
        state.fault = Some(fault);
        // Whoever asked is told that it failed, and does not wait for the tries that follow.
        state.handled = self.answering.take().or(state.handled.take());
        self.poll_again();
        self.status_now();
    }

    /// Sets the next look: after the interval, or sooner and ever later after failures.
    pub(super) fn poll_again(&mut self) {
        let Some(state) = &self.state else { return };
        let interval = state.settings.interval;
        let pause = if self.fetch_failures == 0 {
            interval
        } else {
            FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(self.fetch_failures.min(12) - 1))
                .min(interval.max(LONGEST_PAUSE))
        };
        self.poll_at = Instant::now() + pause.mul_f64(0.95 + fastrand::f64() / 10.0);
    }
}

fn open(sources: &Sources, settings: &Settings) -> Result<Reading, SourceError> {
    let source = settings.open(sources)?;
    Ok(Reading { source: Arc::new(source), parsed: Parsed::default() })
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
