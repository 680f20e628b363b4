//! The MicroService loop: renders, applies, observes, reports.
//!
//! Woken by watches alone; reconciling a service that is as rendered makes no API call. One service is one
//! unit of failure. It never touches the MicroService's spec.

mod children;
mod fell;
mod hand_over;
mod kin;
mod memory;
mod optional;
mod paces;
mod queue;
mod reconcile;
mod referenced;
mod settle;
mod spans;
#[cfg(test)]
mod tests;
mod told;
mod unread;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, instrument, warn};

pub use children::resource;
pub use kin::Kin;
pub use queue::Queue;

use crate::api::drift::Ended;
use crate::cluster::{CallError, Cluster, EventNote, Events, Services};
use crate::drift::RuleBook;
use crate::model::ObjectKey;
use crate::model::pause::PauseMarks;
use crate::report::episodes::{self, Between, Turn};
use crate::report::redact::Redactor;
use crate::server::{Beat, Pulse};
use crate::telemetry::drift::tell;
use crate::telemetry::metrics::{DriftLevel, ReconcileResult};
use crate::telemetry::panics::caught;
use crate::telemetry::{Metrics, Spans};
use crate::trace::Tracer;
use crate::workload::defaults::Defaults;
use children::Children;
use memory::Memory;
use paces::Paces;
use reconcile::{Next, Step, is_worth_a_look, reconcile};
use referenced::Referenced;

/// A reconcile is a handful of calls, each with a deadline: one that is silent for longer is stuck.
const STALLED: Duration = Duration::from_secs(180);
/// Services that are looked at while those before them are written.
const LOOKS: usize = 256;
/// Between two looks at one of them: whoever writes another value each time must not make us tell as often.
const LOOK: Duration = Duration::from_secs(1);

/// What GitSyncs say about drift, by `namespace/name`.
pub trait RuleBooks: Send + Sync + 'static {
    /// What is done about drift of what that GitSync applied.
    fn of(&self, sync: &str) -> Arc<RuleBook>;

    /// What its annotations ask for about corrections.
    fn pause(&self, sync: &str) -> Option<PauseMarks>;

    /// Takes note of rules that decided about a child.
    fn decided(&self, sync: &str, book: &RuleBook, rules: &[usize]);
}

/// The MicroService loop.
pub struct Controller {
    cluster: Cluster,
    services: Arc<Services>,
    children: Children,
    referenced: Referenced,
    rule_books: Arc<dyn RuleBooks>,
    events: Events,
    metrics: Metrics,
    tracer: Tracer,
    pulse: Pulse,
    memory: Memory,
    paces: Paces,
    queue: Queue,
    redact: Arc<Redactor>,
    defaults: watch::Receiver<Option<Arc<Defaults>>>,
    spans: Spans,
}

/// What a controller works with.
pub struct ControllerDeps {
    /// The cluster.
    pub cluster: Cluster,
    /// Live MicroServices, which somebody else keeps up to date.
    pub services: Arc<Services>,
    /// What is done about drift.
    pub rule_books: Arc<dyn RuleBooks>,
    /// Where Events go.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Traces drift to Git.
    pub tracer: Tracer,
    /// Liveness.
    pub pulse: Pulse,
    /// Names to reconcile; each change of a MicroService must be added to it.
    pub queue: Queue,
    /// What of values is shown.
    pub redact: Arc<Redactor>,
    /// What the operator decides, as soon as that is known; whoever changes it adds those that it concerns.
    pub defaults: watch::Receiver<Option<Arc<Defaults>>>,
    /// Where it is told when a service is ready.
    pub spans: Spans,
}

impl Controller {
    /// A controller that is not running yet.
    pub fn new(deps: ControllerDeps) -> Self {
        let ControllerDeps {
            cluster,
            services,
            rule_books,
            events,
            metrics,
            tracer,
            pulse,
            queue,
            redact,
            defaults,
            spans,
        } = deps;
        Self {
            children: Children::new(),
            referenced: Referenced::new(cluster.clone(), queue.clone()),
            memory: Memory::default(),
            paces: Paces::default(),
            cluster,
            services,
            rule_books,
            events,
            metrics,
            tracer,
            pulse,
            queue,
            redact,
            defaults,
            spans,
        }
    }

    /// The children and pods that it watches, for whoever shows them.
    pub fn kin(&self) -> Kin {
        self.children.kin()
    }

    /// Runs until told to stop; then ends what is being handled and returns. Its watches begin at once, its work when
    /// `begin` says so.
    pub async fn run(self, workers: usize, begin: impl Future<Output = ()>, stop: CancellationToken) {
        let controller = Arc::new(self);
        let mut tasks = JoinSet::new();
        let Self { children, cluster, queue, services, tracer, .. } = &*controller;
        for watch in children.watches(cluster, queue, services, tracer) {
            tasks.spawn(controller.pulse.survives("watch of children", watch));
        }
        let ready = async {
            controller.ready().await;
            begin.await;
        };
        tokio::select! {
            () = ready => {}
            () = stop.cancelled() => return,
        }
        info!(services = controller.services.len(), "controller started");
        let mut handling = JoinSet::new();
        let turns = Arc::new(Semaphore::new(workers));
        for _ in 0..workers.max(LOOKS) {
            let (controller, turns, stop) = (Arc::clone(&controller), Arc::clone(&turns), stop.clone());
            handling.spawn(async move { controller.work(&turns, &stop).await });
        }
        while handling.join_next().await.is_some() {}
        tasks.shutdown().await;
    }

    async fn ready(&self) {
        self.services.synced().await;
        self.children.synced().await;
    }

    async fn work(&self, turns: &Semaphore, stop: &CancellationToken) {
        let beat = self.pulse.register("controller", STALLED);
        loop {
            beat.idle();
            let key = tokio::select! {
                () = stop.cancelled() => return,
                key = self.queue.next() => key,
            };
            let turn = tokio::select! {
                () = stop.cancelled() => return,
                turn = self.turn(&key, turns, &beat) => turn,
            };
            self.queue.begin(&key);
            beat.at_object("reconciling", &key);
            self.handle(&key, Box::pin(reconcile(self, &key, Step::Whole))).await;
            drop(turn);
            self.queue.done(&key);
            self.metrics.queue_depth("controller", self.queue.depth());
        }
    }

    /// Waits until it is a service's turn to be written. What differs of it meanwhile is told.
    async fn turn<'t>(&self, key: &ObjectKey, turns: &'t Semaphore, beat: &Beat) -> Option<SemaphorePermit<'t>> {
        if let Ok(turn) = turns.try_acquire() {
            return Some(turn);
        }
        let mut turn = pin!(turns.acquire());
        let mut pause = Duration::ZERO;
        loop {
            if is_worth_a_look(self, key) {
                beat.at_object("looking at", key);
                self.look(key).await;
                pause = LOOK;
            }
            beat.idle();
            let news = async {
                self.queue.added_again(key).await;
                tokio::time::sleep(pause).await;
            };
            tokio::select! {
                // It is never closed.
                turn = &mut turn => return turn.ok(),
                () = news => {}
            }
        }
    }

    /// Tells what differs of a service. What fails here fails again when it is reconciled, which tells of it.
    #[instrument(name = "look", skip_all, fields(service = %key))]
    async fn look(&self, key: &ObjectKey) {
        let _ = caught(Box::pin(reconcile(self, key, Step::Look))).await;
    }

    /// Does the reconcile of a service, and decides when it is looked at again.
    #[instrument(name = "reconcile", skip_all, fields(service = %key))]
    async fn handle(&self, key: &ObjectKey, reconcile: impl Future<Output = Result<(Next, bool), CallError>>) {
        let started = Instant::now();
        let result = match caught(reconcile).await {
            Ok(result) => result,
            Err(panicked) => {
                self.metrics.reconciled(ReconcileResult::Failed, started.elapsed());
                // Whoever tells of it may fall over the same.
                let _ = caught(self.fell(key, &panicked)).await;
                return;
            }
        };
        let word = match &result {
            Ok((_, true)) => ReconcileResult::Applied,
            Ok((Next::Retry, false)) | Err(_) => ReconcileResult::Failed,
            Ok((_, false)) => ReconcileResult::Unchanged,
        };
        self.metrics.reconciled(word, started.elapsed());
        match result.map(|(next, _)| next) {
            Ok(Next::Rest) => self.queue.succeeded(key),
            Ok(Next::After(pause)) => self.queue.add_after(key.clone(), pause),
            Ok(Next::Retry) => {
                self.queue.retry(key);
            }
            Err(error) => {
                let pause = self.queue.retry(key);
                warn!(service = %key, code = error.code(), reason = error.reason(), %error, again_in = ?round(pause), "reconcile failed");
            }
        }
    }

    /// One log line, one Event and one count for each drift that began, changed or ended.
    fn tell(&self, key: &ObjectKey, uid: Option<&str>, turn: &Turn) {
        tell(&self.metrics, DriftLevel::Workload, key, turn);
        for note in episodes::notes(turn, Between::Workload) {
            let event = EventNote::on("MicroService", key, uid, note.reason, "Compare", note.text);
            self.events.emit(event.about(note.field).warning_if(note.warning));
        }
    }

    /// With a service that is gone, the drift of its children is over.
    fn gone(&self, key: &ObjectKey) {
        let stood = self.memory.forget(key);
        self.paces.forget(key);
        let turn = episodes::turn(&stood, Vec::new(), jiff::Timestamp::now(), |_| Some(Ended::Gone));
        self.tell(key, None, &turn);
    }
}

fn round(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}
