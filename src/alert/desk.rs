//! What one target was told, and what it is to be told now. It keeps no queue of what stands: what is to be told is the
//! difference between what stands and what was told, whenever somebody looks. Only what has come and gone is queued, bounded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::incident::{Incident, Key, Note};
use super::retry::Retry;
use super::target::Pace;
use crate::api::condition::truncate_to_seconds;
use crate::api::notify::{AlertKind, NotifyStatus, TOLD, ToldAlert};

/// Of what has come and gone that many are kept; of older ones only the number.
const NOTES: usize = 100;
/// What happens one after the other within that time is told together, …
const QUIET: SignedDuration = SignedDuration::from_secs(2);
/// … but nothing waits for longer than that.
const GATHER: SignedDuration = SignedDuration::from_secs(10);

/// All that stands of one GitSync and its MicroServices.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// What stands.
    pub standing: BTreeMap<Key, Arc<Incident>>,
    /// Of what nothing can be told now.
    pub unsettled: BTreeSet<Key>,
    /// How what ended last did.
    pub over: BTreeMap<Key, String>,
}

/// What one target was told.
#[derive(Debug, Clone)]
pub struct Desk {
    until: Timestamp,
    told: BTreeMap<Key, Told>,
    /// What began until then was told, whatever it was: there was no place for all in status.
    told_before: Option<Timestamp>,
    since: BTreeMap<Key, Timestamp>,
    notes: VecDeque<Note>,
    dropped: usize,
    /// Since when something is to be told, since when nothing was added, and how much there is.
    pending: Option<(Timestamp, Timestamp, usize)>,
    sent: Option<Timestamp>,
    retry: Retry,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    said: String,
    since: Timestamp,
}

/// What is to be told now.
#[derive(Debug, Clone)]
pub struct Batch {
    /// When it was put together.
    pub at: Timestamp,
    /// What stands and was not told.
    pub began: Vec<Arc<Incident>>,
    /// What was told, and is another now.
    pub changed: Vec<Arc<Incident>>,
    /// What was told, and is over.
    pub ended: Vec<Over>,
    /// What has come and gone.
    pub notes: Vec<Note>,
    /// How many more did that are not listed.
    pub dropped: usize,
    /// All that stands and was told, or is told with this.
    pub standing: Vec<Arc<Incident>>,
}

/// What was told and is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// What it was about.
    pub key: Key,
    /// Since when it stood.
    pub since: Timestamp,
    /// How it ended, as far as that is known.
    pub how: Option<String>,
}

/// What to do.
#[derive(Debug)]
pub enum Look {
    /// To tell this.
    Tell(Box<Batch>),
    /// To look again then; where there is no time, when something changes.
    Wait(Option<Timestamp>),
}

impl Desk {
    /// A desk that goes on where status says. Whoever was told nothing yet is told what stands, and nothing that is past.
    pub fn of(status: Option<&NotifyStatus>, now: Timestamp) -> Self {
        let told = status.into_iter().flat_map(|status| &status.told).filter_map(|alert| {
            let told = Told { said: alert.said.clone(), since: alert.since.0 };
            Some((Key::parse(&alert.alert)?, told))
        });
        Self {
            until: status.map_or(now, |status| status.until.0),
            told: told.collect(),
            told_before: status.filter(|status| status.unlisted > 0).map(|status| status.until.0),
            since: BTreeMap::new(),
            notes: VecDeque::new(),
            dropped: 0,
            pending: None,
            sent: None,
            retry: Retry::default(),
        }
    }

    /// Something has happened. It is for this desk to know whether it was told before.
    pub fn note(&mut self, note: &Note, pace: &Pace) {
        // Whoever was told that it stands is told that it is over.
        let stands = Key { kind: AlertKind::Drifted, object: note.key.object.clone() };
        let told = note.key.kind == AlertKind::Corrected && self.told.contains_key(&stands);
        // Status has seconds; a message gathers for longer than one, so what happened in its very second is not in it.
        if note.at < truncate_to_seconds(self.until) || told || !pace.filter.fits(&note.key, note.severity) {
            return;
        }
        self.notes.push_back(note.clone());
        if self.notes.len() > NOTES {
            self.notes.pop_front();
            self.dropped += 1;
        }
    }

    /// What is to be told now, and else when to look again.
    pub fn look(&mut self, world: &World, pace: &Pace, now: Timestamp) -> Look {
        let (batch, due) = self.difference(world, pace, now);
        let count = batch.began.len() + batch.changed.len() + batch.ended.len() + batch.notes.len() + batch.dropped;
        let again = pace.again.and_then(|again| later(self.sent?, again)).filter(|_| !batch.standing.is_empty());
        if count == 0 {
            self.pending = None;
            return match again {
                Some(at) if at <= now && self.retry.at().is_none_or(|retry| retry <= now) => {
                    Look::Tell(Box::new(batch))
                }
                again => Look::Wait(soonest([due, again.map(|at| self.retry.at().map_or(at, |retry| at.max(retry)))])),
            };
        }
        let (first, last) = match self.pending {
            Some((first, last, before)) if before == count => (first, last),
            Some((first, ..)) => (first, now),
            None => (now, now),
        };
        self.pending = Some((first, last, count));
        let gathered = soonest([later(last, QUIET), later(first, GATHER)]);
        let paced = self.sent.and_then(|sent| later(sent, pace.every));
        let at = [gathered, paced, self.retry.at()].into_iter().flatten().max();
        match at {
            Some(at) if at > now => Look::Wait(soonest([Some(at), due])),
            _ => Look::Tell(Box::new(batch)),
        }
    }

    /// That was told.
    pub fn told(&mut self, batch: &Batch) {
        let told = |incident: &Arc<Incident>| {
            let since = incident.since.unwrap_or(batch.at);
            (incident.key.clone(), Told { said: incident.said.clone(), since })
        };
        for over in &batch.ended {
            self.told.remove(&over.key);
        }
        // What changed stands since it began.
        for (key, now) in batch.began.iter().chain(&batch.changed).map(told) {
            self.told.entry(key).and_modify(|known| known.said.clone_from(&now.said)).or_insert(now);
        }
        self.notes.retain(|note| !batch.notes.iter().any(|told| told.id == note.id));
        self.dropped = self.dropped.saturating_sub(batch.dropped);
        self.until = self.until.max(batch.at);
        self.sent = Some(batch.at);
        self.pending = None;
        self.retry.succeeded();
    }

    /// That could not be told.
    pub fn retry(&mut self) -> &mut Retry {
        &mut self.retry
    }

    /// What status remembers of it.
    pub fn status(&self, name: &str) -> NotifyStatus {
        let told = self.told.iter().take(TOLD).map(|(key, told)| ToldAlert {
            alert: key.to_string(),
            said: told.said.clone(),
            since: Time(truncate_to_seconds(told.since)),
        });
        NotifyStatus {
            name: name.to_owned(),
            until: Time(truncate_to_seconds(self.until)),
            told: told.collect(),
            unlisted: u32::try_from(self.told.len().saturating_sub(TOLD)).unwrap_or(u32::MAX),
            commit: None,
        }
    }

    /// What differs from what was told, and when more will.
    fn difference(&mut self, world: &World, pace: &Pace, now: Timestamp) -> (Batch, Option<Timestamp>) {
        let (mut began, mut changed, mut standing, mut due) = (Vec::new(), Vec::new(), Vec::new(), None);
        self.since.retain(|key, _| world.standing.contains_key(key));
        let wanted = world.standing.iter().filter(|(key, incident)| pace.filter.fits(key, incident.severity));
        for (key, incident) in wanted {
            let seen = *self.since.entry(key.clone()).or_insert(now);
            let before = self.told_before.filter(|before| incident.since.is_some_and(|since| since <= *before));
            if let (None, Some(_)) = (self.told.get(key), before) {
                let since = incident.since.unwrap_or(now);
                self.told.insert(key.clone(), Told { said: incident.said.clone(), since });
            }
            match self.told.get(key) {
                Some(told) if told.said == incident.said => {}
                Some(_) => changed.push(Arc::clone(incident)),
                None => {
                    let since = incident.since.map_or(seen, |since| since.min(seen));
                    let at = later(since, pace.after(key.kind));
                    if at.is_some_and(|at| at > now) {
                        due = soonest([due, at]);
                        continue;
                    }
                    began.push(Arc::clone(incident));
                }
            }
            standing.push(Arc::clone(incident));
        }
        self.told_before = None;
        let over = self.told.iter().filter(|(key, _)| {
            // Of what it is not told any more, it is not told the end, either; it is over all the same.
            !world.standing.contains_key(*key) && !world.unsettled.contains(*key)
        });
        let over =
            over.map(|(key, told)| Over { key: key.clone(), since: told.since, how: world.over.get(key).cloned() });
        let batch = Batch {
            at: now,
            began,
            changed,
            ended: over.collect(),
            notes: self.notes.iter().cloned().collect(),
            dropped: self.dropped,
            standing,
        };
        (batch, due)
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Option<Timestamp> {
    time.checked_add(by).ok()
}

fn soonest(times: impl IntoIterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    times.into_iter().flatten().min()
}

#[cfg(test)]
mod tests;
