//! The status of a GitSync that is being deleted: what is waited for, and what a person can do about it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::shorten;
use crate::api::GitSyncStatus;
use crate::api::condition::{self, Finding, READY, RECONCILING, STALLED, truncate_to_seconds};
use crate::api::gitsync_status::{DELETION_BUDGET, HeldPlan, ObjectProblem};

/// Names and problems that a status lists.
const LISTED: usize = 20;
/// Bytes of one message.
const MESSAGE: usize = 512;

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Somebody suspended it.
    Suspended,
    /// A person must approve.
    Held {
        /// Hash of the plan.
        plan: String,
        /// The budget's arithmetic.
        sum: String,
    },
    /// What it applied is being deleted.
    Deleting,
}

/// What is known of it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Namespace of the GitSync.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Generation of the spec that was acted on.
    pub generation: Option<i64>,
    /// How far it is.
    pub stage: Stage,
    /// What is not deleted yet, as `namespace/name`.
    pub leaving: Vec<String>,
    /// What is deleted and not gone yet.
    pub going: Vec<String>,
    /// What another GitSync may declare, and why that is not known.
    pub unsure: Option<(String, String)>,
    /// What could not be deleted.
    pub problems: Vec<ObjectProblem>,
}

/// The status that follows.
pub fn status(seen: &Seen, previous: &GitSyncStatus, now: jiff::Timestamp) -> GitSyncStatus {
    let findings = findings(seen);
    let mut conditions = condition::set(&previous.conditions, &findings, seen.generation, now);
    // What was said of drift was true then, and nobody looks any more.
    conditions.extend(condition::find(&previous.conditions, condition::DRIFTED).cloned());
    GitSyncStatus {
        observed_generation: seen.generation,
        conditions,
        hold: hold(seen, previous, now),
        progress: None,
        problems: seen.problems.iter().take(LISTED).map(problem).collect(),
        // It has a writer of its own.
        notify: Vec::new(),
        ..previous.clone()
    }
}

/// The held plan. It stays while it is carried out: who goes on after a crash reads from it what was approved.
fn hold(seen: &Seen, previous: &GitSyncStatus, now: jiff::Timestamp) -> Option<HeldPlan> {
    let Stage::Held { plan, sum } = &seen.stage else {
        return previous.hold.clone().filter(|hold| hold.reason == DELETION_BUDGET);
    };
    let since = previous.hold.as_ref().filter(|hold| hold.plan == *plan).map(|hold| hold.since.clone());
    let revision = previous.last_applied_revision.as_ref().map(|applied| applied.revision.clone());
    Some(HeldPlan {
        plan: plan.clone(),
        revision: revision.unwrap_or_default(),
        reason: DELETION_BUDGET.to_owned(),
        message: sum.clone(),
        creations: 0,
        updates: 0,
        deletions: u32::try_from(seen.leaving.len()).unwrap_or(u32::MAX),
        deletes: seen.leaving.iter().take(LISTED).cloned().collect(),
        members: None,
        since: since.unwrap_or_else(|| Time(truncate_to_seconds(now))),
    })
}

fn findings(seen: &Seen) -> Vec<Finding> {
    let Seen { namespace, name, .. } = seen;
    let count = |names: &[String]| {
        let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
        names.first().map(|first| format!("{first}{more}")).unwrap_or_default()
    };
    let orphan = "or set spec.deletionPolicy to Orphan, and it goes without them";
    let (reason, message) = match &seen.stage {
        Stage::Suspended => (
            "Suspended",
            format!("is being deleted; suspended, so that {} objects stay: resume it, {orphan}", seen.leaving.len()),
        ),
        Stage::Held { plan, sum } => (
            DELETION_BUDGET,
            format!(
                "is being deleted, and with it {}: {sum}. Approve it: kubectl annotate -n {namespace} gitsyncs.gitmoor.dev/{name} --overwrite gitmoor.dev/approve-plan={plan}, {orphan}",
                count(&seen.leaving)
            ),
        ),
        Stage::Deleting => match (&seen.unsure, seen.problems.first()) {
            (Some((object, why)), _) => ("Deleting", format!("is being deleted; {object} {why}; {orphan}")),
            (None, Some(first)) => (
                "DeletionFailed",
                format!("is being deleted; {} cannot be: {}. It is tried again", first.object, first.message),
            ),
            (None, None) if seen.going.is_empty() => {
                ("Deleting", format!("is being deleted, and with it {}", count(&seen.leaving)))
            }
            (None, None) => ("Deleting", format!("is being deleted; waiting until {} is gone", count(&seen.going))),
        },
    };
    let message = shorten(&message, MESSAGE);
    let other = if matches!(seen.stage, Stage::Held { .. }) { STALLED } else { RECONCILING };
    let mut findings = vec![Finding::new(READY, false, reason, message.as_str())];
    if seen.stage != Stage::Suspended {
        findings.push(Finding::new(other, true, reason, message));
    }
    findings
}

fn problem(problem: &ObjectProblem) -> ObjectProblem {
    ObjectProblem { message: shorten(&problem.message, MESSAGE), ..problem.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stage: Stage, leaving: &[&str], going: &[&str]) -> Seen {
        let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Seen {
            namespace: "shop".into(),
            name: "main".into(),
            generation: Some(3),
            stage,
            leaving: names(leaving),
            going: names(going),
            unsure: None,
            problems: Vec::new(),
        }
    }

    #[track_caller]
    fn check(seen: &Seen, expected: &[(&str, &str)], words: &[&str]) {
        let status = status(seen, &GitSyncStatus::default(), jiff::Timestamp::UNIX_EPOCH);
        let found: Vec<_> = status.conditions.iter().map(|one| (one.type_.as_str(), one.reason.as_str())).collect();
        assert_eq!(found, expected);
        for word in words {
            assert!(status.conditions[0].message.contains(word), "{word:?} in {}", status.conditions[0].message);
        }
        assert_eq!(status.conditions[0].status, "False");
    }

    fn held(plan: &str) -> Stage {
        Stage::Held { plan: plan.into(), sum: "3 deletions, 1 allowed".into() }
    }

    #[test]
    fn what_is_held_says_why_and_how_it_is_approved() {
        let words = [
            "shop/a and 2 more: 3 deletions, 1 allowed",
            "kubectl annotate -n shop gitsyncs.gitmoor.dev/main --overwrite gitmoor.dev/approve-plan=abc",
            "Orphan",
        ];
        let seen = seen(held("abc"), &["shop/a", "shop/b", "shop/c"], &[]);
        check(&seen, &[("Ready", "DeletionBudget"), ("Stalled", "DeletionBudget")], &words);
    }

    #[test]
    fn what_is_waited_for_is_named() {
        let both = [("Ready", "Deleting"), ("Reconciling", "Deleting")];
        check(&seen(Stage::Deleting, &["shop/a"], &[]), &both, &["with it shop/a"]);
        check(&seen(Stage::Deleting, &[], &["shop/a", "shop/b"]), &both, &["until shop/a and 1 more is gone"]);
        check(&seen(Stage::Suspended, &["shop/a"], &[]), &[("Ready", "Suspended")], &["1 objects stay", "resume"]);
        let unsure =
            Seen { unsure: Some(("shop/a".into(), "may move to b".into())), ..seen(Stage::Deleting, &[], &[]) };
        check(&unsure, &both, &["shop/a may move to b", "Orphan"]);
        let problem = ObjectProblem { object: "shop/a".into(), message: "no".into(), ..ObjectProblem::default() };
        let failed = Seen { problems: vec![problem], ..seen(Stage::Deleting, &["shop/a"], &[]) };
        let both = [("Ready", "DeletionFailed"), ("Reconciling", "DeletionFailed")];
        check(&failed, &both, &["shop/a cannot be: no"]);
    }

    #[test]
    fn a_held_plan_keeps_its_time_and_stands_while_it_is_carried_out() {
        let at = |second: i64| jiff::Timestamp::from_second(second).unwrap();
        let first = status(&seen(held("abc"), &["shop/a"], &[]), &GitSyncStatus::default(), at(1));
        let again = status(&seen(held("abc"), &["shop/a"], &[]), &first, at(2));
        assert_eq!(again, first, "nothing new is no news");
        let other = status(&seen(held("def"), &["shop/b"], &[]), &first, at(2));
        assert_eq!(other.hold.as_ref().map(|hold| hold.since.0), Some(at(2)));
        let deleting = status(&seen(Stage::Deleting, &[], &["shop/a"]), &first, at(3));
        assert_eq!(deleting.hold, first.hold);
    }
}
