//! The ServiceMonitor of the Prometheus operator: what is scraped. Clusters have the kind or not.

use serde_json::json;

use super::json::object;
use super::subject::Subject;
use super::{ChildKind, Draft, labels};

/// The ServiceMonitor.
pub(super) static KIND: ChildKind = ChildKind {
    group: "monitoring.coreos.com",
    version: "v1",
    kind: "ServiceMonitor",
    plural: "servicemonitors",
    optional: true,
    build,
};

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(metrics) = &subject.spec.metrics else { return Vec::new() };
    let endpoint = object([
        ("port", Some(json!(metrics.port))),
        ("path", metrics.path.as_ref().map(|path| json!(path))),
        ("interval", metrics.interval.as_ref().map(|interval| json!(interval))),
    ]);
    let spec = json!({"selector": {"matchLabels": labels::selector(subject)}, "endpoints": [endpoint]});
    vec![Draft { name: subject.name.clone(), annotations: Default::default(), content: json!({"spec": spec}) }]
}
