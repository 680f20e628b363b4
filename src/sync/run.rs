//! One GitSync's loop.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info, info_span, warn};

use super::apply::{Ran, Run};
use super::fetch::{Found, Parsed, look};
use super::inbox::{Inbox, News};
use super::settings::Settings;
use super::state::State;
use super::syncs::GitSyncs;
use super::work::{Item, Task, View};
use crate::api::gitsync::DriftPolicy;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftedField;
use crate::api::{GitSync, GitSyncStatus};
use crate::cluster::{Apply, CallError, Cluster, EventNote, Events, Services, gitsyncs};
use crate::model::{ObjectKey, Severity};
use crate::report::drift::{self as words, Subject};
use crate::report::gitsync::{self as report, Fault};
use crate::server::Pulse;
use crate::source::{Source, SourceError, Sources};
use crate::telemetry::Metrics;
use crate::telemetry::drift::{announce, policy_word};
use crate::telemetry::metrics::{DriftLevel, FetchResult, ObjectState, SyncResult};

/// Pause before counts alone are written.
const COUNTS: Duration = Duration::from_secs(1);
/// A loop that is silent for longer than this beyond its timers is stalled.
const STALLED: Duration = Duration::from_secs(120);
/// First pause after a failed fetch.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What all loops share.
#[derive(Clone)]
pub struct SyncDeps {
    /// The cluster.
    pub cluster: Cluster,
    /// Live MicroServices.
    pub services: Arc<Services>,
    /// Live GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
    /// Opens sources.
    pub sources: Sources,
    /// Where Events go.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Liveness.
    pub pulse: Pulse,
    /// A GitSync elsewhere is confined to its own namespace.
    pub operator_namespace: Arc<str>,
    /// Calls in flight for all GitSyncs.
    pub permits: Arc<Semaphore>,
}

/// A source and what was parsed of it; moved into a fetch and back.
struct Reading {
    source: Source,
    parsed: Parsed,
}

type Fetched = (Reading, Result<Found, SourceError>);

/// A run of work beside the loop.
struct Running {
    handle: JoinHandle<Ran>,
    cancel: CancellationToken,
    keys: HashSet<ObjectKey>,
    /// Whether it applies a whole revision.
    whole: bool,
    started: Instant,
}

/// One GitSync's loop.
pub struct SyncLoop {
    deps: SyncDeps,
    key: ObjectKey,
    inbox: Arc<Inbox>,
    state: Option<State>,
    reading: Option<Reading>,
    fetching: Option<JoinHandle<Fetched>>,
    fetch_started: Instant,
    running: Option<Running>,
    /// Somebody waits for a look at the source.
    wanted: bool,
    /// The request to reconcile that the running fetch answers.
    answering: Option<String>,
    /// The next look that nobody asked for.
    poll_at: Instant,
    fetch_failures: u32,
    /// Read everything again although the revision may be known.
    afresh: bool,
    /// Plan everything.
    replan: bool,
    /// Compare everything field by field with the next plan.
    compare_all: bool,
    /// Work for the next run.
    todo: HashMap<ObjectKey, (Item, Vec<DriftedField>)>,
    /// To be looked at after the run.
    again: HashSet<ObjectKey>,
    status_at: Option<Instant>,
    written: Option<Value>,
    marks: Option<Value>,
}

impl SyncLoop {
    /// A loop for the GitSync of that name.
    pub fn new(deps: SyncDeps, key: ObjectKey, inbox: Arc<Inbox>) -> Self {
        let now = Instant::now();
        Self {
            deps,
            key,
            inbox,
            state: None,
            reading: None,
            fetching: None,
            fetch_started: now,
            running: None,
            wanted: true,
            answering: None,
            poll_at: now,
            fetch_failures: 0,
            afresh: true,
            replan: false,
            compare_all: true,
            todo: HashMap::new(),
            again: HashSet::new(),
            status_at: None,
            written: None,
            marks: None,
        }
    }

    /// Runs until told to stop; then ends what is being applied and returns.
    pub async fn run(mut self, stop: CancellationToken) {
        let beat = self.deps.pulse.register(format!("sync {}", self.key), STALLED);
        tokio::select! {
            () = self.deps.services.synced() => {}
            () = stop.cancelled() => return,
        }
        let inbox = Arc::clone(&self.inbox);
        loop {
            self.start_fetch();
            self.start_run();
            let timer = self.next_timer();
            beat.idle_for(timer.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => break,
                news = inbox.take() => self.heard(news),
                fetched = ended(&mut self.fetching) => self.fetched(fetched),
                ran = ended_run(&mut self.running) => self.ran(ran),
                () = sleep_until(timer) => self.timer(),
            }
            beat.beat();
            self.write_status().await;
        }
        if let Some(running) = self.running.take() {
            running.cancel.cancel();
            // What was begun is ended; each call has a deadline.
            if let Ok(ran) = running.handle.await {
                debug!(sync = %self.key, done = ran.outcomes.len(), left = ran.left.len(), "stopped while applying");
            }
        }
    }

    // ---- news

    fn heard(&mut self, news: News) {
        if news.spec {
            self.spec_changed();
        }
        self.wanted |= news.look.is_some();
        if self.snapshot_is_there() {
            for (key, gone) in news.dirty {
                self.examine(&key, gone, true);
            }
            self.status_within(COUNTS);
        }
    }

    fn spec_changed(&mut self) {
        let Some(entry) = self.deps.gitsyncs.get(&self.key) else { return };
        let gitsync: GitSync = match entry.object.parse() {
            Ok(gitsync) => gitsync,
            Err(error) => {
                warn!(sync = %self.key, %error, "GitSync cannot be read; is an older CRD installed?");
                return;
            }
        };
        let settings = match Settings::of(&gitsync, &self.deps.operator_namespace) {
            Ok(settings) => Arc::new(settings),
            Err(error) => {
                warn!(sync = %self.key, %error, "GitSync cannot be acted on");
                return;
            }
        };
        let status = gitsync.status.unwrap_or_default();
        let state = self.state.get_or_insert_with(|| State::new(Arc::clone(&settings), &status));
        if settings.requested.is_some() && settings.requested != state.handled {
            self.wanted = true;
        }
        let before = std::mem::replace(&mut state.settings, Arc::clone(&settings));
        if before.generation == settings.generation && self.written.is_some() {
            return;
        }
        let same_source =
            before.url == settings.url && before.branch == settings.branch && before.timeout == settings.timeout;
        if !same_source {
            self.reading = None;
        }
        self.afresh = true;
        self.wanted = true;
        self.compare_all = true;
        self.poll_at = Instant::now();
        self.status_now();
    }

    fn timer(&mut self) {
        let now = Instant::now();
        if self.poll_at <= now {
            self.wanted = true;
        }
        let due = self.state.as_ref().map(|state| state.due(now)).unwrap_or_default();
        for key in due {
            if let Some(state) = &mut self.state {
                state.trying(&key);
            }
            self.examine(&key, false, true);
        }
    }

    fn next_timer(&self) -> Instant {
        let idle = Instant::now() + Duration::from_secs(600);
        let suspended = self.state.as_ref().is_none_or(|state| state.settings.suspended);
        let poll = if self.fetching.is_some() || suspended { idle } else { self.poll_at };
        let retry = if self.running.is_some() { None } else { self.state.as_ref().and_then(State::next_try) };
        [Some(poll), retry, self.status_at].into_iter().flatten().min().unwrap_or(idle)
    }

    // ---- fetch

    fn start_fetch(&mut self) {
        let Some(state) = &mut self.state else { return };
        if !self.wanted || self.fetching.is_some() || state.settings.suspended {
            return;
        }
        let settings = Arc::clone(&state.settings);
        let reading = match self.reading.take().map_or_else(|| open(&self.deps.sources, &settings), Ok) {
            Ok(reading) => reading,
            Err(error) => {
                self.source_failed(&error);
                return;
            }
        };
        self.wanted = false;
        self.answering.clone_from(&settings.requested);
        let known = if self.afresh { None } else { state.snapshot.as_ref().map(|snapshot| snapshot.revision.clone()) };
        self.afresh = false;
        self.fetch_started = Instant::now();
        self.fetching = Some(tokio::spawn(async move {
            let mut reading = reading;
            let result = look(&reading.source, &mut reading.parsed, known.as_ref(), &settings).await;
            (reading, result)
        }));
    }

    fn fetched(&mut self, fetched: Result<Fetched, tokio::task::JoinError>) {
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
            Ok(found) => self.found(found, took),
        }
    }

    fn found(&mut self, found: Found, took: Duration) {
        self.fetch_failures = 0;
        self.poll_again();
        self.deps.metrics.source_seen(&self.key, jiff::Timestamp::now());
        let Some(state) = &mut self.state else { return };
        if state.fault.take().is_some() {
            info!(sync = %self.key, "source can be read again");
            self.status_at = Some(Instant::now());
        }
        let result = match found {
            Found::Unchanged => {
                if self.answering.is_some() && state.handled != self.answering {
                    state.handled.clone_from(&self.answering);
                    self.status_at = Some(Instant::now());
                }
                FetchResult::Unchanged
            }
            Found::Revision(found) => {
                let revision = found.snapshot.revision.clone();
                let changed = state.read(found.snapshot, found.declared);
                if changed {
                    info!(sync = %self.key, %revision, declared = state.declared.objects.len(), took = ?took, "revision read");
                    log_diagnostics(&self.key, state);
                }
                self.replan = true;
                if changed && let Some(running) = &self.running {
                    running.cancel.cancel();
                }
                FetchResult::Changed
            }
        };
        self.deps.metrics.fetched(&self.key, result, took);
    }

    fn source_failed(&mut self, error: &SourceError) {
        self.wanted = false;
        self.afresh = true;
        self.fetch_failures += 1;
        let Some(state) = &mut self.state else { return };
        let fault = Fault { reason: error.reason().into(), message: error.to_string(), stalled: !error.is_transient() };
        if state.fault.as_ref() != Some(&fault) {
            warn!(sync = %self.key, reason = error.reason(), %error, "source cannot be read");
            let uid = Some(state.settings.sync.uid.as_str());
            let note = EventNote::on("GitSync", &self.key, uid, error.reason(), "Fetch", error.to_string());
            self.deps.events.emit(note.warning());
        }
        state.fault = Some(fault);
        self.poll_again();
        self.status_now();
    }

    /// Sets the next look: after the interval, or sooner and ever later after failures.
    fn poll_again(&mut self) {
        let Some(state) = &self.state else { return };
        let interval = state.settings.interval;
        let pause = if self.fetch_failures == 0 {
            interval
        } else {
            FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(self.fetch_failures.min(12) - 1))
                .min(interval.max(Duration::from_secs(60)))
        };
        self.poll_at = Instant::now() + pause.mul_f64(0.95 + fastrand::f64() / 10.0);
    }

    // ---- plan

    fn snapshot_is_there(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.snapshot.is_some())
    }

    /// Looks at one MicroService: reports its drift at once, and notes what is to be done.
    fn examine(&mut self, key: &ObjectKey, gone: bool, drift: bool) {
        let Some(state) = &mut self.state else { return };
        let Some(snapshot) = state.snapshot.clone() else { return };
        let (settings, declared) = (Arc::clone(&state.settings), Arc::clone(&state.declared));
        let view = View {
            settings: &settings,
            declared: &declared,
            revision: snapshot.revision.as_str(),
            services: &self.deps.services,
            guards: &state.guards.clone(),
        };
        let look = view.look(key, drift);
        state.looked(key, look.hold.as_ref());
        let object = declared.objects.get(key);
        let policy = object.map_or(settings.drift_policy, |object| view.policy(object));
        let policy = if settings.suspended { DriftPolicy::Report } else { policy };
        let in_flight = self.running.as_ref().is_some_and(|running| running.keys.contains(key));
        let mut task = look.task;
        let mut fields = Vec::new();
        if let Some((declared, live)) = &look.compared {
            let known = state.drift.get(key).map(Vec::as_slice).unwrap_or_default();
            let subject = Subject { kind: "MicroService", key, declared, live };
            fields =
                look.drifts.iter().map(|drift| words::field(&subject, drift, known, jiff::Timestamp::now())).collect();
        } else if task == Some(Task::Create)
            && let Some(object) = object
        {
            let stays = state.left_deleted.get(key) == Some(&object.document.hash);
            if gone && !in_flight || stays {
                fields.push(words::deleted("MicroService", key, jiff::Timestamp::now()));
            }
            if !fields.is_empty() && policy == DriftPolicy::Report {
                state.left_deleted.insert(key.clone(), object.document.hash.clone());
                task = None;
            }
        }
        // An object that was not compared says nothing about drift that stands.
        let looked_for_drift = look.compared.is_some() || !fields.is_empty() || task == Some(Task::Create);
        let known = state.drift.get(key).cloned().unwrap_or_default();
        if looked_for_drift {
            for field in fields.iter().filter(|field| !known.iter().any(|known| words::same(known, field))) {
                announce(&self.deps.metrics, DriftLevel::Source, key, field, policy);
                let note = format!("{}; policy {}", words::sentence(field), policy_word(policy));
                let live = self.deps.services.get(key);
                let uid = live.as_ref().map(|live| &*live.object.uid);
                self.deps
                    .events
                    .emit(EventNote::on("MicroService", key, uid, "SourceDrift", "Compare", note).warning());
            }
            if fields.is_empty() {
                state.drift.remove(key);
            } else {
                state.drift.insert(key.clone(), fields.clone());
            }
            let said = fields.len() == known.len()
                && fields.iter().all(|field| known.iter().any(|known| words::same(known, field)));
            let can_say = !settings.suspended && self.deps.services.get(key).is_some();
            if task.is_none() && !said && can_say {
                task = Some(Task::Note);
            }
        }
        let Some(task) = task.filter(|_| !settings.suspended) else { return };
        if in_flight {
            self.again.insert(key.clone());
            return;
        }
        self.todo.insert(key.clone(), (Item { key: key.clone(), task }, fields));
    }

    fn plan_everything(&mut self) {
        let Some(state) = &mut self.state else { return };
        state.begin_plan();
        let guards = state.guards.clone();
        let mut keys: Vec<ObjectKey> = state.declared.objects.keys().cloned().collect();
        let revision = state.snapshot.as_ref().map(|snapshot| snapshot.revision.clone());
        let view = View {
            settings: &state.settings,
            declared: &state.declared,
            revision: revision.as_ref().map_or("", |revision| revision.as_str()),
            services: &self.deps.services,
            guards: &guards,
        };
        keys.extend(view.undeclared_members());
        self.todo.clear();
        self.again.clear();
        let drift = std::mem::take(&mut self.compare_all);
        tokio::task::block_in_place(|| {
            for key in &keys {
                self.examine(key, false, drift);
            }
        });
    }

    // ---- apply

    fn start_run(&mut self) {
        if self.running.is_some() {
            return;
        }
        let whole = std::mem::take(&mut self.replan);
        if whole {
            self.plan_everything();
        }
        let Some(state) = &mut self.state else { return };
        let Some(snapshot) = state.snapshot.clone() else { return };
        if state.settings.suspended {
            self.todo.clear();
            return;
        }
        let items: Vec<_> = self.todo.drain().map(|(_, item)| item).collect();
        if items.is_empty() && !whole {
            return;
        }
        let cancel = CancellationToken::new();
        let keys = items.iter().map(|(item, _)| item.key.clone()).collect();
        let run = Run {
            items,
            settings: Arc::clone(&state.settings),
            declared: Arc::clone(&state.declared),
            revision: snapshot.revision.to_string(),
            guards: state.guards.clone(),
            services: Arc::clone(&self.deps.services),
            cluster: self.deps.cluster.clone(),
            permits: Arc::clone(&self.deps.permits),
            cancel: cancel.clone(),
        };
        let span = info_span!("sync", sync = %self.key, revision = %snapshot.revision);
        let handle = tokio::spawn(run.run().instrument(span));
        self.running = Some(Running { handle, cancel, keys, whole, started: Instant::now() });
        if whole {
            self.status_within(Duration::from_millis(500));
        }
    }

    fn ran(&mut self, ran: Result<Ran, tokio::task::JoinError>) {
        let Some(running) = self.running.take() else { return };
        let Ok(ran) = ran else {
            error!(sync = %self.key, "an apply panicked; everything is planned anew");
            self.replan = true;
            return;
        };
        let Some(state) = &mut self.state else { return };
        for (item, outcome) in &ran.outcomes {
            state.done(item, &outcome.kind);
        }
        let superseded = running.cancel.is_cancelled();
        if running.whole {
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
            } else {
                self.revision_applied(&running, failed, held);
            }
        }
        for key in std::mem::take(&mut self.again) {
            self.examine(&key, false, true);
        }
        self.status_now();
    }

    fn revision_applied(&mut self, running: &Running, failed: usize, held: usize) {
        let Some(state) = &mut self.state else { return };
        state.applied(jiff::Timestamp::now());
        if self.answering.is_some() {
            state.handled.clone_from(&self.answering);
        }
        let counts = state.observed(&self.deps.services, false).counts;
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
            took = ?running.started.elapsed(),
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
    }

    // ---- status

    fn status_now(&mut self) {
        self.status_at = Some(Instant::now());
    }

    fn status_within(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.status_at = Some(self.status_at.map_or(at, |earlier| earlier.min(at)));
    }

    async fn write_status(&mut self) {
        if self.status_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.status_at = None;
        let Some(state) = &self.state else { return };
        let Some(entry) = self.deps.gitsyncs.get(&self.key) else { return };
        let live = entry.object.value();
        let previous: GitSyncStatus =
            live.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()).unwrap_or_default();
        let applying = self.running.as_ref().is_some_and(|running| running.whole) || self.replan;
        let observed = state.observed(&self.deps.services, applying);
        self.count(&observed.counts);
        let status = report::status(&observed, &previous, jiff::Timestamp::now());
        let wanted = serde_json::to_value(&status).unwrap_or_default();
        let marks = state.parent_marks();
        if self.marks.as_ref() != Some(&marks) && self.snapshot_is_there() {
            match self.deps.cluster.apply(&gitsyncs(), &self.key, &marks, Apply::forced(SYNC_MANAGER)).await {
                Ok(_) => self.marks = Some(marks),
                Err(error) => debug!(sync = %self.key, %error, "ApplySet marks not written"),
            }
        }
        if live.get("status") == Some(&wanted) || self.written.as_ref() == Some(&wanted) {
            self.written = Some(wanted);
            return;
        }
        match self.deps.cluster.apply_status(&gitsyncs(), &self.key, &wanted, SYNC_MANAGER).await {
            Ok(answer) => {
                self.written = Some(wanted);
                self.deps.gitsyncs.answered(answer);
            }
            Err(CallError::NotFound(_)) => {}
            Err(error) => {
                warn!(sync = %self.key, reason = error.reason(), %error, "status not written");
                self.status_within(Duration::from_secs(5));
            }
        }
    }

    fn count(&self, counts: &crate::api::gitsync::Counts) {
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

fn open(sources: &Sources, settings: &Settings) -> Result<Reading, SourceError> {
    let source = sources.open(&settings.url, &settings.branch, settings.timeout)?;
    Ok(Reading { source, parsed: Parsed::default() })
}

fn log_diagnostics(key: &ObjectKey, state: &State) {
    for finding in &state.declared.diagnostics {
        let place = finding.place();
        let code = finding.code.as_str();
        match finding.severity {
            Severity::Error => {
                warn!(sync = %key, code, place, hint = finding.hint, finding = finding.message, "manifest refused")
            }
            Severity::Warning => {
                info!(sync = %key, code, place, hint = finding.hint, finding = finding.message, "manifest warning")
            }
        }
    }
}

/// Waits for a task; for ever where there is none.
async fn ended<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match task {
        Some(handle) => {
            let result = handle.await;
            *task = None;
            result
        }
        None => std::future::pending().await,
    }
}

async fn ended_run(running: &mut Option<Running>) -> Result<Ran, tokio::task::JoinError> {
    match running {
        Some(running) => (&mut running.handle).await,
        None => std::future::pending().await,
    }
}
