//! What stands, and what has happened, by the status of one object. Nothing is concluded from a status that speaks of another
//! generation, or of work that is under way.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::digest;
use crate::api::condition::{self, READY, RECONCILING, SOURCE_STALE, STALLED};
use crate::api::drift::{DriftEpisode, Ended};
use crate::api::gitsync_status::HeldPlan;
use crate::api::notify::{AlertKind, AlertSeverity};
use crate::api::status::{DriftStatus, DriftedField};
use crate::api::{GitSyncStatus, MicroServiceStatus};
use crate::model::codes::code_of;
use crate::model::{ChangeKind, ObjectKey, Revision};
use crate::report::held::command;
use crate::report::turns::{self, Tone};
use crate::report::{drift, episodes, fight};

/// Lines that say more about one alert.
pub const LINES: usize = 3;
/// Reasons of a GitSync that is not ready and on its way, or as somebody asked.
const UNDER_WAY: [&str; 6] =
    ["NotSynced", "Progressing", "RenamePending", "Suspended", "WaitingForHealth", "WaitingForWave"];
/// Reasons of a GitSync that another alert tells.
const TOLD_ELSEWHERE: [&str; 3] = ["InvalidManifests", "PlanHeld", "RevisionHeld"];

/// What an alert is about: of one key there is one alert at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is about.
    pub kind: AlertKind,
    /// The MicroService, or the GitSync that another one declares; none for the GitSync itself.
    pub object: Option<ObjectKey>,
}

impl Key {
    /// A key; see the fields.
    pub fn new(kind: AlertKind, object: Option<&ObjectKey>) -> Self {
        Self { kind, object: object.cloned() }
    }

    /// Reads what it prints.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some((kind, object)) => {
                Some(Self { kind: AlertKind::parse(kind)?, object: Some(ObjectKey::parse(object)?) })
            }
            None => Some(Self { kind: AlertKind::parse(text)?, object: None }),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{} {object}", self.kind.as_str()),
            None => f.write_str(self.kind.as_str()),
        }
    }
}

/// Something that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// What it is about.
    pub key: Key,
    /// How severe it is.
    pub severity: AlertSeverity,
    /// Since when, as far as status says.
    pub since: Option<Timestamp>,
    /// CamelCase word.
    pub reason: String,
    /// Sentence.
    pub text: String,
    /// More, a line each.
    pub lines: Vec<String>,
    /// The command that helps.
    pub command: Option<String>,
    /// Digest of what makes it another one that is worth telling.
    pub said: String,
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub key: Key,
    /// How severe it was.
    pub severity: AlertSeverity,
    /// When.
    pub at: Timestamp,
    /// Sentence.
    pub text: String,
    /// What it is known by.
    pub id: String,
}

/// What the status of one object says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// What stands.
    pub standing: Vec<Incident>,
    /// Of what nothing can be told now: neither that it stands nor that it ended.
    pub unsettled: Vec<Key>,
    /// What has happened, as far as status remembers.
    pub notes: Vec<Note>,
    /// How what ended last did, in words.
    pub over: Vec<(Key, String)>,
}

/// What the status of a GitSync says.
pub fn of_sync(key: &ObjectKey, generation: Option<i64>, status: &GitSyncStatus) -> Observed {
    let mut seen = Observed::default();
    let own = |kind| Key::new(kind, None);
    if status.observed_generation != generation {
        let kinds = [AlertKind::SyncFailing, AlertKind::PlanHeld, AlertKind::Quarantined, AlertKind::SourceStale];
        seen.unsettled.extend(kinds.map(own));
    } else {
        failing(status, &mut seen);
        if let Some(stale) = condition::find(&status.conditions, SOURCE_STALE).filter(|one| one.status == "True") {
            let incident = of_condition(own(AlertKind::SourceStale), AlertSeverity::Warning, stale);
            seen.standing.push(incident);
        }
        seen.standing
            .extend(status.hold.as_ref().filter(|hold| hold.reason != "RenamePending").map(|hold| held(key, hold)));
        seen.standing.extend(quarantined(status));
    }
    for (object, fields) in whole_objects(&status.drift) {
        seen.standing.push(drifted(&object, &fields, None));
    }
    seen.notes.extend(status.drift_history.iter().filter_map(corrected));
    for episode in status.drift_history.iter().rev() {
        ended(episode, &mut seen.over);
    }
    if let Some(applied) = &status.last_applied_revision {
        let what = [applied.subject.as_deref(), applied.author.as_deref()];
        let what: Vec<&str> = what.into_iter().flatten().filter(|text| !text.is_empty()).collect();
        let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", by ")) };
        seen.notes.push(Note {
            key: own(AlertKind::Applied),
            severity: AlertSeverity::Info,
            at: applied.applied.0,
            text: format!("{} is applied{what}", Revision(applied.revision.as_str().into()).short()),
            id: digest([applied.revision.as_str(), &applied.applied.0.to_string()]),
        });
    }
    seen
}

/// What the status of a MicroService says.
pub fn of_service(key: &ObjectKey, generation: Option<i64>, status: &MicroServiceStatus) -> Observed {
    let mut seen = Observed::default();
    let failing = Key::new(AlertKind::ServiceFailing, Some(key));
    match condition::find(&status.conditions, READY) {
        Some(ready) if status.observed_generation == generation => match turns::tone(&ready.status, &ready.reason) {
            Tone::Bad => seen.standing.push(of_condition(failing, AlertSeverity::Error, ready)),
            Tone::UnderWay => seen.unsettled.push(failing),
            Tone::Good => {
                // Ready may be True all the while.
                let beside = turns::BESIDE.iter().filter_map(|kind| condition::find(&status.conditions, kind));
                let bad = beside.into_iter().find(|one| one.status == "False");
                seen.standing.extend(bad.map(|one| of_condition(failing, AlertSeverity::Warning, one)));
            }
        },
        _ => seen.unsettled.push(failing),
    }
    let levels = [status.source_drift.as_ref(), status.workload_drift.as_ref()];
    let standing: Vec<&DriftStatus> = levels.into_iter().flatten().filter(|level| level.count > 0).collect();
    if !standing.is_empty() {
        let fields: Vec<&DriftedField> = standing.iter().flat_map(|level| &level.fields).collect();
        // Who else may write status may write any number.
        let count = standing.iter().map(|level| level.count).fold(0, u32::saturating_add);
        let since = standing.iter().filter_map(|level| level.since.as_ref()).map(|since| since.0).min();
        seen.standing.push(Incident { since, ..drifted(key, &fields, Some(count)) });
    }
    for level in levels.into_iter().flatten() {
        seen.notes.extend(level.history.iter().filter_map(corrected));
        for episode in level.history.iter().rev() {
            // Children are told with their MicroService.
            ended_of(key, episode, &mut seen.over);
        }
        if let Some(fought) = &level.fight {
            let text = fight::sentence(&format!("MicroService {key}"), fought);
            seen.standing.push(Incident {
                key: Key::new(AlertKind::Fighting, Some(key)),
                severity: AlertSeverity::Warning,
                since: Some(fought.since.0),
                reason: fight::FIGHTING.to_owned(),
                said: digest(&fought.managers),
                text,
                lines: level.fields.iter().take(LINES).map(drift::sentence).collect(),
                command: None,
            });
        }
    }
    seen.notes.iter_mut().for_each(|note| note.key.object = Some(key.clone()));
    seen.standing.dedup_by(|a, b| a.key == b.key);
    seen
}

/// Whether the GitSync fails, in a way that no other alert tells.
fn failing(status: &GitSyncStatus, seen: &mut Observed) {
    let key = Key::new(AlertKind::SyncFailing, None);
    let Some(ready) = condition::find(&status.conditions, READY) else { return seen.unsettled.push(key) };
    let of = |kind| condition::find(&status.conditions, kind);
    let stale = of(SOURCE_STALE).is_some_and(|one| one.status == "True" && one.reason == ready.reason);
    // A GitSync that it depends on may take its time; one that is not there, or must not be, is a mistake.
    let waits = ready.reason == "DependencyNotReady" && of(STALLED).is_none() && of(RECONCILING).is_some();
    // A source that is away for a moment is no failure yet; once it lasts, it is stale. What a person must mend is told now.
    let away = code_of(&ready.reason).is_some_and(|code| code.starts_with("GM4")) && of(STALLED).is_none();
    match ready.status.as_str() {
        "True" => {}
        // What was told before holds until it is known better.
        _ if stale || waits || away || UNDER_WAY.contains(&ready.reason.as_str()) => seen.unsettled.push(key),
        _ if TOLD_ELSEWHERE.contains(&ready.reason.as_str()) => {}
        _ => {
            let lines = status.problems.iter().take(LINES);
            let lines = lines.map(|problem| format!("{}: {}: {}", problem.object, problem.reason, problem.message));
            let incident = of_condition(key, AlertSeverity::Error, ready);
            seen.standing.push(Incident { lines: lines.collect(), ..incident });
        }
    }
}

/// How severe a kind of alert is.
pub fn severity(kind: AlertKind) -> AlertSeverity {
    match kind {
        AlertKind::SyncFailing | AlertKind::Quarantined | AlertKind::ServiceFailing => AlertSeverity::Error,
        AlertKind::PlanHeld
        | AlertKind::SourceStale
        | AlertKind::Drifted
        | AlertKind::Corrected
        | AlertKind::Fighting => AlertSeverity::Warning,
        AlertKind::Applied => AlertSeverity::Info,
    }
}

fn of_condition(key: Key, severity: AlertSeverity, said: &Condition) -> Incident {
    Incident {
        key,
        severity,
        since: Some(said.last_transition_time.0),
        reason: said.reason.clone(),
        text: said.message.clone(),
        lines: Vec::new(),
        command: None,
        said: digest([&said.reason]),
    }
}

fn held(key: &ObjectKey, hold: &HeldPlan) -> Incident {
    let counts = [(hold.creations, "create"), (hold.updates, "change"), (hold.deletions, "delete")];
    let counts: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} {count}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!("; it would {}", counts.join(", ")) };
    Incident {
        key: Key::new(AlertKind::PlanHeld, None),
        severity: AlertSeverity::Warning,
        since: Some(hold.since.0),
        reason: hold.reason.clone(),
        text: format!("plan {} is held: {}{counts}", hold.plan, hold.message),
        lines: hold.deletes.iter().take(LINES).map(|name| format!("would delete {name}")).collect(),
        command: command(&key.to_string(), &hold.plan),
        said: digest([&hold.plan]),
    }
}

fn quarantined(status: &GitSyncStatus) -> Option<Incident> {
    let count = status.counts.map_or(0, |counts| counts.quarantined);
    let ready = condition::find(&status.conditions, READY);
    let invalid = ready.filter(|ready| ready.reason == "InvalidManifests");
    if count == 0 && invalid.is_none() {
        return None;
    }
    let findings = status.diagnostics.iter().map(|one| format!("{} {} {}", one.place, one.code, one.message));
    // Without a finding the API server refused it.
    let refused = status.problems.iter().map(|one| format!("{}: {}: {}", one.object, one.reason, one.message));
    let all: Vec<String> = findings.chain(refused).collect();
    let text = match count {
        0 => "manifests are invalid".to_owned(),
        1 => "1 MicroService is quarantined: what it was before stays".to_owned(),
        _ => format!("{count} MicroServices are quarantined: what they were before stays"),
    };
    Some(Incident {
        key: Key::new(AlertKind::Quarantined, None),
        severity: AlertSeverity::Error,
        since: ready.filter(|ready| ready.status == "False").map(|ready| ready.last_transition_time.0),
        reason: "InvalidManifests".to_owned(),
        text,
        said: digest(all.iter().chain([&count.to_string()])),
        lines: all.into_iter().take(LINES).collect(),
        command: None,
    })
}

/// Drift that no status of a MicroService can tell: of what is not there, and of GitSyncs.
fn whole_objects(fields: &[DriftedField]) -> Vec<(ObjectKey, Vec<&DriftedField>)> {
    let mut found: Vec<(ObjectKey, Vec<&DriftedField>)> = Vec::new();
    let of_sync = |field: &&DriftedField| field.kind == "GitSync" || field.change == "Deleted";
    for field in fields.iter().filter(of_sync) {
        let Some(key) = ObjectKey::parse(&field.object) else { continue };
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, fields)) => fields.push(field),
            None => found.push((key, vec![field])),
        }
    }
    found
}

fn drifted(object: &ObjectKey, fields: &[&DriftedField], count: Option<u32>) -> Incident {
    let count = count.unwrap_or_else(|| u32::try_from(fields.len()).unwrap_or(u32::MAX));
    let text = match count {
        1 => format!("1 field of {object} differs from what is declared"),
        _ => format!("{count} fields of {object} differ from what is declared"),
    };
    let value = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let said = fields.iter().map(|field| [&*field.object, &field.path, &field.change, &value(&field.live)].join(" "));
    Incident {
        key: Key::new(AlertKind::Drifted, Some(object)),
        severity: AlertSeverity::Warning,
        since: fields.iter().map(|field| episodes::began(field)).min(),
        reason: "FieldsDiffer".to_owned(),
        text,
        said: digest(said.chain([count.to_string()])),
        lines: fields.iter().take(LINES).map(|field| drift::sentence(field)).collect(),
        command: None,
    }
}

fn corrected(episode: &DriftEpisode) -> Option<Note> {
    let field = &episode.field;
    let object = ObjectKey::parse(&field.object)?;
    (episode.ended == Ended::Corrected && !is_of_ownership(field)).then(|| Note {
        key: Key::new(AlertKind::Corrected, Some(&object)),
        severity: AlertSeverity::Warning,
        at: episode.until.0,
        text: format!("{}; put back", drift::sentence(field)),
        id: digest([&*field.kind, &field.object, &field.path, &field.change, &episode.until.0.to_string()]),
    })
}

/// Whether no value differed, but whose it is: somebody wrote what was declared.
fn is_of_ownership(field: &DriftedField) -> bool {
    field.change == ChangeKind::Disowned.as_str()
}

fn ended(episode: &DriftEpisode, over: &mut Vec<(Key, String)>) {
    if let Some(object) = ObjectKey::parse(&episode.field.object) {
        ended_of(&object, episode, over);
    }
}

/// The last one counts.
fn ended_of(object: &ObjectKey, episode: &DriftEpisode, over: &mut Vec<(Key, String)>) {
    if is_of_ownership(&episode.field) {
        return;
    }
    let how = match episode.ended {
        Ended::Corrected => "Gitmoor put it back",
        Ended::Reverted => "somebody put it back",
        Ended::Declared => "a commit declares it",
        Ended::Ignored => "a rule says to ignore it",
        Ended::Gone => "the object is gone, or no longer declared",
    };
    let key = Key::new(AlertKind::Drifted, Some(object));
    over.retain(|(known, _)| *known != key);
    over.push((key, how.to_owned()));
}

#[cfg(test)]
mod tests;
