//! What was observed of a MicroService.
//!
//! Two writers share it, each with its own field manager: the sync writes `sourceDrift` and the
//! condition `SourceDrifted`, the controller all the rest.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::drift::{DeclaredAt, DriftEpisode, EPISODES, FightStatus, PauseStatus};
use super::gitsync::DriftPolicy;
use super::schema;

/// What was observed of a MicroService.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct MicroServiceStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, Drifted and what they are made of.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Replica counts of the Deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// `ready/desired`, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas_summary: Option<String>,
    /// The declared image and the one that the Deployment runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageStatus>,
    /// Where it is reached; absent until its routes are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which declaration was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
    /// What was rendered and exists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub children: Vec<ChildStatus>,
    /// What ran before the rollout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_deploy: Option<PreDeployStatus>,
    /// Fields of this object that differ from Git; written by the sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_drift: Option<DriftStatus>,
    /// Fields of children that differ from this object; written by the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_drift: Option<DriftStatus>,
}

/// Replica counts of the Deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replicas {
    /// Wanted by the Deployment.
    pub desired: i32,
    /// Of the newest version.
    pub updated: i32,
    /// Passing their readiness probe.
    pub ready: i32,
    /// Ready for long enough.
    pub available: i32,
}

/// The declared image and the one that the Deployment runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageStatus {
    /// What the spec says.
    pub declared: String,
    /// What a complete rollout serves; absent until there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
}

/// Which declaration was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceStatus {
    /// `namespace/name` of the GitSync.
    pub sync: String,
    /// The revision that last changed the object.
    pub revision: String,
    /// File in the repository.
    pub file: String,
    /// First line of the document, from 1, at that revision.
    pub line: u32,
}

/// What ran before the rollout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreDeployStatus {
    /// Hash of what succeeded last: image, command, args and environment. It is not run again, even when its Job is gone.
    #[schemars(length(max = 64))]
    pub last_succeeded_hash: String,
}

/// One child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChildStatus {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name, in the MicroService's namespace.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// The drift of one level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftStatus {
    /// How many fields differ now.
    pub count: u32,
    /// Since when some field differs; absent when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The first fields that differ, or that differed when drift was last seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub fields: Vec<DriftedField>,
    /// Digest of the fields that differ and are not listed, to know them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<String>,
    /// When fields were last put back to what is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_corrected: Option<Time>,
    /// The last drifts that ended, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = EPISODES), extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<DriftEpisode>,
    /// Somebody keeps rewriting what is put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fight: Option<FightStatus>,
    /// The pause of corrections, or the last one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,
}

/// One drifted field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftedField {
    /// Kind of the object.
    pub kind: String,
    /// `namespace/name` of the object.
    pub object: String,
    /// JSON pointer into the live object (into the declared one for a field that was removed).
    pub path: String,
    /// The same with items of lists named by their merge keys, as in `/spec/ports/[containerPort=80]/name`; absent where
    /// the path has no such item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed_path: Option<String>,
    /// Modified, Added, Removed, Disowned (as declared, but Gitmoor lost the ownership); or for the whole object Deleted,
    /// Recreated (by somebody else), Terminating (its deletion is held by finalizers, which are named as `live`).
    pub change: String,
    /// What is declared; absent for a field that somebody added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub declared: Option<Value>,
    /// What the cluster had; absent for a field that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub live: Option<Value>,
    /// Field manager that wrote it, where Kubernetes recorded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Apply or Update, where recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// When it was written, where recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// When Gitmoor saw it.
    pub observed: Time,
    /// When the field began to differ, where it was another value or another hand at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Time>,
    /// The user who did it, where the cluster runs Gitmoor's admission policy that records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where Git declares the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_at: Option<DeclaredAt>,
    /// What is done about it; absent in what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DriftPolicy>,
}
