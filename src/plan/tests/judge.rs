//! What becomes of a plan's deletions, one case a line.

use std::collections::BTreeMap;

use super::budget::{entry, minute};
use crate::model::{HoldReason, ObjectKey, Target};
use crate::plan::approval::hash;
use crate::plan::{Approved, Budget, Case, Doomed, Verdict, judge};

fn service(name: &str) -> Target {
    Target::service(ObjectKey::new("shop", name))
}

pub(super) fn doomed(name: &str) -> Doomed {
    Doomed { key: service(name), uid: format!("uid-of-{name}").into() }
}

fn all(names: &str) -> Vec<Doomed> {
    names.split_whitespace().map(doomed).collect()
}

/// A plan that deletes `deletions` of ten and is judged by the default.
pub(super) fn case<'a>(deletions: &'a [Doomed], none: &'a BTreeMap<Target, Target>) -> Case<'a> {
    Case {
        sync_uid: "sync",
        deletions,
        stay: 10 - deletions.len(),
        creations: 0,
        asks: None,
        unborn: None,
        renamed: none,
        budget: Budget::default(),
        recent: &[],
        held_of: None,
        approve: None,
        approved: None,
        now: minute(0),
    }
}

fn gone(verdict: &Verdict) -> String {
    verdict.permit.allowed().map(|doomed| &*doomed.key.name).collect::<Vec<_>>().join(" ")
}

/// What goes, what is held, and by which word.
#[track_caller]
fn check(case: &Case<'_>, expected: (&str, &str, &str)) {
    let verdict = judge(case);
    let held = verdict.held.as_ref();
    let names = held.map(|held| held.deletions.iter().map(|(one, _)| &*one.key.name).collect::<Vec<_>>().join(" "));
    let reason = held.map(|held| held.reason.reason()).unwrap_or_default();
    assert!(reason.is_empty() || crate::plan::judge::REASONS.contains(&reason), "{reason}");
    assert_eq!((gone(&verdict).as_str(), names.unwrap_or_default().as_str(), reason), expected);
}

#[test]
fn a_plan_goes_as_a_whole_or_not_at_all() {
    let none = BTreeMap::new();
    let (two, three) = (all("a b"), all("a b c"));
    check(&case(&two, &none), ("a b", "", ""));
    check(&case(&three, &none), ("", "a b c", "PruneBudget"));
    check(&Case { budget: Budget::Number(0), ..case(&two, &none) }, ("", "a b", "PruneBudget"));
    check(&Case { recent: &[entry(-10, 1, 11)], ..case(&two, &none) }, ("", "a b", "PruneBudget"));
    check(&case(&[], &none), ("", "", ""));
}

#[test]
fn the_first_guard_is_the_reason() {
    let (none, three) = (BTreeMap::new(), all("a b c"));
    let (missing, new) = (HoldReason::MissingPath("apps".into()), service("new"));
    let last = Case { stay: 0, budget: Budget::Percent(100), unborn: Some(&new), ..case(&three, &none) };
    check(&last, ("", "a b c", "LastObject"));
    check(&Case { creations: 1, ..last }, ("", "a b c", "RenamePending"));
    check(&Case { creations: 1, unborn: None, ..last }, ("a b c", "", ""));
    check(&Case { asks: Some(&missing), ..last }, ("", "a b c", "MissingPath"));
    check(&Case { deletions: &[], ..last }, ("", "", ""));
}

#[test]
fn what_is_approved_is_that_plan_and_no_other() {
    let (none, plan) = (BTreeMap::new(), all("a b c"));
    let approve = hash("sync", &plan, "PruneBudget");
    let approved = Case { approve: Some(&approve), ..case(&plan, &none) };
    check(&approved, ("a b c", "", ""));
    let mut other = plan.clone();
    other.reverse();
    check(&Case { deletions: &other, ..approved }, ("a b c", "", ""));
    other[0].uid = "made anew".into();
    check(&Case { deletions: &other, ..approved }, ("", "a b c", "PruneBudget"));
    check(&Case { deletions: &all("a b c d"), ..approved }, ("", "a b c d", "PruneBudget"));
    check(&Case { deletions: &all("a b d"), ..approved }, ("", "a b d", "PruneBudget"));
    check(&Case { sync_uid: "another", ..approved }, ("", "a b c", "PruneBudget"));
    check(&Case { stay: 0, ..approved }, ("", "a b c", "LastObject"));
    assert_eq!(approve.len(), 12);
}

#[test]
fn an_approved_plan_is_carried_on_until_it_is_done() {
    let (none, plan) = (BTreeMap::new(), all("a b c d"));
    let approve = hash("sync", &plan, "PruneBudget");
    let mut begun = Approved::new(&approve, &plan);
    begun.done(&doomed("a").key);
    let rest = all("b c d");
    let left = Case { approve: Some(&approve), recent: &[entry(-1, 1, 11)], ..case(&rest, &none) };
    check(&left, ("", "b c d", "PruneBudget"));
    check(&Case { approved: Some(&begun), ..left }, ("b c d", "", ""));
    check(&Case { approved: Some(&begun), approve: None, ..left }, ("", "b c d", "PruneBudget"));
    // A commit brought one of them back, or took another away.
    check(&Case { approved: Some(&begun), deletions: &all("b c"), ..left }, ("", "b c", "PruneBudget"));
    check(&Case { approved: Some(&begun), deletions: &all("b c d e"), ..left }, ("", "b c d e", "PruneBudget"));
    for one in &rest {
        assert!(!begun.is_done());
        begun.done(&one.key);
    }
    assert!(begun.is_done());
}

#[test]
fn a_rename_waits_for_its_new_name_and_holds_nothing_else() {
    let plan = all("a old");
    let renamed = BTreeMap::from([(doomed("old").key, service("new"))]);
    let case = case(&plan, &renamed);
    check(&case, ("a", "old", "RenamePending"));
    let held = judge(&case).held.unwrap();
    assert!(held.passes() && !held.holds_creations());
    check(&Case { approve: Some(&held.plan), ..case }, ("a old", "", ""));
    check(&Case { budget: Budget::Number(1), ..case }, ("", "a old", "PruneBudget"));
}

#[test]
fn an_approved_plan_leaves_no_gap_either() {
    let plan = all("a b old");
    let renamed = BTreeMap::from([(doomed("old").key, service("new"))]);
    let approve = hash("sync", &plan, "PruneBudget");
    let case = Case { approve: Some(&approve), ..case(&plan, &renamed) };
    check(&case, ("a b", "old", "RenamePending"));
    // The rest is approved as it was; and who cannot wait approves that, too.
    let mut begun = Approved::new(&approve, &plan);
    begun.done(&doomed("a").key);
    begun.done(&doomed("b").key);
    let rest = all("old");
    let recent = [entry(-1, 2, 10)];
    let later = Case { deletions: &rest, recent: &recent, approved: Some(&begun), ..case };
    check(&later, ("", "old", "RenamePending"));
    let anew = judge(&later).held.unwrap().plan;
    check(&Case { approve: Some(&anew), ..later }, ("old", "", ""));
    check(&Case { renamed: &BTreeMap::new(), ..later }, ("old", "", ""));
}

#[test]
fn a_permit_is_for_exactly_what_was_judged() {
    let none = BTreeMap::new();
    let plan = all("a b");
    let permit = judge(&case(&plan, &none)).permit;
    let (a, b, c) = (doomed("a"), doomed("b"), doomed("c"));
    let these = |which: &[&Doomed]| permit.is_exactly(which.iter().map(|one| (&one.key, &*one.uid)));
    assert!(these(&[&a, &b]));
    assert!(!these(&[&a]) && !these(&[&a, &b, &c]) && !these(&[&a, &c]));
    assert!(permit.allows(&a.key, &a.uid) && !permit.allows(&a.key, "made anew"));
    assert!(crate::plan::Permit::default().is_empty());
}
