//! What a loop knows of the episodes of drift of its objects, and what of them is not told or not in a status yet.

use std::collections::{HashMap, HashSet};

use super::State;
use crate::api::GitSyncStatus;
use crate::api::drift::{DriftEpisode, EPISODES, EPISODES_OF_SYNC, Ended};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::{DriftStatus, DriftedField};
use crate::model::{Kind, OutcomeKind, Target};
use crate::report::drift as words;
use crate::report::episodes::{self, Turn};
use crate::sync::apply::Ran;
use crate::sync::work::{Item, Task};

/// Bytes of episodes in the status of a GitSync.
const BYTES: usize = 16 * 1024;

/// Episodes of the objects of one GitSync.
#[derive(Debug, Default)]
pub struct Episodes {
    /// Those that only the GitSync's status can keep, newest first.
    pub history: Vec<DriftEpisode>,
    /// Those that are to be written into the status of their MicroService.
    pub unwritten: HashMap<Target, Vec<DriftEpisode>>,
    /// What is to be logged.
    untold: Vec<(Target, Turn)>,
    /// What the GitSync's status said at the start.
    said: Vec<DriftedField>,
    /// Objects that were looked at since: what is known of them is in memory.
    seen: HashSet<Target>,
    /// What the run under way is to put back.
    aimed: HashMap<Target, Vec<DriftedField>>,
}

impl Episodes {
    /// What is known at the start.
    pub fn new(status: &GitSyncStatus) -> Self {
        Self { history: status.drift_history.clone(), said: status.drift.clone(), ..Self::default() }
    }

    /// What is to be logged now.
    pub fn take_untold(&mut self) -> Vec<(Target, Turn)> {
        std::mem::take(&mut self.untold)
    }

    /// Takes note of what a run is about to do.
    pub fn begin(&mut self, items: &[(Item, Vec<DriftedField>)]) {
        let with_drift = items.iter().filter(|(_, drift)| !drift.is_empty());
        self.aimed = with_drift.map(|(item, drift)| (item.key.clone(), drift.clone())).collect();
    }

    /// What is to be written with the work on these objects.
    pub fn to_write(&self, items: &[(Item, Vec<DriftedField>)]) -> HashMap<Target, Vec<DriftEpisode>> {
        let keys = items.iter().map(|(item, _)| &item.key);
        keys.filter_map(|key| Some((key.clone(), self.unwritten.get(key)?.clone()))).collect()
    }

    /// The status of a MicroService says this now.
    pub fn written(&mut self, key: &Target, written: &[DriftEpisode]) {
        if let Some(left) = self.unwritten.get_mut(key) {
            left.retain(|episode| !written.contains(episode));
            if left.is_empty() {
                self.unwritten.remove(key);
            }
        }
    }

    /// Keeps what ended: on its MicroService, or here where that has no status for it.
    fn keep(&mut self, key: &Target, on_object: bool, ended: &[DriftEpisode]) {
        if on_object && key.kind == Kind::MicroService {
            let all = self.unwritten.entry(key.clone()).or_default();
            all.extend_from_slice(ended);
            let more = all.len().saturating_sub(EPISODES);
            all.drain(..more);
        } else {
            episodes::add(&mut self.history, ended, EPISODES_OF_SYNC, BYTES);
        }
    }
}

impl State {
    /// Drift of an object that was told before. At the first look since the start, that is what the statuses say.
    fn told_drift(&mut self, key: &Target, status: Option<&DriftStatus>, seen: &[DriftedField]) -> Vec<DriftedField> {
        if !self.episodes.seen.insert(key.clone()) {
            return self.drift.get(key).cloned().unwrap_or_default();
        }
        let mut known = words::recalled(status, seen);
        let object = key.key.to_string();
        let of_object = |field: &&DriftedField| field.kind == key.kind.as_str() && field.object == object;
        for field in self.episodes.said.iter().filter(of_object) {
            if !known.iter().any(|known| words::same(known, field)) {
                known.push(field.clone());
            }
        }
        known
    }

    /// Takes what a look saw of an object, whose status says `status`; none where it is not there. Returns whether the
    /// status says all of it.
    pub fn saw_drift(
        &mut self,
        key: &Target,
        status: Option<&DriftStatus>,
        fields: Vec<DriftedField>,
        how: impl Fn(&DriftedField) -> Option<Ended>,
        there: bool,
    ) -> bool {
        let known = self.told_drift(key, status, &fields);
        let now = jiff::Timestamp::now();
        self.restraint.remember(&fields, now);
        let to_put_back = |field: &&DriftedField| field.policy == Some(DriftPolicy::Correct);
        let put_back: Vec<_> = fields.iter().filter(to_put_back).cloned().collect();
        if words::rewritten(&known, &put_back) {
            self.restraint.rewritten(key, now);
        }
        let turn = episodes::turn(&known, fields, now, how);
        let standing = turn.standing.clone();
        if !turn.ended.is_empty() {
            self.episodes.keep(key, there, &turn.ended);
        }
        let said = match key.kind {
            Kind::MicroService if there => words::says(status, &standing) && !self.episodes.unwritten.contains_key(key),
            _ => turn.is_quiet(),
        };
        if !turn.is_quiet() {
            self.episodes.untold.push((key.clone(), turn));
        }
        if standing.is_empty() {
            self.drift.remove(key);
        } else {
            self.drift.insert(key.clone(), standing);
        }
        said
    }

    /// What is no longer declared is no drift any more. What is only not valid any more was not looked at.
    pub(super) fn forget_undeclared_drift(&mut self) {
        let now = jiff::Timestamp::now();
        let declared =
            |key: &Target| self.declared.objects.contains_key(key) || self.declared.quarantined.contains_key(key);
        self.restraint.forget_undeclared(declared);
        let gone: Vec<Target> = self.drift.keys().filter(|key| !declared(key)).cloned().collect();
        for key in gone {
            let fields = self.drift.remove(&key).unwrap_or_default();
            let turn = episodes::turn(&fields, Vec::new(), now, |_| Some(Ended::Gone));
            self.episodes.keep(&key, false, &turn.ended);
            self.episodes.untold.push((key, turn));
        }
        let declared = &self.declared.objects;
        self.episodes.seen.retain(|key| declared.contains_key(key));
        self.episodes.unwritten.retain(|key, _| declared.contains_key(key));
    }

    /// Takes what a piece of work did, in a run that told `ran.ended` in statuses.
    pub fn episodes_done(&mut self, item: &Item, outcome: &OutcomeKind, ran: &Ran) {
        let noted = !ran.aside.unnoted.contains(&item.key);
        let tells = matches!(item.task, Task::Correct | Task::Update { .. } | Task::Note);
        if let Some(ended) = ran.ended.get(&item.key)
            && tells
            && noted
            && !matches!(outcome, OutcomeKind::Failed { .. })
        {
            self.episodes.written(&item.key, ended);
        }
        let in_vain = ran.aside.in_vain.get(&item.key).map(Vec::as_slice).unwrap_or_default();
        self.put_back(item, outcome, noted, in_vain);
    }

    /// Takes what was put back. `noted` says that the status of the object tells it; `in_vain` is what the API server
    /// itself made differ again: nothing more is said of that.
    fn put_back(&mut self, item: &Item, outcome: &OutcomeKind, noted: bool, in_vain: &[DriftedField]) {
        let aimed = self.episodes.aimed.remove(&item.key).unwrap_or_default();
        let puts_back = matches!(item.task, Task::Correct | Task::Create | Task::Update { .. });
        let Some(fields) = self.drift.remove(&item.key) else { return };
        if !puts_back || matches!(outcome, OutcomeKind::Failed { .. }) {
            self.drift.insert(item.key.clone(), fields);
            return;
        }
        let created = item.task == Task::Create;
        let now = jiff::Timestamp::now();
        let was_aimed = |field: &DriftedField| aimed.iter().any(|aimed| words::same(aimed, field));
        let mut turn = Turn { standing: fields, ..Turn::default() };
        turn.put_back(now, |field| {
            created || (was_aimed(field) && field.policy.unwrap_or_default() == DriftPolicy::Correct)
        });
        let mut kept = Vec::new();
        for episode in &mut turn.ended {
            let vain = in_vain.iter().any(|field| words::same_place(field, &episode.field));
            if vain {
                episode.ended = Ended::Ignored;
            } else if created && episode.field.policy == Some(DriftPolicy::Report) {
                // A commit says anew that it should be there.
                episode.ended = Ended::Declared;
            }
            let told = noted && !vain && !created && item.key.kind == Kind::MicroService;
            // What is fought for is put back again and again: the fight tells it.
            if !told && !self.restraint.is_fought_for(&item.key, &episode.field) {
                kept.push(episode.clone());
            }
        }
        if !kept.is_empty() {
            self.episodes.keep(&item.key, !created, &kept);
        }
        if !turn.standing.is_empty() {
            self.drift.insert(item.key.clone(), turn.standing.clone());
        }
        if !turn.ended.is_empty() {
            self.episodes.untold.push((item.key.clone(), turn));
        }
    }
}
