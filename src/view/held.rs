//! What a held plan would do, and how to let it go on. Pure.

use super::say::count;
use crate::api::gitsync_status::HeldPlan;
pub use crate::report::held::command;

/// How much it would do.
pub fn doing(held: &HeldPlan) -> String {
    let parts = [(held.creations, "creation"), (held.updates, "update"), (held.deletions, "deletion")];
    let parts: Vec<_> = parts.into_iter().filter(|(number, _)| *number > 0).collect();
    let parts: Vec<_> = parts.into_iter().map(|(number, one)| count(number as usize, one)).collect();
    if parts.is_empty() { "changes nothing that is listed".into() } else { parts.join(", ") }
}
