//! Conditions: their types, their reasons, and how one changes.
//!
//! `Reconciling` and `Stalled` follow kstatus: they are present only while true.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Everything that was asked for is so.
pub const READY: &str = "Ready";
/// Work is under way or will be retried.
pub const RECONCILING: &str = "Reconciling";
/// Nothing will change until a person acts.
pub const STALLED: &str = "Stalled";
/// Something differs from what was declared.
pub const DRIFTED: &str = "Drifted";
/// The MicroService differs from Git; written by the sync.
pub const SOURCE_DRIFTED: &str = "SourceDrifted";
/// Children differ from the MicroService; written by the controller.
pub const WORKLOAD_DRIFTED: &str = "WorkloadDrifted";
/// All children are applied as rendered.
pub const CHILDREN_APPLIED: &str = "ChildrenApplied";
/// Enough replicas serve, whatever their version.
pub const AVAILABLE: &str = "Available";
/// What a service names and restarts on exists.
pub const REFERENCES_FOUND: &str = "ReferencesFound";
/// The autoscaler can tell how many replicas are needed.
pub const SCALING_ACTIVE: &str = "ScalingActive";
/// Those who serve the routes do so.
pub const ROUTES_ACCEPTED: &str = "RoutesAccepted";
/// The job before the rollout succeeded.
pub const PRE_DEPLOY_COMPLETE: &str = "PreDeployComplete";
/// The source could not be read lately; what is in the cluster may be old.
pub const SOURCE_STALE: &str = "SourceStale";
/// Rules about drift decide nothing; said only where some do.
pub const UNUSED_RULES: &str = "UnusedRules";
/// A person asked that nothing is corrected for a while; there once somebody has.
pub const PAUSED: &str = "Paused";

/// Whether who is to be told of alerts can be; there only where somebody cannot.
pub const NOTIFIED: &str = "Notified";

/// A condition's status, as Kubernetes spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// It was not observed.
    Unknown,
}

impl Truth {
    /// `True`, `False` or `Unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// What a condition should say now. [`set`] turns it into a Kubernetes condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Condition type, one of this module's constants.
    pub kind: &'static str,
    /// Whether it is so.
    pub truth: Truth,
    /// CamelCase word for machines.
    pub reason: String,
    /// Sentence for people.
    pub message: String,
}

impl Finding {
    /// A finding; see the fields.
    pub fn new(
        kind: &'static str,
        truth: impl Into<Truth>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, truth: truth.into(), reason: reason.into(), message: message.into() }
    }
}

/// The conditions that `findings` make, taking each transition time from `previous` where the status did not change.
pub fn set(
    previous: &[Condition],
    findings: &[Finding],
    generation: Option<i64>,
    now: jiff::Timestamp,
) -> Vec<Condition> {
    findings
        .iter()
        .map(|finding| {
            let status = finding.truth.as_str();
            let since = previous
                .iter()
                .find(|old| old.type_ == finding.kind && old.status == status)
                .map_or(Time(truncate_to_seconds(now)), |old| old.last_transition_time.clone());
            Condition {
                type_: finding.kind.to_owned(),
                status: status.to_owned(),
                reason: finding.reason.clone(),
                message: finding.message.clone(),
                last_transition_time: since,
                observed_generation: generation,
            }
        })
        .collect()
}

/// The condition of that type, if there is one.
pub fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether the condition of that type is there and `True`.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// Kubernetes stores times in seconds; comparing needs the same precision.
pub fn truncate_to_seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}
