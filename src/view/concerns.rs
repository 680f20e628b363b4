//! What is wrong with a MicroService beside what its condition Ready says. Pure.

use super::Verdict;
use crate::api::MicroService;
use crate::api::condition;
use crate::report::turns::BESIDE;

/// What is wrong, each as `Reason: message`.
pub fn concerns(service: &MicroService, verdict: &Verdict) -> Vec<String> {
    let conditions = service.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let beside = BESIDE.iter().filter_map(|kind| condition::find(conditions, kind));
    let wrong = beside.filter(|one| one.status == "False" && one.reason != verdict.reason);
    wrong.map(|one| format!("{}: {}", one.reason, one.message)).collect()
}

/// The words for machines of these alone.
pub fn reasons(concerns: &[String]) -> impl Iterator<Item = &str> {
    concerns.iter().filter_map(|concern| concern.split_once(": ")).map(|(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ready_says_already_is_not_said_twice() {
        let condition = |kind: &str, status: &str, reason: &str| {
            json!({
                "type": kind, "status": status, "reason": reason, "message": "so it is",
                "lastTransitionTime": "2026-01-01T00:00:00Z"
            })
        };
        let service: MicroService = serde_json::from_value(json!({
            "metadata": {"name": "a", "generation": 1}, "spec": {"image": "a:1"},
            "status": {"observedGeneration": 1, "conditions": [
                condition("Ready", "False", "RouteNotAccepted"),
                condition("RoutesAccepted", "False", "RouteNotAccepted"),
                condition("ScalingActive", "False", "AutoscalerInactive"),
                condition("ReferencesFound", "Unknown", "ReferenceUnread"),
            ]},
        }))
        .unwrap();
        let found = concerns(&service, &Verdict::of_service(&service));
        assert_eq!(found, ["AutoscalerInactive: so it is"]);
        assert_eq!(reasons(&found).collect::<Vec<_>>(), ["AutoscalerInactive"]);
    }
}
