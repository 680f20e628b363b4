//! The Deployment: how many pods, of which template, and how a new one replaces the old one.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use super::json::{object, of};
use super::subject::Subject;
use super::{ChildKind, Draft, labels, pod};
use crate::api::microservice::{Strategy, StrategyType};

/// The Deployment.
pub(super) static KIND: ChildKind =
    ChildKind { group: "apps", version: "v1", kind: "Deployment", plural: "deployments", optional: false, build };

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let spec = object([
        ("replicas", Some(json!(subject.replicas))),
        ("selector", Some(json!({"matchLabels": labels::selector(subject)}))),
        ("strategy", Some(strategy(&subject.spec.strategy.clone().unwrap_or_default()))),
        ("template", Some(pod::template(subject))),
    ]);
    vec![Draft { name: subject.name.clone(), annotations: Default::default(), content: json!({"spec": spec}) }]
}

/// By default a new pod serves before an old one goes. The API server refuses two zeros: without a
/// surge, one pod may be away.
fn strategy(strategy: &Strategy) -> Value {
    let kind = strategy.type_.unwrap_or(StrategyType::RollingUpdate);
    if kind == StrategyType::Recreate {
        return json!({"type": kind});
    }
    let limits = strategy.rolling_update.clone().unwrap_or_default();
    let max_surge = limits.max_surge.unwrap_or(IntOrString::String("25%".into()));
    let without_surge = matches!(&max_surge, IntOrString::Int(0)) || max_surge == IntOrString::String("0%".into());
    let max_unavailable = limits.max_unavailable.unwrap_or(IntOrString::Int(without_surge.into()));
    json!({
        "type": kind,
        "rollingUpdate": object([("maxSurge", of(&max_surge)), ("maxUnavailable", of(&max_unavailable))]),
    })
}
