//! What of a service's new conditions a person is told, in the log and as an Event: what was not so before.
//!
//! It compares what status said with what it says now, so a restart repeats nothing. It tells of no change of words alone:
//! a crash that goes on is one piece of news.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{self, READY, REFERENCES_FOUND, ROUTES_ACCEPTED, SCALING_ACTIVE};

/// Conditions beside Ready that a person has to know of: Ready may speak of something else, or be True all the while.
pub const BESIDE: [&str; 3] = [ROUTES_ACCEPTED, SCALING_ACTIVE, REFERENCES_FOUND];

/// Reasons that every rollout passes through, or that somebody asked for: none says that something is wrong.
const UNDER_WAY: [&str; 9] = [
    "DeploymentMissing",
    "DeploymentTerminating",
    "NotObserved",
    "OldReplicasTerminating",
    "PreDeployRunning",
    "ReplicasUnavailable",
    "ReplicasUpdating",
    "RolloutNotObserved",
    "Suspended",
];

/// How it is by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not yet as it should be, and on its way.
    UnderWay,
    /// Somebody should look.
    Bad,
}

/// One piece of news.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn<'a> {
    /// The condition as it is now.
    pub condition: &'a Condition,
    /// How it is by now.
    pub tone: Tone,
    /// Whether another one of these says the same: one Event is enough.
    pub repeated: bool,
}

/// What is news, Ready first. `before` is what status said.
pub fn turns<'a>(before: &[Condition], after: &'a [Condition]) -> Vec<Turn<'a>> {
    let bad = |conditions: &[Condition], reason: &str| {
        let beside = BESIDE.iter().filter_map(|kind| condition::find(conditions, kind));
        beside.into_iter().any(|one| one.status == "False" && one.reason == reason)
    };
    let ready = condition::find(after, READY).and_then(|after_it| {
        let before_it = condition::find(before, READY);
        let tone = tone(&after_it.status, &after_it.reason);
        let same = before_it.is_some_and(|old| old.status == after_it.status && old.reason == after_it.reason);
        // Every service begins by not being ready.
        let begins = before_it.is_none() && tone == Tone::UnderWay;
        let repeated = tone == Tone::Bad && bad(after, &after_it.reason);
        (!same && !begins).then_some(Turn { condition: after_it, tone, repeated })
    });
    let beside = BESIDE.iter().filter_map(|kind| {
        let after_it = condition::find(after, kind)?;
        let was_bad = condition::find(before, kind).filter(|old| old.status == "False");
        let tone = match (was_bad, after_it.status.as_str()) {
            (Some(old), "False") if old.reason == after_it.reason => return None,
            (_, "False") => Tone::Bad,
            (Some(_), "True") => Tone::Good,
            _ => return None,
        };
        Some(Turn { condition: after_it, tone, repeated: false })
    });
    ready.into_iter().chain(beside).collect()
}

/// How the condition Ready is, by its status and reason.
pub fn tone(status: &str, reason: &str) -> Tone {
    if status == "True" {
        Tone::Good
    } else if UNDER_WAY.contains(&reason) {
        Tone::UnderWay
    } else {
        Tone::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::Finding;

    /// `Ready=False CrashLoopBackOff` and so on, separated by commas.
    fn conditions(said: &str) -> Vec<Condition> {
        let kinds = [READY, ROUTES_ACCEPTED, SCALING_ACTIVE, REFERENCES_FOUND];
        let findings: Vec<_> = said
            .split(", ")
            .filter_map(|one| {
                let (kind, said) = one.split_once('=')?;
                let (status, reason) = said.split_once(' ')?;
                let kind = kinds.into_iter().find(|known| *known == kind)?;
                let truth = match status {
                    "Unknown" => condition::Truth::Unknown,
                    status => (status == "True").into(),
                };
                Some(Finding::new(kind, truth, reason, "so it is"))
            })
            .collect();
        condition::set(&[], &findings, Some(1), jiff::Timestamp::UNIX_EPOCH)
    }

    #[track_caller]
    fn check(before: &str, after: &str, expected: &[&str]) {
        let after = conditions(after);
        let told = turns(&conditions(before), &after).into_iter().map(|turn| {
            let again = if turn.repeated { ", again" } else { "" };
            format!("{} {:?}{again}", turn.condition.reason, turn.tone)
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_service_that_begins_is_no_news_and_one_that_begins_badly_is() {
        check("", "Ready=False RolloutNotObserved", &[]);
        check("", "Ready=Unknown NotObserved", &[]);
        check("", "Ready=False FailedCreate", &["FailedCreate Bad"]);
        check("", "Ready=True Ready", &["Ready Good"]);
    }

    #[test]
    fn each_step_is_told_once_and_only_trouble_is_bad() {
        check("Ready=True Ready", "Ready=False ReplicasUpdating", &["ReplicasUpdating UnderWay"]);
        check("Ready=False ReplicasUpdating", "Ready=False CrashLoopBackOff", &["CrashLoopBackOff Bad"]);
        check("Ready=False CrashLoopBackOff", "Ready=False CrashLoopBackOff", &[]);
        let exceeded = "Ready=False ProgressDeadlineExceeded";
        check("Ready=False CrashLoopBackOff", exceeded, &["ProgressDeadlineExceeded Bad"]);
        check(exceeded, "Ready=True Ready", &["Ready Good"]);
        check("Ready=True Ready", "Ready=Unknown Suspended", &["Suspended UnderWay"]);
    }

    #[test]
    fn what_ready_does_not_speak_of_is_told_by_itself() {
        let inactive = "Ready=True Ready, ScalingActive=False AutoscalerInactive";
        check("Ready=True Ready, ScalingActive=Unknown AutoscalerPending", inactive, &["AutoscalerInactive Bad"]);
        check(inactive, inactive, &[]);
        check(inactive, "Ready=True Ready, ScalingActive=True Autoscaling", &["Autoscaling Good"]);
        check(inactive, "Ready=True Ready", &[]);
        check(
            "Ready=True Ready, ScalingActive=Unknown AutoscalerPending",
            "Ready=True Ready, ScalingActive=True Autoscaling",
            &[],
        );
    }

    #[test]
    fn what_two_conditions_say_is_one_event() {
        let updating = "Ready=False ReplicasUpdating, RoutesAccepted=False RouteNotAccepted";
        check(
            "Ready=False ReplicasUpdating, RoutesAccepted=Unknown RouteNotObserved",
            updating,
            &["RouteNotAccepted Bad"],
        );
        let refused = "Ready=False RouteNotAccepted, RoutesAccepted=False RouteNotAccepted";
        check(updating, refused, &["RouteNotAccepted Bad, again"]);
        let expected = ["RouteNotAccepted Bad, again", "RouteNotAccepted Bad"];
        check("Ready=True Ready, RoutesAccepted=True RouteAccepted", refused, &expected);
    }
}
