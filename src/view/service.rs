//! One MicroService in a row. Pure.

use serde::Serialize;

use super::{Verdict, concerns, fights, key, paused_service, provenance};
use crate::api::MicroService;
use crate::api::status::{DriftStatus, SourceStatus};

/// One MicroService.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRow {
    /// `namespace/name`.
    pub name: String,
    /// Whether it is ready.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// `ready/desired`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<String>,
    /// What is declared.
    pub image: String,
    /// What a complete rollout serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_image: Option<String>,
    /// Fields that differ, at either level.
    pub drifted_fields: u32,
    /// The pause of corrections, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Who keeps rewriting what is put back, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fights: Vec<String>,
    /// What is wrong beside what its condition Ready says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// Where it was declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
}

impl ServiceRow {
    /// Reads it from the object.
    pub fn of(service: &MicroService) -> Self {
        let status = service.status.as_ref();
        let drifted = |drift: Option<&DriftStatus>| drift.map_or(0, |drift| drift.count);
        let (source, workload) = (
            drifted(status.and_then(|status| status.source_drift.as_ref())),
            drifted(status.and_then(|status| status.workload_drift.as_ref())),
        );
        let verdict = Verdict::of_service(service);
        Self {
            name: key(service).to_string(),
            concerns: concerns(service, &verdict),
            verdict,
            replicas: status.and_then(|status| status.replicas_summary.clone()),
            image: service.spec.image.clone(),
            running_image: status.and_then(|status| status.image.as_ref()).and_then(|image| image.running.clone()),
            drifted_fields: source.saturating_add(workload),
            paused: paused_service(service).map(str::to_owned),
            fights: fights(service),
            source: provenance(service),
        }
    }
}
