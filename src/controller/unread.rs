//! A service that this version cannot read, by itself or with what the operator decides: its status says so, once. What was
//! rendered of it last stays as it is.

use serde_json::Value;
use tracing::warn;

use super::Controller;
use super::reconcile::{Next, Step};
use crate::cluster::{CallError, EventNote};
use crate::model::{ObjectKey, codes};
use crate::report::unread::{self, INVALID_SPEC};

impl Controller {
    pub(super) async fn unread(
        &self,
        key: &ObjectKey,
        live: &Value,
        why: String,
        step: Step,
    ) -> Result<(Next, bool), CallError> {
        if step == Step::Look {
            return Ok((Next::Rest, false));
        }
        let (code, reason) = (codes::code_of(INVALID_SPEC), INVALID_SPEC);
        let Some(status) = unread::microservice(live, &unread::message(&why), jiff::Timestamp::now()) else {
            warn!(service = %key, code, reason, why, "MicroService and its status cannot be read");
            return Ok((Next::Rest, false));
        };
        let uid = live["metadata"]["uid"].as_str();
        let note = EventNote::on("MicroService", key, uid, INVALID_SPEC, "Reconcile", unread::message(&why));
        let told = self.stopped(key, live, &status, note).await?;
        if told {
            warn!(service = %key, code, reason, why, "MicroService cannot be read");
        }
        Ok((Next::Rest, told))
    }
}
