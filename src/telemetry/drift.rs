//! What is logged and counted of drift: a line when one begins, when it becomes another one, when it ends, and when the
//! commit that declared it is known later.

use tracing::{info, warn};

use super::Metrics;
use super::metrics::DriftLevel;
use crate::api::drift::{DriftEpisode, FightStatus};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::model::{ChangeKind, ObjectKey};
use crate::report::drift as words;
use crate::report::episodes::{Changed, Turn, began, duration, lasted};
use crate::workload::KINDS;

/// Says what became of the drift of an object of `service`. Call it once per turn, not once per look.
pub fn tell(metrics: &Metrics, level: DriftLevel, service: &ObjectKey, turn: &Turn) {
    for field in &turn.began {
        begins(level, service, field);
        metrics.drift_began(level, policy(field), static_kind(&field.kind), change_kind(&field.change));
    }
    for changed in &turn.changed {
        changes(level, service, changed);
    }
    for episode in &turn.ended {
        ends(level, service, episode);
        metrics.drift_ended(level, episode.ended, lasted(episode));
    }
}

/// One line about a field: first what every line says, in the same words, then what is its own.
macro_rules! say {
    ($log:ident, $level:expr, $service:expr, $field:expr, { $($own:tt)* }) => {{
        let field: &DriftedField = $field;
        let at = field.declared_at.as_ref();
        $log!(
            layer = layer($level),
            service = %$service,
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
            policy = policy(field).as_str(),
            file = at.map(|at| at.file.as_str()),
            line = at.map(|at| at.line),
            field = at.map(|at| at.field.as_str()),
            commit = at.and_then(|at| at.commit.as_deref()),
            $($own)*
        );
    }};
}

fn begins(level: DriftLevel, service: &ObjectKey, began: &DriftedField) {
    let at = began.declared_at.as_ref();
    say!(warn, level, service, began, {
        or_earlier = at.filter(|at| at.commit.is_some()).map(|at| at.or_earlier),
        author = at.and_then(|at| at.author.as_deref()),
        subject = at.and_then(|at| at.subject.as_deref()),
        "drift"
    });
}

fn changes(level: DriftLevel, service: &ObjectKey, Changed { before, now }: &Changed) {
    say!(warn, level, service, now, {
        was = words::text(before.live.as_ref()),
        was_by = before.manager.as_deref().unwrap_or("unknown"),
        since = %began(now),
        "drift changed"
    });
}

fn ends(level: DriftLevel, service: &ObjectKey, episode: &DriftEpisode) {
    say!(info, level, service, &episode.field, {
        ended = episode.ended.as_str(),
        since = %began(&episode.field),
        lasted = duration(lasted(episode)),
        "drift ended"
    });
}

fn layer(level: DriftLevel) -> &'static str {
    match level {
        DriftLevel::Source => "source",
        DriftLevel::Workload => "workload",
    }
}

fn policy(field: &DriftedField) -> DriftPolicy {
    field.policy.unwrap_or_default()
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

/// The kind as a word of our own source: a label must be bounded.
fn static_kind(kind: &str) -> &'static str {
    let own = ["MicroService", "GitSync"].into_iter();
    own.chain(KINDS.iter().map(|known| known.kind)).find(|known| *known == kind).unwrap_or("other")
}

fn change_kind(text: &str) -> ChangeKind {
    ChangeKind::parse(text).unwrap_or(ChangeKind::Modified)
}
