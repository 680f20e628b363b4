//! One object as the page lists it: its JSON, made once, and what it is filtered and counted by.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde::Serialize;

use super::counts::{Counts, Tally};
use super::health::Health;
use crate::api::condition::{self, READY};
use crate::api::status::DriftStatus;
use crate::api::{GitSync, MicroService};
use crate::model::codes;
use crate::view::{ServiceRow, SyncRow};

/// A row that is kept.
#[derive(Debug)]
pub struct Row {
    /// As it is answered.
    pub json: Box<str>,
    /// What words are looked for in, in small letters.
    pub text: Box<str>,
    /// In one word.
    pub health: Health,
    /// What it adds to the counts.
    pub counts: Counts,
    /// `namespace/name` of the GitSync that declared it.
    pub sync: Option<Box<str>>,
    /// Whether its status speaks of drift, or of one that was.
    pub has_drift: bool,
    /// The image that it runs.
    pub running: Option<Box<str>>,
    /// Why it is as it is.
    pub reason: Box<str>,
    /// Version of the book that it came with.
    pub version: u64,
}

/// A MicroService's row as it is answered; the detail has it, too.
#[derive(Debug, Serialize)]
pub struct ServiceJson {
    #[serde(flatten)]
    row: ServiceRow,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    drift: Levels,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Time>,
}

#[derive(Debug, Serialize)]
struct Levels {
    source: u32,
    workload: u32,
}

/// A GitSync's row as it is answered; the detail has it, too.
#[derive(Debug, Serialize)]
pub struct SyncJson {
    #[serde(flatten)]
    row: SyncRow,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl ServiceJson {
    /// Reads it from the object.
    pub fn of(service: &MicroService) -> Self {
        let row = ServiceRow::of(service);
        let status = service.status.as_ref();
        let count = |drift: Option<&DriftStatus>| drift.map_or(0, |drift| drift.count);
        Self {
            health: Health::of_service(&row.verdict, service.spec.suspend == Some(true)),
            code: codes::code_of(&row.verdict.reason),
            drift: Levels {
                source: count(status.and_then(|status| status.source_drift.as_ref())),
                workload: count(status.and_then(|status| status.workload_drift.as_ref())),
            },
            since: since(status.map(|status| status.conditions.as_slice()).unwrap_or_default()),
            row,
        }
    }
}

impl SyncJson {
    /// Reads it from the object.
    pub fn of(gitsync: &GitSync) -> Self {
        let row = SyncRow::of(gitsync);
        Self { health: Health::of_sync(&row.verdict, gitsync), code: codes::code_of(&row.verdict.reason), row }
    }
}

fn since(conditions: &[Condition]) -> Option<Time> {
    condition::find(conditions, READY).map(|ready| ready.last_transition_time.clone())
}

impl Row {
    /// A MicroService's.
    pub fn of_service(service: &MicroService) -> Self {
        let json = ServiceJson::of(service);
        let row = &json.row;
        let drifts = service.status.iter().flat_map(|status| [&status.source_drift, &status.workload_drift]);
        let has_drift = drifts.flatten().any(|drift| drift.count > 0 || !drift.history.is_empty());
        let source = row.source.as_ref();
        let mut text = format!("{} {} {} {}", row.name, row.image, row.verdict.reason, json.health);
        if let Some(source) = source {
            text = format!("{text} {} {} {}", source.sync, source.revision, source.file);
        }
        Self {
            text: text.to_lowercase().into(),
            health: json.health,
            counts: Counts {
                tally: Tally::one(json.health, row.drifted_fields > 0),
                held: 0,
                paused: row.paused.is_some().into(),
                fights: (!row.fights.is_empty()).into(),
                fields: row.drifted_fields,
            },
            sync: source.map(|source| source.sync.as_str().into()),
            has_drift,
            running: row.running_image.as_deref().map(Into::into),
            reason: row.verdict.reason.as_str().into(),
            json: text_of(&json),
            version: 0,
        }
    }

    /// A GitSync's.
    pub fn of_sync(gitsync: &GitSync) -> Self {
        let json = SyncJson::of(gitsync);
        let row = &json.row;
        let drifted = row.counts.drifted > 0;
        Self {
            text: format!("{} {} {}", row.name, row.verdict.reason, json.health).to_lowercase().into(),
            health: json.health,
            counts: Counts {
                tally: Tally::one(json.health, drifted),
                held: row.loud.hold.is_some().into(),
                paused: row.loud.paused.is_some().into(),
                fights: 0,
                fields: 0,
            },
            sync: None,
            has_drift: false,
            running: None,
            reason: row.verdict.reason.as_str().into(),
            json: text_of(&json),
            version: 0,
        }
    }

    /// Whether each of the words, in small letters, is somewhere in it.
    pub fn has(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.text.contains(word.as_str()))
    }

    /// Whether a field of it differs.
    pub fn drifts(&self) -> bool {
        self.counts.tally.drifted > 0
    }
}

/// These shapes always serialise: their maps have texts as keys.
fn text_of(json: &impl Serialize) -> Box<str> {
    serde_json::to_string(json).unwrap_or_default().into()
}
