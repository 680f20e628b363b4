//! The NetworkPolicy: only where the service has an access policy. It is about the pods of the service's jobs, too.
//!
//! Both policy types are always in it, so what no rule allows is denied. DNS is always allowed: to pods of this cluster,
//! and to the address where a node's own DNS cache listens. Who comes through a route cannot be told: where the pods of a
//! Gateway or of an Ingress' controller are is theirs to decide, so the port that a route leads to is open to all.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use super::json::{object, of_filled};
use super::labels;
use super::subject::{NamedPort, Subject};
use super::{ChildKind, Draft, routes};
use crate::api::microservice::{AccessPolicy, External, InboundRule, OutboundRule};

/// The NetworkPolicy.
pub(super) static KIND: ChildKind = ChildKind {
    group: "networking.k8s.io",
    version: "v1",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    optional: false,
    build,
};

/// Where a DNS cache on the node listens, by convention of Kubernetes' own.
const NODE_DNS: &str = "169.254.20.10/32";

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(policy) = &subject.spec.access_policy else { return Vec::new() };
    let spec = object([
        ("podSelector", Some(json!({"matchLabels": labels::of_all_pods(&subject.name)}))),
        ("policyTypes", Some(json!(["Ingress", "Egress"]))),
        ("ingress", of_filled(&inbound(subject, policy))),
        ("egress", Some(json!(outbound(policy)))),
    ]);
    vec![Draft { name: subject.name.clone(), annotations: Default::default(), content: json!({"spec": spec}) }]
}

fn inbound(subject: &Subject<'_>, policy: &AccessPolicy) -> Vec<Value> {
    let mut routed: Vec<&NamedPort<'_>> = Vec::new();
    for port in subject.spec.routes.iter().filter_map(|route| routes::port(subject, route)) {
        if !routed.iter().any(|known| known.name == port.name) {
            routed.push(port);
        }
    }
    let routed = (!routed.is_empty()).then(|| json!({"ports": routed.into_iter().map(own_port).collect::<Vec<_>>()}));
    let rules = policy.inbound.iter().flat_map(|inbound| &inbound.rules);
    rules.map(|rule| inbound_rule(subject, rule)).chain(routed).collect()
}

fn inbound_rule(subject: &Subject<'_>, rule: &InboundRule) -> Value {
    let named = subject.ports.iter().filter(|port| rule.ports.iter().any(|name| name == port.name));
    object([
        ("from", Some(json!([peer(rule.micro_service.as_deref(), rule.namespace.as_deref())]))),
        ("ports", of_filled(&named.map(own_port).collect::<Vec<_>>())),
    ])
}

fn outbound(policy: &AccessPolicy) -> Vec<Value> {
    let dns = json!({
        "to": [{"namespaceSelector": {}}, {"ipBlock": {"cidr": NODE_DNS}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    });
    let rules = policy.outbound.iter().flat_map(|outbound| &outbound.rules).map(outbound_rule);
    let external = policy.outbound.iter().flat_map(|outbound| &outbound.external).map(external);
    [dns].into_iter().chain(rules).chain(external).collect()
}

fn outbound_rule(rule: &OutboundRule) -> Value {
    let port = |port: &IntOrString| json!({"port": port, "protocol": "TCP"});
    object([
        ("to", Some(json!([peer(rule.micro_service.as_deref(), rule.namespace.as_deref())]))),
        ("ports", of_filled(&rule.ports.iter().map(port).collect::<Vec<_>>())),
    ])
}

fn external(external: &External) -> Value {
    let port = |port: &i32| json!({"port": port, "protocol": "TCP"});
    object([
        ("to", Some(json!([{"ipBlock": {"cidr": external.cidr}}]))),
        ("ports", of_filled(&external.ports.iter().map(port).collect::<Vec<_>>())),
    ])
}

/// A port of the service's own: by its name, so that it follows the container's.
fn own_port(port: &NamedPort<'_>) -> Value {
    json!({"port": port.name, "protocol": port.protocol})
}

/// A service, or everybody in a namespace.
fn peer(micro_service: Option<&str>, namespace: Option<&str>) -> Value {
    object([
        ("namespaceSelector", namespace.map(|name| json!({"matchLabels": {"kubernetes.io/metadata.name": name}}))),
        ("podSelector", micro_service.map(|name| json!({"matchLabels": labels::of_all_pods(name)}))),
    ])
}
