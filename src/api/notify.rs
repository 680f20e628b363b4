//! What a GitSync says about alerts, `spec.notify`, and what its status remembers of what was told. Types only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gitsync::LocalSecretRef;
use super::schema;

/// Targets of one GitSync.
pub const TARGETS: usize = 16;
/// Alerts that the status remembers by name, of each target.
pub const TOLD: usize = 64;
/// An address without credentials in it.
const ADDRESS: &str = r"^https?://[^\s/?#@]+([/?][^\s#]*)?$";

/// Who is told what happens to a GitSync and its MicroServices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "has(self.url) || has(self.secretRef)",
        "message": "a target needs url, or secretRef with the key address"
    },
    {
        "rule": "!(self.type in ['GitHub', 'GitLab', 'Gitea', 'Forgejo']) || has(self.secretRef)",
        "message": "a commit status needs secretRef with the key token"
    },
    {
        "rule": "!(self.type in ['GitHub', 'GitLab', 'Gitea', 'Forgejo']) || !has(self.events)",
        "message": "a commit status is told of every commit; events does not go with it"
    }
]))]
pub struct NotifyTarget {
    /// Its name within the GitSync.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Who is behind the address.
    #[serde(rename = "type")]
    pub kind: TargetType,
    /// Where it is told, by https; http only where the operator allows it. For a commit status, where the forge's API is;
    /// default: as spec.url has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), regex(pattern = ADDRESS))]
    pub url: Option<String>,
    /// A Secret of the GitSync's namespace: address (instead of url, where that is a secret itself), token, username and
    /// password, hmacKey, ca.crt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretRef>,
    /// What is told: whatever fits one of these. Default: all of severity Warning or more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub events: Vec<EventFilter>,
    /// How long something must last before it is told. Default: by what it is, none to 2m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub after: Option<String>,
    /// The least time between two messages; what happens meanwhile is told together. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub every: Option<String>,
}

/// Who is behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TargetType {
    /// An incoming webhook of Slack, Mattermost or Rocket.Chat.
    Slack,
    /// A workflow of Microsoft Teams that posts an Adaptive Card.
    Teams,
    /// Anything that takes JSON, signed with the Secret's hmacKey.
    Webhook,
    /// An Alertmanager, by its API v2.
    Alertmanager,
    /// Anything that takes CloudEvents 1.0 over HTTP.
    CloudEvents,
    /// The commit status of GitHub.
    GitHub,
    /// The commit status of GitLab.
    GitLab,
    /// The commit status of Gitea.
    Gitea,
    /// The commit status of Forgejo.
    Forgejo,
}

impl TargetType {
    /// Every type.
    pub const ALL: [Self; 9] = [
        Self::Slack,
        Self::Teams,
        Self::Webhook,
        Self::Alertmanager,
        Self::CloudEvents,
        Self::GitHub,
        Self::GitLab,
        Self::Gitea,
        Self::Forgejo,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Teams => "Teams",
            Self::Webhook => "Webhook",
            Self::Alertmanager => "Alertmanager",
            Self::CloudEvents => "CloudEvents",
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Gitea => "Gitea",
            Self::Forgejo => "Forgejo",
        }
    }

    /// Whether it is a forge that is told of commits.
    pub fn is_forge(self) -> bool {
        matches!(self, Self::GitHub | Self::GitLab | Self::Gitea | Self::Forgejo)
    }
}

/// Some of what happens. Each field that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFilter {
    /// At least that severe. Default: Warning; Info where kinds are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<AlertSeverity>,
    /// Of these kinds. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub kinds: Vec<AlertKind>,
    /// About MicroServices of these namespaces; `*` stands for any text. Default: all, and what is about the GitSync itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "set"),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9*-]+$"))
    )]
    pub namespaces: Vec<String>,
    /// About MicroServices of these names; `*` stands for any text. Default: all, and what is about the GitSync itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "set"),
        inner(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9.*-]+$"))
    )]
    pub names: Vec<String>,
}

/// How severe it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AlertSeverity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

impl AlertSeverity {
    /// In lower case, as labels have it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AlertKind {
    /// What Git declares could not be applied.
    SyncFailing,
    /// A plan or a revision waits for a person's approval.
    PlanHeld,
    /// Manifests are invalid; what they declared before stays.
    Quarantined,
    /// The source cannot be read; what is applied may be old.
    SourceStale,
    /// Fields differ from Git, and stay so.
    Drifted,
    /// Fields differed from Git, and were put back.
    Corrected,
    /// Somebody keeps rewriting what is put back.
    Fighting,
    /// A service does not serve as declared.
    ServiceFailing,
    /// A revision was applied.
    Applied,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::SyncFailing,
        Self::PlanHeld,
        Self::Quarantined,
        Self::SourceStale,
        Self::Drifted,
        Self::Corrected,
        Self::Fighting,
        Self::ServiceFailing,
        Self::Applied,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncFailing => "SyncFailing",
            Self::PlanHeld => "PlanHeld",
            Self::Quarantined => "Quarantined",
            Self::SourceStale => "SourceStale",
            Self::Drifted => "Drifted",
            Self::Corrected => "Corrected",
            Self::Fighting => "Fighting",
            Self::ServiceFailing => "ServiceFailing",
            Self::Applied => "Applied",
        }
    }

    /// Reads it as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What one target was told, so that a restart repeats nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotifyStatus {
    /// The target's name.
    pub name: String,
    /// What happened until then was told, or is among what stands.
    pub until: Time,
    /// Alerts that it was told and that stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = TOLD), extend("x-kubernetes-list-type" = "atomic"))]
    pub told: Vec<ToldAlert>,
    /// How many more stand that it was told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unlisted: u32,
    /// The last commit status that it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<ToldCommit>,
}

/// An alert that was told and stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldAlert {
    /// Its key: its kind and the object that it is about.
    pub alert: String,
    /// Digest of what was said.
    pub said: String,
    /// Since when it stands.
    pub since: Time,
}

/// A commit status that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldCommit {
    /// The commit, in full.
    pub commit: String,
    /// pending, success or failure.
    pub state: String,
    /// Digest of what was said.
    pub said: String,
}

// serde calls it with a reference.
fn is_zero(count: &u32) -> bool {
    *count == 0
}
