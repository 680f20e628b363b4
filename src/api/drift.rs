//! What a GitSync says about drift field by field, and what status says of a drifted field beside its values: where it
//! was declared, the episodes that ended, pauses and fights. Types only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gitsync::DriftPolicy;
use super::status::DriftedField;

/// What a path of a rule looks like; just what [`crate::model::pattern::PathPattern`] reads.
pub const PATH_PATTERN: &str = concat!(
    r"^(/(([^/~\[]|~[01])([^/~]|~[01])*",
    r"|\[[^\[\]=,/~]+=([^\],/~]|~[01])+(,[^\[\]=,/~]+=([^\],/~]|~[01])+)*\])){1,32}$"
);

/// What to do about drift of some fields. Rules are tried in their order, and the first that fits decides. A field that
/// no rule fits is under the policy of its object, or else of the GitSync: a rule speaks of a field, and so knows more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftRule {
    /// Which objects. Default: all that Git declares, and the children of MicroServices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<DriftTarget>,
    /// JSON pointers into the object, as in `/spec/replicas`. `*` stands for one step or a part of it, `**` for any number
    /// of steps, `[name=web]` for an item of a list; the field itself and everything below it fits. Default: every field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "set"),
        inner(length(min = 1, max = 512), regex(pattern = PATH_PATTERN))
    )]
    pub paths: Vec<String>,
    /// Field managers whose changes fit; `*` stands for any text. Default: everybody's, also where nobody is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"), inner(length(min = 1, max = 128)))]
    pub managers: Vec<String>,
    /// What is done about it.
    pub policy: DriftPolicy,
}

/// Which objects a rule is for. Each field that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftTarget {
    /// Kind: MicroService, or that of a child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Z][A-Za-z0-9]*$"))]
    pub kind: Option<String>,
    /// Name; `*` stands for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9.*-]+$"))]
    pub name: Option<String>,
    /// Namespace; `*` stands for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9*-]+$"))]
    pub namespace: Option<String>,
}

/// Where Git declares a value, and the commit that last touched that line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredAt {
    /// File in the repository.
    pub file: String,
    /// Line of the value, from 1; where the value itself is not declared, of the closest field around it that is.
    pub line: u32,
    /// Field of the MicroService that is declared there, as a JSON pointer: for a child, what it was rendered from.
    pub field: String,
    /// The commit that last touched that line, in full. Absent until it was looked up, and where it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// true: history at hand goes no further back, so it was that commit or an earlier one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_earlier: bool,
    /// Author's name, without address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// First line of the commit's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Time>,
}

impl DeclaredAt {
    /// Whether both are the same field on the same line, whatever is known of its commit.
    pub fn is_at(&self, other: &Self) -> bool {
        self.file == other.file && self.line == other.line && self.field == other.field
    }
}

/// How a drift ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Ended {
    /// Gitmoor put back what was declared.
    Corrected,
    /// Somebody else did.
    Reverted,
    /// A commit declared what the cluster had, or no longer declares the field.
    Declared,
    /// A rule or policy says to ignore it from now on.
    Ignored,
    /// The object it was on is gone, or no longer declared.
    Gone,
}

/// A drift from its begin to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftEpisode {
    /// What differed, as it was last seen.
    #[serde(flatten)]
    pub field: DriftedField,
    /// When it ended.
    pub until: Time,
    /// How.
    pub ended: Ended,
}

/// A pause of corrections that a person asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseStatus {
    /// When it was first seen.
    pub since: Time,
    /// When it ends by itself, or ended.
    pub until: Time,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Who, as `gitmoor pause` was told by the API server, or else the field manager that set the annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub by: Option<String>,
    /// How many fields differed meanwhile.
    pub drifted: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub fields: Vec<DriftedField>,
}

/// Somebody keeps rewriting what is put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FightStatus {
    /// Since when.
    pub since: Time,
    /// Field managers on the other side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub managers: Vec<String>,
    /// How often a minute it was put back before corrections slowed down.
    pub per_minute: u32,
    /// Seconds between corrections now.
    pub corrected_every_seconds: u32,
}

/// Episodes that the status of one object keeps, for each of its two levels.
pub const EPISODES: usize = 10;
/// Episodes that the status of a GitSync keeps.
pub const EPISODES_OF_SYNC: usize = 20;

impl Ended {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Corrected, Self::Reverted, Self::Declared, Self::Ignored, Self::Gone];

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrected => "Corrected",
            Self::Reverted => "Reverted",
            Self::Declared => "Declared",
            Self::Ignored => "Ignored",
            Self::Gone => "Gone",
        }
    }
}
