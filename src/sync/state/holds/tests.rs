//! What is counted and what stays approved, through failures and crashes.

use super::*;
use crate::plan::{Budget, Case, judge};

fn doomed(names: &str) -> Vec<Doomed> {
    let one = |name: &str| {
        let key = Target::service(ObjectKey::new("shop", name));
        Doomed { key, uid: format!("uid-{name}").into() }
    };
    names.split_whitespace().map(one).collect()
}

/// Judges those deletions of so many members that there are.
fn sentenced(holds: &mut Holds, names: &str, budget: Budget, approve: Option<&str>) -> Option<String> {
    let (deletions, none) = (doomed(names), BTreeMap::new());
    let verdict = judge(&Case {
        sync_uid: "sync",
        deletions: &deletions,
        stay: 10,
        creations: 0,
        asks: None,
        unborn: None,
        renamed: &none,
        budget,
        recent: holds.recent(),
        held_of: None,
        approve,
        approved: holds.approved(),
        now: holds.now(),
    });
    holds.approve(&verdict.permit, &deletions);
    let entry = verdict.sum.entry(verdict.permit.len(), holds.now());
    holds.open((!verdict.permit.is_empty()).then_some(entry));
    verdict.held.map(|held| held.plan)
}

/// Holds that have just begun to delete those.
fn begun(names: &str) -> Holds {
    let mut holds = Holds::new(&GitSyncStatus::default());
    sentenced(&mut holds, names, Budget::Percent(100), None);
    holds.begin(&doomed(names), &[]);
    holds
}

fn counted(holds: &Holds) -> u32 {
    holds.recent().iter().map(|entry| entry.count).sum()
}

/// What a daemon knows that starts with the status of one that was killed.
fn after_a_crash(holds: &Holds, deletions: &str, live: &str) -> Holds {
    let status = GitSyncStatus { recent_deletions: holds.recent().to_vec(), ..GitSyncStatus::default() };
    let mut next = Holds::new(&status);
    next.inherit(&doomed(deletions), || live.split_whitespace().map(|name| format!("uid-{name}")).collect());
    next
}

/// An outcome: deleted, or refused for a reason.
fn outcome((name, refused): &(&str, Option<&str>)) -> (Item, Outcome) {
    let key = Target::service(ObjectKey::new("shop", *name));
    let failed = |reason: &str| OutcomeKind::Failed { reason: reason.into(), message: String::new() };
    let kind = refused.map_or(OutcomeKind::Deleted, failed);
    let task = Task::Delete { uid: format!("uid-{name}"), resource_version: 1 };
    (Item { key: key.clone(), task }, Outcome { key, kind })
}

#[test]
fn what_was_not_deleted_counts_no_more() {
    let check = |outcomes: &[(&str, Option<&str>)], expected: u32| {
        let mut holds = begun("a b c");
        assert_eq!(counted(&holds), 3, "before the first is begun");
        let outcomes: Vec<_> = outcomes.iter().map(outcome).collect();
        holds.end(&outcomes);
        assert_eq!(counted(&holds), expected, "{outcomes:?}");
        assert!(holds.recent().iter().all(|entry| entry.pending.is_empty() && entry.count > 0));
    };
    check(&[("a", None), ("b", None), ("c", None)], 3);
    check(&[("a", None), ("b", Some("Conflict"))], 1);
    check(&[], 0);
    // No answer is not a no.
    check(&[("a", Some("ServerTimeout")), ("b", Some("Forbidden")), ("c", Some("Unreachable"))], 2);
    // Nor is a bug of ours, or the end of a term, after it was asked for.
    check(&[("a", Some("InternalBug")), ("b", Some("NotLeading")), ("c", Some("Throttled"))], 2);
}

#[test]
fn nothing_counts_before_it_is_begun() {
    let mut holds = Holds::new(&GitSyncStatus::default());
    sentenced(&mut holds, "a b", Budget::Percent(100), None);
    assert_eq!(counted(&holds), 0);
    holds.begin(&doomed("a"), &[]);
    assert_eq!(counted(&holds), 1);
    holds.begin(&doomed("b"), &[doomed("a")[0].key.clone()]);
    assert_eq!((counted(&holds), holds.recent().len()), (2, 1), "one entry for a run");
    assert_eq!(holds.recent()[0].pending, ["uid-b"]);
}

#[test]
fn after_a_crash_what_is_still_there_was_not_deleted() {
    let holds = begun("a b c");
    assert_eq!(counted(&after_a_crash(&holds, "", "other")), 3);
    assert_eq!(counted(&after_a_crash(&holds, "b", "b other")), 2);
    assert!(after_a_crash(&holds, "a b c", "a b c").recent().is_empty());
    // One made anew under the same name is another.
    assert_eq!(counted(&after_a_crash(&holds, "", "a2")), 3);
}

#[test]
fn an_approved_plan_is_approved_after_a_crash_in_its_middle_and_no_other() {
    let none = Budget::Number(0);
    let mut holds = Holds::new(&GitSyncStatus::default());
    let plan = sentenced(&mut holds, "a b c d e", none, None).unwrap();
    assert_eq!(sentenced(&mut holds, "a b c d e", none, Some(&plan)), None, "approved");
    holds.begin(&doomed("a b"), &[]);
    let first = doomed("a b").into_iter().map(|doomed| doomed.key).collect::<Vec<_>>();
    holds.begin(&doomed("c d"), &first);
    // Of c and d, one was deleted.
    let rest = |holds: &mut Holds, names: &str, approve: &str| sentenced(holds, names, none, Some(approve));
    assert_eq!(rest(&mut after_a_crash(&holds, "d e", "d e f"), "d e", &plan), None);
    assert_eq!(rest(&mut after_a_crash(&holds, "c d e", "c d e f"), "c d e", &plan), None);
    // A commit changed the plan meanwhile, or the approval was taken back.
    for (names, approve) in [("d e f", plan.as_str()), ("d", &plan), ("d e", "another")] {
        let mut next = after_a_crash(&holds, names, &format!("{names} g"));
        assert!(rest(&mut next, names, approve).is_some(), "{names} {approve}");
    }
    // And after that it ends as it would have.
    let mut next = after_a_crash(&holds, "d e", "d e f");
    rest(&mut next, "d e", &plan);
    next.begin(&doomed("d e"), &[]);
    assert_eq!(next.end(&[outcome(&("d", None)), outcome(&("e", None))]), Some(plan));
    assert!(next.recent().iter().all(|entry| entry.plan.is_none() || entry.pending.is_empty()));
}
