//! The HorizontalPodAutoscaler: how many pods, by load. Where there is one, the Deployment does not say how many.

use serde_json::{Value, json};

use super::json::{object, of};
use super::subject::Subject;
use super::{ChildKind, Draft, tidy};

/// The HorizontalPodAutoscaler.
pub(super) static KIND: ChildKind = ChildKind {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    optional: false,
    build,
};

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(autoscaling) = &subject.spec.autoscaling else { return Vec::new() };
    let resource = |name: &str, target: Option<i32>| {
        target.map(|target| {
            let target = json!({"type": "Utilization", "averageUtilization": target});
            json!({"type": "Resource", "resource": {"name": name, "target": target}})
        })
    };
    let targets = [
        resource("cpu", autoscaling.target_cpu_utilization_percentage),
        resource("memory", autoscaling.target_memory_utilization_percentage),
    ];
    let others = autoscaling.metrics.iter().filter_map(of).map(tidy::filled);
    let metrics: Value = targets.into_iter().flatten().chain(others).collect();
    let spec = object([
        ("scaleTargetRef", Some(json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": subject.name}))),
        ("minReplicas", Some(json!(subject.replicas))),
        ("maxReplicas", Some(json!(autoscaling.max_replicas))),
        ("metrics", Some(metrics)),
        ("behavior", autoscaling.behavior.as_ref().and_then(of).map(tidy::filled)),
    ]);
    vec![Draft { name: subject.name.clone(), annotations: Default::default(), content: json!({"spec": spec}) }]
}
