//! One GitSync in a row, and what a person should see of it beside whether it is ready: what is held, suspended, pinned,
//! waited for, and what was done last. Pure.

use serde::Serialize;

use super::{Verdict, annotation, key, paused};
use crate::api::GitSync;
use crate::api::gitsync_status::{Counts, HeldPlan, HistoryEntry, ObjectProblem, Progress, StatusDiagnostic};
use crate::api::names::{PINNED_REVISION, SUSPEND_REASON};

/// One GitSync.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncRow {
    /// `namespace/name`.
    pub name: String,
    /// Whether it is ready.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What is applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<jiff::Timestamp>,
    /// What a person should see.
    #[serde(flatten)]
    pub loud: Loud,
    /// How many MicroServices are in which state.
    pub counts: Counts,
    /// The first findings about manifests.
    pub diagnostics: Vec<StatusDiagnostic>,
    /// The first MicroServices that are not as declared, and why.
    pub problems: Vec<ObjectProblem>,
}

/// What a person should see.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loud {
    /// Whether nothing is written for it.
    pub suspended: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_reason: Option<String>,
    /// What it is pinned to, or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned_revision: Option<String>,
    /// The pause of corrections, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// The plan that waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HeldPlan>,
    /// How far an apply in waves is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The last revisions, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
}

impl SyncRow {
    /// Reads it from the object.
    pub fn of(gitsync: &GitSync) -> Self {
        let status = gitsync.status.clone().unwrap_or_default();
        let applied = status.last_applied_revision;
        Self {
            name: key(gitsync).to_string(),
            verdict: Verdict::of_sync(gitsync),
            loud: Loud::of(gitsync),
            applied: applied.as_ref().map(|applied| applied.applied.0),
            revision: applied.map(|applied| applied.revision),
            counts: status.counts.unwrap_or_default(),
            diagnostics: status.diagnostics,
            problems: status.problems,
        }
    }
}

impl Loud {
    /// Of a GitSync.
    pub fn of(gitsync: &GitSync) -> Self {
        let status = gitsync.status.clone().unwrap_or_default();
        let suspended = gitsync.spec.suspended();
        Self {
            suspended,
            suspend_reason: annotation(gitsync, SUSPEND_REASON).filter(|_| suspended).map(str::to_owned),
            pinned_revision: annotation(gitsync, PINNED_REVISION).map(str::to_owned).or(status.pinned_revision),
            paused: paused(&status.conditions).map(str::to_owned),
            hold: status.hold,
            progress: status.progress,
            history: status.history,
        }
    }
}
