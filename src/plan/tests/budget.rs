//! The arithmetic of the budget, one case a line.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::gitsync_status::Deletions;
use crate::plan::budget::{Bill, Budget, ENTRIES, judge, read, record, spent, steady};

/// So many minutes after the hour that these tests play in.
pub(super) fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
}

pub(super) fn entry(minutes: i64, count: u32, members: u32) -> Deletions {
    Deletions { at: Time(minute(minutes)), count, members, pending: Vec::new(), plan: None, left: None }
}

#[test]
fn a_budget_is_a_number_or_a_percentage() {
    let check = |value: IntOrString, expected: Option<Budget>| assert_eq!(Budget::parse(&value), expected, "{value:?}");
    check(IntOrString::Int(0), Some(Budget::Number(0)));
    check(IntOrString::Int(7), Some(Budget::Number(7)));
    check(IntOrString::Int(-1), None);
    check(IntOrString::String("20%".into()), Some(Budget::Percent(20)));
    check(IntOrString::String("150%".into()), Some(Budget::Percent(150)));
    check(IntOrString::String("99999999999999%".into()), Some(Budget::Percent(u32::MAX)));
    for text in ["", "%", "5", "-5%", "+5%", "5 %", "five%", "5%%"] {
        check(IntOrString::String(text.into()), None);
    }
}

#[track_caller]
fn check(budget: Budget, recent: &[Deletions], (deletions, members): (usize, usize), expected: (bool, &str)) {
    let judged = judge(&Bill { budget, recent, deletions, members, held_of: None, now: minute(0) });
    assert_eq!((judged.fits(), judged.to_string().as_str()), expected);
}

#[test]
fn a_percentage_is_rounded_down_and_allows_at_least_one() {
    let twenty = Budget::default();
    check(twenty, &[], (1, 1), (true, "1 deletion within an hour, 1 allowed: 20 % of 1"));
    check(twenty, &[], (1, 4), (true, "1 deletion within an hour, 1 allowed: 20 % of 4"));
    check(twenty, &[], (2, 9), (false, "2 deletions within an hour, 1 allowed: 20 % of 9"));
    check(twenty, &[], (2, 10), (true, "2 deletions within an hour, 2 allowed: 20 % of 10"));
    check(twenty, &[], (3, 11), (false, "3 deletions within an hour, 2 allowed: 20 % of 11"));
    check(Budget::Percent(100), &[], (9, 9), (true, "9 deletions within an hour, 9 allowed: 100 % of 9"));
    check(Budget::Percent(0), &[], (1, 1_000), (false, "1 deletion within an hour, 0 allowed: 0 % of 1000"));
    check(
        Budget::Percent(u32::MAX),
        &[],
        (9, 9),
        (true, "9 deletions within an hour, 386547056 allowed: 4294967295 % of 9"),
    );
}

#[test]
fn a_number_is_itself() {
    check(Budget::Number(0), &[], (1, 100), (false, "1 deletion within an hour, 0 allowed by spec.prune.budget"));
    check(Budget::Number(3), &[], (3, 3), (true, "3 deletions within an hour, 3 allowed by spec.prune.budget"));
    check(Budget::Number(3), &[], (4, 100), (false, "4 deletions within an hour, 3 allowed by spec.prune.budget"));
}

#[test]
fn what_the_hour_deleted_before_counts_on_both_sides() {
    // A fifth of a hundred went; of the eighty that are left, nothing more goes.
    let gone = [entry(-30, 20, 100)];
    let said =
        "21 deletions within an hour (20 of them earlier), 20 allowed: 20 % of 100; it fits at 2027-01-15T08:30:00Z";
    check(Budget::default(), &gone, (1, 80), (false, said));
    // An hour after, eighty are the whole.
    check(
        Budget::default(),
        &[entry(-60, 20, 100)],
        (16, 80),
        (true, "16 deletions within an hour, 16 allowed: 20 % of 80"),
    );
    let part = [entry(-50, 5, 100), entry(-40, 5, 95)];
    check(
        Budget::default(),
        &part,
        (10, 90),
        (true, "20 deletions within an hour (10 of them earlier), 20 allowed: 20 % of 100"),
    );
}

#[test]
fn what_came_since_the_first_deletion_does_not_make_room_for_more() {
    let gone = [entry(-5, 2, 10)];
    let said = "3 deletions within an hour (2 of them earlier), 2 allowed: 20 % of 10; it fits at 2027-01-15T08:55:00Z";
    check(Budget::default(), &gone, (1, 1_000), (false, said));
    let bill =
        Bill { budget: Budget::default(), recent: &[], deletions: 3, members: 15, held_of: Some(10), now: minute(0) };
    assert!(!judge(&bill).fits(), "what a held plan created is no reason to let its deletions go");
    assert!(judge(&Bill { held_of: None, ..bill }).fits());
}

#[test]
fn it_says_when_a_plan_fits_by_itself() {
    let recent = [entry(-50, 1, 10), entry(-20, 1, 9)];
    let bill = |deletions, members| Bill {
        budget: Budget::default(),
        recent: &recent,
        deletions,
        members,
        held_of: None,
        now: minute(0),
    };
    assert_eq!(
        judge(&bill(1, 8)).fits_at,
        Some(minute(40)),
        "at 10 minutes one of nine was deleted, and nine have one"
    );
    assert_eq!(judge(&bill(2, 8)).fits_at, None, "it is too much by itself");
}

#[test]
fn an_entry_counts_for_an_hour_and_one_in_the_future_counts() {
    let check = |at, expected| assert_eq!(spent(&[entry(at, 3, 9)], minute(0)), expected, "{at}");
    check(-61, 0);
    check(-60, 0);
    check(-59, 3);
    check(0, 3);
    check(500, 3);
}

#[test]
fn what_a_status_says_of_the_future_was_done_by_now() {
    let read = read(&[entry(-10, 1, 9), entry(500, 1, 9)], minute(0));
    assert_eq!(read, [entry(-10, 1, 9), entry(0, 1, 9)]);
}

#[test]
fn a_clock_that_is_set_does_not_end_the_hour() {
    let passed = std::time::Duration::from_secs(600);
    assert_eq!(steady(minute(500), minute(0), passed), minute(10), "put forward");
    assert_eq!(steady(minute(10), minute(0), passed), minute(10));
    assert_eq!(steady(minute(-500), minute(0), passed), minute(-500), "put back: more counts, not less");
    assert_eq!(steady(minute(1), minute(0), std::time::Duration::MAX), minute(1));
}

#[test]
fn entries_are_bounded_and_none_is_lost() {
    let mut recent = vec![entry(-90, 7, 100)];
    for minutes in 0..200 {
        record(&mut recent, entry(minutes / 4, 1, 200), minute(minutes / 4));
        assert!(recent.len() <= ENTRIES);
    }
    assert_eq!(spent(&recent, minute(49)), 200, "what is older than an hour went, the rest is there");
    assert!(recent.iter().all(|entry| entry.at.0 >= minute(0)));
}

#[test]
fn an_entry_is_stamped_no_earlier_than_it_was_made() {
    let judged = judge(&Bill {
        budget: Budget::default(),
        recent: &[entry(-1, 2, 30)],
        deletions: 4,
        members: 28,
        held_of: None,
        now: minute(0),
    });
    let now = minute(0) + SignedDuration::from_millis(300);
    let made = judged.entry(4, now);
    assert_eq!((made.count, made.members), (4, 28));
    assert_eq!(made.at.0, minute(0) + SignedDuration::from_secs(1));
}
