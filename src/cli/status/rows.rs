//! From live objects to rows. Pure: the time is an argument.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::Style;
use serde::Serialize;

use crate::api::GitSync;
use crate::api::gitsync_status::Counts;
use crate::cli::reach::Seen;
use crate::cli::say::{age, short};
use crate::cli::table::{BAD, FAINT, GOOD, ODD, PLAIN, Row, Table};
use crate::report::quarantine::INVALID_MANIFEST;
pub use crate::view::Verdict;
use crate::view::{ServiceRow, SyncRow};

/// All that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    ready: bool,
    gitsyncs: Vec<SyncLine>,
    micro_services: Vec<ServiceRow>,
}

/// One GitSync, and what is said below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SyncLine {
    #[serde(flatten)]
    row: SyncRow,
    /// For people: as of when the view was made.
    #[serde(skip)]
    age: String,
    /// For people: what is loud, likewise.
    #[serde(skip)]
    notes: Vec<(String, Style)>,
}

impl View {
    /// What is shown of live objects.
    pub fn of(seen: &Seen, now: jiff::Timestamp) -> Self {
        let gitsyncs: Vec<_> = seen.gitsyncs.iter().map(|gitsync| SyncLine::of(gitsync, now)).collect();
        let micro_services: Vec<_> = seen.services.iter().map(ServiceRow::of).collect();
        let mut verdicts =
            gitsyncs.iter().map(|line| &line.row.verdict).chain(micro_services.iter().map(|row| &row.verdict));
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
        let syncs = self.gitsyncs.iter().map(|line| {
            let row = &line.row;
            let Counts { declared, ready, quarantined, held, drifted, .. } = row.counts;
            let counts = format!(
                "{declared} declared, {ready} ready, {quarantined} quarantined, {held} held, {drifted} drifted"
            );
            let loud: String = row.loud.words().iter().map(|word| format!("; {word}")).collect();
            (format!("GitSync {}", row.name), format!("{}; {}; {counts}{loud}", row.verdict.line(), line.revision()))
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
    fn cells(&self, row: Row) -> Row {
        let style = match self.ready.as_str() {
            "True" => GOOD,
            "False" => BAD,
            _ => ODD,
        };
        row.styled(&self.ready, style).cell(&self.reason)
    }
}

impl SyncLine {
    fn of(gitsync: &GitSync, now: jiff::Timestamp) -> Self {
        let row = SyncRow::of(gitsync);
        Self {
            notes: row.loud.notes(&row.name, now),
            age: row.applied.map_or_else(|| "never".into(), |time| format!("{} ago", age(time, now))),
            row,
        }
    }

    fn revision(&self) -> String {
        self.row.revision.as_deref().map_or_else(|| "-".into(), short)
    }

    fn row(&self) -> Row {
        let counts = &self.row.counts;
        let wrong = |count: u32, style| (count.to_string(), if count > 0 { style } else { FAINT });
        let row = self.row.verdict.cells(Row::default().cell(&self.row.name));
        let row = row.cell(self.revision()).cell(&self.age).cell(counts.declared.to_string());
        let row = row.cell(counts.ready.to_string());
        let row = [wrong(counts.quarantined, BAD), wrong(counts.held, ODD), wrong(counts.drifted, ODD)]
            .into_iter()
            .fold(row, |row, (text, style)| row.styled(text, style));
        self.notes.iter().fold(row, |row, (note, style)| row.note(note, *style)).notes(self.findings())
    }

    /// The condition's sentence repeats the first of what is listed; then it is left out.
    fn findings(&self) -> Vec<String> {
        let SyncRow { diagnostics, problems, verdict, loud, .. } = &self.row;
        let found = diagnostics.iter().map(|found| format!("{} {} {}", found.place, found.code, found.message));
        // The findings say it already, and where.
        let wrong = problems.iter().filter(|one| one.reason != INVALID_MANIFEST);
        let wrong = wrong.map(|one| format!("{} {}: {}", one.object, one.reason, one.message));
        let listed: Vec<String> = found.chain(wrong).collect();
        let message = &verdict.message;
        let said = diagnostics.iter().map(|found| &found.message).chain(problems.iter().map(|one| &one.message));
        let held = loud.held_because().into_iter();
        let repeated = said.chain(held).any(|listed| message.ends_with(listed.as_str()));
        let message = (!verdict.is_ready() && !repeated).then(|| message.clone());
        message.into_iter().chain(listed).collect()
    }
}

impl ServiceRow {
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
