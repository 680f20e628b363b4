//! Which rules of a GitSync decide anything: one that never does is a mistake, or has outlived its reason.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::rules::RuleBook;

/// What became of the rules of one GitSync since something was first held against them.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    rules: HashMap<u64, Used>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Used {
    /// It has not decided anything since then.
    Waits(Timestamp),
    /// It has.
    Decided,
}

/// Rules that have decided nothing for long, and when the next one will be one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unused {
    /// From 0, with the time since when.
    pub rules: Vec<(usize, Timestamp)>,
    /// When to ask again.
    pub next: Option<Timestamp>,
}

impl Usage {
    /// Takes note of the rules as they are now. A rule that moved within the list is the same one.
    pub fn see(&mut self, book: &RuleBook, now: Timestamp) {
        let known = std::mem::take(&mut self.rules);
        let identities = (0..book.len()).filter_map(|rule| book.identity(rule));
        let used = |identity: u64| known.get(&identity).copied().unwrap_or(Used::Waits(now));
        self.rules = identities.map(|identity| (identity, used(identity))).collect();
    }

    /// Takes note of rules that decided. Returns whether one of them had not before.
    pub fn decided(&mut self, book: &RuleBook, rules: impl IntoIterator<Item = usize>) -> bool {
        let mut news = false;
        for identity in rules.into_iter().filter_map(|rule| book.identity(rule)) {
            news |= self.rules.insert(identity, Used::Decided) != Some(Used::Decided);
        }
        news
    }

    /// Rules that have decided nothing for so long.
    pub fn unused(&self, book: &RuleBook, after: SignedDuration, now: Timestamp) -> Unused {
        let mut unused = Unused::default();
        for rule in 0..book.len() {
            let Some(used) = book.identity(rule).and_then(|identity| self.rules.get(&identity)) else { continue };
            let Used::Waits(since) = *used else { continue };
            let due = since.checked_add(after).unwrap_or(Timestamp::MAX);
            if due <= now {
                unused.rules.push((rule, since));
            } else {
                unused.next = Some(unused.next.map_or(due, |next| next.min(due)));
            }
        }
        unused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::drift::DriftRule;
    use crate::api::gitsync::{Drift, DriftPolicy};

    const AFTER: SignedDuration = SignedDuration::from_secs(100);

    fn book(paths: &[&str]) -> RuleBook {
        let rule = |path: &&str| DriftRule {
            target: None,
            paths: vec![(*path).to_owned()],
            managers: Vec::new(),
            policy: DriftPolicy::Ignore,
        };
        RuleBook::compile(Some(&Drift { policy: None, rules: paths.iter().map(rule).collect() })).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn check(usage: &Usage, book: &RuleBook, now: i64, rules: &[(usize, i64)], next: Option<i64>) {
        let expected =
            Unused { rules: rules.iter().map(|(rule, since)| (*rule, at(*since))).collect(), next: next.map(at) };
        assert_eq!(usage.unused(book, AFTER, at(now)), expected);
    }

    #[test]
    fn a_rule_that_decides_nothing_is_unused_after_a_while() {
        let (mut usage, book) = (Usage::default(), book(&["/a", "/b"]));
        usage.see(&book, at(10));
        check(&usage, &book, 10, &[], Some(110));
        assert!(usage.decided(&book, [1]) && !usage.decided(&book, [1, 1]));
        check(&usage, &book, 109, &[], Some(110));
        check(&usage, &book, 110, &[(0, 10)], None);
        assert!(usage.decided(&book, [0]), "late is not never");
        check(&usage, &book, 500, &[], None);
    }

    #[test]
    fn a_rule_that_moves_keeps_what_is_known_and_a_new_one_begins_anew() {
        let (mut usage, before) = (Usage::default(), book(&["/a", "/b"]));
        usage.see(&before, at(0));
        usage.decided(&before, [0]);
        let after = book(&["/c", "/b", "/a"]);
        usage.see(&after, at(50));
        check(&usage, &after, 100, &[(1, 0)], Some(150));
        usage.see(&before, at(60));
        usage.see(&after, at(70));
        check(&usage, &after, 150, &[(1, 0)], Some(170));
    }

    #[test]
    fn what_decides_before_it_is_seen_is_not_forgotten() {
        let (mut usage, book) = (Usage::default(), book(&["/a", "/b"]));
        assert!(usage.decided(&book, [1]));
        usage.see(&book, at(0));
        check(&usage, &book, 500, &[(0, 0)], None);
    }

    #[test]
    fn no_rules_need_no_time() {
        let (mut usage, book) = (Usage::default(), book(&[]));
        usage.see(&book, at(0));
        assert!(!usage.decided(&book, [0]));
        check(&usage, &book, 1_000_000, &[], None);
    }
}
