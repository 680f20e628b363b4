//! Waves, dependencies and the time that a wait takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::ObjectKey;
use Stands::{Done, Failed, Leaving, Unapplied, Unready};

fn steps(objects: &[(&'static str, i32, Stands)]) -> Vec<Step<&'static str>> {
    objects.iter().map(|(key, wave, stands)| Step { key: *key, wave: Some(*wave), stands: *stands }).collect()
}

#[track_caller]
fn check(objects: &[(&'static str, i32, Stands)], stage: Stage, blockers: &[&str]) -> Front<&'static str> {
    let front = front(steps(objects));
    assert_eq!((front.stage, &front.blockers[..]), (stage, blockers), "{objects:?}");
    front
}

#[test]
fn the_lowest_wave_that_is_not_done_is_the_front() {
    check(&[], Stage::Done, &[]);
    check(&[("a", 0, Done), ("b", 7, Done)], Stage::Done, &[]);
    check(&[("a", 0, Unapplied), ("b", 1, Unapplied)], Stage::Apply(0), &["a"]);
    check(&[("a", 0, Done), ("b", 1, Unapplied)], Stage::Apply(1), &["b"]);
    check(&[("a", 5, Unapplied), ("b", -5, Unready)], Stage::Apply(-5), &["b"]);
    check(&[("b", 0, Unready), ("a", 0, Unapplied), ("c", 0, Done)], Stage::Apply(0), &["a", "b"]);
}

#[test]
fn what_failed_keeps_its_wave_and_is_told_apart() {
    assert!(check(&[("a", 0, Failed), ("b", 1, Unapplied)], Stage::Apply(0), &["a"]).failed);
    assert!(!check(&[("a", 0, Unready), ("b", 1, Failed)], Stage::Apply(0), &["a"]).failed);
}

#[test]
fn deletions_come_after_everything_and_highest_first() {
    check(&[("a", 0, Leaving), ("b", 3, Unready)], Stage::Apply(3), &["b"]);
    check(&[("a", 0, Leaving), ("b", 3, Done), ("c", 2, Leaving)], Stage::Delete(2), &["c"]);
    check(&[("a", 0, Leaving), ("b", 3, Done)], Stage::Delete(0), &["a"]);
}

#[test]
fn a_wave_that_cannot_be_read_is_with_the_first() {
    let unknown = |stands| Step { key: "x", wave: None, stands };
    let with = |objects: &[(&'static str, i32, Stands)]| {
        let front = front(steps(objects).into_iter().chain([unknown(Failed)]));
        (front.stage, front.waves)
    };
    assert_eq!(with(&[("a", 3, Done), ("b", 4, Unapplied)]), (Stage::Apply(3), 2));
    assert_eq!(with(&[]), (Stage::Apply(0), 1));
}

#[test]
fn progress_counts_what_is_done_up_to_the_front() {
    let front = front(steps(&[("a", 0, Done), ("b", 1, Done), ("c", 1, Unready), ("d", 2, Done), ("e", 2, Unapplied)]));
    assert_eq!((front.done, front.total, front.waves), (2, 5, 3));
}

#[test]
fn a_stage_admits_what_is_before_it() {
    let check =
        |stage: Stage, work, wave, expected| assert_eq!(stage.admits(work, wave), expected, "{stage:?} {work:?}");
    check(Stage::Apply(1), Work::Apply, 1, true);
    check(Stage::Apply(1), Work::Apply, 0, true);
    check(Stage::Apply(1), Work::Apply, 2, false);
    check(Stage::Apply(1), Work::Delete, 1, false);
    check(Stage::Delete(1), Work::Delete, 1, true);
    check(Stage::Delete(1), Work::Delete, 2, true);
    check(Stage::Delete(1), Work::Delete, 0, false);
    check(Stage::Delete(1), Work::Apply, 9, true);
    check(Stage::Done, Work::Delete, 0, true);
}

/// What the cluster makes of an object that was begun.
fn next(stands: Stands) -> Option<Stands> {
    match stands {
        Unapplied | Failed => Some(Unready),
        Unready => Some(Done),
        Leaving => None,
        Done => Some(Done),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the waves and whatever comes first: nothing of a later wave begins before all of the earlier are ready,
    /// deletions go the other way after everything, and all is done in the end.
    #[test]
    fn waves_are_kept_whatever_happens_first(
        objects in prop::collection::vec((-3_i32..4, 0_usize..5), 0..12),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let all = [Unapplied, Unready, Done, Failed, Leaving];
        let mut world: BTreeMap<usize, (i32, Stands)> =
            objects.iter().enumerate().map(|(key, (wave, stands))| (key, (*wave, all[*stands]))).collect();
        let mut choices = choices.into_iter();
        loop {
            let front = front(world.iter().map(|(key, (wave, stands))| Step { key: *key, wave: Some(*wave), stands: *stands }));
            // What may happen now: work that is admitted, and what was begun comes to be ready.
            let may = |(wave, stands): (i32, Stands)| match stands {
                Unapplied | Failed => front.stage.admits(Work::Apply, wave),
                Leaving => front.stage.admits(Work::Delete, wave),
                Unready => true,
                Done => false,
            };
            let open: Vec<usize> = world.iter().filter(|(_, of)| may(**of)).map(|(key, _)| *key).collect();
            if open.is_empty() {
                break;
            }
            let key = *choices.next().unwrap_or_else(|| panic!("no end: {world:?}")).get(&open);
            let (wave, stands) = world[&key];
            let is_apply = |stands: Stands| matches!(stands, Unapplied | Failed | Unready);
            match stands {
                Unapplied | Failed => prop_assert!(world.values().all(|(other, stands)| *other >= wave || !is_apply(*stands))),
                Leaving => {
                    let first = |(other, stands): &(i32, Stands)| !is_apply(*stands) && (*other <= wave || *stands != Leaving);
                    prop_assert!(world.values().all(first));
                }
                Unready | Done => {}
            }
            match next(stands) {
                Some(stands) => world.insert(key, (wave, stands)),
                None => world.remove(&key),
            };
        }
        prop_assert!(world.values().all(|(_, stands)| *stands == Done), "{world:?}");
    }

    /// A ring is found exactly where there is one, and what is said is one.
    #[test]
    fn cycles_are_found_exactly(edges in prop::collection::vec((0_usize..6, 0_usize..6), 0..14)) {
        let mut reaches = [[false; 6]; 6];
        for (from, to) in &edges {
            reaches[*from][*to] = true;
        }
        for via in 0..6 {
            for from in 0..6 {
                for to in 0..6 {
                    reaches[from][to] |= reaches[from][via] && reaches[via][to];
                }
            }
        }
        let name = |index: usize| ObjectKey::new("a", index.to_string());
        let edge = |from: &ObjectKey, to: &ObjectKey| edges.iter().any(|(a, b)| name(*a) == *from && name(*b) == *to);
        let outgoing = |of: &ObjectKey| edges.iter().filter(|(from, _)| name(*from) == *of).map(|(_, to)| name(*to)).collect();
        for (index, reached) in reaches.iter().enumerate() {
            let found = cycle(&name(index), outgoing);
            prop_assert_eq!(found.is_some(), reached[index]);
            let Some(ring) = found else { continue };
            let unique: BTreeSet<_> = ring.iter().collect();
            prop_assert_eq!(unique.len(), ring.len());
            prop_assert!(ring.contains(&name(index)));
            prop_assert_eq!(ring.iter().min(), ring.first());
            let next = ring.iter().cycle().skip(1);
            prop_assert!(ring.iter().zip(next).all(|(from, to)| edge(from, to)), "{:?}", ring);
        }
    }
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// GitSyncs as `name: ready, depends on`, as seen by the first.
fn verdict(syncs: &[(&str, bool, &[&str])]) -> Verdict {
    let live: BTreeMap<ObjectKey, Dependent> = syncs
        .iter()
        .map(|(name, ready, on)| {
            (key(name), Dependent { ready: *ready, depends_on: on.iter().map(|on| key(on)).collect() })
        })
        .collect();
    let own = key(syncs[0].0);
    judge(&own, &live[&own].depends_on, "system", |key| live.get(key).cloned())
}

#[test]
fn a_gitsync_begins_when_all_that_it_depends_on_is_ready() {
    let waits = |missing: &[&str], unready: &[&str]| Verdict::Waits {
        missing: missing.iter().map(|name| key(name)).collect(),
        unready: unready.iter().map(|name| key(name)).collect(),
    };
    assert_eq!(verdict(&[("a/x", false, &[])]), Verdict::Free);
    assert_eq!(verdict(&[("a/x", false, &["a/y"]), ("a/y", true, &[])]), Verdict::Free);
    assert_eq!(
        verdict(&[("a/x", false, &["system/y", "a/z"]), ("system/y", true, &[]), ("a/z", true, &[])]),
        Verdict::Free
    );
    assert_eq!(verdict(&[("a/x", true, &["a/y"]), ("a/y", false, &[])]), waits(&[], &["a/y"]));
    assert_eq!(verdict(&[("a/x", true, &["a/y", "a/z"]), ("a/y", false, &[])]), waits(&["a/z"], &["a/y"]));
    // A dependency's own dependencies are its business.
    assert_eq!(verdict(&[("a/x", false, &["a/y"]), ("a/y", true, &["a/z"])]), Verdict::Free);
}

#[test]
fn another_namespace_is_nobodys_to_depend_on_but_the_operators_own() {
    let forbidden = Verdict::NotAllowed(vec![key("b/y")]);
    assert_eq!(verdict(&[("a/x", false, &["b/y"]), ("b/y", true, &[])]), forbidden);
    assert_eq!(verdict(&[("a/x", false, &["b/y"])]), forbidden, "whether it exists is not told");
    assert_eq!(verdict(&[("system/x", false, &["b/y"]), ("b/y", true, &[])]), forbidden);
    // What another may not depend on closes no ring.
    assert_eq!(verdict(&[("a/x", false, &["system/y"]), ("system/y", true, &["a/x"])]), Verdict::Free);
}

#[test]
fn all_of_a_ring_say_the_same() {
    let ring = |names: &[&str]| Verdict::Cycle(names.iter().map(|name| key(name)).collect());
    assert_eq!(verdict(&[("a/x", true, &["a/x"])]), ring(&["a/x"]));
    let three: [(&str, bool, &[&str]); 3] = [("a/z", true, &["a/x"]), ("a/x", true, &["a/y"]), ("a/y", true, &["a/z"])];
    for start in 0..3 {
        let mut syncs = three;
        syncs.rotate_left(start);
        assert_eq!(verdict(&syncs), ring(&["a/x", "a/y", "a/z"]));
    }
    // Who depends on a ring is not in it.
    assert!(matches!(verdict(&[("a/w", true, &["a/x"]), three[0], three[1], three[2]]), Verdict::Free));
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn the_clock_runs_on_while_the_same_is_waited_for() {
    let wave = |wave| Stretch::Wave("r1".into(), wave, false);
    let mut clock = Clock::default();
    assert_eq!(clock.left(Duration::from_secs(5), at(0)), None);
    assert_eq!(clock.wait(wave(0), at(10)), at(10));
    assert_eq!(clock.wait(wave(0), at(12)), at(10));
    assert_eq!(clock.left(Duration::from_secs(5), at(12)), Some(Duration::from_secs(3)));
    assert_eq!(clock.left(Duration::from_secs(5), at(99)), Some(Duration::ZERO));
    assert_eq!(clock.wait(wave(1), at(20)), at(20));
    clock.stop();
    assert_eq!((clock.since(), clock.wait(wave(1), at(30))), (None, at(30)));
}

#[test]
fn the_time_begins_when_the_work_is_done_and_trying_again_does_not_put_it_off() {
    let mut clock = Clock::default();
    clock.wait(Stretch::Health("r".into()), at(10));
    clock.worked(at(15));
    clock.worked(at(20));
    assert_eq!(clock.since(), Some(at(15)));
}

#[test]
fn a_restart_does_not_put_off_the_end() {
    let health = || Stretch::Health("r".into());
    let left = Some((health(), at(10)));
    let mut clock = Clock::restored(left.clone());
    assert_eq!(clock.wait(health(), at(40)), at(10));
    clock.worked(at(41));
    assert_eq!(clock.since(), Some(at(10)));
    // What it waited for is over: the next is another.
    let mut clock = Clock::restored(left.clone());
    assert_eq!(clock.wait(Stretch::Health("s".into()), at(40)), at(40));
    assert_eq!(clock.wait(health(), at(50)), at(50));
    // A clock that was wrong does not make a wait endless.
    let mut clock = Clock::restored(Some((health(), at(99))));
    assert_eq!(clock.wait(health(), at(40)), at(40));
}
