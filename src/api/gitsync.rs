//! `GitSync`: one source and how to sync it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;
use super::status::DriftedField;

/// What one GitSync reads and how it applies it.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "gitmoor.dev",
    version = "v1alpha1",
    kind = "GitSync",
    namespaced,
    shortname = "gs",
    category = "gitmoor",
    status = "GitSyncStatus",
    derive = "PartialEq",
    doc = "A Git repository of MicroServices, and how to keep the cluster moored to it.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.lastAppliedRevision.revision"),
    printcolumn(name = "Declared", type_ = "integer", json_path = ".status.counts.declared"),
    printcolumn(name = "Healthy", type_ = "integer", json_path = ".status.counts.ready"),
    printcolumn(name = "Drifted", type_ = "integer", json_path = ".status.counts.drifted"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GitSyncSpec {
    /// Where the repository is: https://, http://, ssh://, git@host:path; file:// and dir:// only where the operator allows it.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Which revision to sync. Default: the branch `main`.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRef>,
    /// Folders or files to read, relative to the root. Default: the whole tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 1024)))]
    pub paths: Vec<String>,
    /// How often to look for a new commit. Default: 1m. Webhooks make polling rare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub interval: Option<String>,
    /// How long one fetch may take. Default: 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub timeout: Option<String>,
    /// true: nothing is fetched or written; drift is still observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Namespace for manifests that name none. Default: the GitSync's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::namespace")]
    pub target_namespace: Option<String>,
    /// Namespaces that manifests may name. Empty: only the GitSync's own; "*" is every namespace, and must be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 63)))]
    pub allowed_namespaces: Vec<String>,
    /// true: namespaces that manifests name and that do not exist are created (and never deleted).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_namespaces: Option<bool>,
    /// What becomes of MicroServices that a commit removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<Prune>,
    /// What becomes of differences that no commit caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Lets a push be announced at /hooks/{namespace}/{name}. Without it, announcements are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// Which revision to sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitRef {
    /// A branch's name.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^-\s~^:?*\[\\][^\s~^:?*\[\\]*$"))]
    pub branch: String,
}

/// What becomes of MicroServices that a commit removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Default: true. false: they stay, and are counted as held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// What becomes of differences that no commit caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Default: Correct. Report leaves the cluster as it is. Both report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DriftPolicy>,
}

/// What to do about drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftPolicy {
    /// Report it and put back what Git declares.
    #[default]
    Correct,
    /// Report it and leave it.
    Report,
}

/// Where the token of announcements is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// A Secret in the GitSync's namespace with the key `token`.
    pub secret_ref: LocalSecretRef,
}

/// A Secret in the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalSecretRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What was observed of a GitSync.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct GitSyncStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, Drifted, SourceStale.
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The revision that the last sync tried, as `branch@sha1:<commit>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The last revision that was applied to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<AppliedRevision>,
    /// Hash of the url, ref, paths and targetNamespace that pruning is allowed for. A change of it never prunes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_applied_scope: Option<String>,
    /// A changed scope and the revision that was first applied with it, as `hash at revision`: until the next revision nothing is pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_held: Option<String>,
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
    /// The last handled value of the annotation gitmoor.dev/reconcile-requested-at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectProblem {
    /// `namespace/name`.
    pub object: String,
    /// CamelCase word for machines.
    pub reason: String,
    /// The server's or the guard's words.
    pub message: String,
}

impl GitSyncSpec {
    /// The branch to sync; `main` where none is named.
    pub fn branch(&self) -> &str {
        self.reference.as_ref().map_or("main", |reference| reference.branch.as_str())
    }

    /// Whether MicroServices that a commit removed are deleted.
    pub fn prunes(&self) -> bool {
        self.prune.as_ref().and_then(|prune| prune.enabled).unwrap_or(true)
    }

    /// What to do about drift where the object does not say otherwise.
    pub fn drift_policy(&self) -> DriftPolicy {
        self.drift.as_ref().and_then(|drift| drift.policy).unwrap_or_default()
    }

    /// Whether nothing is fetched or written.
    pub fn suspended(&self) -> bool {
        self.suspend.unwrap_or(false)
    }
}
