//! The MicroService loop: renders, applies, observes, reports.
//!
//! Woken by watches alone; reconciling a service that is as rendered makes no API call. One service is one
//! unit of failure. It never touches the MicroService's spec.

mod children;
mod memory;
mod queue;
mod reconcile;
mod settle;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, instrument, warn};

pub use children::resource;
pub use queue::Queue;

use crate::api::MicroService;
use crate::api::condition::{self, READY};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::{DriftedField, MicroServiceStatus};
use crate::cluster::{Cluster, EventNote, Events, Services};
use crate::model::{ObjectKey, codes};
use crate::report::drift as drift_report;
use crate::server::Pulse;
use crate::telemetry::Metrics;
use crate::telemetry::drift::{announce, policy_word};
use crate::telemetry::metrics::{DriftLevel, ReconcileResult};
use children::Children;
use memory::Memory;
use reconcile::{Next, reconcile};

/// A reconcile is a handful of calls, each with a deadline: one that is silent for longer is stuck.
const STALLED: Duration = Duration::from_secs(180);

/// The drift policy of GitSyncs, by `namespace/name`.
pub trait Policies: Send + Sync + 'static {
    /// What is done about drift of what that GitSync applied.
    fn of(&self, sync: &str) -> DriftPolicy;
}

/// The MicroService loop.
pub struct Controller {
    cluster: Cluster,
    services: Arc<Services>,
    children: Children,
    policies: Arc<dyn Policies>,
    events: Events,
    metrics: Metrics,
    pulse: Pulse,
    memory: Memory,
    queue: Queue,
}

/// What a controller works with.
pub struct ControllerDeps {
    /// The cluster.
    pub cluster: Cluster,
    /// Live MicroServices, which somebody else keeps up to date.
    pub services: Arc<Services>,
    /// What is done about drift.
    pub policies: Arc<dyn Policies>,
    /// Where Events go.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Liveness.
    pub pulse: Pulse,
    /// Names to reconcile; each change of a MicroService must be added to it.
    pub queue: Queue,
}

impl Controller {
    /// A controller that is not running yet.
    pub fn new(deps: ControllerDeps) -> Self {
        let ControllerDeps { cluster, services, policies, events, metrics, pulse, queue } = deps;
        let (children, memory) = (Children::new(), Memory::default());
        Self { cluster, services, children, policies, events, metrics, pulse, memory, queue }
    }

    /// Runs until told to stop; then ends what is being handled and returns. Its watches begin at once, its work when
    /// `begin` says so.
    pub async fn run(self, workers: usize, begin: impl Future<Output = ()>, stop: CancellationToken) {
        let controller = Arc::new(self);
        let mut tasks = JoinSet::new();
        for watch in controller.children.watches(&controller.cluster, &controller.queue) {
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
        for _ in 0..workers {
            let controller = Arc::clone(&controller);
            let stop = stop.clone();
            handling.spawn(async move { controller.work(&stop).await });
        }
        while handling.join_next().await.is_some() {}
        tasks.shutdown().await;
    }

    async fn ready(&self) {
        self.services.synced().await;
        self.children.synced().await;
    }

    async fn work(&self, stop: &CancellationToken) {
        let beat = self.pulse.register("controller", STALLED);
        loop {
            beat.idle();
            let key = tokio::select! {
                () = stop.cancelled() => return,
                key = self.queue.next() => key,
            };
            beat.beat();
            self.handle(&key).await;
            self.queue.done(&key);
            self.metrics.queue_depth("controller", self.queue.depth());
        }
    }

    #[instrument(name = "reconcile", skip_all, fields(service = %key))]
    async fn handle(&self, key: &ObjectKey) {
        let started = Instant::now();
        let result = reconcile(self, key).await;
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

    /// One log line, one Event and one count for a drift that was not known.
    fn announce(&self, key: &ObjectKey, service: &MicroService, field: &DriftedField, policy: DriftPolicy) {
        announce(&self.metrics, DriftLevel::Workload, key, field, policy);
        let note = format!("{}; policy {}", drift_report::sentence(field), policy_word(policy));
        let note =
            EventNote::on("MicroService", key, service.metadata.uid.as_deref(), "WorkloadDrift", "Compare", note);
        self.events.emit(note.warning());
    }

    /// A change of readiness is worth a line and an Event.
    fn log_transition(&self, key: &ObjectKey, service: &MicroService, status: &MicroServiceStatus) {
        let before = service.status.as_ref().and_then(|status| condition::find(&status.conditions, READY));
        let Some(after) = condition::find(&status.conditions, READY) else { return };
        if before.is_some_and(|before| before.status == after.status && before.reason == after.reason) {
            return;
        }
        let note = |reason: &str| {
            EventNote::on(
                "MicroService",
                key,
                service.metadata.uid.as_deref(),
                reason,
                "Reconcile",
                after.message.as_str(),
            )
        };
        if after.status == "True" {
            info!(service = %key, reason = after.reason, detail = after.message, "service is ready");
            self.events.emit(note("Ready"));
        } else if before.is_some() {
            info!(service = %key, code = codes::code_of(&after.reason), reason = after.reason, detail = after.message, "service is not ready");
            self.events.emit(note(&after.reason).warning());
        } else {
            debug!(service = %key, reason = after.reason, "service seen for the first time");
        }
    }
}

fn round(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}
