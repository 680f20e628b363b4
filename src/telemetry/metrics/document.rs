//! docs/metrics.md, from the table of metrics.

use super::contract::{Row, rows};
use super::labels::Domain;

const HEAD: &str = "# Metrics\n\n\
    Served as OpenMetrics text at `/metrics` of the ops listener. This page follows from the table in\n\
    `src/telemetry/metrics/contract.rs`; `UPDATE_GOLDEN=1 cargo test --lib telemetry` rewrites it.\n\n\
    Names and labels are a contract: within a major version they are added to, not changed. Every label is a closed\n\
    set of words or the name of a GitSync, and the series of a GitSync go with it.\n\n\
    A histogram `x` has the series `x_bucket`, `x_sum` and `x_count`.\n";

/// The page, as it is committed.
pub fn document() -> String {
    rows().iter().map(section).fold(HEAD.to_owned(), |page, section| page + &section)
}

fn section(row: &Row) -> String {
    let labels: String = row.labels.iter().map(|(name, domain)| format!("- `{name}`: {}\n", values(*domain))).collect();
    let gap = if labels.is_empty() { "" } else { "\n" };
    format!("\n## `{}`\n\n**{}.** {}\n{gap}{labels}", row.name, row.kind, row.help)
}

fn values(domain: Domain) -> String {
    match domain {
        Domain::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Domain::Described(text) => text.to_owned(),
    }
}
