//! What rendering needs to know of the cluster and its operator. Offline there is nothing of the cluster.

use std::collections::BTreeSet;

use super::defaults::ChildMetadata;
use super::{ChildKind, config_map};

/// What rendering needs to know of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// How many replicas the live Deployment wants; none where there is no Deployment.
    pub replicas: Option<i32>,
    /// Checksum of what the service names, see [`super::references`]; none where it does not ask for restarts.
    pub checksum: Option<String>,
    /// Names of the ConfigMaps that ReplicaSets of this service use; none where that is not known.
    pub used_config: Option<BTreeSet<String>>,
    /// What all children have beside their own.
    pub metadata: ChildMetadata,
}

impl Surroundings {
    /// The names of the ConfigMaps of these hashes, by the label of ReplicaSets that [`crate::api::names::CONFIG`] is.
    pub fn config_names<'a>(service: &str, hashes: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let service = super::names::fit(service);
        hashes.into_iter().map(|hash| config_map::name(&service, hash)).collect()
    }

    /// Whether a child that is no longer rendered is still needed: a rollback would miss it.
    pub fn keeps(&self, kind: &ChildKind, name: &str) -> bool {
        *kind == config_map::KIND && self.used_config.as_ref().is_none_or(|used| used.contains(name))
    }
}
