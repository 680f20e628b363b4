//! The last revisions of a GitSync, and which of them the cluster has. Pure.

use serde::Serialize;

use super::{annotation, key};
use crate::api::GitSync;
use crate::api::gitsync_status::HistoryEntry;
use crate::api::names::PINNED_REVISION;

/// One revision.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// As status has it.
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// Whether it is what the cluster has.
    pub live: bool,
}

/// The last revisions of a GitSync.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// `namespace/name` of the GitSync.
    pub name: String,
    /// What it is pinned to, or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned_revision: Option<String>,
    /// The last revisions, newest first.
    pub history: Vec<Entry>,
}

impl Report {
    /// Reads it from status.
    pub fn of(gitsync: &GitSync) -> Self {
        let status = gitsync.status.clone().unwrap_or_default();
        let applied = status.last_applied_revision.as_ref().map(|applied| applied.revision.as_str());
        let live = status.history.iter().position(|entry| applied == Some(entry.revision.as_str()));
        let history = status.history.into_iter().enumerate();
        Self {
            name: key(gitsync).to_string(),
            pinned_revision: annotation(gitsync, PINNED_REVISION).map(str::to_owned).or(status.pinned_revision),
            history: history.map(|(at, entry)| Entry { live: Some(at) == live, entry }).collect(),
        }
    }
}
