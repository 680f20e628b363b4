//! Findings as SARIF 2.1.0, for code scanning: rules from the table of codes, and a region for each finding.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::Report;
use crate::cli::inert::print_json;
use crate::model::{Code, Position, Severity, codes};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Prints the log of one run.
pub fn print(out: &mut dyn Write, report: &Report<'_>) -> io::Result<()> {
    let notifications: Vec<_> = report
        .failures
        .iter()
        .map(|failure| {
            json!({
                "level": "error",
                "message": {"text": format!("failed to read {}: {}", failure.file, failure.message)},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&failure.file)}}}],
            })
        })
        .collect();
    let run = json!({
        "tool": {"driver": {
            "name": "gitmoor",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": Code::ALL.map(rule),
        }},
        // Columns count characters, not the units of some encoding.
        "columnKind": "unicodeCodePoints",
        "invocations": [{
            "executionSuccessful": report.failures.is_empty(),
            "toolExecutionNotifications": notifications,
        }],
        "results": report.diagnostics.iter().map(result).collect::<Vec<_>>(),
    });
    print_json(out, &json!({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}))
}

fn rule(code: Code) -> Value {
    let Some(entry) = codes::by_code(code.as_str()) else { return json!({"id": code.as_str()}) };
    json!({
        "id": entry.code,
        "name": entry.name(),
        "shortDescription": {"text": format!("{}.", entry.title)},
        "fullDescription": {"text": entry.means},
        "help": {"text": format!("{}\n\nWhy: {}\n\nWhat to do: {}", entry.means, entry.why, entry.next)},
        "defaultConfiguration": {"level": "error"},
    })
}

fn result(found: &crate::model::Diagnostic) -> Value {
    let text = match &found.hint {
        Some(hint) => format!("{}\n{hint}", found.message),
        None => found.message.clone(),
    };
    let mut result = json!({
        "ruleId": found.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == found.code),
        "level": match found.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": {"text": text},
        "locations": [{"physicalLocation": place(&found.file, found.position)}],
    });
    if let Some(related) = &found.related {
        result["relatedLocations"] = json!([{
            "id": 1,
            "physicalLocation": place(&related.file, related.position),
            "message": {"text": related.message},
        }]);
    }
    result
}

fn place(file: &str, at: Position) -> Value {
    json!({
        "artifactLocation": {"uri": uri(file)},
        "region": {
            "startLine": at.line,
            "startColumn": at.column,
            "endLine": at.line,
            "endColumn": at.column.saturating_add(at.width.max(1)),
        },
    })
}

/// A path as a URI: relative to wherever the command ran, or with its scheme where it is absolute.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        // A colon could be taken for the end of a scheme.
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri_whatever_is_in_it() {
        for (path, expected) in [
            ("apps/orders.yaml", "apps/orders.yaml"),
            ("./apps/a.yaml", "apps/a.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("/srv/a.yaml", "file:///srv/a.yaml"),
            ("http://x/a b.yaml", "http%3A//x/a%20b.yaml"),
            ("<stdin>", "%3Cstdin%3E"),
            ("C:\\a?b#c%20.yaml", "C%3A%5Ca%3Fb%23c%2520.yaml"),
            ("ü\n\x1b.yaml", "%C3%BC%0A%1B.yaml"),
        ] {
            assert_eq!(uri(path), expected, "{path:?}");
        }
    }
}
