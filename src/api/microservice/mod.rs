//! `MicroService`: one production service in one object, in Kubernetes' own vocabulary.
//!
//! No field of the spec has a default in the CRD: what Git says and what the cluster stores must
//! compare as they are. Defaults are applied when rendering (see `workload`).

mod access;
mod account;
mod autoscaling;
mod borrowed;
mod config;
mod jobs;
mod overrides;
mod pod;
mod ports;
mod routes;
mod rules;
mod scale;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, EnvFromSource, EnvVar, Lifecycle, LocalObjectReference, Probe, Toleration,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{AccessPolicy, External, Inbound, InboundRule, Outbound, OutboundRule};
pub use account::ServiceAccountOptions;
pub use autoscaling::Autoscaling;
pub use config::ConfigFile;
pub use jobs::{ConcurrencyPolicy, CronJob, Metrics, PreDeploy};
pub use overrides::{Override, OverrideTarget};
pub use pod::{ImagePullPolicy, PodMetadata, Resources, SecurityProfile};
pub use ports::{Port, Protocol, ServiceOptions, ServiceType, SessionAffinity};
pub use routes::{ParentRef, PathType, Redirect, Route, RoutePath, RouteTls};
pub use scale::{DisruptionBudget, RollingUpdate, Strategy, StrategyType};

use super::schema;
use super::status::MicroServiceStatus;

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
    selectable = ".spec.image",
    selectable = ".spec.suspend",
    selectable = ".spec.securityProfile",
    selectable = ".spec.priorityClassName",
    selectable = ".spec.serviceAccount.name",
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
#[schemars(extend("x-kubernetes-validations" = rules::of_spec()))]
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
    /// How many pods. Default: 2. Not beside autoscaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10000))]
    pub replicas: Option<i32>,
    /// How many pods, by load: a HorizontalPodAutoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
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
    /// Small text files, from an immutable ConfigMap; their contents have at most 262144 characters together. A change
    /// is a rollout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"]))]
    pub config_files: Vec<ConfigFile>,
    /// true: a change of a ConfigMap or Secret that env, envFrom or volumes name is a rollout, too. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_on_change: Option<bool>,
    /// Volumes of the pod. Names that begin with gitmoor- are taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::volumes")]
    pub volumes: Vec<Volume>,
    /// Where volumes are in the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::volume_mounts")]
    pub volume_mounts: Vec<VolumeMount>,
    /// Requests and limits of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Until it succeeds, the other probes wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [rules::PROBE]))]
    pub startup_probe: Option<Probe>,
    /// Whether a pod gets traffic. Default: TCP on the first port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [rules::PROBE]))]
    pub readiness_probe: Option<Probe>,
    /// Whether a container is restarted. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [rules::PROBE]))]
    pub liveness_probe: Option<Probe>,
    /// How requests from outside of the cluster reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub routes: Vec<Route>,
    /// Who may talk to it, and to whom it may talk. Default: as the operator's defaults say, else everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_policy: Option<AccessPolicy>,
    /// The pods' ServiceAccount. Default: one of the service's own, without a token in the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountOptions>,
    /// How many pods may be away at once. Default: maxUnavailable 1, with two replicas or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<DisruptionBudget>,
    /// How pods are spread; a constraint without a labelSelector is about the service's own pods. Default: over nodes and
    /// zones, as far as that is possible. []: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "borrowed::spread")]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
    /// Near to or far from which nodes and pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "borrowed::affinity")]
    pub affinity: Option<Affinity>,
    /// Taints of nodes that do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::tolerations")]
    pub tolerations: Vec<Toleration>,
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub node_selector: BTreeMap<String, String>,
    /// PriorityClass of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub priority_class_name: Option<String>,
    /// How a new version replaces the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Seconds without progress after which a rollout has failed. Default: 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86400))]
    pub progress_deadline_seconds: Option<i32>,
    /// How many old versions are kept for a rollback. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub revision_history_limit: Option<i32>,
    /// What is done after the container has started and before it ends. Default: a preStop that sleeps for 5 seconds,
    /// where there is a port; a postStart alone does not take it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "borrowed::lifecycle")]
    pub lifecycle: Option<Lifecycle>,
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
    /// Containers that run one after the other, after the sidecars have started and before the service's own starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::init_containers")]
    pub init_containers: Vec<Container>,
    /// Containers that start before all others, in order, and end after the service's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::sidecars")]
    pub sidecars: Vec<Container>,
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
