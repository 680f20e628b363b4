//! What keeps a reconcile from putting things back: a pause that a person asked for, and the pace of a fight.

use std::time::Duration;

use jiff::Timestamp;

use super::super::Controller;
use super::super::settle::{Rules, Settled, decide};
use super::{Trouble, Work};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::cluster::{CallError, Service};
use crate::drift::pause;
use crate::model::pause::{Asked, Pause, PauseMarks};
use crate::model::{LiveObject, ObjectKey};
use crate::report::drift as drift_report;
use crate::workload::Child;

/// A clock that is a little behind the timer's must not ask twice.
const AFTER: Duration = Duration::from_millis(20);

/// The pauses that concern one service.
#[derive(Debug, Default)]
pub struct Pauses {
    /// What its own annotations ask for.
    pub asked: Option<Asked>,
    /// The pause that holds, its own or its GitSync's.
    pub holds: Option<Pause>,
}

impl Pauses {
    /// Reads them. Another look is asked for when the first of them ends.
    pub fn of(controller: &Controller, key: &ObjectKey, service: &Service, now: Timestamp) -> Self {
        let of_sync = service.sync.as_deref().and_then(|sync| controller.rule_books.pause(sync));
        let all: [Option<&PauseMarks>; 2] = [service.pause.as_ref(), of_sync.as_ref()];
        let holding = all.into_iter().flatten().filter_map(|marks| pause::asked(marks, now).holding());
        if let Some(end) = holding.map(|pause| pause.until).min() {
            controller.queue.add_after(key.clone(), end.duration_since(now).unsigned_abs() + AFTER);
        }
        let asked = service.pause.as_ref().map(|marks| pause::asked(marks, now));
        Self { asked, holds: pause::holding(all, now) }
    }
}

impl Work<'_> {
    /// The rules for one child that may differ: while somebody fights for it, it is only looked at until the next
    /// correction is due.
    pub(super) fn restrained<'r>(&self, child: &Child, known: Option<&LiveObject>, rules: Rules<'r>) -> Rules<'r> {
        // Where nothing is put back, nobody fights.
        if rules.reporting {
            return rules;
        }
        let fields = self.to_be_corrected(child, known, &rules);
        let now = Timestamp::now();
        if drift_report::rewritten(self.rules.known, &fields) {
            self.controller.paces.rewritten(self.key, child, now);
        }
        let waits = !fields.is_empty() && self.controller.paces.turn(self.key, child, &fields, now).wait.is_some();
        Rules { waits, ..rules }
    }

    /// What of a child is to be put back, as far as the store knows.
    fn to_be_corrected(&self, child: &Child, known: Option<&LiveObject>, rules: &Rules<'_>) -> Vec<DriftedField> {
        let now = Timestamp::now();
        let Some(live) = known else {
            let key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
            let corrects = rules.policies(child, &key).of_object().policy == DriftPolicy::Correct;
            let gone = (corrects && self.was_there(child)).then(|| drift_report::deleted(child.kind.kind, &key, now));
            return gone.into_iter().collect();
        };
        if !self.is_ours(live) {
            return Vec::new();
        }
        let seen = live.value();
        let (_, ruled) = decide(child, &seen, rules);
        let subject = self.subject(child, &live.key, &seen);
        let drifts = ruled.corrected();
        drifts.iter().map(|drift| drift_report::field(&subject, drift, self.rules.known, now)).collect()
    }

    /// Takes note of how a child ended: put back, as rendered, or changed meanwhile by somebody else.
    pub(super) fn paced(&self, child: &Child, settled: &Settled, fields: &[DriftedField]) {
        let (paces, now) = (&self.controller.paces, Timestamp::now());
        match &settled.problem {
            _ if settled.corrected => paces.corrected(self.key, child, fields, now),
            Some(Trouble::Call(CallError::Conflict(_))) if !fields.is_empty() => paces.lost(self.key, child, now),
            None if fields.is_empty() => paces.quiet(self.key, child, now),
            _ => {}
        }
    }

    /// What the fights are by now, and when to look again for them.
    pub(super) fn see_fights(&mut self) {
        let paces = &self.controller.paces;
        if self.rules.reporting {
            // Nothing is put back, so nobody fights for it.
            paces.stop(self.key);
            return;
        }
        self.observed.fight = paces.fight(self.key);
        if let Some(due) = paces.due(self.key, Timestamp::now()) {
            self.controller.queue.add_after(self.key.clone(), due + AFTER);
        }
    }

    /// Whether status has to wait, as somebody fights and it was written a moment ago; then it is looked at again.
    pub(super) fn is_hushed(&self) -> bool {
        let before = self.service.status.as_ref().and_then(|status| status.workload_drift.as_ref());
        let fought = self.observed.fight.is_some() && before.is_some_and(|drift| drift.fight.is_some());
        let wait = self.controller.paces.hush(self.key, Timestamp::now()).filter(|_| fought);
        if let Some(wait) = wait {
            self.controller.queue.add_after(self.key.clone(), wait + AFTER);
        }
        wait.is_some()
    }
}
