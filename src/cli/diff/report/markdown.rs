//! A diff as Markdown, for a comment on a pull request.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Action, Entry, Line, Op, Report};
use crate::cli::markdown::{MOST, code_span, fence, inline, one_line};
use crate::model::{Diagnostic, Severity};
use crate::report::drift::text;

/// Findings that are listed.
const FINDINGS: usize = 50;

impl Report<'_> {
    /// Prints a heading, the findings, one section per object, and what did not fit as a number.
    pub fn markdown(&self, out: &mut dyn Write, title: &str) -> io::Result<()> {
        let mut written = format!("### {}\n\n{}\n", inline(title), self.summary.sentence());
        for note in self.notes {
            let _ = write!(written, "\n> {}\n", inline(note));
        }
        written += &findings(self.diagnostics);
        let mut left = self.changes.len();
        let several = self.groups().count() > 1;
        'all: for group in self.groups() {
            for (at, entry) in group.iter().enumerate() {
                let mut section = entry.section();
                if several && at == 0 {
                    section.insert_str(0, &format!("\n### {} {}\n", group.len(), entry.action.counted()));
                }
                if written.chars().count() + section.chars().count() > MOST {
                    break 'all;
                }
                written += &section;
                left -= 1;
            }
        }
        if left > 0 {
            let _ = write!(written, "\n… and {left} more; run `gitmoor diff` to see them.\n");
        }
        out.write_all(written.as_bytes())
    }
}

fn findings(all: &[Diagnostic]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut rows = "\n| | place | finding |\n|---|---|---|\n".to_owned();
    for found in all.iter().take(FINDINGS) {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let hint = found.hint.as_ref().map(|hint| format!(" — {}", inline(hint))).unwrap_or_default();
        let (code, message) = (found.code, inline(&found.message));
        let _ = writeln!(rows, "| {severity} {code} | {} | {message}{hint} |", code_span(&found.place()));
    }
    if all.len() > FINDINGS {
        let _ = writeln!(rows, "| | | and {} more |", all.len() - FINDINGS);
    }
    rows
}

impl Entry {
    fn section(&self) -> String {
        let word = match self.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Correct => "put back",
            Action::Leave => "drifted, left by policy",
            Action::Delete => "**delete**",
            Action::Hold => "**held**",
            Action::Unchanged => "unchanged",
        };
        let place = self
            .file
            .as_ref()
            .zip(self.line)
            .map(|(file, line)| format!(" · {}", code_span(&format!("{file}:{line}"))));
        let mut section = format!("\n#### {} — {word}{}\n", code_span(&self.object), place.unwrap_or_default());
        if let Some(message) = &self.message {
            let reason = self.reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
            let _ = write!(section, "\n{}\n", inline(&format!("{reason}{message}")));
        }
        if !self.fields.is_empty() {
            let lines: Vec<String> = self.fields.iter().flat_map(Line::lines).collect();
            let fence = fence(&lines);
            let _ = write!(section, "\n{fence}diff\n{}\n{fence}\n", lines.join("\n"));
        }
        section
    }
}

impl Line {
    /// As a diff has it: what goes, and what comes.
    fn lines(&self) -> Vec<String> {
        let about: Vec<String> = self.about().collect();
        let about = if about.is_empty() { String::new() } else { format!("  # {}", about.join("; ")) };
        let line = |sign: char, value| one_line(&format!("{sign} {}: {}{about}", self.path, text(value)));
        match self.op {
            Op::Add => vec![line('+', self.to.as_ref())],
            Op::Remove => vec![line('-', self.from.as_ref())],
            Op::Replace => vec![line('-', self.from.as_ref()), line('+', self.to.as_ref())],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::diff::report::Summary;
    use crate::model::{Code, Position};

    fn entry(action: Action, fields: Vec<Line>) -> Entry {
        Entry {
            object: "shop/orders".into(),
            action,
            file: Some("apps/orders.yaml".into()),
            line: Some(1),
            reason: None,
            message: None,
            fields,
        }
    }

    fn line(op: Op, from: serde_json::Value, to: serde_json::Value) -> Line {
        let some = |value: serde_json::Value| (!value.is_null()).then_some(value);
        Line {
            op,
            path: "/spec/image".into(),
            from: some(from),
            to: some(to),
            line: None,
            manager: None,
            policy: None,
            kept: false,
        }
    }

    #[track_caller]
    fn check(report: &Report<'_>, expected: &str) {
        let mut out = Vec::new();
        report.markdown(&mut out, "main").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_change_is_a_section_with_a_diff() {
        let summary = Summary { update: 1, unchanged: 2, ..Summary::default() };
        let fields = vec![line(Op::Replace, json!("a:1"), json!("a:2"))];
        check(
            &Report { diagnostics: &[], changes: vec![entry(Action::Update, fields)], summary, notes: &[] },
            "### main\n\n1 to update, 2 unchanged\n\n#### `shop/orders` — update · `apps/orders.yaml:1`\n\n```diff\n\
             - /spec/image: \"a:1\"\n+ /spec/image: \"a:2\"\n```\n",
        );
    }

    #[test]
    fn nothing_that_is_shown_breaks_out() {
        let found = Diagnostic::error(Code::Syntax, Position::default(), "</table> @team | `x` #1")
            .in_file(&"a|`b`.yaml".into());
        let fields = vec![line(Op::Add, json!(null), json!("```\n<script>"))];
        let changes = vec![entry(Action::Create, fields)];
        let mut out = Vec::new();
        Report { diagnostics: &[found], changes, summary: Summary::default(), notes: &[] }
            .markdown(&mut out, "<b>")
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        for broken in ["<b>", "</table>", "@team", "| `x`", "\n```\n<script>", "a|"] {
            assert!(!text.contains(broken), "{broken:?} in\n{text}");
        }
        assert!(text.contains("````diff"), "{text}");
    }

    #[test]
    fn a_long_one_ends_with_a_number() {
        let fields = || vec![line(Op::Add, json!(null), json!("x".repeat(100)))];
        let changes = (0..2_000).map(|_| entry(Action::Create, fields())).collect();
        let mut out = Vec::new();
        Report { diagnostics: &[], changes, summary: Summary::default(), notes: &[] }
            .markdown(&mut out, "main")
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().count() < 65_536 && text.contains("more; run `gitmoor diff`"), "{}", text.len());
    }
}
