//! The gauges that cost a walk over all objects, set now and then.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{GitSyncs, Service, Services};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{DriftLevel, PausedKind};

/// How often they are set.
const EVERY: Duration = Duration::from_secs(10);

/// Sets them for as long as it runs.
pub async fn set(services: Arc<Services>, gitsyncs: Arc<GitSyncs>, metrics: Metrics) {
    loop {
        let all = services.all();
        let count = |fits: fn(&Service) -> bool| all.iter().filter(|entry| fits(&entry.extra)).count();
        metrics.drifted_objects(DriftLevel::Source, count(|service| service.source_drifted));
        metrics.drifted_objects(DriftLevel::Workload, count(|service| service.workload_drifted));
        metrics.fought_objects(DriftLevel::Source, count(|service| service.fights.0));
        metrics.fought_objects(DriftLevel::Workload, count(|service| service.fights.1));
        metrics.paused_objects(PausedKind::MicroService, count(|service| service.paused));
        let paused = gitsyncs.all().iter().filter(|entry| entry.extra.paused).count();
        metrics.paused_objects(PausedKind::GitSync, paused);
        drop(all);
        tokio::time::sleep(EVERY).await;
    }
}
