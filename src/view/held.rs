//! What a held plan would do, and how to let it go on. Pure.

use super::say::count;
use crate::api::gitsync_status::HeldPlan;

/// How much it would do.
pub fn doing(held: &HeldPlan) -> String {
    let parts = [(held.creations, "creation"), (held.updates, "update"), (held.deletions, "deletion")];
    let parts: Vec<_> = parts.into_iter().filter(|(number, _)| *number > 0).collect();
    let parts: Vec<_> = parts.into_iter().map(|(number, one)| count(number as usize, one)).collect();
    if parts.is_empty() { "changes nothing that is listed".into() } else { parts.join(", ") }
}

/// The command that approves it; none where a hash could be more than a word to a shell that it is pasted into.
pub fn command(name: &str, plan: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let word = !plan.is_empty() && plan.len() <= 128 && !plan.starts_with('-') && plan.chars().all(plain);
    word.then(|| format!("gitmoor approve {name} --plan {plan}"))
}
