//! What is said of an object whose work fell over a bug of ours, and of a loop that stands still. By whom and where it is
//! caught is not decided here, and no value is repeated.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::condition::{self, Finding, NOTIFIED, READY, RECONCILING, SOURCE_DRIFTED, STALLED};
use crate::api::status::MicroServiceStatus;
use crate::api::{GitSyncStatus, MicroService};

/// The reason word of a panic.
pub const BUG: &str = "InternalBug";
/// The reason word of a loop that makes no progress.
pub const STUCK: &str = "LoopStuck";

/// The status of a GitSync whose loop fell. What was observed before stands; nothing was since.
pub fn gitsync(
    previous: &GitSyncStatus,
    generation: Option<i64>,
    message: &str,
    now: jiff::Timestamp,
) -> GitSyncStatus {
    GitSyncStatus {
        conditions: stopped(&previous.conditions, (BUG, RECONCILING, message), NOTIFIED, generation, now),
        // It has a writer of its own.
        notify: Vec::new(),
        ..previous.clone()
    }
}

/// The controller's part of the status of a MicroService of which a reconcile fell.
pub fn microservice(service: &MicroService, message: &str, now: jiff::Timestamp) -> MicroServiceStatus {
    let previous = service.status.clone().unwrap_or_default();
    let (generation, said) = (service.metadata.generation, (BUG, RECONCILING, message));
    MicroServiceStatus {
        conditions: stopped(&previous.conditions, said, SOURCE_DRIFTED, generation, now),
        source_drift: None,
        ..previous
    }
}

/// Not ready for a reason, and what becomes of that: it is tried again, or waits for a person. The others stand as they were,
/// but for the one that has another writer.
pub(super) fn stopped(
    previous: &[Condition],
    (reason, next, message): (&'static str, &'static str, &str),
    others: &str,
    generation: Option<i64>,
    now: jiff::Timestamp,
) -> Vec<Condition> {
    let findings = [Finding::new(READY, false, reason, message), Finding::new(next, true, reason, message)];
    let mut conditions = condition::set(previous, &findings, generation, now);
    let stands = |one: &&Condition| ![READY, RECONCILING, STALLED, others].contains(&one.type_.as_str());
    conditions.extend(previous.iter().filter(stands).cloned());
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::DRIFTED;
    use crate::api::gitsync_status::Counts;

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(second).unwrap()
    }

    fn before(kinds: &[&'static str]) -> Vec<Condition> {
        let findings: Vec<_> = kinds.iter().map(|kind| Finding::new(kind, true, "Before", "it was so")).collect();
        condition::set(&[], &findings, Some(1), at(1))
    }

    fn said(conditions: &[Condition]) -> Vec<(&str, &str, &str)> {
        conditions.iter().map(|one| (one.type_.as_str(), one.status.as_str(), one.reason.as_str())).collect()
    }

    #[test]
    fn a_gitsync_is_not_ready_and_all_else_stands_as_it_was_observed() {
        let previous = GitSyncStatus {
            observed_generation: Some(1),
            conditions: before(&[READY, STALLED, DRIFTED, NOTIFIED]),
            counts: Some(Counts { declared: 7, ..Counts::default() }),
            ..GitSyncStatus::default()
        };
        let status = gitsync(&previous, Some(2), "at src/x.rs:1", at(2));
        let expected =
            [("Ready", "False", "InternalBug"), ("Reconciling", "True", "InternalBug"), ("Drifted", "True", "Before")];
        assert_eq!(said(&status.conditions), expected);
        assert_eq!((status.observed_generation, status.counts), (Some(1), previous.counts));
        assert_eq!(gitsync(&status, Some(2), "at src/x.rs:1", at(3)), status, "the same again is no news");
    }

    #[test]
    fn a_service_is_not_ready_and_the_part_of_the_sync_is_left_to_it() {
        let mut service = MicroService::new("orders", Default::default());
        service.metadata.generation = Some(3);
        service.status =
            Some(MicroServiceStatus { conditions: before(&[READY, SOURCE_DRIFTED]), ..Default::default() });
        let status = microservice(&service, "at src/x.rs:1", at(2));
        assert_eq!(said(&status.conditions), [("Ready", "False", BUG), ("Reconciling", "True", BUG)]);
        assert_eq!(status.conditions[0].observed_generation, Some(3));
    }
}
