//! Writes down which commits declared what differs, or differed: a drift is told before anybody has looked for them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Run;
use crate::api::condition::SOURCE_DRIFTED;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftStatus;
use crate::cluster::{CallError, resource};
use crate::model::{Kind, OutcomeKind, Target};

impl Run {
    /// Completes the sync's part of a MicroService's status, and changes nothing else of it.
    pub(super) async fn trace(&self, key: &Target) -> Result<OutcomeKind, CallError> {
        let unchanged = Ok(OutcomeKind::Unchanged);
        let Some(entry) = self.live.get(key).filter(|_| key.kind == Kind::MicroService) else { return unchanged };
        let status = entry.object().value()["status"].take();
        let Some(mut drift) = status.get("sourceDrift").and_then(|drift| DriftStatus::deserialize(drift).ok()) else {
            return unchanged;
        };
        self.tracer.complete(&mut drift);
        let drift = json!(drift);
        if status["sourceDrift"] == drift {
            return unchanged;
        }
        let ours = |condition: &&Value| condition["type"] == SOURCE_DRIFTED;
        let conditions: Vec<_> = status["conditions"].as_array().into_iter().flatten().filter(ours).collect();
        let status = json!({"conditions": conditions, "sourceDrift": drift});
        match self.cluster.apply_status(&resource(key.kind), key, &status, SYNC_MANAGER).await {
            Ok(answer) => self.live.answered(key.kind, answer),
            Err(CallError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        unchanged
    }
}
