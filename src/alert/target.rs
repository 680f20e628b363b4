//! A target of alerts, checked once.

use jiff::SignedDuration;

use super::filter::Filter;
use crate::api::notify::{AlertKind, NotifyTarget, TargetType};
use crate::model::{ObjectKey, parse_duration};

/// Between two messages, where the target does not say.
const EVERY: SignedDuration = SignedDuration::from_secs(30);
/// An Alertmanager is told again what stands; without that it takes it for over.
pub const AGAIN: SignedDuration = SignedDuration::from_secs(240);

/// A target of one GitSync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name within the GitSync.
    pub name: String,
    /// Who is behind its address.
    pub kind: TargetType,
    /// Its address, where the spec has it.
    pub url: Option<String>,
    /// Its Secret.
    pub secret: Option<ObjectKey>,
    /// What it is told, and how often.
    pub pace: Pace,
}

/// What a target is told, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Which alerts.
    pub filter: Filter,
    /// The least time between two messages.
    pub every: SignedDuration,
    /// After which time what stands is told again.
    pub again: Option<SignedDuration>,
    after: Option<SignedDuration>,
}

impl Target {
    /// Reads a target of a GitSync in that namespace.
    pub fn of(target: &NotifyTarget, namespace: &str) -> Self {
        let duration = |text: &Option<String>| {
            text.as_deref().and_then(parse_duration).and_then(|duration| SignedDuration::try_from(duration).ok())
        };
        let secret = target.secret_ref.as_ref();
        Self {
            name: target.name.clone(),
            kind: target.kind,
            url: target.url.clone(),
            secret: secret.map(|secret| ObjectKey::new(namespace, secret.name.as_str())),
            pace: Pace {
                filter: Filter::of(&target.events),
                every: duration(&target.every).unwrap_or(EVERY),
                again: (target.kind == TargetType::Alertmanager).then_some(AGAIN),
                after: duration(&target.after),
            },
        }
    }
}

impl Pace {
    /// How long something must last before it is told: what often passes by itself waits.
    pub fn after(&self, kind: AlertKind) -> SignedDuration {
        self.after.unwrap_or(SignedDuration::from_secs(match kind {
            AlertKind::SourceStale => 120,
            AlertKind::ServiceFailing => 30,
            AlertKind::SyncFailing => 10,
            AlertKind::Drifted => 5,
            AlertKind::PlanHeld
            | AlertKind::Quarantined
            | AlertKind::Corrected
            | AlertKind::Fighting
            | AlertKind::Applied => 0,
        }))
    }
}
