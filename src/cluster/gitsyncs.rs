//! Live GitSyncs: one watch for the loops, the webhooks and the controller's policies.

use serde_json::Value;

use super::store::{Extra, Store};
use crate::api::gitsync::DriftPolicy;
use crate::api::names::RECONCILE_REQUESTED_AT;

/// What is kept beside a live GitSync.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// What is done about drift.
    pub drift_policy: DriftPolicy,
    /// The branch that it follows.
    pub branch: String,
    /// The Secret with the token of announcements.
    pub webhook_secret: Option<String>,
    generation: i64,
    requested: Option<String>,
}

impl Extra for Spec {
    fn of(value: &Value) -> Self {
        let spec = &value["spec"];
        let policy = &spec["drift"]["policy"];
        Self {
            drift_policy: serde_json::from_value(policy.clone()).unwrap_or_default(),
            branch: spec["ref"]["branch"].as_str().unwrap_or("main").to_owned(),
            webhook_secret: spec["webhook"]["secretRef"]["name"].as_str().map(str::to_owned),
            generation: value["metadata"]["generation"].as_i64().unwrap_or(0),
            requested: value["metadata"]["annotations"][RECONCILE_REQUESTED_AT].as_str().map(str::to_owned),
        }
    }
}

/// Live GitSyncs.
pub type GitSyncs = Store<Spec>;
