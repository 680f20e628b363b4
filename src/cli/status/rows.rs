//! From live objects to rows. Pure: the time is an argument.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::Style;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::ObjectMeta;
use serde::Serialize;

use super::loud::Loud;
use crate::api::condition::{self, READY};
use crate::api::gitsync_status::{Counts, ObjectProblem, StatusDiagnostic};
use crate::api::status::{DriftStatus, SourceStatus};
use crate::api::{GitSync, MicroService};
use crate::cli::concerns::concerns;
use crate::cli::reach::{Seen, key, provenance};
use crate::cli::restraint::{fights, paused_service};
use crate::cli::say::{age, short};
use crate::cli::table::{BAD, FAINT, GOOD, ODD, PLAIN, Row, Table};
use crate::report::quarantine::INVALID_MANIFEST;

/// All that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    ready: bool,
    gitsyncs: Vec<SyncRow>,
    micro_services: Vec<ServiceRow>,
}

/// Whether an object is as it was asked to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// `True`, `False` or `Unknown`.
    pub ready: String,
    /// CamelCase word.
    pub reason: String,
    /// Sentence.
    pub message: String,
}

/// One GitSync.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncRow {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<jiff::Timestamp>,
    /// For people: as of when the view was made.
    #[serde(skip)]
    age: String,
    /// For people: what is loud, likewise.
    #[serde(skip)]
    notes: Vec<(String, Style)>,
    #[serde(flatten)]
    loud: Loud,
    counts: Counts,
    diagnostics: Vec<StatusDiagnostic>,
    problems: Vec<ObjectProblem>,
}

/// One MicroService.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceRow {
    name: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<String>,
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_image: Option<String>,
    drifted_fields: u32,
    /// The pause of corrections, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<String>,
    /// Who keeps rewriting what is put back, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fights: Vec<String>,
    /// What is wrong beside what its condition Ready says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    concerns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceStatus>,
}

impl View {
    /// What is shown of live objects.
    pub fn of(seen: &Seen, now: jiff::Timestamp) -> Self {
        let gitsyncs: Vec<_> = seen.gitsyncs.iter().map(|gitsync| SyncRow::of(gitsync, now)).collect();
        let micro_services: Vec<_> = seen.services.iter().map(ServiceRow::of).collect();
        let mut verdicts = gitsyncs.iter().map(|row| &row.verdict).chain(micro_services.iter().map(|row| &row.verdict));
        Self { ready: verdicts.all(Verdict::is_ready), gitsyncs, micro_services }
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.gitsyncs.is_empty() && self.micro_services.is_empty()
    }

    /// 0 when all is ready, else 1.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.ready))
    }

    /// Prints two tables.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let mut table = Table::new(&[
            "GITSYNC",
            "READY",
            "REASON",
            "REVISION",
            "APPLIED",
            "DECLARED",
            "SERVING",
            "QUARANTINED",
            "HELD",
            "DRIFTED",
        ]);
        self.gitsyncs.iter().for_each(|row| table.push(row.row()));
        table.print(out, color)?;
        if !self.gitsyncs.is_empty() && !self.micro_services.is_empty() {
            writeln!(out)?;
        }
        let mut table =
            Table::new(&["MICROSERVICE", "READY", "REASON", "REPLICAS", "IMAGE", "DRIFT", "REVISION", "DECLARED AT"]);
        self.micro_services.iter().for_each(|row| table.push(row.row()));
        table.print(out, color)
    }

    /// One line per object, for a log: what it is, and what is said of it.
    pub fn lines(&self) -> Vec<(String, String)> {
        let syncs = self.gitsyncs.iter().map(|row| {
            let Counts { declared, ready, quarantined, held, drifted, .. } = row.counts;
            let counts = format!(
                "{declared} declared, {ready} ready, {quarantined} quarantined, {held} held, {drifted} drifted"
            );
            let loud: String = row.loud.words().iter().map(|word| format!("; {word}")).collect();
            (format!("GitSync {}", row.name), format!("{}; {}; {counts}{loud}", row.verdict.line(), row.revision()))
        });
        let services = self.micro_services.iter().map(|row| {
            let replicas = row.replicas.as_deref().unwrap_or("-");
            let more = row.paused.iter().chain(&row.fights).chain(&row.concerns);
            let more: String = more.map(|words| format!("; {words}")).collect();
            let line = format!("{}; {replicas} replicas, {}; {}{more}", row.verdict.line(), row.images(), row.drift());
            (format!("MicroService {}", row.name), line)
        });
        syncs.chain(services).collect()
    }
}

impl Verdict {
    /// Reads the condition Ready. What was observed of an older spec says nothing about the newest.
    pub fn of(metadata: &ObjectMeta, conditions: &[Condition], observed: Option<i64>) -> Self {
        let said = |ready: &str, reason: &str, message: &str| Self {
            ready: ready.into(),
            reason: reason.into(),
            message: message.into(),
        };
        if metadata.deletion_timestamp.is_some() {
            return said("False", "Terminating", "is being deleted");
        }
        match condition::find(conditions, READY) {
            Some(ready) if observed == metadata.generation => said(&ready.status, &ready.reason, &ready.message),
            _ => said("Unknown", "NotObserved", "the daemon has not acted on the newest spec yet; is it running?"),
        }
    }

    /// Of a GitSync.
    pub fn of_sync(gitsync: &GitSync) -> Self {
        let status = gitsync.status.as_ref();
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        Self::of(&gitsync.metadata, conditions, status.and_then(|status| status.observed_generation))
    }

    /// Of a MicroService.
    pub fn of_service(service: &MicroService) -> Self {
        let status = service.status.as_ref();
        let conditions = status.map_or(&[][..], |status| &status.conditions);
        Self::of(&service.metadata, conditions, status.and_then(|status| status.observed_generation))
    }

    /// Whether it surely is.
    pub fn is_ready(&self) -> bool {
        self.ready == "True"
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self { ready, reason, message } = self;
        if self.is_ready() { format!("Ready {reason}") } else { format!("Ready={ready} {reason}: {message}") }
    }

    fn cells(&self, row: Row) -> Row {
        let style = match self.ready.as_str() {
            "True" => GOOD,
            "False" => BAD,
            _ => ODD,
        };
        row.styled(&self.ready, style).cell(&self.reason)
    }
}

impl SyncRow {
    fn of(gitsync: &GitSync, now: jiff::Timestamp) -> Self {
        let status = gitsync.status.clone().unwrap_or_default();
        let applied = status.last_applied_revision;
        let (name, loud) = (key(gitsync).to_string(), Loud::of(gitsync));
        let time = applied.as_ref().map(|applied| applied.applied.0);
        Self {
            notes: loud.notes(&name, now),
            loud,
            name,
            verdict: Verdict::of_sync(gitsync),
            revision: applied.map(|applied| applied.revision),
            applied: time,
            age: time.map_or_else(|| "never".into(), |time| format!("{} ago", age(time, now))),
            counts: status.counts.unwrap_or_default(),
            diagnostics: status.diagnostics,
            problems: status.problems,
        }
    }

    fn revision(&self) -> String {
        self.revision.as_deref().map_or_else(|| "-".into(), short)
    }

    fn row(&self) -> Row {
        let counts = &self.counts;
        let wrong = |count: u32, style| (count.to_string(), if count > 0 { style } else { FAINT });
        let row = self.verdict.cells(Row::default().cell(&self.name));
        let row = row.cell(self.revision()).cell(&self.age).cell(counts.declared.to_string());
        let row = row.cell(counts.ready.to_string());
        let row = [wrong(counts.quarantined, BAD), wrong(counts.held, ODD), wrong(counts.drifted, ODD)]
            .into_iter()
            .fold(row, |row, (text, style)| row.styled(text, style));
        self.notes.iter().fold(row, |row, (note, style)| row.note(note, *style)).notes(self.findings())
    }

    /// The condition's sentence repeats the first of what is listed; then it is left out.
    fn findings(&self) -> Vec<String> {
        let found = self.diagnostics.iter().map(|found| format!("{} {} {}", found.place, found.code, found.message));
        // The findings say it already, and where.
        let problems = self.problems.iter().filter(|one| one.reason != INVALID_MANIFEST);
        let problems = problems.map(|one| format!("{} {}: {}", one.object, one.reason, one.message));
        let listed: Vec<String> = found.chain(problems).collect();
        let message = &self.verdict.message;
        let said =
            self.diagnostics.iter().map(|found| &found.message).chain(self.problems.iter().map(|one| &one.message));
        let held = self.loud.held_because().into_iter();
        let repeated = said.chain(held).any(|listed| message.ends_with(listed.as_str()));
        let message = (!self.verdict.is_ready() && !repeated).then(|| message.clone());
        message.into_iter().chain(listed).collect()
    }
}

impl ServiceRow {
    fn of(service: &MicroService) -> Self {
        let status = service.status.as_ref();
        let drifted = |drift: Option<&DriftStatus>| drift.map_or(0, |drift| drift.count);
        let (source, workload) = (
            drifted(status.and_then(|status| status.source_drift.as_ref())),
            drifted(status.and_then(|status| status.workload_drift.as_ref())),
        );
        let verdict = Verdict::of_service(service);
        Self {
            name: key(service).to_string(),
            concerns: concerns(service, &verdict),
            verdict,
            replicas: status.and_then(|status| status.replicas_summary.clone()),
            image: service.spec.image.clone(),
            running_image: status.and_then(|status| status.image.as_ref()).and_then(|image| image.running.clone()),
            drifted_fields: source.saturating_add(workload),
            paused: paused_service(service).map(str::to_owned),
            fights: fights(service),
            source: provenance(service),
        }
    }

    fn images(&self) -> String {
        match &self.running_image {
            Some(running) if *running != self.image => {
                format!("{} (runs {})", short_image(&self.image), short_image(running))
            }
            _ => short_image(&self.image),
        }
    }

    fn drift(&self) -> String {
        match self.drifted_fields {
            0 => "no drift".into(),
            1 => "1 field".into(),
            count => format!("{count} fields"),
        }
    }

    fn row(&self) -> Row {
        let row = self.verdict.cells(Row::default().cell(&self.name));
        let row = row.cell(self.replicas.as_deref().unwrap_or("-")).cell(self.images());
        let row = match self.drifted_fields {
            0 => row.styled("none", FAINT),
            _ => row.styled(self.drift(), ODD),
        };
        let row = match &self.source {
            Some(source) => row.cell(short(&source.revision)).styled(format!("{}:{}", source.file, source.line), PLAIN),
            None => row.cell("-").styled("by hand", FAINT),
        };
        let ready = self.verdict.is_ready();
        let paused = self.paused.as_ref();
        let paused = paused.map(|paused| format!("PAUSED: {paused}; end it with: gitmoor unpause {}", self.name));
        let row = paused.into_iter().fold(row, |row, paused| row.note(paused, BAD));
        let row = self.fights.iter().fold(row, |row, fight| row.note(format!("FIGHT: {fight}"), BAD));
        let row = row.notes(if ready { Vec::new() } else { vec![self.verdict.message.clone()] });
        self.concerns.iter().fold(row, |row, concern| row.note(concern.clone(), ODD))
    }
}

/// An image with the beginning of its digest.
fn short_image(image: &str) -> String {
    match image.split_once("@sha256:").and_then(|(name, digest)| Some((name, digest.get(..7)?))) {
        Some((name, digest)) => format!("{name}@sha256:{digest}…"),
        None => image.to_owned(),
    }
}

#[cfg(test)]
mod tests;
