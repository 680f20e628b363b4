//! The pod template. Every difference here is a rollout, so nothing in it depends on the number of
//! replicas: scaling restarts nothing.

use serde_json::{Value, json};

use super::containers::{self, Parts};
use super::json::{object, of, of_filled};
use super::subject::{NamedPort, Subject};
use super::{labels, security, tidy};
use crate::api::microservice::{Protocol, Resources};
use crate::api::names::REFERENCED_HASH;

/// Seconds that a pod may take to end.
const GRACE_PERIOD: i64 = 30;
/// Seconds that a pod goes on serving after it was asked to end: endpoints and load balancers learn of it meanwhile.
const DRAIN: i64 = 5;
/// Spread over nodes and, where there are any, zones.
const SPREAD_OVER: [&str; 2] = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];

/// The pod template.
pub(super) fn template(subject: &Subject<'_>) -> Value {
    let mut annotations = subject.spec.pod_metadata.as_ref().map(|pod| pod.annotations.clone()).unwrap_or_default();
    annotations.extend(subject.surroundings.checksum.clone().map(|checksum| (REFERENCED_HASH.to_owned(), checksum)));
    let metadata = object([("labels", of(&labels::of_pod(subject))), ("annotations", of_filled(&annotations))]);
    json!({"metadata": metadata, "spec": spec(subject)})
}

fn spec(subject: &Subject<'_>) -> Value {
    let spec = subject.spec;
    let profile = spec.security_profile.unwrap_or_default();
    let context = security::container(profile, None);
    let parts = containers::parts(subject, context.as_ref());
    object([
        ("serviceAccountName", Some(json!(subject.service_account.name))),
        ("automountServiceAccountToken", Some(json!(subject.service_account.automount_token))),
        ("enableServiceLinks", Some(json!(false))),
        ("imagePullSecrets", of_filled(&spec.image_pull_secrets)),
        ("terminationGracePeriodSeconds", Some(json!(grace_period(subject)))),
        ("topologySpreadConstraints", of_filled(&spread(subject))),
        ("affinity", spec.affinity.as_ref().and_then(of).map(tidy::filled)),
        ("tolerations", of_filled(&spec.tolerations)),
        ("nodeSelector", of_filled(&spec.node_selector)),
        ("priorityClassName", spec.priority_class_name.as_ref().and_then(of)),
        ("initContainers", of_filled(&parts.init_containers)),
        ("containers", Some(json!([container(subject, context, &parts)]))),
        ("securityContext", Some(security::pod(profile))),
        ("volumes", of_filled(&parts.volumes)),
    ])
}

fn container(subject: &Subject<'_>, context: Option<Value>, parts: &Parts) -> Value {
    let spec = subject.spec;
    object([
        ("name", Some(json!(subject.name))),
        ("image", Some(json!(spec.image))),
        ("imagePullPolicy", spec.image_pull_policy.as_ref().and_then(of)),
        ("command", of_filled(&spec.command)),
        ("args", of_filled(&spec.args)),
        ("ports", of_filled(&subject.ports.iter().map(port).collect::<Vec<_>>())),
        ("env", of_filled(&spec.env).map(tidy::env)),
        ("envFrom", of_filled(&spec.env_from).map(tidy::env_from)),
        ("resources", spec.resources.as_ref().and_then(resources)),
        ("startupProbe", spec.startup_probe.as_ref().and_then(of).map(tidy::probe)),
        ("readinessProbe", readiness_probe(subject)),
        ("livenessProbe", spec.liveness_probe.as_ref().and_then(of).map(tidy::probe)),
        ("lifecycle", lifecycle(subject)),
        ("securityContext", context),
        ("volumeMounts", of_filled(&parts.mounts)),
    ])
}

/// The protocol is said, although TCP is the default: it is a key of the list.
fn port(port: &NamedPort<'_>) -> Value {
    object([
        ("name", Some(json!(port.name))),
        ("containerPort", Some(json!(port.container_port))),
        ("protocol", of(&port.protocol)),
    ])
}

/// Kubernetes fills in requests from limits, and nothing else: no CPU limit is made up.
fn resources(resources: &Resources) -> Option<Value> {
    of_filled(&object([("requests", of_filled(&resources.requests)), ("limits", of_filled(&resources.limits))]))
}

/// Without one, a pod would get traffic before it listens. Only TCP can be tried without knowing more.
fn readiness_probe(subject: &Subject<'_>) -> Option<Value> {
    if let Some(probe) = &subject.spec.readiness_probe {
        return of(probe).map(tidy::probe);
    }
    let port = subject.ports.iter().find(|port| port.protocol == Protocol::Tcp)?;
    Some(json!({"tcpSocket": {"port": port.name}}))
}

/// The drain takes at most half of the grace period: the process needs the rest to end in good order.
fn lifecycle(subject: &Subject<'_>) -> Option<Value> {
    let mut lifecycle = subject.spec.lifecycle.as_ref().and_then(of).map_or_else(|| json!({}), tidy::lifecycle);
    let seconds = DRAIN.min(grace_period(subject) / 2);
    if lifecycle.get("preStop").is_none() && !subject.ports.is_empty() && seconds > 0 {
        lifecycle["preStop"] = json!({"sleep": {"seconds": seconds}});
    }
    of_filled(&lifecycle)
}

fn grace_period(subject: &Subject<'_>) -> i64 {
    subject.spec.termination_grace_period_seconds.unwrap_or(GRACE_PERIOD)
}

/// By default a wish, not a demand: a cluster with one node or one zone runs all the same.
fn spread(subject: &Subject<'_>) -> Value {
    let own = json!({"matchLabels": labels::selector(subject)});
    if let Some(declared) = &subject.spec.topology_spread_constraints {
        let complete = |mut one: Value| {
            if let Some(fields) = one.as_object_mut() {
                // Without a selector it would be about no pod at all.
                fields.entry("labelSelector").or_insert_with(|| own.clone());
            }
            one
        };
        return declared.iter().filter_map(of).map(complete).collect();
    }
    let over = |key: &str| {
        json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": own,
        })
    };
    SPREAD_OVER.into_iter().map(over).collect()
}
