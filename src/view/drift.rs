//! From status to a list of drifted fields. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use super::{Seen, fights, is_named, key, paused, paused_service, policy_annotation, provenance};
use crate::api::drift::{DriftEpisode, Ended};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::{DriftedField, SourceStatus};
use crate::api::{GitSync, MicroService};
use crate::drift::{effective, pause};
use crate::model::{Kind, ObjectKey};
use crate::report::drift::text;
use crate::report::episodes::{duration, lasted};

/// Which of the drifts that ended are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    Standing,
    /// Those that ended later.
    Since(jiff::Timestamp),
    /// All that statuses keep.
    All,
}

/// What differs, and what did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// How many fields differ now, listed or not.
    pub standing: u32,
    /// Those that are listed.
    pub drift: Vec<Found>,
    /// Drifts that ended, the newest first.
    pub history: Vec<Found>,
    /// What keeps things from being put back, by object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub restraints: BTreeMap<String, Vec<String>>,
    /// How many more of which MicroService differ.
    #[serde(skip)]
    pub unlisted: Vec<(String, u32)>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// `namespace/name` of the MicroService.
    pub micro_service: String,
    /// Between what it differs.
    pub level: Level,
    /// The field.
    #[serde(flatten)]
    pub field: DriftedField,
    /// How it ended.
    #[serde(flatten)]
    pub end: Option<End>,
    /// Where the MicroService is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,
}

/// The end of a drift.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// When.
    pub until: Time,
    /// How.
    pub ended: Ended,
    /// How long it had lasted, for people.
    pub lasted: String,
}

/// Between what it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Git and the MicroService.
    Source,
    /// The MicroService and its children.
    Workload,
}

impl Report {
    /// Reads the status of everything.
    pub fn of(seen: &Seen, wanted: Wanted) -> Self {
        let syncs: BTreeMap<String, &GitSync> =
            seen.gitsyncs.iter().map(|gitsync| (key(gitsync).to_string(), gitsync)).collect();
        let mut report = Self::default();
        for service in &seen.services {
            report.service(service, &syncs);
        }
        let there: BTreeSet<String> = seen.services.iter().map(|service| key(service).to_string()).collect();
        for gitsync in &seen.gitsyncs {
            report.sync(gitsync, &there);
        }
        report.history.retain(|found| match (wanted, &found.end) {
            (Wanted::Standing, _) => false,
            (Wanted::Since(since), Some(end)) => end.until.0 >= since,
            _ => true,
        });
        report.drift.sort_by(|a, b| a.micro_service.cmp(&b.micro_service));
        let until = |found: &Found| found.end.as_ref().map(|end| end.until.0);
        report.history.sort_by_key(|found| std::cmp::Reverse(until(found)));
        report
    }

    /// Keeps what belongs to a MicroService.
    pub fn narrow(&mut self, name: &str) {
        let wanted = |found: &Found| ObjectKey::parse(&found.micro_service).is_some_and(|key| is_named(name, &key));
        self.drift.retain(wanted);
        self.history.retain(wanted);
        let kept = |object: &str| object.strip_prefix("MicroService ").and_then(ObjectKey::parse);
        self.restraints.retain(|object, _| kept(object).is_none_or(|key| is_named(name, &key)));
        let unlisted =
            self.unlisted.iter().filter(|(of, _)| ObjectKey::parse(of).is_some_and(|key| is_named(name, &key)));
        let unlisted = unlisted.map(|(_, count)| *count).fold(0, u32::saturating_add);
        self.standing = u32::try_from(self.drift.len()).unwrap_or(u32::MAX).saturating_add(unlisted);
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.drift.is_empty() && self.history.is_empty()
    }

    fn service(&mut self, service: &MicroService, syncs: &BTreeMap<String, &GitSync>) {
        let Some(status) = &service.status else { return };
        let words = paused_service(service).map(str::to_owned).into_iter().chain(fights(service));
        self.restrained(format!("MicroService {}", key(service)), words.collect());
        let source = provenance(service);
        let sync = source.as_ref().and_then(|source| syncs.get(&source.sync)).copied();
        let name = key(service).to_string();
        for (level, drift) in [(Level::Source, &status.source_drift), (Level::Workload, &status.workload_drift)] {
            let Some(drift) = drift else { continue };
            let policy = policy(level, service, sync);
            let found = |field: &DriftedField| {
                let field = DriftedField { policy: field.policy.or(Some(policy)), ..field.clone() };
                Found { micro_service: name.clone(), level, field, end: None, source: source.clone() }
            };
            if drift.count > 0 {
                self.standing = self.standing.saturating_add(drift.count);
                self.drift.extend(drift.fields.iter().map(found));
                let listed = u32::try_from(drift.fields.len()).unwrap_or(u32::MAX);
                self.unlisted.push((name.clone(), drift.count.saturating_sub(listed)));
            }
            let ended = drift.history.iter();
            self.history.extend(ended.map(|episode| Found { end: Some(End::of(episode)), ..found(&episode.field) }));
        }
    }

    fn restrained(&mut self, object: String, words: Vec<String>) {
        if !words.is_empty() {
            self.restraints.insert(object, words);
        }
    }

    /// What only the GitSync can say: a MicroService that is gone has no status. One that is there speaks for itself; what
    /// the GitSync says of it is older.
    fn sync(&mut self, gitsync: &GitSync, there: &BTreeSet<String>) {
        let Some(status) = &gitsync.status else { return };
        let words = paused(&status.conditions).map(str::to_owned);
        self.restrained(format!("GitSync {}", key(gitsync)), words.into_iter().collect());
        let found = |field: &DriftedField| {
            let field = DriftedField { policy: field.policy.or(Some(policy_of_sync(Some(gitsync)))), ..field.clone() };
            Found { micro_service: field.object.clone(), level: Level::Source, field, end: None, source: None }
        };
        let itself = |field: &&DriftedField| field.kind == Kind::MicroService.as_str() && there.contains(&field.object);
        for field in status.drift.iter().filter(|field| !itself(field)) {
            self.standing = self.standing.saturating_add(1);
            self.drift.push(found(field));
        }
        let ended = status.drift_history.iter();
        self.history.extend(ended.map(|episode| Found { end: Some(End::of(episode)), ..found(&episode.field) }));
    }
}

impl End {
    /// Of an episode.
    pub fn of(episode: &DriftEpisode) -> Self {
        Self { until: episode.until.clone(), ended: episode.ended, lasted: duration(lasted(episode)) }
    }

    /// As in `put back 2026-01-02T00:00:02Z after 3m20s`.
    pub fn sentence(&self) -> String {
        let how = match self.ended {
            Ended::Corrected => "put back",
            Ended::Reverted => "reverted by somebody",
            Ended::Declared => "settled by a commit",
            Ended::Ignored => "ignored by policy from",
            Ended::Gone => "object gone or no longer declared",
        };
        format!("{how} {} after {}", self.until.0, self.lasted)
    }
}

/// What is done about drift: suspended, whatever it is, is only reported; paused, what would be put back is.
pub fn policy(level: Level, service: &MicroService, sync: Option<&GitSync>) -> DriftPolicy {
    if level == Level::Workload && service.spec.suspend == Some(true) {
        return DriftPolicy::Report;
    }
    if level == Level::Source && sync.is_some_and(|sync| sync.spec.suspended()) {
        return DriftPolicy::Report;
    }
    let declared = sync.map(|sync| sync.spec.drift_policy()).unwrap_or_default();
    let is_paused = paused_service(service).is_some() || sync.is_some_and(is_paused_sync);
    pause::policy(effective(declared, policy_annotation(service)), is_paused)
}

fn is_paused_sync(sync: &GitSync) -> bool {
    sync.status.as_ref().is_some_and(|status| paused(&status.conditions).is_some())
}

fn policy_of_sync(sync: Option<&GitSync>) -> DriftPolicy {
    match sync {
        Some(sync) if sync.spec.suspended() => DriftPolicy::Report,
        Some(sync) => pause::policy(sync.spec.drift_policy(), is_paused_sync(sync)),
        None => DriftPolicy::default(),
    }
}

/// What differs, without the object.
pub fn difference(field: &DriftedField) -> String {
    let DriftedField { path, change, declared, live, .. } = field;
    let (declared, live) = (text(declared.as_ref()), text(live.as_ref()));
    match change.as_str() {
        "Added" => format!("{path}: added {live}"),
        "Removed" => format!("{path}: removed, declared {declared}"),
        "Deleted" => "the whole object was deleted".to_owned(),
        "Recreated" => "the whole object was deleted and made anew".to_owned(),
        "Terminating" => format!("is being deleted, held by finalizers {live}"),
        "Disowned" if path.is_empty() => "is as declared, and no longer Gitmoor's".to_owned(),
        "Disowned" => format!("{path}: is as declared, and no longer Gitmoor's"),
        _ => format!("{path}: declared {declared}, live {live}"),
    }
}
