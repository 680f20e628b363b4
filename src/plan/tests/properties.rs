//! What holds for any declared and live objects.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::budget::minute;
use super::judge::doomed;
use super::{applied, object, sync};
use crate::api::gitsync::TakeOver;
use crate::model::{Action, Declared, ObjectKey, Target};
use crate::plan::approval::hash;
use crate::plan::budget::{record, spent};
use crate::plan::decide::LiveView;
use crate::plan::{Alone, Rules};
use crate::plan::{Approved, Budget, Case, Doomed, Guards, Standing, judge};

const ALONE: Rules<'static> = Rules { take_over: TakeOver::Never, others: &Alone };

fn key(number: usize) -> Target {
    Target::service(ObjectKey::new("shop", format!("s{number}")))
}

/// What the API server has after we applied that one.
fn standing(number: usize, proven: bool) -> Standing {
    let mut standing = applied();
    if let Some(mark) = &mut standing.mark {
        mark.object = key(number).key.to_string();
    }
    standing.label_owned = proven;
    standing
}

fn declared(numbers: impl IntoIterator<Item = usize>) -> Declared {
    let objects = numbers.into_iter().map(|number| (key(number), object("h1"))).collect();
    Declared { objects, files: 1, ..Declared::default() }
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![(0..8_u32).prop_map(Budget::Number), (0..120_u32).prop_map(Budget::Percent)]
}

/// A GitSync of so many live objects, driven through commits and minutes, as the loop does it.
struct World {
    live: Vec<Doomed>,
    recent: Vec<crate::api::gitsync_status::Deletions>,
    held_of: Option<u32>,
    minute: i64,
    made: usize,
}

impl World {
    /// Asks for these deletions, and carries out what is permitted. Returns how many went, and the hash of what is held.
    fn plan(
        &mut self,
        deletions: &[Doomed],
        creations: usize,
        budget: Budget,
        approve: Option<&str>,
    ) -> (usize, Option<String>) {
        let none = BTreeMap::new();
        let verdict = judge(&Case {
            sync_uid: "sync",
            deletions,
            stay: self.live.len() - deletions.len(),
            creations,
            asks: None,
            unborn: None,
            renamed: &none,
            budget,
            recent: &self.recent,
            held_of: self.held_of,
            approve,
            approved: None,
            now: minute(self.minute),
        });
        let gone = verdict.permit.len();
        if gone > 0 {
            record(&mut self.recent, verdict.sum.entry(gone, minute(self.minute)), minute(self.minute));
        }
        self.live.retain(|one| !verdict.permit.allows(&one.key, &one.uid));
        self.held_of = verdict.held.as_ref().map(|_| u32::try_from(verdict.sum.base).unwrap());
        for _ in 0..creations {
            self.made += 1;
            self.live.push(doomed(&format!("new-{}", self.made)));
        }
        (gone, verdict.held.map(|held| held.plan))
    }
}

proptest! {
    /// Nothing goes without the three-part proof, and nothing that is declared.
    #[test]
    fn only_what_is_proven_and_undeclared_is_doomed(
        live in vec((any::<bool>(), any::<bool>(), any::<bool>()), 0..30), prunes in any::<bool>(), scope in any::<bool>(),
    ) {
        let declared = declared(live.iter().enumerate().filter(|(_, (declared, ..))| *declared).map(|(number, _)| number));
        let standings: Vec<_> = live.iter().enumerate().map(|(number, (_, proven, _))| standing(number, *proven)).collect();
        let keys: Vec<_> = (0..live.len()).map(key).collect();
        let view = |number: usize| LiveView { uid: "u", resource_version: 1, deleting: live[number].2, standing: &standings[number] };
        let guards = Guards::new(&declared, prunes, scope);
        let members = (0..live.len()).map(|number| (&keys[number], view(number)));
        let plan = crate::plan::plan(&sync(), &declared, |_| None, members, &guards, ALONE);
        for change in plan.changes.iter().filter(|change| matches!(change.action, Action::Delete { .. })) {
            let number = keys.iter().position(|key| *key == change.key).unwrap();
            let (is_declared, proven, deleting) = live[number];
            prop_assert!(!is_declared && proven && !deleting && prunes && !scope);
        }
    }

    /// However the deletions are spread over commits and minutes, and whatever is created meanwhile: without approval no hour
    /// has more of them than its budget, and something always stays.
    #[test]
    fn no_hour_deletes_more_than_its_budget(
        start in 1..60_usize, budget in budgets(), plans in vec((0..9_i64, 0..8_usize, 0..6_usize), 1..60),
    ) {
        let mut world = World { live: (0..start).map(|n| doomed(&format!("s{n}"))).collect(), recent: vec![], held_of: None, minute: 0, made: 0 };
        // When, how many went, and how many there were.
        let mut history: Vec<(i64, usize, usize)> = Vec::new();
        for (pause, wanted, creations) in plans {
            world.minute += pause;
            let before = world.live.len();
            let deletions: Vec<_> = world.live.iter().take(wanted).cloned().collect();
            let (gone, held) = world.plan(&deletions, creations, budget, None);
            prop_assert!(gone == 0 || gone == deletions.len(), "all or nothing");
            prop_assert_eq!(held.is_some(), gone < deletions.len());
            history.push((world.minute, gone, before));
            prop_assert!(!world.live.is_empty());
        }
        for (index, (begin, first, before)) in history.iter().enumerate().filter(|(_, (_, gone, _))| *gone > 0) {
            let hour = history[index..].iter().take_while(|(at, ..)| at - begin < 60).map(|(_, gone, _)| gone).sum::<usize>();
            // What is judged in the hour is judged by what there was before a deletion of the hour before that.
            let earlier = history[..index].iter().filter(|(at, gone, _)| begin - at < 60 && *gone > 0);
            let before = earlier.map(|(.., before)| before).chain([before]).max().unwrap();
            let allowed = match budget {
                Budget::Number(number) => number as usize,
                Budget::Percent(0) => 0,
                Budget::Percent(percent) => (before * percent as usize / 100).max(1),
            };
            prop_assert!(hour <= allowed, "{hour} within an hour from minute {begin}, {first} first, {before} members, {budget:?}");
        }
    }

    /// An approval lets exactly one plan go: any other set of deletions is held as before.
    #[test]
    fn an_approval_is_for_exactly_one_plan(
        members in 2..40_usize, approved in vec(0..40_usize, 1..12), wanted in vec(0..40_usize, 1..12), remade in any::<bool>(),
    ) {
        let live: Vec<_> = (0..members).map(|n| doomed(&format!("s{n}"))).collect();
        let pick = |numbers: &[usize]| -> Vec<Doomed> {
            let set: std::collections::BTreeSet<_> = numbers.iter().map(|n| live[n % members].clone()).collect();
            set.into_iter().collect()
        };
        let approved = pick(&approved);
        let mut wanted = pick(&wanted);
        if remade {
            wanted[0].uid = "made anew".into();
        }
        let none = BTreeMap::new();
        let carried = Approved::new(&hash("sync", &approved, "PruneBudget"), &approved);
        for carried in [None, Some(&carried)] {
            let verdict = judge(&Case {
                sync_uid: "sync", deletions: &wanted, stay: members - wanted.len(), creations: 1, asks: None, unborn: None,
                renamed: &none, budget: Budget::Number(0), recent: &[], held_of: None,
                approve: Some(&hash("sync", &approved, "PruneBudget")), approved: carried, now: minute(0),
            });
            prop_assert_eq!(!verdict.permit.is_empty(), approved == wanted);
            prop_assert_eq!(verdict.permit.is_empty(), verdict.held.is_some());
            prop_assert!(wanted.iter().all(|one| verdict.permit.allows(&one.key, &one.uid) == (approved == wanted)));
        }
    }

    /// A clock that goes back, or an entry of a clock that was ahead, never makes room.
    #[test]
    fn a_clock_that_goes_back_makes_no_room(entries in vec((-120..120_i64, 0..5_u32), 0..80), now in 0..60_i64, back in 0..500_i64) {
        let mut recent = Vec::new();
        for (at, count) in entries {
            record(&mut recent, super::budget::entry(at, count, 100), minute(0));
        }
        prop_assert!(spent(&recent, minute(now - back)) >= spent(&recent, minute(now)));
    }
}
