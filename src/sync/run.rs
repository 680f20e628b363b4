//! One GitSync's loop.

mod applying;
mod ended;
mod hearing;
mod judging;
mod lifetime;
mod moving;
mod planning;
mod reading;
mod reporting;
mod restraint;
mod revisions;
mod spans;
mod timers;
mod tracing_drift;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::apply::{Begin, Ran};
use super::fetch::{Found, Parsed};
use super::inbox::Inbox;
use super::mending::Mending;
use super::neighbours::Neighbours;
use super::pace::Pace;
use super::places::Places;
use super::rule_use::RuleUse;
use super::secrets::SecretKeeper;
use super::state::State;
use super::told::{Teller, Told};
use super::work::Item;
use crate::api::status::DriftedField;
use crate::cluster::{Cluster, Events, Targets};
use crate::model::{ObjectKey, Snapshot, Target};
use crate::plan::Permit;
use crate::report::redact::Redactor;
use crate::report::written::Written;
use crate::server::{Beat, Pulse};
use crate::source::{News as SourceNews, Source, SourceError, Sources};
use crate::telemetry::panics::Aside;
use crate::telemetry::{Metrics, Spans};
use crate::trace::Tracer;
use ended::{ended, ended_run, next, told_by_another};
use moving::Waiting;

/// Pause before counts alone are written.
const COUNTS: Duration = Duration::from_secs(1);

/// What all loops share.
#[derive(Clone)]
pub struct SyncDeps {
    /// The cluster.
    pub cluster: Cluster,
    /// Live MicroServices and GitSyncs.
    pub live: Targets,
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
    /// ServiceAccount that a GitSync writes as where it names none.
    pub default_service_account: Option<Arc<str>>,
    /// What the other GitSyncs declare.
    pub neighbours: Arc<Neighbours>,
    /// Which rules about drift decide anything.
    pub rule_use: Arc<RuleUse>,
    /// Calls in flight for all GitSyncs.
    pub permits: Arc<Semaphore>,
    /// Traces drift to Git.
    pub tracer: Tracer,
    /// Who wants to know what is done.
    pub teller: Option<Teller>,
    /// What of values is shown; set before anything is looked at.
    pub redact: Arc<OnceLock<Arc<Redactor>>>,
    /// Where it is told what becomes of a commit.
    pub spans: Spans,
}

/// A source and what was parsed of it; moved into a fetch and back.
struct Reading {
    source: Arc<Source>,
    parsed: Parsed,
}

type Fetched = (Reading, Result<Found, SourceError>);
/// A run of work beside the loop.
struct Running {
    handle: Aside<Ran>,
    cancel: CancellationToken,
    keys: HashSet<Target>,
    /// What of that is deleted, and the approved plan that says so.
    permit: Permit,
    /// Whether it applies a whole revision.
    whole: bool,
    /// The revision.
    snapshot: Arc<Snapshot>,
    /// Whether a person had pinned the GitSync to it.
    pinned: bool,
    /// How many manifests of it are invalid.
    quarantined: usize,
    started: Instant,
}

/// Nobody goes on applying for a loop that fell: the next one begins with what is in the cluster, as after any crash.
impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// One GitSync's loop.
pub struct SyncLoop {
    deps: SyncDeps,
    key: ObjectKey,
    inbox: Arc<Inbox>,
    state: Option<State>,
    reading: Option<Reading>,
    /// The source, also while it is being read.
    source: Option<Arc<Source>>,
    secrets: Arc<SecretKeeper>,
    fetching: Option<Aside<Fetched>>,
    fetch_started: Instant,
    running: Option<Running>,
    /// The source is to be looked at.
    wanted: bool,
    /// When somebody last asked for that; what was said to others before is not good enough then.
    asked_at: Option<Instant>,
    /// What was said to others since then is good enough for the look that is being made.
    since: Instant,
    /// What other readers of the same source find.
    news: Option<SourceNews>,
    /// The request to reconcile that the running fetch answers.
    answering: Option<String>,
    /// The request to reconcile that is handled once what was read is applied.
    owed: Option<String>,
    /// The next look that nobody asked for.
    poll_at: Instant,
    pace: Pace,
    places: Places,
    /// Read everything again although the revision may be known.
    afresh: bool,
    /// Plan everything.
    replan: bool,
    /// Compare everything field by field with the next plan.
    compare_all: bool,
    /// Work for the next run.
    todo: HashMap<Target, (Item, Vec<DriftedField>)>,
    /// To be looked at after the run.
    again: HashSet<Target>,
    /// Known to differ, and that is not in their status yet: they were being worked on.
    unsaid: HashSet<Target>,
    /// Deleted by us, and not yet seen to be gone.
    pruned: HashSet<Target>,
    /// Judge all deletions.
    judge: bool,
    /// Deletions that failed and whose next try is due.
    due_deletions: HashSet<Target>,
    /// What is created under a new name, with the mark of the former one.
    renamed: Arc<HashMap<Target, String>>,
    /// Deletions that the run is about to begin.
    begins: Option<mpsc::Receiver<Begin>>,
    /// Told when the status says what is about to be deleted.
    unrecorded: Option<oneshot::Sender<()>>,
    /// When the current revision was found, and when the last look that succeeded began.
    found_at: Option<Instant>,
    looked_at: Option<Instant>,
    /// Other GitSyncs that were asked to look for this revision.
    asked: HashSet<ObjectKey>,
    /// A revision whose end waits for them.
    waiting: Option<Waiting>,
    status_at: Option<Instant>,
    /// When the next rule about drift will have decided nothing for long.
    rules_at: Option<Instant>,
    /// When the finalizer is tried again.
    finalizer_at: Option<Instant>,
    written: Option<Written>,
    mending: Mending,
    marks: Option<Value>,
}

impl SyncLoop {
    /// A loop for the GitSync of that name.
    pub fn new(deps: SyncDeps, key: ObjectKey, inbox: Arc<Inbox>) -> Self {
        let now = Instant::now();
        let secrets = Arc::new(SecretKeeper::new(deps.cluster.clone(), deps.events.clone(), Arc::clone(&inbox)));
        Self {
            deps,
            key,
            secrets,
            inbox,
            state: None,
            reading: None,
            source: None,
            fetching: None,
            fetch_started: now,
            running: None,
            wanted: true,
            asked_at: Some(now),
            since: now,
            news: None,
            answering: None,
            owed: None,
            poll_at: now,
            pace: Pace::default(),
            places: Places::default(),
            afresh: true,
            replan: false,
            compare_all: true,
            todo: HashMap::new(),
            again: HashSet::new(),
            unsaid: HashSet::new(),
            pruned: HashSet::new(),
            judge: false,
            due_deletions: HashSet::new(),
            renamed: Arc::default(),
            begins: None,
            unrecorded: None,
            found_at: None,
            looked_at: None,
            asked: HashSet::new(),
            waiting: None,
            status_at: None,
            rules_at: None,
            finalizer_at: None,
            written: None,
            mending: Mending::default(),
            marks: None,
        }
    }

    /// Runs until told to stop; then ends what is being applied and returns.
    pub async fn run(mut self, beat: Arc<Beat>, stop: CancellationToken) {
        let live = self.deps.live.clone();
        let synced = async { tokio::join!(live.services.synced(), live.gitsyncs.synced()) };
        tokio::select! {
            _ = synced => {}
            () = stop.cancelled() => return,
        }
        let inbox = Arc::clone(&self.inbox);
        loop {
            beat.at("planning");
            self.start_fetch();
            self.start_run();
            let timer = self.next_timer();
            beat.idle_for(timer.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => break,
                news = inbox.take() => self.heard(news),
                fetched = ended(&mut self.fetching) => self.fetched(fetched),
                ran = ended_run(&mut self.running) => self.ran(ran),
                begin = next(&mut self.begins) => self.begin_deleting(begin),
                () = told_by_another(&mut self.news) => self.wanted |= self.polls(),
                () = sleep_until(timer) => self.timer(),
            }
            beat.at("taking what came");
            self.end_waiting();
            beat.at("keeping the finalizer");
            self.keep_finalizer().await;
            beat.at("writing the status");
            self.write_status().await;
        }
        self.deps.tracer.forget(&self.key);
        self.forget_sources().await;
        if let Some(mut running) = self.running.take() {
            running.cancel.cancel();
            // What was begun is ended; each call has a deadline.
            if let Ok(Ok(ran)) = (&mut running.handle).await {
                debug!(sync = %self.key, done = ran.outcomes.len(), left = ran.left.len(), "stopped while applying");
            }
        }
    }

    fn tell(&self, told: impl FnOnce() -> Told) {
        if let Some(teller) = &self.deps.teller {
            // Who has heard enough is gone.
            let _ = teller.send(told());
        }
    }
}
