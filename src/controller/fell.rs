//! A reconcile that fell over a bug of ours: its service says so and is tried again, ever more rarely. The others go on. And
//! how any service says that nothing goes on with it.

use serde_json::Value;
use tracing::{error, warn};

use super::{Controller, round};
use crate::api::MicroService;
use crate::api::names::CONTROLLER_MANAGER;
use crate::api::status::MicroServiceStatus;
use crate::cluster::{CallError, EventNote, microservices};
use crate::model::ObjectKey;
use crate::report::bug::{self, BUG};
use crate::report::microservice::own_part;
use crate::telemetry::panics::Panicked;

impl Controller {
    pub(super) async fn fell(&self, key: &ObjectKey, panicked: &Panicked) {
        // What was remembered of it may be half of something: all of it is looked at again.
        self.memory.unsettle(key);
        let again_in = round(self.queue.retry(key));
        let (code, place) = (Panicked::code(), &panicked.place);
        error!(service = %key, code, reason = BUG, %place, ?again_in, "a reconcile fell over a bug");
        let Some(entry) = self.services.get(key).filter(|entry| !entry.object.deleting) else { return };
        let Ok(service) = entry.object.parse::<MicroService>() else { return };
        let message = panicked.to_string();
        let status = bug::microservice(&service, &message, jiff::Timestamp::now());
        let note = EventNote::on("MicroService", key, service.metadata.uid.as_deref(), BUG, "Reconcile", message);
        if let Err(error) = self.stopped(key, &entry.object.value(), &status, note).await {
            warn!(service = %key, code = error.code(), reason = error.reason(), %error, "status not written");
        }
    }

    /// Tells of a service with which nothing goes on, as an Event and in its status, unless that says so already. Whether it
    /// was news.
    pub(super) async fn stopped(
        &self,
        key: &ObjectKey,
        live: &Value,
        status: &MicroServiceStatus,
        note: EventNote,
    ) -> Result<bool, CallError> {
        // A status type is plain data.
        let wanted = serde_json::to_value(status).unwrap_or_default();
        if wanted == own_part(&live["status"]) {
            return Ok(false);
        }
        self.events.emit(note.warning());
        match self.cluster.apply_status(&microservices(), key, &wanted, CONTROLLER_MANAGER).await {
            Ok(answer) => self.services.answered(answer),
            // It went meanwhile.
            Err(CallError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
