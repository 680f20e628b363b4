//! How often one object is corrected: two managers that keep rewriting a field must not burn the API server.
//!
//! A few corrections are made at once. When the same field has to be put back once more within the minute, somebody
//! fights for it: then corrections come ever more slowly, down to one in five minutes, until it was quiet for as long as
//! the last pause between two. It never reads a clock.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::condition::truncate_to_seconds;
use crate::api::drift::FightStatus;
use crate::api::status::DriftedField;

/// Corrections of one field in [`WINDOW`] that are made at once.
const AT_ONCE: usize = 5;
/// Corrections of one object in [`WINDOW`] that are made or tried at once, whatever the fields, and times that somebody
/// writes again before: who adds another field each time, or is always faster, must not burn the API server, either.
const OF_ONE_OBJECT: usize = 20;
/// How far back corrections count.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// First pause between corrections while it is fought for; it doubles with each.
const FIRST: SignedDuration = SignedDuration::from_secs(15);
/// Longest pause between corrections.
const FLOOR: SignedDuration = SignedDuration::from_secs(300);
/// While it is fought for, status is written at most this often.
const TELL: SignedDuration = SignedDuration::from_secs(10);
/// Fields that are remembered of one correction, and of one fight.
const FIELDS: usize = 64;
/// Managers that status has room for.
const MANAGERS: usize = 8;

/// The recent corrections of one object, and the fight for it.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    recent: VecDeque<(Timestamp, BTreeSet<String>)>,
    fight: Option<Fight>,
}

/// Somebody keeps rewriting what is put back.
#[derive(Debug, Clone)]
struct Fight {
    since: Timestamp,
    managers: BTreeSet<String>,
    per_minute: u32,
    /// Pause between corrections now.
    every: SignedDuration,
    /// The last correction.
    last: Timestamp,
    fields: BTreeSet<String>,
    told: Option<Timestamp>,
}

/// What may be done about fields that are to be put back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turn {
    /// How long that has to wait; `None` for not at all.
    pub wait: Option<SignedDuration>,
    /// Whether a fight began just now.
    pub began: bool,
}

impl Pace {
    /// Goes on with a fight that a status speaks of: a restart must not begin with five corrections at once.
    pub fn resumed(fight: &FightStatus, fields: &[DriftedField], now: Timestamp) -> Self {
        let every = SignedDuration::from_secs(fight.corrected_every_seconds.into()).clamp(FIRST, FLOOR);
        let fight = Fight {
            since: fight.since.0,
            managers: fight.managers.iter().cloned().collect(),
            per_minute: fight.per_minute,
            every,
            last: now,
            fields: names(fields),
            told: None,
        };
        Self { recent: VecDeque::new(), fight: Some(fight) }
    }

    /// Whether these fields may be put back now. Where they may not, somebody fights for them.
    pub fn turn(&mut self, fields: &[DriftedField], now: Timestamp) -> Turn {
        let began = self.fight.is_none() && self.fight_begins(fields, now);
        let Some(fight) = &mut self.fight else { return Turn::default() };
        for manager in fields.iter().filter_map(|field| field.manager.as_ref()) {
            if fight.managers.len() < MANAGERS {
                fight.managers.insert(manager.clone());
            }
        }
        let missing = FIELDS.saturating_sub(fight.fields.len());
        fight.fields.extend(names(fields).into_iter().take(missing));
        Turn { wait: fight.wait(now), began }
    }

    fn fight_begins(&mut self, fields: &[DriftedField], now: Timestamp) -> bool {
        // A clock that jumped back must not hold a correction for longer than the window.
        self.recent.retain(|(at, _)| *at <= now && now.duration_since(*at) < WINDOW);
        let wanted = names(fields);
        let same = self.recent.iter().filter(|(_, fields)| !fields.is_disjoint(&wanted));
        let same: Vec<_> = same.map(|(at, _)| *at).collect();
        let times: Vec<_> = if same.len() >= AT_ONCE {
            same
        } else if self.recent.len() >= OF_ONE_OBJECT {
            self.recent.iter().map(|(at, _)| *at).collect()
        } else {
            return false;
        };
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
        let took = now.duration_since(*first).as_secs().max(1);
        let rate = i64::try_from(times.len()).unwrap_or(i64::MAX).saturating_mul(60) / took;
        self.fight = Some(Fight {
            since: now,
            managers: BTreeSet::new(),
            per_minute: u32::try_from(rate).unwrap_or(u32::MAX),
            every: FIRST,
            last: *last,
            fields: BTreeSet::new(),
            told: None,
        });
        true
    }

    /// Takes note of a correction.
    pub fn corrected(&mut self, fields: &[DriftedField], now: Timestamp) {
        if let Some(fight) = &mut self.fight {
            // The first of a fight comes after the first pause, and the next after twice that.
            fight.every = (fight.every * 2).min(FLOOR);
            fight.last = now;
            return;
        }
        self.remember(names(fields), now);
    }

    /// Takes note that a correction lost a race: it cost a call, too.
    pub fn lost(&mut self, now: Timestamp) {
        match &mut self.fight {
            Some(fight) => fight.last = now,
            None => self.remember(BTreeSet::new(), now),
        }
    }

    /// Takes note that somebody wrote a field again before it was put back.
    pub fn rewritten(&mut self, now: Timestamp) {
        if self.fight.is_none() {
            self.remember(BTreeSet::new(), now);
        }
    }

    fn remember(&mut self, fields: BTreeSet<String>, now: Timestamp) {
        self.recent.push_back((now, fields));
        if self.recent.len() > OF_ONE_OBJECT {
            self.recent.pop_front();
        }
    }

    /// Takes note that nothing differs. Returns the fight that is over by that, for having been quiet for long enough.
    pub fn quiet(&mut self, now: Timestamp) -> Option<FightStatus> {
        let over = self.fight.as_mut().is_some_and(|fight| fight.wait(now).is_none());
        let ended = self.fight.take_if(|_| over)?.status();
        self.recent.clear();
        Some(ended)
    }

    /// Forgets a fight that cannot go on: nothing is corrected any more.
    pub fn stop(&mut self) -> Option<FightStatus> {
        self.recent.clear();
        self.fight.take().map(|fight| fight.status())
    }

    /// The fight that is going on.
    pub fn fight(&self) -> Option<FightStatus> {
        self.fight.as_ref().map(Fight::status)
    }

    /// Whether this field is fought for: then it was told, and is not told each time.
    pub fn is_fought_for(&self, field: &DriftedField) -> bool {
        self.fight.as_ref().is_some_and(|fight| fight.fields.contains(&name(field)))
    }

    /// How long status has yet to wait: who writes another value each time must not make us write as often. `None` says
    /// that it may be written now, and that it is.
    pub fn hush(&mut self, now: Timestamp) -> Option<SignedDuration> {
        let fight = self.fight.as_mut()?;
        let wait = fight.told.and_then(|told| left(told, TELL, now));
        if wait.is_none() {
            fight.told = Some(now);
        }
        wait
    }

    /// How long it takes until the next correction is due, or until the fight is over if it stays quiet.
    pub fn due(&self, now: Timestamp) -> Option<SignedDuration> {
        let fight = self.fight.as_ref()?;
        Some(left(fight.last, fight.every, now).unwrap_or(SignedDuration::ZERO))
    }

    /// Whether nothing has to be remembered.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let last = self.recent.back();
        self.fight.is_none() && last.is_none_or(|(last, _)| now.duration_since(*last) > WINDOW)
    }
}

impl Fight {
    fn wait(&mut self, now: Timestamp) -> Option<SignedDuration> {
        // A clock that jumped back must not hold a correction for longer than the pause.
        self.last = self.last.min(now);
        left(self.last, self.every, now)
    }

    fn status(&self) -> FightStatus {
        FightStatus {
            since: Time(truncate_to_seconds(self.since)),
            managers: self.managers.iter().take(MANAGERS).cloned().collect(),
            per_minute: self.per_minute,
            corrected_every_seconds: u32::try_from(self.every.as_secs()).unwrap_or(u32::MAX),
        }
    }
}

/// Several fights for parts of one thing as one.
pub fn merged(fights: impl IntoIterator<Item = FightStatus>) -> Option<FightStatus> {
    fights.into_iter().reduce(|one, other| {
        let managers: BTreeSet<String> = one.managers.into_iter().chain(other.managers).collect();
        FightStatus {
            since: if one.since.0 <= other.since.0 { one.since } else { other.since },
            managers: managers.into_iter().take(MANAGERS).collect(),
            per_minute: one.per_minute.max(other.per_minute),
            corrected_every_seconds: one.corrected_every_seconds.max(other.corrected_every_seconds),
        }
    })
}

/// What is left of a pause since then.
fn left(since: Timestamp, pause: SignedDuration, now: Timestamp) -> Option<SignedDuration> {
    let gone = now.duration_since(since).max(SignedDuration::ZERO);
    let left = pause - gone;
    left.is_positive().then_some(left)
}

fn names(fields: &[DriftedField]) -> BTreeSet<String> {
    fields.iter().take(FIELDS).map(name).collect()
}

fn name(field: &DriftedField) -> String {
    format!("{} {} {}", field.kind, field.object, field.path)
}

#[cfg(test)]
mod tests;
