//! What happened, the newest first: commits, syncs, holds, drifts, rollouts, turns of health.
//!
//! An entry follows from what an object's status says, and has the same id whenever that is read: what is read again is
//! not said again, and a process that starts anew begins with what statuses keep. Each kind of entry has its own bound, so
//! that a thousand services that turn ready do not push out the commits.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::Rights;
use super::query::TimelineQuery;
use super::row::Row;
use crate::api::condition::{self, READY};
use crate::api::drift::{DriftEpisode, FightStatus, PauseStatus};
use crate::api::gitsync_status::{HistoryEntry, HistoryResult};
use crate::api::status::DriftedField;
use crate::api::{GitSync, MicroService};
use crate::model::{Kind, ObjectKey, Target, codes};
use crate::report::{fight, turns};
use crate::view::drift::{End, difference};
use crate::view::say::short;
use crate::view::{declared_by, held, key};

/// Entries of one kind that are kept.
const KEPT: usize = 500;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum What {
    /// Somebody committed.
    Commit,
    /// A revision was applied.
    Sync,
    /// A plan waits for approval.
    Hold,
    /// Something began to differ.
    Drift,
    /// It differs no more.
    DriftEnded,
    /// Another image runs.
    Rollout,
    /// A service is ready, or is not.
    Health,
    /// Corrections are paused.
    Pause,
    /// Somebody keeps rewriting.
    Fight,
}

/// How it is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    UnderWay,
    /// Somebody should look.
    Bad,
    /// Neither.
    Plain,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Stable.
    pub id: Arc<str>,
    /// When.
    pub time: Timestamp,
    /// What kind of thing.
    pub kind: What,
    /// To what.
    #[serde(serialize_with = "object")]
    pub object: Target,
    /// The GitSync that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitsync: Option<String>,
    /// In a sentence.
    pub text: String,
    /// How it is to be taken.
    pub tone: Tone,
    /// CamelCase word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The revision that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Who made the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Whose hand it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

fn object<S: serde::Serializer>(target: &Target, serializer: S) -> Result<S::Ok, S::Error> {
    json!({"kind": target.kind.as_str(), "name": target.key.to_string()}).serialize(serializer)
}

impl What {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Commit,
        Self::Sync,
        Self::Hold,
        Self::Drift,
        Self::DriftEnded,
        Self::Rollout,
        Self::Health,
        Self::Pause,
        Self::Fight,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "Commit",
            Self::Sync => "Sync",
            Self::Hold => "Hold",
            Self::Drift => "Drift",
            Self::DriftEnded => "DriftEnded",
            Self::Rollout => "Rollout",
            Self::Health => "Health",
            Self::Pause => "Pause",
            Self::Fight => "Fight",
        }
    }

    /// Reads what is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

impl Entry {
    fn new(kind: What, object: &Target, time: Timestamp, mark: &str, text: String) -> Self {
        let id = format!("{}/{object}/{}/{mark}", kind.as_str(), time.as_second());
        Self {
            id: id.into(),
            time,
            kind,
            object: object.clone(),
            gitsync: (object.kind == Kind::GitSync).then(|| object.key.to_string()),
            text,
            tone: Tone::Plain,
            reason: None,
            code: None,
            revision: None,
            author: None,
            who: None,
        }
    }

    fn of(mut self, gitsync: Option<&str>) -> Self {
        self.gitsync = gitsync.map(str::to_owned);
        self
    }

    fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    fn because(mut self, reason: &str) -> Self {
        self.code = codes::code_of(reason);
        self.reason = Some(reason.to_owned());
        self
    }
}

/// What a GitSync's status says that happened.
pub fn of_sync(gitsync: &GitSync) -> Vec<Entry> {
    let Some(status) = &gitsync.status else { return Vec::new() };
    let target = Target::gitsync(key(gitsync));
    let mut entries = Vec::new();
    for entry in &status.history {
        entries.extend(revision(&target, entry));
    }
    if let Some(plan) = &status.hold {
        let text = format!("plan held: {}; it would make {}", plan.message, held::doing(plan));
        let entry = Entry::new(What::Hold, &target, plan.since.0, &plan.plan, text).tone(Tone::Bad);
        entries.push(Entry { revision: Some(plan.revision.clone()), ..entry.because(&plan.reason) });
    }
    entries.extend(status.pause.iter().map(|pause| paused(&target, pause)));
    let name = target.key.to_string();
    let drifted = status.drift.iter().map(|field| drift(field, &field.object, "source"));
    let ended = status.drift_history.iter().map(|episode| drift_ended(episode, &episode.field.object, "source"));
    entries.extend(drifted.chain(ended).flatten().map(|entry| entry.of(Some(&name))));
    entries
}

/// What a MicroService's status says that happened; `before` is its row of before, where it is not new here.
pub fn of_service(service: &MicroService, before: Option<&Row>, now: Timestamp) -> Vec<Entry> {
    let Some(status) = &service.status else { return Vec::new() };
    let target = Target::service(key(service));
    let name = target.key.to_string();
    let mut entries: Vec<Entry> = health(&target, service, before, now).into_iter().collect();
    let running = status.image.as_ref().and_then(|image| image.running.as_deref());
    if let (Some(before), Some(running)) = (before.and_then(|row| row.running.as_deref()), running)
        && before != running
    {
        let text = format!("runs {running}, before {before}");
        entries.push(Entry::new(What::Rollout, &target, now, running, text).tone(Tone::Good));
    }
    for (level, of) in [("source", &status.source_drift), ("workload", &status.workload_drift)] {
        let Some(of) = of else { continue };
        if of.count > 0 {
            entries.extend(of.fields.iter().filter_map(|field| drift(field, &name, level)));
        }
        entries.extend(of.history.iter().filter_map(|episode| drift_ended(episode, &name, level)));
        entries.extend(of.fight.iter().map(|fight| fought(&target, fight, level)));
        entries.extend(of.pause.iter().map(|pause| paused(&target, pause)));
    }
    let sync = declared_by(service);
    entries.into_iter().map(|entry| entry.of(sync.as_deref())).collect()
}

fn revision(target: &Target, entry: &HistoryEntry) -> Vec<Entry> {
    let HistoryEntry { revision, author, subject, committed, applied, took, result, changed, pruned, .. } = entry;
    let mut entries = Vec::new();
    let about = |entry: Entry| Entry { revision: Some(revision.clone()), author: author.clone(), ..entry };
    if let Some(committed) = committed {
        let text = subject.clone().unwrap_or_else(|| short(revision));
        entries.push(about(Entry::new(What::Commit, target, committed.0, revision, text)));
    }
    let (did, tone) = match result {
        HistoryResult::Applied => ("applied", Tone::Good),
        HistoryResult::Partial => ("applied in part", Tone::Bad),
        HistoryResult::Superseded => ("superseded by a newer one", Tone::Plain),
    };
    let counts = [(*changed, "changed"), (*pruned, "pruned"), (entry.quarantined, "quarantined"), (entry.held, "held")];
    let counts: String =
        counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, did)| format!(", {number} {did}")).collect();
    let text = format!("{} {did} in {took}{counts}", short(revision));
    entries.push(about(Entry::new(What::Sync, target, applied.0, revision, text)).tone(tone));
    entries
}

/// Whether it is ready, since its condition says so. A reason that turned while this process looked on turned now.
fn health(target: &Target, service: &MicroService, before: Option<&Row>, now: Timestamp) -> Option<Entry> {
    let status = service.status.as_ref()?;
    let ready = condition::find(&status.conditions, READY)?;
    let since = ready.last_transition_time.0;
    let tone = match turns::tone(&ready.status, &ready.reason) {
        turns::Tone::Good => Tone::Good,
        turns::Tone::UnderWay => Tone::UnderWay,
        turns::Tone::Bad => Tone::Bad,
    };
    let text = if ready.status == "True" { "ready".to_owned() } else { format!("not ready: {}", ready.message) };
    let entry = Entry::new(What::Health, target, since, &ready.reason, text).tone(tone).because(&ready.reason);
    let turned = before.is_some_and(|row| *row.reason != *ready.reason) && now.duration_since(since).as_secs() > 1;
    Some(if turned { Entry { time: now, ..entry } } else { entry })
}

fn drift(field: &DriftedField, of: &str, level: &str) -> Option<Entry> {
    let began = field.began.as_ref().unwrap_or(&field.observed).0;
    Some(hand(What::Drift, field, of, level, began, difference(field))?.tone(Tone::Bad))
}

fn drift_ended(episode: &DriftEpisode, of: &str, level: &str) -> Option<Entry> {
    let text = format!("{}; {}", difference(&episode.field), End::of(episode).sentence());
    Some(hand(What::DriftEnded, &episode.field, of, level, episode.until.0, text)?.tone(Tone::Good))
}

fn hand(what: What, field: &DriftedField, of: &str, level: &str, time: Timestamp, text: String) -> Option<Entry> {
    let target = match field.kind == Kind::GitSync.as_str() {
        true => Target::gitsync(ObjectKey::parse(&field.object)?),
        false => Target::service(ObjectKey::parse(of)?),
    };
    let path = field.keyed_path.as_ref().unwrap_or(&field.path);
    let mark = format!("{level}/{}/{}{path}", field.kind, field.object);
    let itself = field.kind == target.kind.as_str();
    let text = if itself { text } else { format!("{} {text}", field.kind) };
    let entry = Entry::new(what, &target, time, &mark, text).because(&field.change);
    let at = field.declared_at.as_ref();
    Some(Entry {
        who: field.user.clone().or_else(|| field.manager.clone()),
        author: at.and_then(|at| at.author.clone()),
        ..entry
    })
}

fn paused(target: &Target, pause: &PauseStatus) -> Entry {
    let why = pause.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let text = format!("corrections paused until {}{why}", pause.until.0);
    let entry = Entry::new(What::Pause, target, pause.since.0, "", text).tone(Tone::Bad);
    Entry { who: pause.by.clone(), ..entry }
}

fn fought(target: &Target, of: &FightStatus, level: &str) -> Entry {
    let what = if level == "source" { "it" } else { "a child" };
    let entry = Entry::new(What::Fight, target, of.since.0, level, fight::sentence(what, of)).tone(Tone::Bad);
    Entry { who: (!of.managers.is_empty()).then(|| of.managers.join(", ")), ..entry.because(fight::FIGHTING) }
}

/// What is kept of what happened.
#[derive(Debug, Default)]
pub struct Timeline {
    kinds: BTreeMap<What, BTreeMap<(Timestamp, Arc<str>), Entry>>,
    times: HashMap<Arc<str>, Timestamp>,
}

impl Timeline {
    /// Takes an entry; returns whether it is news. One that is older than all that is kept of its kind is not.
    pub fn add(&mut self, entry: Entry) -> bool {
        let kept = self.kinds.entry(entry.kind).or_default();
        let at = (entry.time, Arc::clone(&entry.id));
        let too_old = kept.len() >= KEPT && kept.first_key_value().is_some_and(|(first, _)| at < *first);
        if too_old || self.times.contains_key(&entry.id) {
            return false;
        }
        self.times.insert(Arc::clone(&entry.id), entry.time);
        kept.insert(at, entry);
        if kept.len() > KEPT
            && let Some(((_, id), _)) = kept.pop_first()
        {
            self.times.remove(&id);
        }
        true
    }

    /// The entry of an id, as long as it is kept.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        let (id, time) = self.times.get_key_value(id)?;
        let at = (*time, Arc::clone(id));
        self.kinds.values().find_map(|kept| kept.get(&at))
    }

    /// Those that fit and that the viewer may see, the newest first, and how many more there are.
    pub fn find(&self, query: &TimelineQuery, rights: &Rights) -> (Vec<&Entry>, usize) {
        let wanted = |kind: &What| query.kinds.is_empty() || query.kinds.contains(kind);
        let entries = self.kinds.iter().filter(|(kind, _)| wanted(kind)).flat_map(|(_, kept)| kept.values());
        let of = |entry: &Entry| match &query.object {
            Some(object) if object.kind == Kind::GitSync => {
                entry.object == *object || entry.gitsync.as_deref().is_some_and(|sync| object.key.is(sync))
            }
            Some(object) => entry.object == *object,
            None => true,
        };
        let mut found: Vec<&Entry> = entries.filter(|entry| entry.is_for(rights) && of(entry)).collect();
        found.sort_by(|a, b| (b.time, &b.id).cmp(&(a.time, &a.id)));
        let more = found.len().saturating_sub(query.limit);
        found.truncate(query.limit);
        (found, more)
    }
}

impl Entry {
    /// Whether a viewer may see it.
    pub fn is_for(&self, rights: &Rights) -> bool {
        rights.see(self.object.kind, &self.object.key)
    }

    /// As it is answered.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
