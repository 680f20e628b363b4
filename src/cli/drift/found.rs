//! From status to a list of drifted fields. Pure.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::api::gitsync::DriftPolicy;
use crate::api::status::{DriftStatus, DriftedField, SourceStatus};
use crate::api::{GitSync, MicroService};
use crate::cli::reach::{Seen, is_named, key, policy_annotation, provenance};
use crate::cli::table::{BAD, FAINT, GOOD, ODD, STRONG, painted};
use crate::drift::effective;
use crate::model::{ObjectKey, Revision};
use crate::report::drift::{same, text};

/// What differs, and what was put back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// How many fields differ now, listed or not.
    standing: u32,
    drift: Vec<Found>,
    recent: Vec<Found>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// `namespace/name` of the MicroService.
    micro_service: String,
    level: Level,
    #[serde(flatten)]
    field: DriftedField,
    policy: DriftPolicy,
    /// When it was put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<jiff::Timestamp>,
    /// Where the MicroService is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_at: Option<SourceStatus>,
}

/// Between what it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// Git and the MicroService.
    Source,
    /// The MicroService and its children.
    Workload,
}

impl Report {
    /// Reads the status of everything.
    pub fn of(seen: &Seen, recent: bool) -> Self {
        let syncs: BTreeMap<String, &GitSync> =
            seen.gitsyncs.iter().map(|gitsync| (key(gitsync).to_string(), gitsync)).collect();
        let mut report = Self::default();
        for service in &seen.services {
            report.service(service, &syncs);
        }
        for gitsync in &seen.gitsyncs {
            report.sync(gitsync);
        }
        if !recent {
            report.recent.clear();
        }
        report.drift.sort_by(|a, b| a.micro_service.cmp(&b.micro_service));
        report
    }

    /// Keeps what belongs to a MicroService.
    pub fn narrow(&mut self, name: &str) {
        let wanted = |found: &Found| ObjectKey::parse(&found.micro_service).is_some_and(|key| is_named(name, &key));
        let listed = self.drift.len();
        self.drift.retain(wanted);
        self.recent.retain(wanted);
        if self.drift.len() < listed {
            self.standing = u32::try_from(self.drift.len()).unwrap_or(u32::MAX);
        }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.drift.is_empty() && self.recent.is_empty()
    }

    /// 1 when something differs now, else 0.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.standing > 0))
    }

    /// Prints it for people.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        group(out, &self.drift, color)?;
        if !self.recent.is_empty() {
            writeln!(out, "{}", painted("Put back:", STRONG, color))?;
            group(out, &self.recent, color)?;
        }
        match (self.standing, self.drift.len()) {
            (0, _) => writeln!(out, "everything is as declared"),
            (1, 1) => writeln!(out, "1 field differs"),
            (standing, listed) if standing as usize > listed => {
                writeln!(out, "{standing} fields differ, {listed} of them are listed")
            }
            (standing, _) => writeln!(out, "{standing} fields differ"),
        }
    }

    fn service(&mut self, service: &MicroService, syncs: &BTreeMap<String, &GitSync>) {
        let Some(status) = &service.status else { return };
        let source = provenance(service);
        let sync = source.as_ref().and_then(|source| syncs.get(&source.sync)).copied();
        for (level, drift) in [(Level::Source, &status.source_drift), (Level::Workload, &status.workload_drift)] {
            let Some(drift) = drift else { continue };
            self.standing = self.standing.saturating_add(drift.count);
            let policy = policy(level, service, sync);
            let found = drift.fields.iter().map(|field| Found {
                micro_service: key(service).to_string(),
                level,
                field: field.clone(),
                policy,
                corrected: corrected(drift),
                declared_at: source.clone(),
            });
            if drift.count > 0 { self.drift.extend(found) } else { self.recent.extend(found) }
        }
    }

    /// What only the GitSync can say: a MicroService that is gone has no status.
    fn sync(&mut self, gitsync: &GitSync) {
        let Some(status) = &gitsync.status else { return };
        for field in &status.drift {
            if self.drift.iter().any(|known| same(&known.field, field)) {
                continue;
            }
            self.standing = self.standing.saturating_add(1);
            self.drift.push(Found {
                micro_service: field.object.clone(),
                level: Level::Source,
                field: field.clone(),
                policy: policy_of_sync(Some(gitsync)),
                corrected: None,
                declared_at: None,
            });
        }
    }
}

fn corrected(drift: &DriftStatus) -> Option<jiff::Timestamp> {
    drift.last_corrected.as_ref().filter(|_| drift.count == 0).map(|time| time.0)
}

/// What is done about drift: suspended, whatever it is, is only reported.
fn policy(level: Level, service: &MicroService, sync: Option<&GitSync>) -> DriftPolicy {
    if level == Level::Workload && service.spec.suspend == Some(true) {
        return DriftPolicy::Report;
    }
    if level == Level::Source && sync.is_some_and(|sync| sync.spec.suspended()) {
        return DriftPolicy::Report;
    }
    let declared = sync.map(|sync| sync.spec.drift_policy()).unwrap_or_default();
    effective(declared, policy_annotation(service))
}

fn policy_of_sync(sync: Option<&GitSync>) -> DriftPolicy {
    match sync {
        Some(sync) if sync.spec.suspended() => DriftPolicy::Report,
        Some(sync) => sync.spec.drift_policy(),
        None => DriftPolicy::default(),
    }
}

/// Prints fields below the MicroService that they belong to.
fn group(out: &mut dyn Write, all: &[Found], color: bool) -> io::Result<()> {
    let mut before: Option<&Found> = None;
    for found in all {
        if before.is_none_or(|before| before.micro_service != found.micro_service) {
            if before.is_some() {
                writeln!(out)?;
            }
            write!(out, "{}", painted(&found.micro_service, STRONG, color))?;
            if let Some(source) = &found.declared_at {
                let revision = Revision(source.revision.as_str().into()).short();
                let place = format!("  declared at {}:{} of {revision}", source.file, source.line);
                write!(out, "{}", painted(&place, FAINT, color))?;
            }
            writeln!(out)?;
        }
        found.print(out, color)?;
        before = Some(found);
    }
    if before.is_some() { writeln!(out) } else { Ok(()) }
}

impl Found {
    fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let DriftedField { kind, object, path, change, declared, live, .. } = &self.field;
        let level = match self.level {
            Level::Source => "source  ",
            Level::Workload => "workload",
        };
        let (declared, live) = (text(declared.as_ref()), text(live.as_ref()));
        let (sign, style, what) = match change.as_str() {
            "Added" => ("+", GOOD, format!("{path}: added {live}")),
            "Removed" => ("-", BAD, format!("{path}: removed, declared {declared}")),
            "Deleted" => ("-", BAD, "the whole object was deleted".to_owned()),
            _ => ("~", ODD, format!("{path}: declared {declared}, live {live}")),
        };
        let line = format!("{sign} {kind} {object} {what}");
        writeln!(out, "  {} {}", painted(level, FAINT, color), painted(&line, style, color))?;
        writeln!(out, "             {}", painted(&self.hand(), FAINT, color))
    }

    /// Whose hand it was, and what became of it.
    fn hand(&self) -> String {
        let field = &self.field;
        let manager = field.manager.as_deref().unwrap_or("unknown");
        let operation = field.operation.as_ref().map(|operation| format!(", {operation}")).unwrap_or_default();
        let written = field.time.as_ref().map(|time| format!(" at {}", time.0)).unwrap_or_default();
        let outcome = match self.corrected {
            Some(time) => format!("put back {time}"),
            None => format!("policy {}", word(self.policy)),
        };
        format!("by {manager}{operation}{written}, seen {}; {outcome}", field.observed.0)
    }
}

fn word(policy: DriftPolicy) -> &'static str {
    match policy {
        DriftPolicy::Correct => "Correct",
        DriftPolicy::Report => "Report",
    }
}

#[cfg(test)]
mod tests;
