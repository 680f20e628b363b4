//! The PodDisruptionBudget: how many pods a drain may take at once.

use serde_json::json;

use super::json::{object, of};
use super::labels;
use super::subject::Subject;
use super::{ChildKind, Draft};

/// The PodDisruptionBudget.
pub(super) static KIND: ChildKind = ChildKind {
    group: "policy",
    version: "v1",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    optional: false,
    build,
};

/// A budget that the author wrote is always rendered. The default one needs two replicas: with one
/// it would not protect anything, and with none it is noise.
///
/// Pods that are not healthy may always be evicted: a broken service must not block a node's drain.
fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let (min_available, max_unavailable) = match &subject.spec.pod_disruption_budget {
        Some(budget) => (budget.min_available.as_ref().and_then(of), budget.max_unavailable.as_ref().and_then(of)),
        None if subject.replicas >= 2 => (None, Some(json!(1))),
        None => return Vec::new(),
    };
    let spec = object([
        ("minAvailable", min_available),
        ("maxUnavailable", max_unavailable),
        ("unhealthyPodEvictionPolicy", Some(json!("AlwaysAllow"))),
        ("selector", Some(json!({"matchLabels": labels::selector(subject)}))),
    ]);
    vec![Draft { name: subject.name.clone(), annotations: Default::default(), content: json!({"spec": spec}) }]
}
