//! What manifests come to, case by case. How findings are worded is in `tests/golden/diagnostics`.

mod assemble;
mod codes;
mod defaults;
mod documents;
mod hostile;
mod limits;
mod properties;
mod rules;
mod speed;
mod streams;

use super::parse;
use crate::model::{ParsedFile, Severity};

/// The head of every manifest of ours; what follows starts on line 3.
const HEAD: &str = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\n";

/// A manifest with this spec, which starts on line 5.
fn with_spec(spec: &str) -> String {
    format!("{HEAD}metadata: {{name: orders}}\nspec:\n{spec}")
}

/// Findings as `line:column code`, with `?` behind a warning.
fn findings(file: &ParsedFile) -> Vec<String> {
    let mark = |severity| if severity == Severity::Warning { "?" } else { "" };
    let lines = file.diagnostics.iter().map(|found| {
        format!("{}:{} {}{}", found.position.line, found.position.column, found.code, mark(found.severity))
    });
    lines.collect()
}

/// Checks the findings of a text.
fn check(text: &str, expected: &[&str]) -> ParsedFile {
    let file = parse(text.as_bytes());
    assert_eq!(findings(&file), expected, "{text}\n{:#?}", file.diagnostics);
    file
}

/// Checks the findings of a spec; lines count from the start of the manifest, so from 5.
fn check_spec(spec: &str, expected: &[&str]) {
    let file = check(&with_spec(spec), expected);
    let valid = !expected.iter().any(|found| !found.ends_with('?'));
    assert_eq!((file.documents.len(), file.quarantined.len()), (usize::from(valid), usize::from(!valid)), "{spec}");
    assert!(!file.unreadable, "{spec}");
}
