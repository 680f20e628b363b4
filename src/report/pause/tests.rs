//! What is told of pauses, by a clock of the test's own.

use super::*;
use crate::api::condition::Truth;

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

fn pause(until: i64) -> Pause {
    Pause { until: at(until), reason: Some("incident 12".into()), by: Some("ann".into()) }
}

fn field(path: &str) -> DriftedField {
    let field = serde_json::json!({
        "kind": "Deployment", "object": "shop/orders", "path": path, "change": "Modified", "live": 5,
        "observed": "1970-01-01T00:00:00Z"
    });
    serde_json::from_value(field).unwrap()
}

fn fields(count: usize) -> Vec<DriftedField> {
    (0..count).map(|number| field(&format!("/{number}"))).collect()
}

/// The record after these looks: the time, the pause that holds, and what differs.
fn after(looks: &[(i64, Option<i64>, &[DriftedField])]) -> Option<PauseStatus> {
    let mut record: Option<PauseStatus> = None;
    let mut before: &[DriftedField] = &[];
    for (now, until, drifts) in looks {
        record = super::record(record.as_ref(), until.map(pause).as_ref(), drifts, before, at(*now));
        before = drifts;
    }
    record
}

#[track_caller]
fn check(looks: &[(i64, Option<i64>, &[DriftedField])], expected: Option<(i64, i64, u32, usize)>) {
    let record = after(looks);
    let found = record
        .map(|record| (record.since.0.as_second(), record.until.0.as_second(), record.drifted, record.fields.len()));
    assert_eq!(found, expected);
}

#[test]
fn a_record_is_of_one_pause_from_its_begin_to_its_end() {
    let two = fields(2);
    check(&[(0, None, &two)], None);
    check(&[(10, Some(60), &[])], Some((10, 60, 0, 0)));
    check(&[(10, Some(60), &[]), (20, Some(60), &two)], Some((10, 60, 2, 2)));
    check(&[(10, Some(60), &two), (60, None, &two), (70, None, &[])], Some((10, 60, 2, 2)));
    // Somebody made it longer, and somebody took it back.
    check(&[(10, Some(60), &two), (20, Some(90), &two)], Some((10, 90, 2, 2)));
    check(&[(10, Some(60), &two), (20, None, &two), (30, None, &[])], Some((10, 20, 2, 2)));
    // The next one is another.
    check(&[(10, Some(60), &two), (60, None, &[]), (99, Some(120), &[])], Some((99, 120, 0, 0)));
}

#[test]
fn each_field_that_differed_counts_once() {
    let (one, other) = (fields(1), vec![field("/other")]);
    check(&[(10, Some(60), &one), (20, Some(60), &other), (30, Some(60), &one)], Some((10, 60, 2, 2)));
    // Its value changed meanwhile: what was seen last is kept.
    let mut changed = one.clone();
    changed[0].live = Some(serde_json::json!(7));
    let record = after(&[(10, Some(60), &one), (20, Some(60), &changed)]).unwrap();
    assert_eq!((record.drifted, &record.fields), (1, &changed));
}

#[test]
fn a_record_is_bounded_and_counts_all() {
    let many = fields(50);
    check(&[(10, Some(60), &many), (20, Some(60), &many), (30, Some(60), &many)], Some((10, 60, 50, LISTED)));
    let other = vec![field("/other")];
    check(&[(10, Some(60), &many), (20, Some(60), &other)], Some((10, 60, 51, LISTED)));
}

fn said(asked: Option<&Asked>, record: Option<&PauseStatus>) -> Option<(Truth, String, String)> {
    finding(asked, record).map(|finding| (finding.truth, finding.reason, finding.message))
}

#[test]
fn the_condition_says_who_why_and_until_when() {
    let check = |asked: Option<Asked>, record: Option<PauseStatus>, truth: Truth, reason: &str, words: &str| {
        let (found, word, message) = said(asked.as_ref(), record.as_ref()).unwrap();
        assert_eq!((found, word.as_str()), (truth, reason), "{message}");
        assert!(message.contains(words), "{message}");
    };
    assert_eq!(said(None, None), None);
    let one = fields(1);
    let record = after(&[(10, Some(60), &one)]);
    let holds = Some(Asked::Holds(pause(60)));
    let words = "corrections are paused until 1970-01-01T00:01:00Z by ann: incident 12";
    check(holds.clone(), None, Truth::True, HOLDS, words);
    check(holds, record.clone(), Truth::True, HOLDS, words);
    let words =
        "were paused by ann (incident 12) from 1970-01-01T00:00:10Z until 1970-01-01T00:01:00Z; 1 field differed";
    check(Some(Asked::Over(pause(60))), record.clone(), Truth::False, ENDED, words);
    check(None, record.clone(), Truth::False, ENDED, words);
    check(None, after(&[(10, Some(60), &[])]), Truth::False, ENDED, "nothing differed meanwhile");
    // A time that was over when it was seen was no pause, whatever was before.
    let words = "\"1970-01-01T00:01:30Z\", which was over already";
    check(Some(Asked::Over(pause(90))), record.clone(), Truth::False, REFUSED, words);
    check(Some(Asked::Over(pause(90))), None, Truth::False, REFUSED, words);
    check(Some(Asked::Refused("it is no time".into())), record, Truth::False, REFUSED, "it is no time");
    let nobody = Pause { until: at(60), reason: None, by: None };
    let words = "corrections are paused until 1970-01-01T00:01:00Z by unknown";
    check(Some(Asked::Holds(nobody)), None, Truth::True, HOLDS, words);
}

#[test]
fn each_change_is_told_once() {
    let condition = |reason: &str, message: &str| {
        let truth = reason == HOLDS;
        condition::set(&[], &[Finding::new(PAUSED, truth, reason, message)], None, at(0))
    };
    let check = |before: &[Condition], after: &[Condition], expected: Option<Told>| {
        assert_eq!(news(before, after).map(|(told, _)| told), expected, "{before:?} {after:?}");
    };
    let (holds, longer) = (condition(HOLDS, "until 1"), condition(HOLDS, "until 2"));
    let (ended, refused) = (condition(ENDED, "x"), condition(REFUSED, "x"));
    check(&[], &[], None);
    check(&[], &holds, Some(Told::Began));
    check(&ended, &holds, Some(Told::Began));
    check(&refused, &holds, Some(Told::Began));
    check(&holds, &holds, None);
    check(&holds, &longer, Some(Told::Changed));
    check(&holds, &ended, Some(Told::Ended));
    check(&ended, &ended, None);
    check(&refused, &ended, None);
    check(&ended, &refused, Some(Told::Refused));
    check(&refused, &refused, None);
    check(&refused, &condition(REFUSED, "y"), Some(Told::Refused));
    check(&holds, &[], None);
}

#[test]
fn a_pause_of_another_is_recorded_where_something_differs_and_from_then_on() {
    let one = fields(1);
    let holds = pause(60);
    let status = |until: i64| DriftStatus { pause: after(&[(10, Some(until), &[])]), ..DriftStatus::default() };
    let check = |previous: Option<&DriftStatus>, drifts: &[DriftedField], expected: bool| {
        assert_eq!(relevant(Some(&holds), previous, drifts, at(30)).is_some(), expected);
    };
    check(None, &[], false);
    check(None, &one, true);
    check(Some(&status(60)), &[], true);
    check(Some(&status(20)), &[], false);
    assert!(relevant(None, Some(&status(60)), &one, at(30)).is_none());
}
