//! How many pods by load: what becomes a HorizontalPodAutoscaler.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerBehavior, MetricSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::borrowed;

/// How many pods, by load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
     "message": "minReplicas is greater than maxReplicas", "fieldPath": ".minReplicas"},
    {"rule": "has(self.targetCPUUtilizationPercentage) || has(self.targetMemoryUtilizationPercentage) || (has(self.metrics) && self.metrics.size() > 0)",
     "message": "autoscaling needs something to go by: a target or metrics"}
]))]
pub struct Autoscaling {
    /// Never fewer. Default: 2, or maxReplicas where that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub min_replicas: Option<i32>,
    /// Never more.
    #[schemars(range(min = 1, max = 10000))]
    pub max_replicas: i32,
    /// Wanted average use of CPU, in percent of what is requested.
    #[serde(rename = "targetCPUUtilizationPercentage", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub target_cpu_utilization_percentage: Option<i32>,
    /// Wanted average use of memory, in percent of what is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub target_memory_utilization_percentage: Option<i32>,
    /// Other metrics, as in autoscaling/v2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "borrowed::metrics")]
    pub metrics: Vec<MetricSpec>,
    /// How fast it scales, as in autoscaling/v2. Default: Kubernetes' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "borrowed::behavior")]
    pub behavior: Option<HorizontalPodAutoscalerBehavior>,
}
