//! The Deployment: how many pods, of which template, and how a new one replaces the old one.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use super::json::{object, of};
use super::subject::Subject;
use super::{ChildKind, Draft, horizontal_pod_autoscaler, labels, pod};
use crate::api::microservice::{Strategy, StrategyType};
use crate::api::names::REPLICAS_FROM;

/// The Deployment.
pub(super) static KIND: ChildKind =
    ChildKind { group: "apps", version: "v1", kind: "Deployment", plural: "deployments", optional: false, build };

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let autoscaled = subject.spec.autoscaling.is_some();
    let spec = object([
        ("replicas", (!autoscaled).then(|| json!(subject.replicas))),
        ("selector", Some(json!({"matchLabels": labels::selector(subject)}))),
        ("strategy", Some(strategy(&subject.spec.strategy.clone().unwrap_or_default()))),
        ("progressDeadlineSeconds", subject.spec.progress_deadline_seconds.as_ref().and_then(of)),
        ("revisionHistoryLimit", subject.spec.revision_history_limit.as_ref().and_then(of)),
        ("template", Some(pod::template(subject))),
    ]);
    let mark = (REPLICAS_FROM.to_owned(), horizontal_pod_autoscaler::KIND.kind.to_owned());
    let annotations = autoscaled.then_some(mark).into_iter().collect();
    vec![Draft { name: subject.name.clone(), annotations, content: json!({"spec": spec}) }]
}

/// What another manager applies before we cease to say how many replicas there are: an autoscaler has not written the
/// number yet, and what nobody owns falls back to 1. An autoscaler does nothing at 0.
pub(super) fn hand_over(subject: &Subject<'_>) -> Option<Value> {
    subject.spec.autoscaling.as_ref()?;
    let replicas = subject.surroundings.replicas.unwrap_or_default().max(subject.replicas);
    Some(json!({
        "apiVersion": KIND.api_version(),
        "kind": KIND.kind,
        "metadata": {"name": subject.name, "namespace": subject.namespace},
        "spec": {"replicas": replicas},
    }))
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
