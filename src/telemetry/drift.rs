//! One log line and one count per drifted field, and one more line when the commit that declared it is known later.

use tracing::{info, warn};

use super::Metrics;
use super::metrics::DriftLevel;
use crate::api::drift::FightStatus;
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::model::{ChangeKind, ObjectKey};
use crate::report::drift as words;
use crate::workload::KINDS;

/// Says that a field of an object of `service` was seen to drift. Call it once per drift, not once per look.
pub fn announce(metrics: &Metrics, level: DriftLevel, service: &ObjectKey, field: &DriftedField, policy: DriftPolicy) {
    let at = field.declared_at.as_ref();
    warn!(
        layer = layer(level),
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
        user = field.user.as_deref().unwrap_or("unknown"),
        file = at.map(|at| at.file.as_str()),
        line = at.map(|at| at.line),
        field = at.map(|at| at.field.as_str()),
        commit = at.and_then(|at| at.commit.as_deref()),
        or_earlier = at.filter(|at| at.commit.is_some()).map(|at| at.or_earlier),
        author = at.and_then(|at| at.author.as_deref()),
        subject = at.and_then(|at| at.subject.as_deref()),
        policy = policy.as_str(),
        "drift"
    );
    metrics.drifted_field(level, static_kind(&field.kind), change_kind(&field.change), policy);
}

/// Says that somebody keeps rewriting what is put back, of an object or of its children. Call it once per fight.
pub fn fight_began(level: DriftLevel, object: &impl std::fmt::Display, fight: &FightStatus) {
    warn!(
        layer = layer(level),
        object = %object,
        managers = fight.managers.join(", "),
        per_minute = fight.per_minute,
        "somebody keeps rewriting what is put back; corrections slow down"
    );
}

/// Says that nobody did for a while.
pub fn fight_ended(level: DriftLevel, object: &impl std::fmt::Display, fight: &FightStatus) {
    info!(
        layer = layer(level),
        object = %object,
        managers = fight.managers.join(", "),
        since = %fight.since.0,
        "nobody rewrites what is put back any more"
    );
}

/// Says which commit declared what drifted: a line of its own, since a drift is told before anybody has looked for it.
pub fn traced(level: DriftLevel, service: &ObjectKey, field: &DriftedField) {
    let Some(at) = &field.declared_at else { return };
    info!(
        layer = layer(level),
        service = %service,
        kind = field.kind,
        object = field.object,
        path = field.path,
        file = at.file,
        line = at.line,
        field = at.field,
        commit = at.commit.as_deref(),
        or_earlier = at.or_earlier,
        author = at.author.as_deref(),
        subject = at.subject.as_deref(),
        committed = at.committed.as_ref().map(|time| time.0.to_string()),
        "drift traced"
    );
}

fn layer(level: DriftLevel) -> &'static str {
    match level {
        DriftLevel::Source => "source",
        DriftLevel::Workload => "workload",
    }
}

/// The kind as a word of our own source: a label must be bounded.
fn static_kind(kind: &str) -> &'static str {
    KINDS.iter().find(|known| known.kind == kind).map_or("MicroService", |known| known.kind)
}

fn change_kind(text: &str) -> ChangeKind {
    ChangeKind::ALL.into_iter().find(|change| change.as_str() == text).unwrap_or(ChangeKind::Modified)
}
