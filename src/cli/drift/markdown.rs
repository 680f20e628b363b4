//! Drift as Markdown, for a ticket about an incident.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::found::{Found, Report};
use crate::cli::markdown::{MOST, code_span, inline};
use crate::report::drift::{commit, place, text};

impl Report {
    /// Prints a heading, a table of what differs, one of what ended, and what did not fit as a number.
    pub fn markdown(&self, out: &mut dyn Write, name: Option<&str>, now: jiff::Timestamp) -> io::Result<()> {
        let of = name.map(|name| format!(" of {}", code_span(name))).unwrap_or_default();
        let now = crate::api::condition::truncate_to_seconds(now);
        let mut written = format!("### Drift{of}, as of {now}\n\n{}\n", inline(&self.summary()));
        for (object, words) in &self.restraints {
            words.iter().for_each(|words| written.push_str(&format!("\n{}\n", inline(&format!("{object}: {words}")))));
        }
        table(&mut written, "Differs now", "What is done", &self.drift);
        table(&mut written, "Ended", "How", &self.history);
        out.write_all(written.as_bytes())
    }
}

fn table(written: &mut String, title: &str, last: &str, all: &[Found]) {
    if all.is_empty() {
        return;
    }
    let _ = write!(
        written,
        "\n#### {title}\n\n| MicroService | field | declared | live | who and when | declared at | {last} |\n\
         |---|---|---|---|---|---|---|\n"
    );
    let mut length = written.chars().count();
    for (at, found) in all.iter().enumerate() {
        let row = row(found);
        length += row.chars().count();
        if length > MOST {
            let _ = write!(written, "\n… and {} more; run `gitmoor drift` to see them.\n", all.len() - at);
            return;
        }
        written.push_str(&row);
    }
}

fn row(found: &Found) -> String {
    let field = &found.field;
    let value = |value: Option<&serde_json::Value>| value.map_or_else(|| "–".to_owned(), |v| code_span(&text(Some(v))));
    let of = format!("{} {} {}", field.kind, field.object, field.path);
    let change = if field.change == "Modified" { String::new() } else { format!(" ({})", field.change.to_lowercase()) };
    let at = field.declared_at.as_ref().map_or_else(
        || {
            let source = found.source.as_ref().filter(|source| !source.file.is_empty());
            source.map(|source| code_span(&format!("{}:{}", source.file, source.line))).unwrap_or_default()
        },
        |at| {
            let commit = commit(at).map(|commit| format!(", {}", inline(&commit))).unwrap_or_default();
            format!("{}{commit}", code_span(&place(at)))
        },
    );
    format!(
        "| {} ({}) | {}{} | {} | {} | {} | {at} | {} |\n",
        code_span(&found.micro_service),
        found.level.as_str(),
        code_span(of.trim()),
        inline(&change),
        value(field.declared.as_ref()),
        value(field.live.as_ref()),
        inline(&found.who()),
        inline(&found.outcome())
    )
}
