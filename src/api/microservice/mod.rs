//! `MicroService`: one production service in one object, in Kubernetes' own vocabulary.
//!
//! No field of the spec has a default in the CRD: what Git says and what the cluster stores must
//! compare as they are. Defaults are applied when rendering (see `workload`).

mod access;
mod account;
mod jobs;
mod overrides;
mod pod;
mod ports;
mod routes;
mod scale;

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, LocalObjectReference, Probe};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{AccessPolicy, External, Inbound, InboundRule, Outbound, OutboundRule};
pub use account::ServiceAccountOptions;
pub use jobs::{ConcurrencyPolicy, CronJob, Metrics, PreDeploy};
pub use overrides::{Override, OverrideTarget};
pub use pod::{ImagePullPolicy, PodMetadata, Resources, SecurityProfile};
pub use ports::{Port, Protocol, ServiceOptions, ServiceType, SessionAffinity};
pub use routes::{ParentRef, PathType, Redirect, Route, RoutePath, RouteTls};
pub use scale::{DisruptionBudget, RollingUpdate, Strategy, StrategyType};

use super::status::MicroServiceStatus;

const PROBE: Rule = Rule {
    rule: "has(self.exec) || has(self.grpc) || has(self.httpGet) || has(self.tcpSocket)",
    message: "a probe needs one of exec, grpc, httpGet and tcpSocket",
};

/// A rule in CEL, for fields that share one.
#[derive(Serialize)]
struct Rule {
    rule: &'static str,
    message: &'static str,
}

/// One service.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "gitmoor.dev",
    version = "v1alpha1",
    kind = "MicroService",
    namespaced,
    shortname = "ms",
    category = "gitmoor",
    status = "MicroServiceStatus",
    derive = "PartialEq",
    doc = "One service: its image, ports, scale and everything that it needs in production.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Replicas", type_ = "string", json_path = ".status.replicasSummary"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Drift", type_ = "string", json_path = ".status.conditions[?(@.type=='Drifted')].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.source.revision", priority = 1),
    printcolumn(name = "File", type_ = "string", json_path = ".status.source.file", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.ports) || self.ports.size() < 2 || self.ports.all(p, has(p.name))",
     "message": "every port needs a name when there are two or more", "fieldPath": ".ports"},
    {"rule": "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, (has(q.name) ? q.name : 'http') == (has(p.name) ? p.name : 'http')))",
     "message": "port names must be unique; a port without a name is called http", "fieldPath": ".ports"},
    {"rule": "!has(self.service) || (has(self.ports) && self.ports.size() > 0)",
     "message": "a service needs at least one port", "fieldPath": ".service"},
    {"rule": "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, (has(q.servicePort) ? q.servicePort : q.containerPort) == (has(p.servicePort) ? p.servicePort : p.containerPort) && (has(q.protocol) ? q.protocol : 'TCP') == (has(p.protocol) ? p.protocol : 'TCP')))",
     "message": "two ports have the same servicePort and protocol; servicePort defaults to containerPort", "fieldPath": ".ports"},
    {"rule": "(has(self.service) && has(self.service.headless) && self.service.headless) == (has(oldSelf.service) && has(oldSelf.service.headless) && oldSelf.service.headless)",
     "message": "headless cannot change: a Service's clusterIP is immutable. Declare a service of another name and remove this one", "fieldPath": ".service"},
    {"rule": "!has(self.routes) || self.routes.all(r, has(self.ports) && self.ports.exists(p, (!has(r.port) || (has(p.name) ? p.name : 'http') == r.port) && (!has(p.protocol) || p.protocol == 'TCP')))",
     "message": "a route's port must be the name of a TCP port of the service; a port without a name is called http", "fieldPath": ".routes"},
    {"rule": "!has(self.accessPolicy) || !has(self.accessPolicy.inbound) || !has(self.accessPolicy.inbound.rules) || self.accessPolicy.inbound.rules.all(r, !has(r.ports) || r.ports.all(n, has(self.ports) && self.ports.exists(p, (has(p.name) ? p.name : 'http') == n)))",
     "message": "an inbound rule's ports must be names of ports of the service; a port without a name is called http", "fieldPath": ".accessPolicy"},
    {"rule": "!has(self.metrics) || (has(self.ports) && self.ports.exists(p, (has(p.name) ? p.name : 'http') == self.metrics.port))",
     "message": "the port of metrics must be the name of a port of the service; a port without a name is called http", "fieldPath": ".metrics"}
]))]
pub struct MicroServiceSpec {
    /// Container image, with a tag or a digest.
    #[schemars(length(min = 1, max = 1024))]
    pub image: String,
    /// When to pull the image. Default: Kubernetes' own rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,
    /// Secrets for private registries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), schema_with = "pod::image_pull_secrets")]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub command: Vec<String>,
    /// Replaces the image's arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub args: Vec<String>,
    /// true: nothing is written for this service; drift and health are still observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// How many pods. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10000))]
    pub replicas: Option<i32>,
    /// Ports that the container listens on; each is also a port of the Service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["containerPort"]))]
    pub ports: Vec<Port>,
    /// The Service; there is one when there is a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceOptions>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub env: Vec<EnvVar>,
    /// ConfigMaps and Secrets whose keys become environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub env_from: Vec<EnvFromSource>,
    /// Requests and limits of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Until it succeeds, the other probes wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [PROBE]))]
    pub startup_probe: Option<Probe>,
    /// Whether a pod gets traffic. Default: TCP on the first port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [PROBE]))]
    pub readiness_probe: Option<Probe>,
    /// Whether a container is restarted. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [PROBE]))]
    pub liveness_probe: Option<Probe>,
    /// How requests from outside of the cluster reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub routes: Vec<Route>,
    /// Who may talk to it, and to whom it may talk. Default: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_policy: Option<AccessPolicy>,
    /// The pods' ServiceAccount. Default: one of the service's own, without a token in the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountOptions>,
    /// How many pods may be away at once. Default: maxUnavailable 1, with two replicas or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<DisruptionBudget>,
    /// How a new version replaces the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Seconds between the request to end and the end. Default: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 86400))]
    pub termination_grace_period_seconds: Option<i64>,
    /// Which Pod Security Standard the pods keep. Default: Restricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_profile: Option<SecurityProfile>,
    /// Labels and annotations of the pods, beside Gitmoor's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<PodMetadata>,
    /// What Prometheus scrapes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// What must succeed before a new version is rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_deploy: Option<PreDeploy>,
    /// Commands that run by the clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub cron_jobs: Vec<CronJob>,
    /// Patches of what is rendered, for what has no field here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub overrides: Vec<Override>,
}
