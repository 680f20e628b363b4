//! `GitSync`: one source and how to sync it.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drift::DriftRule;
use super::gitsync_status::GitSyncStatus;
use super::notify::{NotifyTarget, TARGETS};
use super::schema;

/// What Git allows in the name of a branch or a tag, as far as a pattern can say it.
const REF_NAME: &str = r"^[^-\s~^:?*\[\\][^\s~^:?*\[\\]*$";
/// The same of a ref's full name.
const FULL_REF: &str = r"^refs/[^\s~^:?*\[\\]+$";

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
    selectable = ".spec.url",
    selectable = ".spec.suspend",
    selectable = ".spec.ref.branch",
    selectable = ".spec.targetNamespace",
    selectable = ".spec.serviceAccountName",
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
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.verify) || self.verify.mode == 'Commit' || (has(self.ref) && (has(self.ref.tag) || has(self.ref.semver)))",
    "message": "verify.mode Tag and Both need ref.tag or ref.semver: nothing else names a tag",
    "fieldPath": ".verify"
}]))]
pub struct GitSyncSpec {
    /// Where the repository is: https://, http://, ssh://, git@host:path; file:// and dir:// only where the operator allows it.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// The same repository elsewhere: tried in order while the url cannot be reached or fails. A mirror never takes the cluster
    /// back: what is applied must be in its history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"), inner(length(min = 1, max = 2048)))]
    pub mirrors: Vec<String>,
    /// Which revision to sync. Default: the branch `main`.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRef>,
    /// Folders or files to read, relative to the root. Default: the whole tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 1024)))]
    pub paths: Vec<String>,
    /// What of that is left out: patterns as in a .gitignore file, relative to the root. They go before those of the
    /// repository's own .gitmoorignore files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"), inner(length(min = 1, max = 1024)))]
    pub exclude: Vec<String>,
    /// A Secret of the GitSync's namespace with what the server asks for: username and password, bearerToken, tls.crt and
    /// tls.key, ca.crt; for ssh identity and known_hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretRef>,
    /// A Secret of the GitSync's namespace with the proxy that leads to the server: address, and username and password if it
    /// asks for them. For https and http only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalSecretRef>,
    /// Only what is signed by a key of a Secret is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// How often to look for a new commit. Default: 1m. Webhooks make polling rare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub interval: Option<String>,
    /// How long one fetch may take, at most an hour. Default: 60s.
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
    #[schemars(schema_with = "schema::namespaces")]
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
    /// What is done about a revision that does not descend from the applied one. Default: Hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrites: Option<Rewrites>,
    /// Whether MicroServices that exist without Gitmoor's marks may be taken over. Default: Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_over: Option<TakeOver>,
    /// What becomes of its MicroServices when the GitSync is deleted. Default: Orphan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// true: Ready waits until the MicroServices are healthy, and so does whatever depends on this GitSync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
    /// How long a wait for health may take before Ready is False. Default: 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub wait_timeout: Option<String>,
    /// GitSyncs that must be Ready before anything of this one is applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub depends_on: Vec<Dependency>,
    /// ServiceAccount of the GitSync's namespace that is impersonated for every write. Default: the operator's flag
    /// --default-service-account, else the operator itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// Lets a push be announced at /hooks/{namespace}/{name}. Without it, announcements are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// Who is told when something happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = TARGETS),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub notify: Vec<NotifyTarget>,
}

/// Which revision to sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.branch), has(self.tag), has(self.semver), has(self.commit), has(self.name)].filter(one, one).size() == 1",
    "message": "exactly one of branch, tag, semver, commit and name is needed"
}]))]
pub struct GitRef {
    /// A branch's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = REF_NAME))]
    pub branch: Option<String>,
    /// A tag's name. One that comes to name another commit is held like rewritten history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), regex(pattern = REF_NAME))]
    pub tag: Option<String>,
    /// A range of versions, as in ">=1.2 <2": the tag with the highest version of it, with or without a v before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub semver: Option<String>,
    /// All 40 digits of a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{40}$"))]
    pub commit: Option<String>,
    /// A ref by its full name, as in refs/pull/1/head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 6, max = 255), regex(pattern = FULL_REF))]
    pub name: Option<String>,
}

/// Whose signatures count, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verify {
    /// What must be signed.
    pub mode: VerifyMode,
    /// A Secret of the GitSync's namespace with public keys: OpenPGP keys, SSH keys, or OpenSSH's allowed_signers.
    pub secret_ref: LocalSecretRef,
}

/// What must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VerifyMode {
    /// The commit that is applied.
    Commit,
    /// The tag that names it.
    Tag,
    /// Both.
    Both,
}

/// What becomes of MicroServices that a commit removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Default: true. false: they stay, and are counted as held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many deletions within an hour need no approval: a number, or a percentage of the live members. Default: 20%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::int_or_percent")]
    pub budget: Option<IntOrString>,
}

/// What is done about a revision that does not descend from the applied one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Rewrites {
    /// It waits for approval; what was applied before stays, and is kept as it was declared.
    #[default]
    Hold,
    /// It is applied like any other.
    Follow,
}

/// Whether what exists without Gitmoor's marks may be taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TakeOver {
    /// It stays as it is, and is a problem.
    #[default]
    Never,
    /// It is taken over, unless another GitSync applied it.
    Unowned,
}

/// What becomes of a GitSync's MicroServices when it is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They stay.
    #[default]
    Orphan,
    /// They are deleted first, within the budget.
    Delete,
}

/// A GitSync that must be Ready first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace: this GitSync's own (default) or the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::namespace")]
    pub namespace: Option<String>,
}

/// What becomes of differences that no commit caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Default: Correct. Report leaves the cluster as it is. Both report. Ignore leaves it and says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DriftPolicy>,
    /// What is done about some fields; the first rule that fits decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<DriftRule>,
}

/// What to do about drift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftPolicy {
    /// Report it and put back what Git declares.
    #[default]
    Correct,
    /// Report it and leave it.
    Report,
    /// Leave it and say nothing.
    Ignore,
}

impl DriftPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Correct, Self::Report, Self::Ignore];

    /// As it is written in specs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "Correct",
            Self::Report => "Report",
            Self::Ignore => "Ignore",
        }
    }

    /// Reads it as it is written in specs.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text)
    }
}

/// Where the token of announcements is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// A Secret in the GitSync's namespace with the key `token`; while it is being replaced, `token.previous` counts, too.
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

impl GitSyncSpec {
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

    /// What is done about a revision that does not descend from the applied one.
    pub fn rewrites(&self) -> Rewrites {
        self.rewrites.unwrap_or_default()
    }

    /// Whether what exists without marks may be taken over.
    pub fn take_over(&self) -> TakeOver {
        self.take_over.unwrap_or_default()
    }

    /// What becomes of its MicroServices when it is deleted.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }

    /// Whether Ready waits for the MicroServices' health.
    pub fn waits(&self) -> bool {
        self.wait.unwrap_or(false)
    }
}
