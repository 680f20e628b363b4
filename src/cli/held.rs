//! A held plan, as people read it: what it would do, why it waits, and how to let it go on.

use anstyle::Style;

use super::say::{age, count, short};
use super::table::{BAD, ODD, PLAIN};
use crate::api::gitsync_status::HeldPlan;
pub use crate::view::held::{command, doing};

/// What a held plan says, line by line, each with its style.
pub fn lines(name: &str, held: &HeldPlan, now: jiff::Timestamp) -> Vec<(String, Style)> {
    let HeldPlan { plan, revision, reason, message, deletes, since, .. } = held;
    let mut lines = vec![
        (format!("HELD for {}: {reason}: {message}", age(since.0, now)), BAD),
        (format!("plan {plan} of {}: {}", short(revision), doing(held)), ODD),
    ];
    lines.extend(deletes.iter().map(|name| (format!("  would delete {name}"), PLAIN)));
    let more = (held.deletions as usize).saturating_sub(deletes.len());
    if more > 0 {
        lines.push((format!("  and {}", count(more, "more deletion")), PLAIN));
    }
    lines.push(match command(name, plan) {
        Some(command) => (format!("to let it go on: {command}"), ODD),
        None => ("its hash is not one of Gitmoor's; do not approve it".into(), BAD),
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(change: &serde_json::Value) -> Vec<String> {
        let mut held = json!({
            "plan": "0a1b2c", "revision": "main@sha1:0123456789", "reason": "PruneBudget",
            "message": "3 deletions of 4 members; the budget is 1", "creations": 0, "updates": 1, "deletions": 3,
            "deletes": ["shop/a", "shop/b"], "since": "2026-01-02T00:02:00Z"
        });
        json_patch::merge(&mut held, change);
        let held: HeldPlan = serde_json::from_value(held).unwrap();
        let now = "2026-01-02T00:05:00Z".parse().unwrap();
        lines("ops/shop", &held, now).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn it_says_what_waits_why_and_what_to_do() {
        let expected = [
            "HELD for 3m: PruneBudget: 3 deletions of 4 members; the budget is 1",
            "plan 0a1b2c of main@0123456: 1 update, 3 deletions",
            "  would delete shop/a",
            "  would delete shop/b",
            "  and 1 more deletion",
            "to let it go on: gitmoor approve ops/shop --plan 0a1b2c",
        ];
        assert_eq!(said(&json!({})), expected);
    }

    #[test]
    fn only_what_is_listed_is_said_to_be_deleted() {
        let lines = said(&json!({"deletions": 0, "deletes": [], "creations": 2, "updates": 0}));
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with(": 2 creations"), "{lines:?}");
        assert!(
            said(&json!({"deletions": 0, "deletes": [], "updates": 0}))[1].ends_with("changes nothing that is listed")
        );
    }

    #[test]
    fn a_command_is_shown_only_where_pasting_it_does_no_more() {
        for plan in ["0a1b2c", "sha256:ab-c_1.2"] {
            assert_eq!(command("ops/shop", plan), Some(format!("gitmoor approve ops/shop --plan {plan}")));
        }
        for plan in ["", "a b", "a;rm", "$(x)", "`x`", "--help", "a\nb", "ä", &"a".repeat(129)] {
            assert_eq!(command("ops/shop", plan), None, "{plan}");
        }
        assert!(said(&json!({"plan": "a; rm -rf /"})).last().unwrap().contains("do not approve"));
    }
}
