//! Corrections that somebody undoes, by a clock of the test's own.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn field(path: &str) -> DriftedField {
    let field = serde_json::json!({
        "kind": "Deployment", "object": "shop/orders", "path": path, "change": "Modified", "manager": "keda",
        "observed": "2026-03-01T12:00:00Z"
    });
    serde_json::from_value(field).unwrap()
}

/// Corrections that are made within so many seconds, where the fields that `differ` names differ again in each.
fn corrections(pace: &mut Pace, seconds: std::ops::Range<i64>, differ: impl Fn(i64) -> String) -> Vec<i64> {
    seconds
        .filter(|second| {
            let fields = [field(&differ(*second))];
            let free = pace.turn(&fields, at(*second)).wait.is_none();
            if free {
                pace.corrected(&fields, at(*second));
            }
            free
        })
        .collect()
}

fn replicas(_: i64) -> String {
    "/spec/replicas".into()
}

#[test]
fn a_few_corrections_are_made_at_once_and_then_ever_fewer_to_a_floor() {
    let made = corrections(&mut Pace::default(), 0..3600, replicas);
    let pauses: Vec<_> = made.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses[..10], [1, 1, 1, 1, 15, 30, 60, 120, 240, 300]);
    assert!(pauses[9..].iter().all(|pause| *pause == 300), "{pauses:?}");
    assert_eq!(made.len(), 20, "in an hour");
}

#[test]
fn a_fight_has_a_rate_and_names_the_other_side() {
    let mut pace = Pace::default();
    corrections(&mut pace, 0..5, replicas);
    assert_eq!(pace.fight(), None);
    let turn = pace.turn(&[field("/spec/replicas")], at(10));
    assert_eq!(turn, Turn { wait: Some(SignedDuration::from_secs(9)), began: true });
    let fight = pace.fight().unwrap();
    assert_eq!((fight.since.0, fight.per_minute, fight.corrected_every_seconds), (at(10), 30, 15));
    assert_eq!(fight.managers, ["keda"]);
    assert!(!pace.turn(&[field("/spec/replicas")], at(11)).began, "it begins once");
    assert!(pace.is_fought_for(&field("/spec/replicas")) && !pace.is_fought_for(&field("/spec/paused")));
}

#[test]
fn edits_in_a_row_are_no_fight() {
    let check = |seconds: i64, differ: &dyn Fn(i64) -> String, fights: bool| {
        let mut pace = Pace::default();
        corrections(&mut pace, 0..seconds, differ);
        assert_eq!(pace.fight().is_some(), fights, "{seconds}");
    };
    check(2, &replicas, false);
    check(5, &replicas, false);
    check(6, &replicas, true);
    // Somebody who tries one field after the other.
    let each = |second: i64| format!("/metadata/labels/{second}");
    check(20, &each, false);
    // Whatever the fields, there is an end.
    check(21, &each, true);
    let mut pace = Pace::default();
    for minute in 0..30 {
        let now = at(minute * 13);
        assert_eq!(pace.turn(&[field("/spec/replicas")], now).wait, None, "one in 13 seconds is none: {minute}");
        pace.corrected(&[field("/spec/replicas")], now);
    }
}

#[test]
fn a_fight_is_over_when_it_was_quiet_for_as_long_as_the_last_pause() {
    let mut pace = Pace::default();
    corrections(&mut pace, 0..20, replicas);
    assert_eq!(pace.fight().unwrap().corrected_every_seconds, 30, "corrected at 19");
    assert_eq!(pace.due(at(20)), Some(SignedDuration::from_secs(29)));
    for second in 20..49 {
        assert_eq!(pace.quiet(at(second)), None, "{second}");
    }
    // A correction that is wanted meanwhile waits.
    assert!(pace.turn(&[field("/spec/replicas")], at(48)).wait.is_some());
    let ended = pace.quiet(at(49)).unwrap();
    assert_eq!((ended.since.0, pace.fight()), (at(5), None));
    assert_eq!(corrections(&mut pace, 50..55, replicas).len(), 5, "as at the beginning");
    assert!(!pace.is_idle(at(60)) && pace.quiet(at(60)).is_none());
}

#[test]
fn status_is_written_now_and_then_while_it_is_fought_for() {
    let mut pace = Pace::default();
    assert_eq!(pace.hush(at(0)), None);
    corrections(&mut pace, 0..6, replicas);
    let told: Vec<_> = (6..60).filter(|second| pace.hush(at(*second)).is_none()).collect();
    assert_eq!(told, [6, 16, 26, 36, 46, 56]);
}

#[test]
fn whoever_is_always_faster_fights_too() {
    let fields = [field("/spec/replicas")];
    let check = |note: fn(&mut Pace, Timestamp)| {
        let mut pace = Pace::default();
        (0..19).for_each(|second| note(&mut pace, at(second)));
        assert_eq!(pace.turn(&fields, at(19)), Turn::default());
        note(&mut pace, at(19));
        assert!(pace.turn(&fields, at(20)).began);
        assert_eq!(pace.fight().unwrap().per_minute, 60);
        pace
    };
    // While it is fought for, a race that was lost is a correction, and another edit is not.
    let mut pace = check(Pace::lost);
    pace.lost(at(30));
    assert_eq!(pace.due(at(30)), Some(FIRST));
    let mut pace = check(Pace::rewritten);
    pace.rewritten(at(30));
    assert_eq!(pace.due(at(30)), Some(SignedDuration::from_secs(4)));
}

#[test]
fn a_clock_that_jumps_back_holds_nothing_for_long() {
    let mut pace = Pace::default();
    corrections(&mut pace, 100_000..100_005, replicas);
    assert_eq!(pace.turn(&[field("/spec/replicas")], at(0)), Turn::default(), "these were in no minute before");
    let mut pace = Pace::default();
    corrections(&mut pace, 100_000..100_006, replicas);
    assert_eq!(pace.turn(&[field("/spec/replicas")], at(0)).wait, Some(FIRST));
    assert_eq!(pace.turn(&[field("/spec/replicas")], at(15)).wait, None);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut before = Pace::default();
    corrections(&mut before, 0..600, replicas);
    let status = before.fight().unwrap();
    let mut pace = Pace::resumed(&status, &[field("/spec/replicas")], at(1000));
    assert_eq!(pace.fight(), Some(status.clone()));
    assert!(pace.is_fought_for(&field("/spec/replicas")));
    let every = i64::from(status.corrected_every_seconds);
    assert_eq!(corrections(&mut pace, 1000..1000 + every + 1, replicas), [1000 + every]);
    // What nobody of ours wrote is no pace.
    let absurd = FightStatus { corrected_every_seconds: u32::MAX, ..status };
    assert_eq!(Pace::resumed(&absurd, &[], at(0)).due(at(0)), Some(FLOOR));
}

#[test]
fn fights_for_several_parts_are_one() {
    let fight = |since, manager: &str, per_minute, every| FightStatus {
        since: Time(at(since)),
        managers: vec![manager.into()],
        per_minute,
        corrected_every_seconds: every,
    };
    let one = merged([fight(20, "b", 10, 300), fight(10, "a", 50, 15)]).unwrap();
    assert_eq!(one, FightStatus { managers: vec!["a".into(), "b".into()], ..fight(10, "", 50, 300) });
    assert_eq!(merged([]), None);
}
