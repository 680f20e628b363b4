//! Findings as workflow commands: a job on GitHub shows each beside its line.
//!
//! A command is one line. What could end it, or one of its properties, is encoded as the runner decodes it; what a
//! terminal would act on is escaped.

use std::io::{self, Write};

use super::Report;
use crate::cli::inert::is_active;
use crate::model::{Diagnostic, Severity};

/// Prints a command for each finding, and a summary for the log.
pub fn print(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    report.diagnostics.iter().try_for_each(|found| finding(out, found))?;
    for failure in report.failures {
        writeln!(
            out,
            "::error file={},title=Not read::failed to read it: {}",
            property(&failure.file),
            data(&failure.message)
        )?;
    }
    writeln!(out, "{}", report.summary.sentence())
}

fn finding(out: &mut dyn Write, found: &Diagnostic) -> io::Result<()> {
    let command = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let at = found.position;
    let mut text = found.message.clone();
    if let Some(hint) = &found.hint {
        text += &format!("\n{hint}");
    }
    if let Some(related) = &found.related {
        text += &format!("\n{}:{}: {}", related.file, related.position.line, related.message);
    }
    writeln!(
        out,
        "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
        property(&found.file),
        at.line,
        at.line,
        at.column,
        at.column.saturating_add(at.width),
        property(&super::title(found.code)),
        data(&text),
    )
}

/// What stands behind the last `::`.
fn data(text: &str) -> String {
    encoded(text, &[])
}

/// The value of a property.
fn property(text: &str) -> String {
    encoded(text, &[':', ','])
}

fn encoded(text: &str, more: &[char]) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '%' | '\r' | '\n' => safe.push_str(&format!("%{:02X}", u32::from(c))),
            c if more.contains(&c) => safe.push_str(&format!("%{:02X}", u32::from(c))),
            c if is_active(c) => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_whatever_is_in_it() {
        for (text, in_data, in_property) in [
            ("plain ümlaut", "plain ümlaut", "plain ümlaut"),
            ("100%", "100%25", "100%25"),
            ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
            ("a:b,c", "a:b,c", "a%3Ab%2Cc"),
            ("%0A::error::x", "%250A::error::x", "%250A%3A%3Aerror%3A%3Ax"),
            ("\x1b[2J\u{202e}\0", "\\u{1b}[2J\\u{202e}\\u{0}", "\\u{1b}[2J\\u{202e}\\u{0}"),
        ] {
            assert_eq!((data(text).as_str(), property(text).as_str()), (in_data, in_property), "{text:?}");
        }
    }
}
