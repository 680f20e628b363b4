//! Whether an object is as it was asked to be, by what its status says of its spec as it is. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::ObjectMeta;
use serde::Serialize;

use crate::api::condition::{self, READY};
use crate::api::{GitSync, MicroService};

/// Whether an object is as it was asked to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `True`, `False` or `Unknown`.
    pub ready: String,
    /// CamelCase word.
    pub reason: String,
    /// Sentence.
    pub message: String,
}

impl Verdict {
    /// Reads the condition Ready. What was observed of an older spec says nothing about the newest.
    pub fn of(metadata: &ObjectMeta, conditions: &[Condition], observed: Option<i64>) -> Self {
        let said = |ready: &str, reason: &str, message: &str| Self {
            ready: ready.into(),
            reason: reason.into(),
            message: message.into(),
        };
        if metadata.deletion_timestamp.is_some() {
            return said("False", "Terminating", "is being deleted");
        }
        match condition::find(conditions, READY) {
            Some(ready) if observed == metadata.generation => said(&ready.status, &ready.reason, &ready.message),
            _ => said("Unknown", "NotObserved", "the daemon has not acted on the newest spec yet; is it running?"),
        }
    }

    /// Of a GitSync.
    pub fn of_sync(gitsync: &GitSync) -> Self {
        let status = gitsync.status.as_ref();
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        Self::of(&gitsync.metadata, conditions, status.and_then(|status| status.observed_generation))
    }

    /// Of a MicroService.
    pub fn of_service(service: &MicroService) -> Self {
        let status = service.status.as_ref();
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        Self::of(&service.metadata, conditions, status.and_then(|status| status.observed_generation))
    }

    /// Whether it surely is.
    pub fn is_ready(&self) -> bool {
        self.ready == "True"
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self { ready, reason, message } = self;
        if self.is_ready() { format!("Ready {reason}") } else { format!("Ready={ready} {reason}: {message}") }
    }
}
