//! The lines of a manifest around a finding.
//!
//! A manifest may have a secret in it that somebody should not have committed. So a line shows a value only where it stands
//! behind a field's name, on the same line, and neither looks secret; whatever else is on a line is hidden.

use serde::Serialize;
use serde_json::Value;

use crate::model::pointer::Pointer;
use crate::report::redact::{HIDDEN, Redactor};

/// Lines before and after the one that it is about.
const AROUND: usize = 3;
/// Characters of a line that are shown, and bytes of one that is looked at.
const WIDTH: usize = 200;
const LOOKED_AT: usize = 8 << 10;
/// Fields whose values are what people make of them: of a variable, of a file.
const FREE: [&str; 2] = ["value", "content"];

/// Some lines of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Excerpt {
    /// Number of the first one, from 1.
    pub first_line: usize,
    /// The lines.
    pub lines: Vec<String>,
}

impl Excerpt {
    /// The lines around the line of that number, from 1; none where the text has no such line.
    pub fn of(text: &str, line: u32) -> Option<Self> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let first = at.saturating_sub(AROUND);
        let all: Vec<&str> = text.lines().skip(first).take(at - first + 1 + AROUND).collect();
        (all.len() > at - first).then(|| Self { first_line: first + 1, lines: all.into_iter().map(cut).collect() })
    }
}

/// A line is cut after its secrets were taken out: half of one may look like none.
fn cut(line: &str) -> String {
    if line.len() > LOOKED_AT {
        return HIDDEN.to_owned();
    }
    shown(line).chars().take(WIDTH).collect()
}

fn shown(line: &str) -> String {
    let mut body = line.trim_start_matches(' ');
    while let Some(item) = body.strip_prefix("- ") {
        body = item.trim_start_matches(' ');
    }
    let lead = &line[..line.len() - body.len()];
    let body = body.trim_end();
    let field = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
    };
    if body.is_empty() || (lead.is_empty() && (body == "---" || body == "...")) {
        return line.trim_end().to_owned();
    }
    match body.split_once(':') {
        Some((name, "")) if field(name) => format!("{lead}{body}"),
        Some((name, value)) if field(name) && value.starts_with(' ') && !FREE.contains(&name) && is_plain(value) => {
            format!("{lead}{}", without_secrets(body))
        }
        Some((name, value)) if field(name) && value.starts_with(' ') => format!("{lead}{name}: {HIDDEN}"),
        _ => format!("{lead}{HIDDEN}"),
    }
}

/// A value that is one, and no collection, comment or block of several lines.
fn is_plain(value: &str) -> bool {
    !value.contains(['{', '[', '#', '|', '>', '&', '*'])
}

/// What looks secret within a line is hidden as everywhere.
fn without_secrets(line: &str) -> String {
    let value = Value::from(line);
    let shown = Redactor::default().shown("", &value, &Pointer::default(), &value);
    shown.as_str().unwrap_or(HIDDEN).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_shown_and_what_may_be_secret_is_not() {
        let check = |line: &str, expected: &str| assert_eq!(shown(line), expected, "{line}");
        check("  replicas: two", "  replicas: two");
        check("  - name: DB_PASSWORD", "  - name: DB_PASSWORD");
        check("    value: hunter2", "    value: (hidden)");
        check("      content: a", "      content: (hidden)");
        check("password: my own phrase", "password: (hidden)");
        check("url: postgres://u:p@db/x", "url: postgres://(hidden)@db/x");
        check("  # password is hunter2", "  (hidden)");
        check("  image: a:1 # hunter2", "  image: (hidden)");
        check("env: [{name: A, value: hunter2}]", "env: (hidden)");
        check("  - --token", "  - (hidden)");
        check("  - hunter2", "  - (hidden)");
        check("some text of a block", "(hidden)");
        check("data: |", "data: (hidden)");
        check("spec:", "spec:");
        check("---", "---");
        check("", "");
    }

    #[test]
    fn the_lines_around_a_place_are_given() {
        let text = (1..=9).map(|line| format!("a: {line}\n")).collect::<String>();
        let check = |line: u32, first: usize, count: usize| {
            let excerpt = Excerpt::of(&text, line).unwrap();
            assert_eq!((excerpt.first_line, excerpt.lines.len()), (first, count), "{line}");
            assert_eq!(excerpt.lines[line as usize - first], format!("a: {line}"));
        };
        check(1, 1, 4);
        check(5, 2, 7);
        check(9, 6, 4);
        assert_eq!(Excerpt::of(&text, 10), None);
        assert_eq!(Excerpt::of(&text, 0), None);
        for length in [1_000, 10_000] {
            assert_eq!(Excerpt::of(&"x".repeat(length), 1).unwrap().lines[0], HIDDEN);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_no_half_of_a_secret_is_shown() {
        let line = |value: &str| Excerpt::of(&format!("a: {value}"), 1).unwrap().lines.remove(0);
        assert_eq!(line(&"x".repeat(1_000)), format!("a: {}", "x".repeat(WIDTH - 3)));
        let long = "hunter2".repeat(100);
        for value in
            [format!("postgres://u:{long}@db/x"), format!("eyJhbGciOiJI.{long}.sig"), format!("--token={long}")]
        {
            assert!(!line(&value).contains("hunter2"), "{}", line(&value));
        }
    }
}
