//! What is told of one service when it turns, once each, as log line and Event: whether it is ready, what is wrong beside
//! that, pauses and fights. What was told before is what its status says, so a restart repeats nothing.

use tracing::{info, warn};

use super::Controller;
use crate::api::MicroService;
use crate::api::condition::READY;
use crate::api::drift::FightStatus;
use crate::api::status::MicroServiceStatus;
use crate::cluster::EventNote;
use crate::model::{ObjectKey, codes};
use crate::report::fight as words;
use crate::report::pause::{self, Told};
use crate::report::turns::{Tone, turns};
use crate::telemetry::metrics::DriftLevel;

impl Controller {
    /// Tells how the service is by now, where it was otherwise before.
    pub(super) fn tell_turns(&self, key: &ObjectKey, service: &MicroService, status: &MicroServiceStatus) {
        let before = service.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        for turn in turns(before, &status.conditions) {
            let (reason, detail) = (turn.condition.reason.as_str(), turn.condition.message.as_str());
            let (code, condition) = (codes::code_of(reason), turn.condition.type_.as_str());
            match (condition == READY, turn.tone) {
                (true, Tone::Good) => info!(service = %key, reason, detail, "service is ready"),
                (true, Tone::UnderWay) => info!(service = %key, code, reason, detail, "service is not ready"),
                (true, Tone::Bad) => warn!(service = %key, code, reason, detail, "service is not ready"),
                (false, Tone::Bad) => {
                    warn!(service = %key, condition, code, reason, detail, "service is not as it should be");
                }
                (false, _) => info!(service = %key, condition, reason, detail, "service is as it should be again"),
            }
            if !turn.repeated {
                let uid = service.metadata.uid.as_deref();
                let note = EventNote::on("MicroService", key, uid, reason, "Reconcile", detail);
                self.events.emit(note.warning_if(turn.tone == Tone::Bad));
            }
        }
    }

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
