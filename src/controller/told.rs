//! Pauses and fights of one service, told when they begin and when they end: once each, as log line and Event. What was
//! told before is what its status says, so a restart repeats nothing.

use tracing::{info, warn};

use super::Controller;
use crate::api::MicroService;
use crate::api::drift::FightStatus;
use crate::api::status::MicroServiceStatus;
use crate::cluster::EventNote;
use crate::model::{ObjectKey, codes};
use crate::report::fight as words;
use crate::report::pause::{self, Told};
use crate::telemetry::metrics::DriftLevel;

impl Controller {
    /// Tells what the newly written status says and the one before did not.
    pub(super) fn tell_restraints(&self, key: &ObjectKey, service: &MicroService, status: &MicroServiceStatus) {
        let empty = MicroServiceStatus::default();
        let before = service.status.as_ref().unwrap_or(&empty);
        let uid = service.metadata.uid.as_deref();
        if let Some((told, condition)) = pause::news(&before.conditions, &status.conditions) {
            let (reason, detail) = (condition.reason.as_str(), condition.message.as_str());
            let note = EventNote::on("MicroService", key, uid, reason, "Pause", detail);
            match told {
                Told::Began => warn!(service = %key, reason, detail, "corrections are paused"),
                Told::Changed => warn!(service = %key, reason, detail, "the pause of corrections was changed"),
                Told::Ended => info!(service = %key, reason, detail, "the pause of corrections is over"),
                Told::Refused => {
                    warn!(service = %key, code = codes::code_of(reason), reason, detail, "corrections are not paused");
                }
            }
            self.events.emit(if told == Told::Ended { note } else { note.warning() });
        }
        let fight = |status: &MicroServiceStatus| status.workload_drift.as_ref().and_then(|drift| drift.fight.clone());
        self.tell_fight(key, uid, fight(before).as_ref(), fight(status).as_ref());
    }

    fn tell_fight(
        &self,
        key: &ObjectKey,
        uid: Option<&str>,
        before: Option<&FightStatus>,
        after: Option<&FightStatus>,
    ) {
        let event = |reason: &str, note: String| EventNote::on("MicroService", key, uid, reason, "Correct", note);
        match (before, after) {
            (None, Some(fight)) => {
                self.metrics.fight_began(DriftLevel::Workload);
                crate::telemetry::drift::fight_began(DriftLevel::Workload, key, fight);
                self.events.emit(event(words::FIGHTING, words::sentence("a child", fight)).warning());
            }
            (Some(fight), None) => {
                crate::telemetry::drift::fight_ended(DriftLevel::Workload, key, fight);
                self.events.emit(event(words::ENDED, words::ended("a child", fight)));
            }
            _ => {}
        }
    }
}
