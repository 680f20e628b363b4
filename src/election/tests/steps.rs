//! What one candidate does next, after this and that.

use std::time::Duration;

use jiff::Timestamp;

use super::{seconds, usual};
use crate::election::{Candidate, Lost, Record, Step, Stored};

const ME: &str = "pod-a_1";
const OTHER: &str = "pod-b_2";

/// What happens to a candidate, at that second.
#[derive(Clone)]
enum Event {
    /// The Lease is as this says.
    Saw(Option<Stored>),
    /// A write that was begun at that second was confirmed.
    Wrote(u64),
    Refused,
    Failed,
}

/// What it does next, in few words.
#[derive(Debug, PartialEq)]
enum Next {
    Read,
    Create,
    /// It replaces that version.
    Write(&'static str),
    WaitUntil(u64),
    Lost(Lost),
}

fn wall() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn stored(holder: &str, version: &str) -> Option<Stored> {
    let record =
        Record { holder: holder.to_owned(), seconds: 15, renewed: Some(Timestamp::UNIX_EPOCH), ..Record::default() };
    Some(Stored { record, version: version.to_owned() })
}

fn candidate(events: &[(u64, Event)]) -> Candidate {
    let mut candidate = Candidate::new(ME, usual());
    for (second, event) in events.iter().cloned() {
        let now = seconds(second);
        match event {
            Event::Saw(stored) => candidate.saw(stored, now),
            Event::Wrote(begun) => candidate.wrote(stored(ME, "mine").unwrap(), seconds(begun), now),
            Event::Refused => candidate.refused(),
            Event::Failed => candidate.failed(now, 0.0),
        }
    }
    candidate
}

fn check(events: &[(u64, Event)], at: u64, expected: Next) {
    let next = match candidate(events).next(seconds(at), wall()) {
        Step::Read => Next::Read,
        Step::Write { version: None, .. } => Next::Create,
        Step::Write { version: Some(version), .. } => Next::Write(Box::leak(version.into_boxed_str())),
        Step::Wait(until) => {
            assert_eq!(until, Duration::from_secs(until.as_secs()));
            Next::WaitUntil(until.as_secs())
        }
        Step::Lost(lost) => Next::Lost(lost),
    };
    assert_eq!(next, expected, "at {at}");
}

use Event::{Failed, Refused, Saw, Wrote};

#[test]
fn the_first_thing_is_to_look() {
    check(&[], 0, Next::Read);
}

#[test]
fn a_lease_that_nobody_has_is_taken_at_once() {
    check(&[(0, Saw(None))], 0, Next::Create);
    check(&[(0, Saw(stored("", "7")))], 0, Next::Write("7"));
}

#[test]
fn a_lease_of_our_own_is_taken_at_once() {
    // The answer to our write was lost; nobody else can have this identity.
    check(&[(0, Saw(None)), (1, Failed), (3, Saw(stored(ME, "7")))], 3, Next::Write("7"));
}

#[test]
fn a_lease_of_another_is_left_alone_from_when_we_saw_it_change() {
    let seen = [(100, Saw(stored(OTHER, "7")))];
    check(&seen, 100, Next::WaitUntil(115));
    check(&seen, 114, Next::WaitUntil(115));
    check(&seen, 115, Next::Write("7"));
}

#[test]
fn what_is_seen_again_unchanged_does_not_begin_anew() {
    let seen = [(100, Saw(stored(OTHER, "7"))), (110, Saw(stored(OTHER, "7")))];
    check(&seen, 114, Next::WaitUntil(115));
    check(&seen, 115, Next::Write("7"));
}

#[test]
fn a_holder_whose_clock_stands_still_renews_all_the_same() {
    let seen = [(100, Saw(stored(OTHER, "7"))), (110, Saw(stored(OTHER, "8")))];
    check(&seen, 124, Next::WaitUntil(125));
    check(&seen, 125, Next::Write("8"));
}

#[test]
fn a_renewal_of_another_counts_from_when_we_saw_it_whatever_its_clock_says() {
    for hours in [-5_i64, 0, 5] {
        let mut renewed = stored(OTHER, "8").unwrap();
        renewed.record.renewed = Some(Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap());
        let seen = [(100, Saw(stored(OTHER, "7"))), (110, Saw(Some(renewed)))];
        check(&seen, 124, Next::WaitUntil(125));
        check(&seen, 125, Next::Write("8"));
    }
}

#[test]
fn our_own_wall_clock_decides_nothing() {
    for wall in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        let waits = candidate(&[(100, Saw(stored(OTHER, "7")))]);
        assert_eq!(waits.next(seconds(101), wall), Step::Wait(seconds(115)));
        let leads = candidate(&[(100, Saw(None)), (101, Wrote(100))]);
        assert_eq!(leads.next(seconds(101), wall), Step::Wait(seconds(102)));
        assert_eq!(leads.next(seconds(110), wall), Step::Lost(Lost::NotRenewed));
    }
}

#[test]
fn the_holder_says_how_long_its_lease_lasts() {
    let lasting = |seconds: i32| {
        let mut other = stored(OTHER, "7").unwrap();
        other.record.seconds = seconds;
        [(100, Saw(Some(other)))]
    };
    check(&lasting(40), 139, Next::WaitUntil(140));
    check(&lasting(1), 101, Next::Write("7"));
    // What is no duration is ours.
    check(&lasting(0), 114, Next::WaitUntil(115));
    check(&lasting(-3), 114, Next::WaitUntil(115));
}

#[test]
fn a_lease_that_vanished_may_still_have_a_leader() {
    let gone = [(100, Saw(stored(OTHER, "7"))), (105, Saw(None))];
    check(&gone, 105, Next::WaitUntil(115));
    check(&gone, 115, Next::Create);
    let empty_before = [(100, Saw(stored("", "7"))), (105, Saw(None))];
    check(&empty_before, 105, Next::Create);
}

#[test]
fn a_release_is_heard_and_taken_at_once() {
    check(&[(100, Saw(stored(OTHER, "7"))), (101, Saw(stored("", "8")))], 101, Next::Write("8"));
}

#[test]
fn whoever_comes_second_looks_again() {
    check(&[(0, Saw(None)), (0, Refused)], 0, Next::Read);
    let second = [(0, Saw(None)), (0, Refused), (1, Saw(stored(OTHER, "7")))];
    check(&second, 1, Next::WaitUntil(16));
}

#[test]
fn a_leader_renews_in_time() {
    let leads = [(0, Saw(None)), (1, Wrote(0))];
    check(&leads, 1, Next::WaitUntil(2));
    check(&leads, 2, Next::Write("mine"));
    check(&leads, 9, Next::Write("mine"));
}

#[test]
fn the_lease_counts_from_before_the_write_was_sent() {
    let slow = [(0, Saw(None)), (4, Wrote(0))];
    assert_eq!(candidate(&slow).leads_until(), Some(seconds(10)));
    check(&slow, 10, Next::Lost(Lost::NotRenewed));
    // An answer that comes after its own deadline makes no leader.
    check(&[(0, Saw(None)), (11, Wrote(0))], 11, Next::Lost(Lost::NotRenewed));
}

#[test]
fn a_leader_that_cannot_renew_looks_and_tries_until_its_deadline_and_not_longer() {
    let cut_off = [(0, Saw(None)), (0, Wrote(0)), (2, Failed)];
    check(&cut_off, 2, Next::WaitUntil(4));
    check(&cut_off, 4, Next::Read);
    check(&[&cut_off[..], &[(4, Failed), (6, Failed), (8, Failed)]].concat(), 9, Next::WaitUntil(10));
    check(&[&cut_off[..], &[(9, Failed)]].concat(), 9, Next::WaitUntil(10));
    check(&cut_off, 10, Next::Lost(Lost::NotRenewed));
    // What comes back in time is renewed at once.
    check(&[&cut_off[..], &[(5, Saw(stored(ME, "9")))]].concat(), 5, Next::Write("9"));
}

#[test]
fn a_lost_answer_prolongs_nothing() {
    // The renewal at 2 was stored, but we do not know when the server did it: the one at 0 counts.
    let lost = candidate(&[(0, Saw(None)), (0, Wrote(0)), (2, Failed), (4, Saw(stored(ME, "9")))]);
    assert_eq!(lost.leads_until(), Some(seconds(10)));
}

#[test]
fn a_refused_renewal_is_a_loss_unless_it_was_ours() {
    let refused = [(0, Saw(None)), (0, Wrote(0)), (2, Refused)];
    check(&refused, 2, Next::Read);
    let then = |event: Event| [&refused[..], &[(3, event)]].concat();
    check(&then(Saw(stored(ME, "9"))), 3, Next::Write("9"));
    check(&then(Saw(stored(OTHER, "9"))), 3, Next::Lost(Lost::TakenBy(OTHER.into())));
    check(&then(Saw(stored("", "9"))), 3, Next::Lost(Lost::Released));
    check(&then(Saw(None)), 3, Next::Lost(Lost::Deleted));
}

#[test]
fn what_is_lost_stays_lost() {
    let mut candidate = candidate(&[(0, Saw(None)), (0, Wrote(0)), (2, Refused), (3, Saw(stored(OTHER, "9")))]);
    assert_eq!(candidate.leads_until(), None);
    candidate.saw(stored(ME, "10"), seconds(4));
    assert_eq!(candidate.next(seconds(4), wall()), Step::Lost(Lost::TakenBy(OTHER.into())));
    assert_eq!(candidate.release(seconds(4), wall()), None);
}

#[test]
fn candidates_that_failed_at_the_same_time_come_back_at_different_times() {
    let after = |spread: f64| {
        let mut candidate = Candidate::new(ME, usual());
        candidate.failed(seconds(1), spread);
        candidate.next(seconds(1), wall())
    };
    assert_eq!(after(0.0), Step::Wait(seconds(3)));
    assert_eq!(after(1.0), Step::Wait(super::millis(3400)));
    assert_eq!((after(-7.0), after(7.0)), (after(0.0), after(1.0)));
}

#[test]
fn a_record_tells_people_who_led_since_when_and_how_often_that_changed() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let written = |candidate: &Candidate, wall| match candidate.next(seconds(60), wall) {
        Step::Write { record, .. } => record,
        other => panic!("{other:?}"),
    };
    let first = written(&candidate(&[(0, Saw(None))]), at(5));
    let expected =
        Record { holder: ME.into(), seconds: 15, acquired: Some(at(5)), renewed: Some(at(5)), transitions: 0 };
    assert_eq!(first, expected);

    let mut other = stored(OTHER, "7").unwrap();
    other.record = Record { acquired: Some(at(1)), transitions: 3, ..other.record };
    let taken = written(&candidate(&[(0, Saw(Some(other.clone())))]), at(6));
    assert_eq!((taken.transitions, taken.acquired), (4, Some(at(6))));

    other.record.holder = ME.into();
    let renewed = written(&candidate(&[(0, Saw(Some(other)))]), at(7));
    assert_eq!((renewed.transitions, renewed.acquired, renewed.renewed), (3, Some(at(1)), Some(at(7))));
}

#[test]
fn only_a_leader_releases() {
    let leads = candidate(&[(0, Saw(None)), (1, Wrote(0))]);
    let (version, record) = leads.release(seconds(2), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((version.as_str(), record.holder.as_str(), record.seconds), ("mine", "", 1));
    // What is not ours any more, by our own clock, is not given away.
    assert_eq!(leads.release(seconds(10), wall()), None);
    assert_eq!(candidate(&[(0, Saw(stored(OTHER, "7")))]).release(seconds(1), wall()), None);
    assert_eq!(candidate(&[]).release(seconds(1), wall()), None);
}
