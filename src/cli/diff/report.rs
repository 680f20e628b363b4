//! What is printed of a diff: one entry per MicroService, one line per field. Pure.

mod markdown;

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::changes::{Action, Change, Difference, Field};
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::cli::inert::inert;
use crate::cli::print_diagnostics::Sources;
use crate::cli::table::{BAD, FAINT, GOOD, ODD, PLAIN, STRONG, painted};
use crate::drift::declared_pointer;
use crate::manifest::locate;
use crate::model::{ChangeKind, Declared, DeclaredObject, Diagnostic, Severity, Target};
use crate::report::drift::{self as words, Subject};
use crate::report::redact::Redactor;

/// What a report needs beside the changes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Contents of files, to find lines in.
    pub sources: &'a Sources,
    /// What is to be known beside the changes.
    pub notes: &'a [String],
    /// The time.
    pub now: jiff::Timestamp,
    /// What of values is shown.
    pub redact: &'a Redactor,
}

/// What would change.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Findings about manifests.
    pub diagnostics: &'a [Diagnostic],
    /// In groups: by what would be done, then by name.
    changes: Vec<Entry>,
    summary: Summary,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

/// One MicroService that would not stay as it is.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// `namespace/name`.
    object: String,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    fields: Vec<Line>,
}

/// One field.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    op: Op,
    path: String,
    /// What the cluster has.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    /// What the manifest says.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
    /// Line of the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// Another hand that wrote what the cluster has.
    #[serde(skip_serializing_if = "Option::is_none")]
    manager: Option<String>,
    /// What is done about it, where another hand wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<DriftPolicy>,
    /// Whether policy leaves it as it is.
    kept: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Add,
    Replace,
    Remove,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Summary {
    create: usize,
    update: usize,
    correct: usize,
    leave: usize,
    delete: usize,
    hold: usize,
    unchanged: usize,
    quarantined: usize,
    errors: usize,
}

impl<'a> Report<'a> {
    /// Counts all changes and keeps those that are to be shown.
    pub fn of(declared: &'a Declared, changes: &[Change], context: &Context<'a>) -> Self {
        let count = |action: Action| changes.iter().filter(|change| change.action == action).count();
        let summary = Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            correct: count(Action::Correct),
            leave: count(Action::Leave),
            delete: count(Action::Delete),
            hold: count(Action::Hold),
            unchanged: count(Action::Unchanged),
            quarantined: declared.quarantined.len(),
            errors: declared.diagnostics.iter().filter(|found| found.severity == Severity::Error).count(),
        };
        let mut shown: Vec<_> = changes.iter().filter(|change| change.action != Action::Unchanged).collect();
        shown.sort_by(|a, b| (a.action, &a.key).cmp(&(b.action, &b.key)));
        let entries =
            shown.into_iter().map(|change| Entry::of(change, declared.objects.get(&change.key), context)).collect();
        Self { diagnostics: &declared.diagnostics, changes: entries, summary, notes: context.notes }
    }

    /// 2 where a manifest is invalid, 1 where something would change, else 0.
    pub fn exit_code(&self) -> ExitCode {
        match (self.summary.errors, self.changes.is_empty()) {
            (0, true) => ExitCode::SUCCESS,
            (0, false) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// Prints entries in their groups, a summary and the notes. One group alone needs no heading.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let groups: Vec<&[Entry]> = self.groups().collect();
        for group in &groups {
            if let [first, ..] = group
                && groups.len() > 1
            {
                let heading = format!("{} {}", group.len(), first.action.counted());
                writeln!(out, "{}", painted(&heading, STRONG, color))?;
            }
            group.iter().try_for_each(|entry| entry.print(out, color))?;
            writeln!(out)?;
        }
        writeln!(out, "{}", self.summary.sentence())?;
        self.notes.iter().try_for_each(|note| writeln!(out, "{}", inert(note)))
    }

    fn groups(&self) -> impl Iterator<Item = &[Entry]> {
        self.changes.chunk_by(|a, b| a.action == b.action)
    }
}

impl Action {
    /// So many "to create".
    fn counted(self) -> &'static str {
        match self {
            Self::Create => "to create",
            Self::Update => "to update",
            Self::Correct => "to put back",
            Self::Leave => "drifted, left by policy",
            Self::Delete => "to delete",
            Self::Hold => "held",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Summary {
    /// `1 to create, 2 to update, 5 unchanged`.
    fn sentence(&self) -> String {
        let counts = [
            (self.create, Action::Create.counted()),
            (self.update, Action::Update.counted()),
            (self.correct, Action::Correct.counted()),
            (self.leave, Action::Leave.counted()),
            (self.delete, Action::Delete.counted()),
            (self.hold, Action::Hold.counted()),
            (self.quarantined, "quarantined"),
        ];
        let some = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        some.chain([format!("{} unchanged", self.unchanged)]).collect::<Vec<_>>().join(", ")
    }
}

impl Entry {
    fn of(change: &Change, object: Option<&DeclaredObject>, context: &Context<'_>) -> Self {
        let lines = |difference: &Difference| {
            let place = Place { object, sources: context.sources };
            difference.fields.iter().map(|field| Line::of(&change.key, difference, field, &place, context)).collect()
        };
        let fields: Vec<Line> = change.difference.as_ref().map(lines).unwrap_or_default();
        let only_marks = change.action == Action::Update && fields.is_empty();
        let message = match &change.hold {
            Some(reason) => Some(reason.message()),
            None => only_marks.then(|| "only annotations of Gitmoor's own change".to_owned()),
        };
        Self {
            object: change.key.to_string(),
            action: change.action,
            file: object.map(|object| object.file.to_string()),
            line: object.map(|object| object.document.start.line),
            reason: change.hold.as_ref().map(crate::model::HoldReason::reason),
            message,
            fields,
        }
    }

    fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let (sign, style, word) = match self.action {
            Action::Create => ("+", GOOD, "create"),
            Action::Update => ("~", ODD, "update"),
            Action::Correct => ("~", ODD, "put back"),
            Action::Leave => ("!", ODD, "drifted, left by policy"),
            Action::Delete => ("-", BAD, "delete"),
            Action::Hold => ("!", BAD, "held"),
            Action::Unchanged => ("=", PLAIN, "unchanged"),
        };
        let head = painted(&format!("{sign} {}", self.object), style, color);
        write!(out, "{head}  {}", painted(word, STRONG, color))?;
        if let (Some(file), Some(line)) = (&self.file, self.line) {
            write!(out, "  {}", painted(&format!("{file}:{line}"), FAINT, color))?;
        }
        writeln!(out)?;
        if let Some(message) = &self.message {
            let reason = self.reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
            writeln!(out, "    {}", painted(&format!("{reason}{message}"), PLAIN, color))?;
        }
        self.fields.iter().try_for_each(|line| line.print(out, self.file.as_deref(), color))
    }
}

/// Where the lines of a field are looked up.
struct Place<'a> {
    object: Option<&'a DeclaredObject>,
    sources: &'a Sources,
}

impl Line {
    fn of(key: &Target, difference: &Difference, field: &Field, place: &Place<'_>, context: &Context<'_>) -> Self {
        let Difference { declared, live, .. } = difference;
        let subject = Subject { kind: key.kind.as_str(), key, declared, live, redact: context.redact };
        // Hides values that look secret, and cuts long ones, as everywhere.
        let DriftedField { path, declared: to, live: from, manager, .. } =
            words::field(&subject, &field.drift, &[], context.now);
        let policy = field.policy;
        let kept = policy == Some(DriftPolicy::Report);
        let op = match field.drift.change {
            ChangeKind::Added => Op::Remove,
            ChangeKind::Removed => Op::Add,
            ChangeKind::Modified
            | ChangeKind::Disowned
            | ChangeKind::Deleted
            | ChangeKind::Recreated
            | ChangeKind::Terminating => Op::Replace,
        };
        let line = (op != Op::Remove).then(|| {
            let object = place.object?;
            let bytes = place.sources.get(&object.file)?;
            let pointer = declared_pointer(declared, live, &field.drift);
            locate(bytes, object.document.start.line, &pointer).map(|position| position.line)
        });
        Self { op, path, from, to, line: line.flatten(), manager: manager.filter(|_| field.foreign), policy, kept }
    }

    /// Whose hand it was, and what is done about it.
    fn about(&self) -> impl Iterator<Item = String> {
        let hand = self.manager.as_ref().map(|manager| format!("written by {manager}"));
        let policy = self.policy.map(|policy| match policy {
            DriftPolicy::Correct => "put back: policy Correct".to_owned(),
            policy => format!("stays: policy {}", policy.as_str()),
        });
        hand.into_iter().chain(policy)
    }

    fn print(&self, out: &mut dyn Write, file: Option<&str>, color: bool) -> io::Result<()> {
        let (from, to) = (words::text(self.from.as_ref()), words::text(self.to.as_ref()));
        let (style, text) = match self.op {
            Op::Add => (GOOD, format!("+ {}: {to}", self.path)),
            Op::Remove => (BAD, format!("- {}: {from}", self.path)),
            Op::Replace => (ODD, format!("~ {}: {from} → {to}", self.path)),
        };
        let place = file.zip(self.line).map(|(file, line)| format!("{file}:{line}"));
        let about: Vec<String> = place.into_iter().chain(self.about()).collect();
        write!(out, "    {}", painted(&text, style, color))?;
        if !about.is_empty() {
            write!(out, "  {}", painted(&format!("({})", about.join("; ")), FAINT, color))?;
        }
        writeln!(out)
    }
}
