//! Live MicroServices: one watch for the sync and the controller.

use std::sync::Arc;

use serde_json::Value;

use super::store::{Extra, Store};
use crate::api::SourceMark;
use crate::api::condition::{DRIFTED, PAUSED, READY, SOURCE_DRIFTED, WORKLOAD_DRIFTED};
use crate::api::names::SOURCE;
use crate::drift::pause;
use crate::model::LiveObject;
use crate::model::pause::PauseMarks;
use crate::plan::Standing;

/// What is kept beside a live MicroService.
#[derive(Debug)]
pub struct Service {
    /// How it stands towards Git.
    pub standing: Standing,
    /// `namespace/name` of its GitSync, by its mark.
    pub sync: Option<String>,
    /// Whether condition Ready is True for the spec as it is.
    pub ready: bool,
    /// Whether condition Drifted is True.
    pub drifted: bool,
    /// Whether condition SourceDrifted is True.
    pub source_drifted: bool,
    /// Whether condition WorkloadDrifted is True.
    pub workload_drifted: bool,
    /// What its annotations ask for about corrections.
    pub pause: Option<PauseMarks>,
    /// Whether condition Paused is True.
    pub paused: bool,
    /// Whether its status speaks of a fight over itself, and over its children.
    pub fights: (bool, bool),
    /// How many fields of its children differ, by its status.
    pub workload_fields: u32,
}

impl Extra for Service {
    fn of(value: &Value) -> Self {
        let holds = |kind: &str| holds(value, kind);
        let fights = |level: &str| value["status"][level].get("fight").is_some();
        let current = value["status"]["observedGeneration"] == value["metadata"]["generation"];
        let mark = value["metadata"]["annotations"][SOURCE].as_str().and_then(SourceMark::parse);
        Self {
            standing: Standing::of(value),
            sync: mark.map(|mark| mark.sync),
            ready: current && holds(READY),
            drifted: holds(DRIFTED),
            source_drifted: holds(SOURCE_DRIFTED),
            workload_drifted: holds(WORKLOAD_DRIFTED),
            pause: pause::marks(value),
            paused: holds(PAUSED),
            fights: (fights("sourceDrift"), fights("workloadDrift")),
            workload_fields: value["status"]["workloadDrift"]["count"]
                .as_u64()
                .and_then(|count| count.try_into().ok())
                .unwrap_or(0),
        }
    }

    fn group(&self, _: &LiveObject) -> Option<Arc<str>> {
        self.standing.part_of.as_deref().map(Into::into)
    }
}

/// Whether a condition of an object is True.
pub(super) fn holds(value: &Value, kind: &str) -> bool {
    let conditions = value["status"]["conditions"].as_array();
    conditions.is_some_and(|all| all.iter().any(|one| one["type"] == kind && one["status"] == "True"))
}

/// Live MicroServices, grouped by the ApplySet that they say they are part of.
pub type Services = Store<Service>;
