//! What is counted and measured, by what happened: callers say "synced", not "increment".
//!
//! The names and labels are a contract with dashboards and alerts: docs/metrics.md, which follows from the table in
//! `contract.rs`. No global state: a [`Metrics`] is passed to whoever has something to count.

mod contract;
mod document;
mod labels;
mod process;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use self::contract::Families;
pub use self::document::document;
pub use self::labels::{
    AlertResult, CallResult, DriftLevel, FetchResult, ObjectState, PausedKind, ReconcileResult, SyncResult, Verb,
};
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::notify::TargetType;
use crate::model::{ChangeKind, ObjectKey};

/// All metrics of the daemon. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    families: Families,
}

impl Metrics {
    /// Metrics of a program of that version, with nothing counted yet.
    pub fn new(version: &'static str) -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        registry.register_collector(Box::new(process::ProcessCollector));
        families.build_info(version).set(1);
        Self(Arc::new(Inner { registry, families }))
    }

    /// As OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // A String takes everything; only a collector could fail, and ours leave out what they cannot read.
        if text::encode(&mut text, &self.0.registry).is_err() {
            tracing::error!("metrics could not be written");
        }
        text
    }

    /// A sync ended.
    pub fn synced(&self, sync: &ObjectKey, result: SyncResult, took: Duration) {
        let families = &self.0.families;
        families.syncs_total(sync, result).inc();
        families.sync_duration_seconds(sync, result).observe(took.as_secs_f64());
    }

    /// A look at a source ended.
    pub fn fetched(&self, sync: &ObjectKey, result: FetchResult, took: Duration) {
        self.0.families.fetch_duration_seconds(sync, result).observe(took.as_secs_f64());
    }

    /// A source was seen at that time, changed or not.
    pub fn source_seen(&self, sync: &ObjectKey, at: jiff::Timestamp) {
        self.0.families.source_last_success_timestamp_seconds(sync).set(at.as_duration().as_secs_f64());
    }

    /// A commit was applied that many seconds after it was made. A commit from the future counts as 0.
    pub fn commit_applied(&self, sync: &ObjectKey, seconds: f64) {
        if seconds.is_finite() {
            self.0.families.commit_to_applied_seconds(sync).observe(seconds.max(0.0));
        }
    }

    /// That many MicroServices of a GitSync are now in a state.
    pub fn objects(&self, sync: &ObjectKey, state: ObjectState, count: usize) {
        self.0.families.objects(sync, state).set(gauge(count));
    }

    /// Whether a plan of a GitSync is held now.
    pub fn plan_held(&self, sync: &ObjectKey, held: bool) {
        self.0.families.plan_held(sync).set(i64::from(held));
    }

    /// That many MicroServices differ now.
    pub fn drifted_objects(&self, level: DriftLevel, count: usize) {
        self.0.families.drifted_objects(level).set(gauge(count));
    }

    /// Somebody keeps rewriting that many MicroServices, or their children.
    pub fn fought_objects(&self, level: DriftLevel, count: usize) {
        self.0.families.fought_objects(level).set(gauge(count));
    }

    /// Somebody began to.
    pub fn fight_began(&self, level: DriftLevel) {
        self.0.families.fights_total(level).inc();
    }

    /// Corrections of that many objects are paused now.
    pub fn paused_objects(&self, kind: PausedKind, count: usize) {
        self.0.families.paused_objects(kind).set(gauge(count));
    }

    /// That many fields of what a GitSync applied, or of what its MicroServices were rendered into, differ now.
    pub fn drift_fields(&self, sync: &ObjectKey, level: DriftLevel, count: usize) {
        self.0.families.drift_fields(sync, level).set(gauge(count));
    }

    /// A field of an object of that kind began to differ.
    pub fn drift_began(&self, level: DriftLevel, policy: DriftPolicy, kind: &'static str, change: ChangeKind) {
        self.0.families.drift_episodes_total(policy, level, kind, change).inc();
    }

    /// A field differs no more, after that time.
    pub fn drift_ended(&self, level: DriftLevel, ended: Ended, lasted: Duration) {
        self.0.families.drift_ended_total(level, ended).inc();
        if ended == Ended::Corrected {
            self.0.families.drift_corrected_seconds(level).observe(lasted.as_secs_f64());
        }
    }

    /// A reconcile of a MicroService ended.
    pub fn reconciled(&self, result: ReconcileResult, took: Duration) {
        self.0.families.reconcile_duration_seconds(result).observe(took.as_secs_f64());
    }

    /// That much waits in a queue now.
    pub fn queue_depth(&self, queue: &'static str, depth: usize) {
        self.0.families.queue_depth(queue).set(gauge(depth));
    }

    /// The API server was asked; `resource` is a plural such as `deployments`.
    pub fn api_call(&self, verb: Verb, resource: &'static str, result: CallResult, took: Duration) {
        let families = &self.0.families;
        families.api_calls_total(verb, resource, result).inc();
        families.api_call_duration_seconds(verb).observe(took.as_secs_f64());
    }

    /// A request to the webhook listener was answered with that word.
    pub fn webhook_answered(&self, result: &'static str) {
        self.0.families.webhook_requests_total(result).inc();
    }

    /// A target of alerts was told something, or could not be.
    pub fn alerted(&self, target: TargetType, result: AlertResult) {
        self.0.families.alerts_total(target, result).inc();
    }

    /// Whether the operator's defaults cannot be understood, or read.
    pub fn defaults_invalid(&self, invalid: bool) {
        self.0.families.defaults_invalid().set(invalid.into());
    }

    /// That many loops make no progress now.
    pub fn stalled_loops(&self, count: usize) {
        self.0.families.stalled_loops().set(gauge(count));
    }

    /// Whether this process acts, or stands by.
    pub fn leads(&self, leads: bool) {
        self.0.families.leader().set(leads.into());
    }

    /// A GitSync is gone, and so are its series.
    pub fn forget_sync(&self, sync: &ObjectKey) {
        self.0.families.forget(sync);
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
