//! Findings as JUnit XML: one test case for each file, which fails when the file has errors.
//!
//! XML 1.0 has no way to write most control characters, not even as references: they are escaped as text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Report;
use crate::cli::inert::inert;
use crate::model::{Diagnostic, Severity};

/// Prints the document. `files` are all that were read, with findings or without.
pub fn print<'a>(
    out: &mut dyn Write,
    report: &Report<'_>,
    files: impl ExactSizeIterator<Item = &'a str>,
) -> io::Result<()> {
    let mut found: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in report.diagnostics {
        found.entry(&diagnostic.file).or_default().push(diagnostic);
    }
    let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
    let failures = found.values().filter(|found| found.iter().any(is_error)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{}\"",
        files.len() + report.failures.len(),
        report.failures.len()
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"gitmoor validate\" {counts}>")?;
    writeln!(out, "  <testsuite name=\"gitmoor validate\" {counts} skipped=\"0\">")?;
    for file in files {
        case(out, file, found.get(file).map(Vec::as_slice).unwrap_or_default())?;
    }
    for failure in report.failures {
        open(out, &failure.file)?;
        let message = escaped(&failure.message);
        writeln!(out, "      <error type=\"Unreadable\" message=\"failed to read it: {message}\"/>\n    </testcase>")?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(out: &mut dyn Write, file: &str, found: &[&Diagnostic]) -> io::Result<()> {
    open(out, file)?;
    let of = |severity| found.iter().copied().filter(move |found| found.severity == severity);
    if let Some(first) = of(Severity::Error).next() {
        let (code, message) = (first.code, escaped(&first.message));
        writeln!(out, "      <failure type=\"{code}\" message=\"{code} {message}\">")?;
        lines(out, of(Severity::Error))?;
        writeln!(out, "</failure>")?;
    }
    if of(Severity::Warning).next().is_some() {
        writeln!(out, "      <system-out>")?;
        lines(out, of(Severity::Warning))?;
        writeln!(out, "</system-out>")?;
    }
    writeln!(out, "    </testcase>")
}

fn open(out: &mut dyn Write, file: &str) -> io::Result<()> {
    let file = escaped(file);
    writeln!(out, "    <testcase classname=\"gitmoor.validate\" name=\"{file}\" file=\"{file}\">")
}

fn lines<'a>(out: &mut dyn Write, found: impl Iterator<Item = &'a Diagnostic>) -> io::Result<()> {
    for found in found {
        writeln!(out, "{}: {} {}", escaped(&found.place()), found.code, escaped(&found.message))?;
        if let Some(hint) = &found.hint {
            writeln!(out, "  {}", escaped(hint))?;
        }
    }
    Ok(())
}

/// A text for an attribute or between tags.
fn escaped(text: &str) -> Cow<'_, str> {
    let text = inert(text);
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(special) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            // XML has no such characters.
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_escaped() {
        for (text, expected) in [
            ("plain ümlaut", "plain ümlaut"),
            ("<a b='c'> & \"d\" ]]>", "&lt;a b=&apos;c&apos;&gt; &amp; &quot;d&quot; ]]&gt;"),
            ("a\0\x0b\x1b\n\u{85}b", "a\\u{0}\\u{b}\\u{1b}\\n\\u{85}b"),
            ("\u{fffe}\u{ffff}", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(escaped(text), expected, "{text:?}");
        }
    }
}
