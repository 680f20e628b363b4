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

use k8s_openapi::api::core::v1::ObjectReference;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, info_span, warn};

pub use children::resource;
pub use queue::Queue;

use crate::api::condition::{self, READY};
use crate::api::gitsync::DriftPolicy;
use crate::api::names::SOURCE;
use crate::api::status::{DriftedField, MicroServiceStatus};
use crate::api::{API_VERSION, MicroService, SourceMark};
use crate::cluster::store::{Extra, Store};
use crate::cluster::{Cluster, EventNote, Events};
use crate::model::{ChangeKind, ObjectKey};
use crate::plan::Standing;
use crate::report::drift as drift_report;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{DriftLevel, ReconcileResult};
use children::Children;
use memory::Memory;
use reconcile::{Next, policy_word, reconcile};

/// What is kept beside a live MicroService.
#[derive(Debug)]
pub struct Service {
    /// How it stands towards Git.
    pub standing: Standing,
    /// `namespace/name` of its GitSync, by its mark.
    pub sync: Option<String>,
    /// Whether condition Ready is True.
    pub ready: bool,
    /// Whether condition Drifted is True.
    pub drifted: bool,
}

impl Extra for Service {
    fn of(value: &Value) -> Self {
        let holds = |kind: &str| {
            let conditions = value["status"]["conditions"].as_array();
            conditions.is_some_and(|all| all.iter().any(|one| one["type"] == kind && one["status"] == "True"))
        };
        let mark = value["metadata"]["annotations"][SOURCE].as_str().and_then(SourceMark::parse);
        Self {
            standing: Standing::of(value),
            sync: mark.map(|mark| mark.sync),
            ready: holds(READY),
            drifted: holds(condition::DRIFTED),
        }
    }

    fn group(&self, _: &crate::model::LiveObject) -> Option<Arc<str>> {
        self.standing.part_of.as_deref().map(Into::into)
    }
}

/// Live MicroServices, grouped by the ApplySet that they say they are part of.
pub type Services = Store<Service>;

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
    memory: Memory,
    queue: Queue,
}

impl Controller {
    /// A controller over `services`, which somebody else keeps up to date; each change must be added to `queue`.
    pub fn new(
        cluster: Cluster,
        services: Arc<Services>,
        policies: Arc<dyn Policies>,
        events: Events,
        metrics: Metrics,
        queue: Queue,
    ) -> Self {
        Self {
            cluster,
            services,
            children: Children::new(),
            policies,
            events,
            metrics,
            memory: Memory::default(),
            queue,
        }
    }

    /// Runs until told to stop; then ends what is being handled and returns.
    pub async fn run(self, workers: usize, stop: CancellationToken) {
        let controller = Arc::new(self);
        let mut tasks = JoinSet::new();
        for watch in controller.children.watches(&controller.cluster, &controller.queue) {
            tasks.spawn(watch);
        }
        tokio::select! {
            () = controller.ready() => {}
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
        loop {
            let key = tokio::select! {
                () = stop.cancelled() => return,
                key = self.queue.next() => key,
            };
            self.handle(&key).instrument(info_span!("reconcile", service = %key)).await;
            self.queue.done(&key);
            self.metrics.queue_depth("controller", self.queue.depth());
        }
    }

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
                warn!(service = %key, reason = error.reason(), %error, again_in = ?round(pause), "reconcile failed");
            }
        }
    }

    /// One log line, one Event and one count for a drift that was not known.
    fn announce(&self, key: &ObjectKey, service: &MicroService, field: &DriftedField, policy: DriftPolicy) {
        warn!(
            level = "workload",
            service = %key,
            kind = field.kind,
            object = field.object,
            path = field.path,
            change = field.change,
            declared = drift_report::text(field.declared.as_ref()),
            live = drift_report::text(field.live.as_ref()),
            manager = field.manager.as_deref().unwrap_or("unknown"),
            operation = field.operation.as_deref().unwrap_or("unknown"),
            time = field.time.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
            policy = policy_word(policy),
            "drift"
        );
        self.metrics.drifted_field(DriftLevel::Workload, static_kind(&field.kind), change_kind(&field.change), policy);
        let note = format!("{}; policy {}", drift_report::sentence(field), policy_word(policy));
        self.events.emit(note_on(key, service, true, "WorkloadDrift", "Compare", note));
    }

    /// A change of readiness is worth a line and an Event.
    fn log_transition(&self, key: &ObjectKey, service: &MicroService, status: &MicroServiceStatus) {
        let before = service.status.as_ref().and_then(|status| condition::find(&status.conditions, READY));
        let Some(after) = condition::find(&status.conditions, READY) else { return };
        if before.is_some_and(|before| before.status == after.status && before.reason == after.reason) {
            return;
        }
        if after.status == "True" {
            info!(service = %key, reason = after.reason, message = after.message, "service is ready");
            self.events.emit(note_on(key, service, false, "Ready", "Reconcile", after.message.clone()));
        } else if before.is_some() {
            info!(service = %key, reason = after.reason, message = after.message, "service is not ready");
            self.events.emit(note_on(key, service, true, &after.reason, "Reconcile", after.message.clone()));
        } else {
            debug!(service = %key, reason = after.reason, "service seen for the first time");
        }
    }
}

fn note_on(
    key: &ObjectKey,
    service: &MicroService,
    warning: bool,
    reason: &str,
    action: &'static str,
    note: String,
) -> EventNote {
    let object = ObjectReference {
        api_version: Some(API_VERSION.into()),
        kind: Some("MicroService".into()),
        namespace: Some(key.namespace.to_string()),
        name: Some(key.name.to_string()),
        uid: service.metadata.uid.clone(),
        ..ObjectReference::default()
    };
    EventNote { object, warning, reason: reason.to_owned(), action, note }
}

fn round(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
}

/// The kind as a word of our own source: a label must be bounded.
fn static_kind(kind: &str) -> &'static str {
    crate::workload::KINDS.iter().find(|known| known.kind == kind).map_or("other", |known| known.kind)
}

fn change_kind(text: &str) -> ChangeKind {
    let all = [ChangeKind::Modified, ChangeKind::Added, ChangeKind::Removed, ChangeKind::Deleted];
    all.into_iter().find(|change| change.as_str() == text).unwrap_or(ChangeKind::Modified)
}
