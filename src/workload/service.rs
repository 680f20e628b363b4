//! The Service: every port of the container, by name. A service without ports has none.

use serde_json::{Value, json};

use super::json::{object, of};
use super::labels;
use super::subject::{NamedPort, Subject};
use super::{ChildKind, Draft};
use crate::api::microservice::ServiceType;

/// The Service.
pub(super) static KIND: ChildKind =
    ChildKind { group: "", version: "v1", kind: "Service", plural: "services", optional: false, build };

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    if subject.ports.is_empty() {
        return Vec::new();
    }
    let options = subject.spec.service.clone().unwrap_or_default();
    let spec = object([
        ("type", of(&options.type_.unwrap_or(ServiceType::ClusterIP))),
        ("clusterIP", options.headless.unwrap_or(false).then(|| json!("None"))),
        ("sessionAffinity", options.session_affinity.as_ref().and_then(of)),
        ("selector", of(&labels::selector(subject))),
        ("ports", Some(subject.ports.iter().map(port).collect())),
    ]);
    vec![Draft { name: subject.name.clone(), annotations: options.annotations, content: json!({"spec": spec}) }]
}

/// The protocol is said, although TCP is the default: it is a key of the list.
fn port(port: &NamedPort<'_>) -> Value {
    object([
        ("name", Some(json!(port.name))),
        ("port", Some(json!(port.service_port))),
        ("targetPort", Some(json!(port.name))),
        ("protocol", of(&port.protocol)),
        ("appProtocol", port.app_protocol.map(|protocol| json!(protocol))),
    ])
}
