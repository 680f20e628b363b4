//! The end of a commit's way: a service that it changed is ready. It joins the trace that the sync began, by the marks of
//! the object alone.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::Controller;
use crate::api::condition::READY;
use crate::api::names::{SOURCE, SOURCE_REVISION, SYNC_MANAGER};
use crate::api::status::MicroServiceStatus;
use crate::api::{MicroService, SourceMark};
use crate::model::{ObjectKey, Revision};

/// A service that is not ready any more within this time after it was applied, is not because of that: it is rolled out.
/// One that serves for longer and then does not has another reason, which is no part of the commit's way.
const BECAUSE: SignedDuration = SignedDuration::from_secs(30);

/// What was rolled out.
#[derive(Debug, PartialEq, Eq)]
struct Rollout {
    sync_uid: String,
    commit: String,
    applied: Timestamp,
}

impl Controller {
    /// Tells that a revision of a service became ready, and how long that took from when it was applied.
    pub(super) fn tell_ready(&self, key: &ObjectKey, service: &MicroService, status: &MicroServiceStatus) {
        let now = Timestamp::now();
        let Some(rollout) = rollout(service, status, now) else { return };
        let Some(journey) = self.spans.journey(&rollout.sync_uid, &rollout.commit) else { return };
        let said = vec![("gitmoor.service", key.to_string().into())];
        self.spans.tell(journey.part("ready", rollout.applied, now, said));
    }
}

/// The rollout that has just ended well, if one has. It may have been over before anybody looked.
fn rollout(service: &MicroService, status: &MicroServiceStatus, now: Timestamp) -> Option<Rollout> {
    let ready = |conditions: &[Condition]| {
        let found = conditions.iter().find(|condition| condition.type_ == READY);
        found.map(|condition| (condition.status == "True", condition.last_transition_time.0))
    };
    let before = service.status.as_ref().and_then(|status| ready(&status.conditions));
    let annotations = service.metadata.annotations.as_ref()?;
    let mark = SourceMark::parse(annotations.get(SOURCE)?)?;
    let commit = Revision(annotations.get(SOURCE_REVISION)?.as_str().into()).commit()?;
    let entries = service.metadata.managed_fields.iter().flatten();
    let ours = entries.filter(|entry| {
        entry.manager.as_deref() == Some(SYNC_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.as_deref().unwrap_or_default().is_empty()
    });
    let applied = ours.filter_map(|entry| entry.time.as_ref()).map(|time| time.0).max()?;
    let because = |since: Timestamp| since.duration_since(applied) <= BECAUSE;
    let acted_on = service.status.as_ref().and_then(|status| status.observed_generation);
    let was_rolled_out = match before {
        None => true,
        Some((true, _)) => acted_on != status.observed_generation && because(now),
        Some((false, since)) => because(since),
    };
    let is_ready = ready(&status.conditions).is_some_and(|(is, _)| is);
    (was_rolled_out && is_ready).then(|| Rollout { sync_uid: mark.sync_uid, commit: commit.to_string(), applied })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether a service that was so since that second, and is so at second 110, was rolled out. It was applied at second
    /// 100, as generation 2.
    fn check(before: Option<(&str, i64)>, after: &str, marks: bool, expected: bool) {
        check_at((2, 110), before, after, marks, expected);
    }

    fn check_at((acted_on, now): (i64, i64), before: Option<(&str, i64)>, after: &str, marks: bool, expected: bool) {
        let at = |second: i64| Timestamp::from_second(second).unwrap().to_string();
        let condition = |status: &str, second: i64| json!({"type": "Ready", "status": status, "reason": "X", "message": "", "lastTransitionTime": at(second)});
        let mark = "sync=shop/deploy; uid=uid-1; object=shop/web";
        let revision = format!("main@sha1:{}", "4b".repeat(20));
        let annotations = if marks { json!({SOURCE: mark, SOURCE_REVISION: revision}) } else { json!({}) };
        let service: MicroService = serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
            "metadata": {
                "name": "web", "namespace": "shop", "annotations": annotations,
                "managedFields": [
                    {"manager": "kubectl", "operation": "Update", "time": at(500)},
                    {"manager": SYNC_MANAGER, "operation": "Apply", "subresource": "status", "time": at(400)},
                    {"manager": SYNC_MANAGER, "operation": "Apply", "time": at(100)},
                ],
            },
            "spec": {"image": "a"},
            "status": {
                "observedGeneration": acted_on,
                "conditions": before.iter().map(|(status, second)| condition(status, *second)).collect::<Vec<_>>(),
            },
        }))
        .unwrap();
        let after = json!({"observedGeneration": 2, "conditions": [condition(after, 105)]});
        let after: MicroServiceStatus = serde_json::from_value(after).unwrap();
        let found = rollout(&service, &after, Timestamp::from_second(now).unwrap());
        let applied = Timestamp::from_second(100).unwrap();
        let wanted = Rollout { sync_uid: "uid-1".into(), commit: "4b".repeat(20), applied };
        assert_eq!(found, expected.then_some(wanted), "{before:?}");
    }

    #[test]
    fn a_service_that_is_ready_after_it_was_applied_was_rolled_out() {
        check(None, "True", true, true);
        check(Some(("False", 101)), "True", true, true);
        check(Some(("Unknown", 90)), "True", true, true);
        check(Some(("False", 101)), "False", true, false);
        check(Some(("True", 101)), "True", true, false);
        check(Some(("False", 101)), "True", false, false);
    }

    #[test]
    fn a_rollout_that_was_over_before_anybody_looked_is_one() {
        check_at((1, 110), Some(("True", 50)), "True", true, true);
        check_at((2, 110), Some(("True", 50)), "True", true, false);
        check_at((1, 500), Some(("True", 50)), "True", true, false);
    }

    #[test]
    fn a_service_that_failed_later_and_is_well_again_is_no_part_of_the_commit() {
        check(Some(("False", 131)), "True", true, false);
        check(Some(("False", 9000)), "True", true, false);
    }
}
