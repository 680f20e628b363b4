//! Work that ends: before each rollout, and by the clock. And what is scraped of the service.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// A Job that must succeed before a new version is rolled out. It runs once for each change of image, command, args, env
/// or envFrom, in a pod like those of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.command) || has(self.args)",
     "message": "a job needs command or args of its own: what the service runs does not end"}
]))]
pub struct PreDeploy {
    /// Replaces the service's command; its args are not used then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub command: Vec<String>,
    /// Replaces the service's args.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub args: Vec<String>,
    /// Seconds that it may take, with all tries. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604800))]
    pub active_deadline_seconds: Option<i64>,
    /// How often it is tried again. Default: 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub backoff_limit: Option<i32>,
}

/// A command that runs by the clock, in a pod like those of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.command) || has(self.args)",
     "message": "a job needs command or args of its own: what the service runs does not end"}
]))]
pub struct CronJob {
    /// Its name, which ends the name of the CronJob.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// When it runs: minute, hour, day of the month, month, day of the week; or a word as @daily.
    #[schemars(schema_with = "schedule")]
    pub schedule: String,
    /// Time zone of the schedule, as Etc/UTC. Default: that of kube-controller-manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"))]
    pub time_zone: Option<String>,
    /// Replaces the service's command; its args are not used then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub command: Vec<String>,
    /// Replaces the service's args.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256), extend("x-kubernetes-list-type" = "atomic"), inner(length(max = 4096)))]
    pub args: Vec<String>,
    /// What becomes of a run while the one before goes on. Default: Forbid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_policy: Option<ConcurrencyPolicy>,
    /// Seconds that one run may take, with all tries. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604800))]
    pub active_deadline_seconds: Option<i64>,
    /// How often one run is tried again. Default: 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub backoff_limit: Option<i32>,
}

/// What becomes of a run while the one before goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConcurrencyPolicy {
    /// It is left out.
    #[default]
    Forbid,
    /// Both run.
    Allow,
    /// The one before is ended.
    Replace,
}

/// What Prometheus scrapes, by a ServiceMonitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metrics {
    /// Name of the port.
    #[schemars(schema_with = "schema::port_name")]
    pub port: String,
    /// Default: /metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = "^/"))]
    pub path: Option<String>,
    /// How often. Default: that of Prometheus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub interval: Option<String>,
}

fn schedule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|([-0-9A-Za-z*/,?]+ ){4}[-0-9A-Za-z*/,?]+)$"
    })
}
