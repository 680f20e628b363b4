//! What was observed of a GitSync. Every list is bounded; the counts say how much there is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drift::{DriftEpisode, EPISODES_OF_SYNC, PauseStatus};
use super::notify::{NotifyStatus, TARGETS};
use super::schema;
use super::status::DriftedField;

/// What was observed of a GitSync.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct GitSyncStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, Drifted, SourceStale, UnusedRules, Notified.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The revision that the last sync tried, as `branch@sha1:<commit>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The last revision that was applied to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<AppliedRevision>,
    /// The mirror that the source is read from, while the url cannot serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// Who signed the revision that was read last, where spec.verify asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<VerifiedRevision>,
    /// Hash of the url and ref that it was read from: history is not measured across a change of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_source: Option<String>,
    /// Hash of the url, ref, paths and targetNamespace that pruning is allowed for. A change of it never prunes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_scope: Option<String>,
    /// A changed scope and the revision that was first applied with it, as `hash at revision`: until the next revision nothing is pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_held: Option<String>,
    /// The plan that waits for approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HeldPlan>,
    /// Deletions of the last hour, for the budget.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub recent_deletions: Vec<Deletions>,
    /// The revision that a person pinned the GitSync to, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned_revision: Option<String>,
    /// The last revisions, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<HistoryEntry>,
    /// How far an apply in waves is, or what is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How many MicroServices are in which state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// The first findings about manifests; the rest is in the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub diagnostics: Vec<StatusDiagnostic>,
    /// MicroServices that were not applied or not pruned, the first ones, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub problems: Vec<ObjectProblem>,
    /// The first drifted fields; all are on the MicroServices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub drift: Vec<DriftedField>,
    /// What somebody deleted and policy Ignore leaves so, the first ones: a restart must not bring it back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub left_deleted: Vec<String>,
    /// The pause of corrections of all that it applied, or the last one that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseStatus>,
    /// The last drifts that ended with their object, or that no status of a MicroService can keep: whole objects that were
    /// deleted, and GitSyncs. Newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = EPISODES_OF_SYNC), extend("x-kubernetes-list-type" = "atomic"))]
    pub drift_history: Vec<DriftEpisode>,
    /// The last handled value of the annotation gitmoor.dev/reconcile-requested-at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// What the targets of spec.notify were told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = TARGETS), extend("x-kubernetes-list-type" = "atomic"))]
    pub notify: Vec<NotifyStatus>,
}

/// A revision that was applied to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedRevision {
    /// `branch@sha1:<commit>`.
    pub revision: String,
    /// Author's name, without address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// First line of the commit's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Time>,
    /// When applying it ended.
    pub applied: Time,
}

/// A revision whose signatures were found to be good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifiedRevision {
    /// `branch@sha1:<commit>`.
    pub revision: String,
    /// Fingerprint of the key that signed the commit, and whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The same of the tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// How many MicroServices of a GitSync are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Declared by the revision.
    pub declared: u32,
    /// Created or updated by the last sync that changed something.
    pub applied: u32,
    /// Already as declared then.
    pub unchanged: u32,
    /// Deleted then.
    pub pruned: u32,
    /// Invalid or refused, kept as they were.
    pub quarantined: u32,
    /// Not deleted or not changed because a rule forbids it.
    pub held: u32,
    /// Differing from Git or with children that differ.
    pub drifted: u32,
    /// With condition Ready=True.
    pub ready: u32,
    /// Documents of other kinds in the tree, which were left alone.
    pub ignored_documents: u32,
    /// YAML files that spec.exclude or a .gitmoorignore file leaves out.
    pub excluded_files: u32,
}

/// `reason` of the plan that is held because the GitSync is being deleted: part of its hash, so that what approves it
/// approves no other plan.
pub const DELETION_BUDGET: &str = "DeletionBudget";

/// A plan that a guard refuses to carry out until a person approves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldPlan {
    /// Its hash: `gitmoor approve NAME --plan HASH`. Another plan has another hash.
    pub plan: String,
    /// The revision that asks for it.
    pub revision: String,
    /// CamelCase word for the guard.
    pub reason: String,
    /// The guard's words.
    pub message: String,
    /// MicroServices that it would create.
    #[serde(default)]
    pub creations: u32,
    /// MicroServices that it would change.
    #[serde(default)]
    pub updates: u32,
    /// MicroServices that it would delete.
    #[serde(default)]
    pub deletions: u32,
    /// The first of those that it would delete, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub deletes: Vec<String>,
    /// Live members that a percentage of the budget was of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u32>,
    /// When it was first held.
    pub since: Time,
}

/// Deletions that count against the budget of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deletions {
    /// When.
    pub at: Time,
    /// How many.
    pub count: u32,
    /// How many live members there were before them.
    pub members: u32,
    /// UIDs of those that were begun and not heard of since, so that after a crash it can be told what was done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512), extend("x-kubernetes-list-type" = "atomic"))]
    pub pending: Vec<String>,
    /// The approved plan that they are part of, while some of it is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Hash of the UIDs that were left of that plan, those under way included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

/// How a revision was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HistoryResult {
    /// Everything is as declared.
    Applied,
    /// Something is quarantined, held or was refused.
    Partial,
    /// A newer revision came before its end.
    Superseded,
}

/// A revision that was applied, or begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// `branch@sha1:<commit>`.
    pub revision: String,
    /// Author's name, without address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// First line of the commit's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Time>,
    /// When its apply ended.
    pub applied: Time,
    /// How long that took, as in `1.25s`.
    pub took: String,
    /// How it ended.
    pub result: HistoryResult,
    /// MicroServices created or updated.
    pub changed: u32,
    /// MicroServices deleted.
    pub pruned: u32,
    /// Invalid or refused.
    pub quarantined: u32,
    /// Held back by a rule.
    pub held: u32,
    /// The held plan that a person approved, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// Whether a person had pinned the GitSync to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

/// How far an apply in waves is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The wave that is under way.
    pub wave: i32,
    /// Whether its deletions are under way: they come last, and the highest wave first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleting: bool,
    /// How many waves there are.
    pub waves: u32,
    /// MicroServices of all waves up to this one that are as declared, and healthy where that is waited for.
    pub done: u32,
    /// MicroServices of all waves.
    pub total: u32,
    /// The first MicroServices or GitSyncs that are waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub waiting_for: Vec<String>,
    /// Since when.
    pub since: Time,
}

/// One finding about a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusDiagnostic {
    /// Stable code.
    pub code: String,
    /// `file:line:column`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

/// Why one MicroService is not as declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectProblem {
    /// `namespace/name`.
    pub object: String,
    /// CamelCase word for machines.
    pub reason: String,
    /// The stable code of that word, for `gitmoor explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The server's or the guard's words.
    pub message: String,
    /// `file:line:column` of its manifest, where that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The revision that its live state comes from, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_revision: Option<String>,
}
