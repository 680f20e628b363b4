//! The pods' ServiceAccount.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// The pods' ServiceAccount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.create) || self.create || has(self.name)",
     "message": "create: false needs the name of an existing ServiceAccount", "fieldPath": ".name"},
    {"rule": "!has(self.annotations) || self.annotations.size() == 0 || !has(self.create) || self.create",
     "message": "annotations need create: true", "fieldPath": ".annotations"}
]))]
pub struct ServiceAccountOptions {
    /// Default: true. false: one that exists is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<bool>,
    /// Default: the service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: Option<String>,
    /// Annotations of the ServiceAccount.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::string_map")]
    pub annotations: BTreeMap<String, String>,
    /// Whether pods get a token for the API server. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
}
