//! What is to be known of an object beside whether it is ready. Pure.

use serde::Serialize;

use super::{Verdict, concerns, fights, paused, paused_service};
use crate::api::names::{PINNED_REVISION, SUSPEND_REASON, WAVE};
use crate::api::{GitSync, MicroService};

/// What is to be known of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// What is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Whether nothing is written for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_reason: Option<String>,
    /// The pause of corrections, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Whether somebody keeps rewriting what is put back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fought_over: bool,
    /// What is wrong beside what its condition Ready says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<String>,
    /// The commit that it is pinned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned_revision: Option<String>,
    /// The plan that waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_plan: Option<String>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_reason: Option<String>,
    /// GitSyncs that must be Ready first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The wave that it is applied in, where that is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// Fields that differ from what is declared.
    #[serde(skip_serializing_if = "is_zero")]
    pub drifted_fields: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Marks {
    /// Of a GitSync.
    pub fn of_sync(gitsync: &GitSync) -> Self {
        let annotation = |name: &str| gitsync.metadata.annotations.as_ref()?.get(name).cloned();
        let status = gitsync.status.clone().unwrap_or_default();
        let suspended = gitsync.spec.suspended();
        let namespace = gitsync.metadata.namespace.as_deref().unwrap_or_default();
        let depends_on = gitsync.spec.depends_on.iter().map(|one| match one.namespace.as_deref() {
            Some(other) if other != namespace => format!("{other}/{}", one.name),
            _ => one.name.clone(),
        });
        Self {
            revision: status.last_applied_revision.map(|applied| applied.revision),
            suspended,
            suspend_reason: annotation(SUSPEND_REASON).filter(|_| suspended),
            paused: paused(&status.conditions).map(str::to_owned),
            fought_over: false,
            concerns: Vec::new(),
            pinned_revision: annotation(PINNED_REVISION).or(status.pinned_revision),
            held_plan: status.hold.as_ref().map(|hold| hold.plan.clone()),
            held_reason: status.hold.map(|hold| hold.reason),
            depends_on: depends_on.collect(),
            wave: None,
            drifted_fields: u32::try_from(status.drift.len()).unwrap_or(u32::MAX),
        }
    }

    /// Of a MicroService.
    pub fn of_service(service: &MicroService) -> Self {
        let status = service.status.clone().unwrap_or_default();
        let drifts = [status.source_drift, status.workload_drift];
        let wave = service.metadata.annotations.as_ref().and_then(|all| all.get(WAVE));
        Self {
            suspended: service.spec.suspend == Some(true),
            paused: paused_service(service).map(str::to_owned),
            fought_over: !fights(service).is_empty(),
            concerns: concerns(service, &Verdict::of_service(service)),
            wave: wave.filter(|wave| wave.trim() != "0").cloned(),
            drifted_fields: drifts.iter().flatten().map(|drift| drift.count).fold(0, u32::saturating_add),
            ..Self::default()
        }
    }
}
