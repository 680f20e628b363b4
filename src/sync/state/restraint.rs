//! What keeps a loop from putting things back: pauses that people asked for, and the paces of fights. And when the loop
//! has to look again for that.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::State;
use super::failures::Failure;
use crate::api::drift::{FightStatus, PauseStatus};
use crate::api::status::{DriftStatus, DriftedField};
use crate::drift::{Pace, Turn, pause};
use crate::model::Target;
use crate::model::pause::{Asked, Pause, PauseMarks};
use crate::report;

/// A clock that is a little behind the timer's must not ask twice.
const AFTER: Duration = Duration::from_millis(20);
/// A look that is due at once could be due again and again.
const SOONEST: Duration = Duration::from_secs(1);

/// Pauses, paces, and when to look again.
#[derive(Default)]
pub struct Restraint {
    /// What the GitSync's annotations ask for.
    pub asked: Option<Asked>,
    /// The pause of the GitSync that status has.
    pub record: Option<PauseStatus>,
    paces: HashMap<Target, Pace>,
    /// Objects whose status was read for what a process before this one has left: later it says what we said.
    read: HashSet<Target>,
    /// Objects to be looked at again, and when.
    wakes: HashMap<Target, Timestamp>,
}

impl Restraint {
    /// What the status says.
    pub fn new(record: Option<PauseStatus>) -> Self {
        Self { record, ..Self::default() }
    }

    /// The pause of all that the GitSync applied.
    fn holds(&self) -> Option<&Pause> {
        match &self.asked {
            Some(Asked::Holds(pause)) => Some(pause),
            _ => None,
        }
    }

    /// Reads what the GitSync asks for. Returns whether another pause holds than before, or none.
    pub fn ask(&mut self, marks: Option<&PauseMarks>, now: Timestamp) -> bool {
        let asked = marks.map(|marks| pause::asked(marks, now));
        let changed = asked != self.asked;
        self.asked = asked;
        self.remember(&[], now);
        changed
    }

    /// Takes note of fields that differ while all is paused.
    pub fn remember(&mut self, fields: &[DriftedField], now: Timestamp) {
        let holds = self.holds().cloned();
        // What is not listed was counted when it was seen first.
        self.record = report::pause::record(self.record.as_ref(), holds.as_ref(), fields, fields, now);
    }

    /// Has an object looked at again at a time; an earlier one that was asked for before stands.
    pub fn wake(&mut self, key: &Target, at: Timestamp) {
        let wake = self.wakes.entry(key.clone()).or_insert(at);
        *wake = at.min(*wake);
    }

    /// Objects whose time has come, and with `all` those that wait for theirs.
    pub fn woken(&mut self, all: bool, now: Timestamp) -> Vec<Target> {
        self.wakes.extract_if(|_, at| all || *at <= now).map(|(key, _)| key).collect()
    }

    /// How long it takes until something is to be looked at, be it the GitSync's own pause.
    pub fn next(&self, now: Timestamp) -> Option<Duration> {
        let first = self.wakes.values().copied().chain(self.holds().map(|pause| pause.until)).min()?;
        Some(first.duration_since(now).max(jiff::SignedDuration::ZERO).unsigned_abs() + AFTER)
    }

    /// Whether a field of an object is fought for: it was told, and is not told each time.
    pub fn is_fought_for(&self, key: &Target, field: &DriftedField) -> bool {
        self.paces.get(key).is_some_and(|pace| pace.is_fought_for(field))
    }

    /// Whether somebody fights for an object.
    pub fn is_fought(&self, key: &Target) -> bool {
        self.paces.get(key).is_some_and(|pace| pace.fight().is_some())
    }

    /// The fights that are going on.
    pub fn fights(&self) -> HashMap<Target, FightStatus> {
        self.paces.iter().filter_map(|(key, pace)| Some((key.clone(), pace.fight()?))).collect()
    }

    /// Goes on with the fight that the status of an object speaks of, when it is seen for the first time.
    pub fn resume(&mut self, key: &Target, live: &Value, now: Timestamp) {
        if !self.read.insert(key.clone()) || live["status"]["sourceDrift"].get("fight").is_none() {
            return;
        }
        let Ok(drift) = DriftStatus::deserialize(&live["status"]["sourceDrift"]) else { return };
        if let Some(fight) = &drift.fight {
            self.paces.insert(key.clone(), Pace::resumed(fight, &drift.fields, now));
        }
    }

    /// Forgets which objects were read that are declared no longer: names come and go for as long as a loop runs.
    pub fn forget_undeclared(&mut self, declared: impl Fn(&Target) -> bool) {
        self.read.retain(declared);
    }

    /// How long the status of an object has to wait for the fight over it; then it is looked at again.
    pub fn hush(&mut self, key: &Target, now: Timestamp) -> bool {
        let Some(wait) = self.paces.get_mut(key).and_then(|pace| pace.hush(now)) else { return false };
        self.wake_in(key, wait.unsigned_abs(), now);
        true
    }

    /// Takes note that an object was put back, or that this lost a race.
    pub fn tried(&mut self, key: &Target, corrected: Option<&[DriftedField]>, now: Timestamp) {
        let pace = self.paces.entry(key.clone()).or_default();
        match corrected {
            Some(fields) => pace.corrected(fields, now),
            None => pace.lost(now),
        }
        self.wake_when_due(key, now);
    }

    /// Takes note that somebody wrote an object again before it was put back.
    pub fn rewritten(&mut self, key: &Target, now: Timestamp) {
        self.paces.entry(key.clone()).or_default().rewritten(now);
    }

    /// Takes note that nothing of an object differs, or that nothing is put back any more. Returns the fight that ended.
    pub fn quiet(&mut self, key: &Target, corrects: bool, now: Timestamp) -> Option<FightStatus> {
        let pace = self.paces.get_mut(key)?;
        let ended = if corrects { pace.quiet(now) } else { pace.stop() };
        if pace.is_idle(now) {
            self.paces.remove(key);
        }
        self.wake_when_due(key, now);
        ended
    }

    /// While somebody fights for it: for its next correction, or for the end.
    fn wake_when_due(&mut self, key: &Target, now: Timestamp) {
        if let Some(due) = self.paces.get(key).and_then(|pace| pace.due(now)) {
            self.wake_in(key, due.unsigned_abs().max(SOONEST), now);
        }
    }

    fn wake_in(&mut self, key: &Target, pause: Duration, now: Timestamp) {
        self.wake(key, now.checked_add(pause + AFTER).unwrap_or(now));
    }

    fn turn(&mut self, key: &Target, fields: &[DriftedField], now: Timestamp) -> Turn {
        self.paces.retain(|_, pace| !pace.is_idle(now));
        self.paces.get_mut(key).map(|pace| pace.turn(fields, now)).unwrap_or_default()
    }
}

impl State {
    /// Puts a correction off where somebody fights for the object. Returns whether it did, and a fight that began just now.
    pub fn must_wait(&mut self, key: &Target) -> (bool, Option<FightStatus>) {
        let (now, fields) = (Timestamp::now(), self.drift.get(key).map_or(&[][..], Vec::as_slice));
        let Turn { wait, began } = self.restraint.turn(key, fields, now);
        let Some(wait) = wait else { return (false, None) };
        let again = Instant::now() + wait.unsigned_abs();
        self.failures.insert(key.clone(), Failure { times: 0, again });
        let began = self.restraint.paces.get(key).filter(|_| began).and_then(Pace::fight);
        (true, began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectKey;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn target(name: &str) -> Target {
        Target::service(ObjectKey::new("shop", name))
    }

    #[test]
    fn each_object_is_looked_at_at_the_first_time_that_was_asked_for() {
        let mut restraint = Restraint::default();
        assert_eq!(restraint.next(at(0)), None);
        restraint.wake(&target("a"), at(20));
        restraint.wake(&target("a"), at(30));
        restraint.wake(&target("b"), at(40));
        assert_eq!(restraint.next(at(10)), Some(Duration::from_secs(10) + AFTER));
        assert_eq!(restraint.next(at(99)), Some(AFTER), "it is due");
        assert_eq!(restraint.woken(false, at(19)), []);
        assert_eq!(restraint.woken(false, at(20)), [target("a")]);
        assert_eq!(restraint.woken(true, at(20)), [target("b")]);
        assert_eq!(restraint.next(at(20)), None);
    }

    #[test]
    fn objects_whose_names_come_and_go_leave_nothing_behind() {
        let (mut restraint, live) = (Restraint::default(), serde_json::json!({"status": {}}));
        let stays = target("stays");
        for revision in 0..100 {
            let preview = target(&format!("preview-{revision}"));
            restraint.resume(&stays, &live, at(revision));
            restraint.resume(&preview, &live, at(revision));
            restraint.forget_undeclared(|key| *key == stays || *key == preview);
        }
        assert_eq!(restraint.read, HashSet::from([stays, target("preview-99")]));
    }

    #[test]
    fn the_pause_of_a_gitsync_is_recorded_from_its_begin_to_its_end() {
        let marks = |until: &str| PauseMarks {
            until: until.into(),
            reason: Some("incident 12".into()),
            by: Some("ann".into()),
            refused: false,
        };
        let mut restraint = Restraint::default();
        assert!(restraint.ask(Some(&marks("1970-01-01T00:01:00Z")), at(10)));
        assert!(!restraint.ask(Some(&marks("1970-01-01T00:01:00Z")), at(20)));
        assert_eq!(restraint.next(at(20)), Some(Duration::from_secs(40) + AFTER), "it ends by itself");
        let field = report::drift::deleted("MicroService", &ObjectKey::new("shop", "a"), at(20));
        restraint.remember(std::slice::from_ref(&field), at(20));
        restraint.remember(std::slice::from_ref(&field), at(21));
        assert!(restraint.ask(Some(&marks("1970-01-01T00:01:00Z")), at(60)));
        let record = restraint.record.clone().unwrap();
        assert_eq!((record.since.0, record.until.0, record.drifted), (at(10), at(60), 1));
        assert_eq!(record.fields, [field]);
        restraint.remember(&[report::drift::deleted("MicroService", &ObjectKey::new("shop", "b"), at(61))], at(61));
        assert_eq!(restraint.record, Some(record), "what differs after it is none of its affair");
        assert!(restraint.ask(None, at(70)) && restraint.next(at(70)).is_none());
    }
}
