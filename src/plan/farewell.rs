//! What becomes of what a GitSync applied when it is deleted, and its `deletionPolicy` is `Delete`.
//!
//! The proof is that of a prune, and so is the budget. There is no guard for the last object. That guard is for a commit that
//! leaves nothing by mistake; here two people's words, or one person's two, say that all of it goes: the policy in the spec, and
//! the deletion of the GitSync, which the admission policy refuses by hand until it is allowed. A guard that holds every
//! farewell would only teach people to approve unread. And the source has no say: nothing is declared any more.

use std::collections::HashSet;
use std::sync::Arc;

use super::approval::{self, Doomed};
use super::budget::{self, Bill, Budget, Judged};
use super::decide::{LiveView, Sync, undeclared};
use super::guards::Guards;
use super::ownership::{Alone, Rules};
use crate::api::gitsync::TakeOver;
use crate::api::gitsync_status::{DELETION_BUDGET, Deletions, HeldPlan};
use crate::model::{Action, HoldReason, Target};

/// One that is to be deleted, exactly as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Its name and UID.
    pub doomed: Doomed,
    /// resourceVersion that it must still have.
    pub resource_version: u64,
}

/// What there is of a GitSync that is being deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// What is to be deleted, in order of name.
    pub leaving: Vec<Leaving>,
    /// What was deleted and is not gone yet.
    pub going: Vec<Target>,
    /// What stays, and why.
    pub stays: Vec<(Target, HoldReason)>,
    /// What another GitSync may declare, which has yet to say so.
    pub unsure: Vec<(Target, HoldReason)>,
}

impl Estate {
    /// Looks at everything that says it is part of the GitSync's set. `begun` are UIDs whose deletion was accepted, and
    /// of which nothing was heard since. `heir` says why an object stays because of another GitSync.
    pub fn of<'a>(
        sync: &Sync,
        members: impl IntoIterator<Item = (Target, LiveView<'a>)>,
        begun: &HashSet<Arc<str>>,
        heir: impl Fn(&Target) -> Option<HoldReason>,
    ) -> Self {
        let mut estate = Self::default();
        // Other GitSyncs are asked below.
        let rules = Rules { take_over: TakeOver::Never, others: &Alone };
        for (key, view) in members {
            match undeclared(sync, &key, view, &Guards::default(), rules) {
                Action::Delete { .. } if view.deleting || begun.contains(view.uid) => estate.going.push(key),
                Action::Delete { uid, resource_version } => match heir(&key) {
                    None => estate.leaving.push(Leaving { doomed: Doomed { key, uid: uid.into() }, resource_version }),
                    Some(reason @ HoldReason::MayMove(..)) => estate.unsure.push((key, reason)),
                    Some(reason) => estate.stays.push((key, reason)),
                },
                Action::Hold(reason) => estate.stays.push((key, reason)),
                Action::Create | Action::Update { .. } | Action::TakeOver { .. } | Action::Unchanged => {}
            }
        }
        estate.leaving.sort_by(|a, b| a.doomed.cmp(&b.doomed));
        estate.going.sort();
        estate.stays.sort_by(|a, b| a.0.cmp(&b.0));
        estate.unsure.sort_by(|a, b| a.0.cmp(&b.0));
        estate
    }
}

/// What the spec and the status say.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// UID of the GitSync.
    pub sync_uid: &'a str,
    /// `spec.prune.budget`.
    pub budget: Budget,
    /// `status.recentDeletions`.
    pub recent: &'a [Deletions],
    /// `status.hold`.
    pub held: Option<&'a HeldPlan>,
    /// The plan that a person approves.
    pub approve: Option<&'a str>,
    /// The time.
    pub now: jiff::Timestamp,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing is left to do: the GitSync may go.
    Release,
    /// What was deleted has to be gone first, or another GitSync has to say what it declares.
    Wait,
    /// All that leaves is deleted.
    Delete,
    /// Nothing is deleted before a person approves the plan.
    Hold {
        /// Its hash.
        plan: String,
        /// The budget's arithmetic.
        sum: Judged,
    },
}

/// Decides what is done next.
pub fn next(estate: &Estate, terms: &Terms<'_>) -> Next {
    if !estate.unsure.is_empty() {
        return Next::Wait;
    }
    if estate.leaving.is_empty() {
        return if estate.going.is_empty() { Next::Release } else { Next::Wait };
    }
    let leaving = estate.leaving.len();
    let sum = budget::judge(&Bill {
        budget: terms.budget,
        recent: terms.recent,
        // What goes already was of the same plan.
        deletions: leaving + estate.going.len(),
        members: leaving + estate.going.len() + estate.stays.len(),
        held_of: None,
        now: terms.now,
    });
    let doomed: Vec<_> = estate.leaving.iter().map(|one| one.doomed.clone()).collect();
    let plan = approval::hash(terms.sync_uid, &doomed, DELETION_BUDGET);
    if sum.fits() || approved(terms, &plan, leaving) { Next::Delete } else { Next::Hold { plan, sum } }
}

/// A plan is approved by its hash. What is left of an approved plan after a crash has another one: but nothing joins a
/// set that nobody applies any more, so what is no larger is a part of what stands in the status as held and approved.
fn approved(terms: &Terms<'_>, plan: &str, leaving: usize) -> bool {
    let Some(approve) = terms.approve else { return false };
    let rest_of =
        |held: &HeldPlan| held.reason == DELETION_BUDGET && held.plan == approve && leaving <= held.deletions as usize;
    approve == plan || terms.held.is_some_and(rest_of)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;
    use crate::api::SourceMark;
    use crate::model::{ObjectKey, Silence};
    use crate::plan::{Standing, applyset};

    fn sync() -> Sync {
        let key = ObjectKey::new("shop", "main");
        let applyset = applyset::id(&key.namespace, &key.name);
        Sync { key, uid: "sync".into(), applyset }
    }

    fn target(name: &str) -> Target {
        Target::service(ObjectKey::new("shop", name))
    }

    fn standing(name: &str) -> Standing {
        let mark = SourceMark { sync: "shop/main".into(), sync_uid: "sync".into(), object: format!("shop/{name}") };
        Standing {
            mark: Some(mark),
            part_of: Some(sync().applyset),
            label_owned: true,
            prune: true,
            ..Standing::default()
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Standing), deleting: bool, begun: &[&str], expected: &str) {
        check_with(change, deleting, begun, None, expected);
    }

    /// What becomes of one member: it leaves, goes, stays for a reason, or that is not known.
    #[track_caller]
    fn check_with(
        change: impl FnOnce(&mut Standing),
        deleting: bool,
        begun: &[&str],
        heir: Option<&HoldReason>,
        expected: &str,
    ) {
        let mut standing = standing("a");
        change(&mut standing);
        let view = LiveView { uid: "u", resource_version: 7, deleting, standing: &standing };
        let begun = begun.iter().map(|uid| Arc::from(*uid)).collect();
        let estate = Estate::of(&sync(), [(target("a"), view)], &begun, |_| heir.cloned());
        let leaves = estate.leaving.iter().map(|one| format!("leaves at {}", one.resource_version));
        let goes = estate.going.iter().map(|_| "goes".to_owned());
        let stays = estate.stays.iter().map(|(_, reason)| reason.reason().to_owned());
        let unsure = estate.unsure.iter().map(|_| "unsure".to_owned());
        assert_eq!(leaves.chain(goes).chain(stays).chain(unsure).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn what_is_proven_leaves() {
        check(|_| {}, false, &[], "leaves at 7");
        check(|_| {}, false, &["other"], "leaves at 7");
        check(|_| {}, true, &[], "goes");
        check(|_| {}, false, &["u"], "goes");
    }

    #[test]
    fn what_is_not_proven_or_protected_stays_and_nobody_waits_for_it() {
        for deleting in [false, true] {
            check(|one| one.prune = false, deleting, &[], "PruneProtected");
            check(|one| one.label_owned = false, deleting, &[], "OwnershipUnproven");
            check(|one| one.mark = None, deleting, &[], "OwnershipUnproven");
            check(|one| one.mark.as_mut().unwrap().sync_uid = "before".into(), deleting, &[], "OwnershipUnproven");
            check(|one| one.mark.as_mut().unwrap().object = "shop/b".into(), deleting, &[], "OwnershipUnproven");
        }
    }

    #[test]
    fn what_another_gitsync_declares_stays_for_it() {
        let moving = HoldReason::Moving("team/b".into());
        check_with(|_| {}, false, &[], Some(&moving), "Moving");
        // It goes already; whoever declares it makes it anew.
        check_with(|_| {}, true, &[], Some(&moving), "goes");
        let silent = HoldReason::MayMove("team/b".into(), Silence::Reading);
        check_with(|_| {}, false, &[], Some(&silent), "unsure");
        check_with(|one| one.prune = false, false, &[], Some(&silent), "PruneProtected");
    }

    fn estate(leaving: usize, going: usize, stays: usize) -> Estate {
        let one = |index: usize| Leaving {
            doomed: Doomed { key: target(&format!("l{index}")), uid: format!("u{index}").into() },
            resource_version: 1,
        };
        Estate {
            leaving: (0..leaving).map(one).collect(),
            going: (0..going).map(|index| target(&format!("g{index}"))).collect(),
            stays: (0..stays).map(|index| (target(&format!("s{index}")), HoldReason::PruneProtected)).collect(),
            unsure: Vec::new(),
        }
    }

    fn held(plan: &str, deletions: u32) -> HeldPlan {
        HeldPlan {
            plan: plan.into(),
            revision: String::new(),
            reason: DELETION_BUDGET.into(),
            message: String::new(),
            creations: 0,
            updates: 0,
            deletions,
            deletes: Vec::new(),
            members: None,
            since: Time(Timestamp::UNIX_EPOCH),
        }
    }

    fn terms<'a>(budget: Budget, approve: Option<&'a str>, held: Option<&'a HeldPlan>) -> Terms<'a> {
        Terms { sync_uid: "sync", budget, recent: &[], held, approve, now: Timestamp::UNIX_EPOCH }
    }

    fn word(next: &Next) -> &'static str {
        match next {
            Next::Release => "release",
            Next::Wait => "wait",
            Next::Delete => "delete",
            Next::Hold { .. } => "hold",
        }
    }

    #[track_caller]
    fn step(estate: &Estate, budget: Budget, expected: &str) {
        assert_eq!(word(&next(estate, &terms(budget, None, None))), expected, "{estate:?}");
    }

    #[test]
    fn the_gitsync_goes_last() {
        step(&estate(0, 0, 3), Budget::default(), "release");
        step(&estate(0, 2, 0), Budget::default(), "wait");
        step(&estate(1, 0, 0), Budget::default(), "delete");
        let unsure = vec![(target("x"), HoldReason::MayMove("team/b".into(), Silence::Reading))];
        step(&Estate { unsure, ..estate(1, 0, 0) }, Budget::default(), "wait");
    }

    #[test]
    fn all_of_it_goes_or_nothing_does() {
        step(&estate(5, 0, 0), Budget::default(), "hold");
        step(&estate(5, 0, 0), Budget::Percent(100), "delete");
        step(&estate(5, 0, 0), Budget::Number(5), "delete");
        step(&estate(5, 1, 0), Budget::Number(5), "hold");
        step(&estate(2, 0, 8), Budget::default(), "delete");
        step(&estate(1, 0, 0), Budget::Number(0), "hold");
        let recent = [Deletions {
            at: Time(Timestamp::UNIX_EPOCH),
            count: 3,
            members: 8,
            pending: Vec::new(),
            plan: None,
            left: None,
        }];
        let terms = Terms { recent: &recent, ..terms(Budget::Number(5), None, None) };
        assert_eq!(word(&next(&estate(5, 0, 0), &terms)), "hold", "the hour had deletions before");
    }

    #[test]
    fn the_last_object_needs_no_further_word_and_more_than_the_budget_do() {
        step(&estate(1, 0, 0), Budget::default(), "delete");
        step(&estate(1, 0, 0), Budget::Percent(0), "hold");
        step(&estate(2, 0, 0), Budget::default(), "hold");
        step(&estate(2, 0, 0), Budget::Number(2), "delete");
    }

    #[test]
    fn just_the_plan_that_was_read_is_approved() {
        let Next::Hold { plan, .. } = next(&estate(5, 0, 0), &terms(Budget::default(), None, None)) else {
            panic!("not held")
        };
        let check = |leaving: usize, approve: &str, held: Option<HeldPlan>, expected: &str| {
            let terms = terms(Budget::default(), Some(approve), held.as_ref());
            assert_eq!(word(&next(&estate(leaving, 0, 0), &terms)), expected, "{leaving} {approve}");
        };
        check(5, &plan, None, "delete");
        check(5, "another", None, "hold");
        check(4, &plan, None, "hold");
        // Half of it was done when the daemon died.
        check(4, &plan, Some(held(&plan, 5)), "delete");
        check(6, &plan, Some(held(&plan, 5)), "hold");
        check(4, &plan, Some(held("another", 5)), "hold");
        check(4, &plan, Some(HeldPlan { reason: "PruneBudget".into(), ..held(&plan, 5) }), "hold");
    }
}
