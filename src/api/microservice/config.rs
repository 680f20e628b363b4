//! Small files that are declared with the service.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A small text file, mounted read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigFile {
    /// Where it is in the container.
    #[schemars(length(min = 2, max = 240), regex(pattern = r"^(/\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*)+$"))]
    pub path: String,
    /// What is in it.
    #[schemars(length(max = 262144))]
    pub content: String,
    /// Who may do what, in octal digits, in quotes. Default: "0444".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4), regex(pattern = "^0?[0-7]{3}$"))]
    pub mode: Option<String>,
}
