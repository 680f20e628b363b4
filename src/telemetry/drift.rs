//! One log line and one count per drifted field.

use tracing::warn;

use super::Metrics;
use super::metrics::DriftLevel;
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::model::{ChangeKind, ObjectKey};
use crate::report::drift as words;
use crate::workload::KINDS;

/// Says that a field of an object of `service` was seen to drift. Call it once per drift, not once per look.
pub fn announce(metrics: &Metrics, level: DriftLevel, service: &ObjectKey, field: &DriftedField, policy: DriftPolicy) {
    warn!(
        layer = match level {
            DriftLevel::Source => "source",
            DriftLevel::Workload => "workload",
        },
        service = %service,
        kind = field.kind,
        object = field.object,
        path = field.path,
        change = field.change,
        declared = words::text(field.declared.as_ref()),
        live = words::text(field.live.as_ref()),
        manager = field.manager.as_deref().unwrap_or("unknown"),
        operation = field.operation.as_deref().unwrap_or("unknown"),
        time = field.time.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
        policy = policy_word(policy),
        "drift"
    );
    metrics.drifted_field(level, static_kind(&field.kind), change_kind(&field.change), policy);
}

/// As it is written in specs.
pub fn policy_word(policy: DriftPolicy) -> &'static str {
    match policy {
        DriftPolicy::Correct => "Correct",
        DriftPolicy::Report => "Report",
    }
}

/// The kind as a word of our own source: a label must be bounded.
fn static_kind(kind: &str) -> &'static str {
    KINDS.iter().find(|known| known.kind == kind).map_or("MicroService", |known| known.kind)
}

fn change_kind(text: &str) -> ChangeKind {
    let all = [ChangeKind::Modified, ChangeKind::Added, ChangeKind::Removed, ChangeKind::Deleted];
    all.into_iter().find(|change| change.as_str() == text).unwrap_or(ChangeKind::Modified)
}
