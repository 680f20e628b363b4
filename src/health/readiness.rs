//! Whether an object is ready for the spec that it has now.

use serde_json::Value;

use crate::api::condition::READY;

/// Why an object is not Ready at its current generation, in one word; `None` when it is.
pub fn unready(object: &Value) -> Option<&str> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Some("Terminating");
    }
    let conditions = object["status"]["conditions"].as_array();
    let Some(ready) = conditions.and_then(|all| all.iter().find(|one| one["type"] == READY)) else {
        return Some("NotObserved");
    };
    let generation = object["metadata"]["generation"].as_i64();
    let observed = |of: &Value| of["observedGeneration"].as_i64();
    let lags = |observed: Option<i64>| observed.zip(generation).is_some_and(|(observed, wanted)| observed < wanted);
    if lags(observed(&object["status"])) || lags(observed(ready)) {
        return Some("NotObserved");
    }
    if ready["status"] == "True" { None } else { Some(ready["reason"].as_str().unwrap_or("NotReady")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ready_counts_for_the_spec_as_it_is() {
        let object = |generation: u32, observed: u32, status: &str| {
            let ready = json!({"type": "Ready", "status": status, "reason": "Why", "observedGeneration": observed});
            json!({"metadata": {"generation": generation}, "status": {"observedGeneration": observed, "conditions": [ready]}})
        };
        assert_eq!(unready(&object(2, 2, "True")), None);
        assert_eq!(unready(&object(2, 2, "False")), Some("Why"));
        assert_eq!(unready(&object(2, 2, "Unknown")), Some("Why"));
        assert_eq!(unready(&object(3, 2, "True")), Some("NotObserved"));
        assert_eq!(
            unready(&json!({"metadata": {"generation": 1}, "status": {"observedGeneration": -1}})),
            Some("NotObserved")
        );
        let mut leaving = object(2, 2, "True");
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(unready(&leaving), Some("Terminating"));
        // The status may be newer than the one condition.
        let mut mixed = object(2, 2, "True");
        mixed["status"]["conditions"][0]["observedGeneration"] = json!(1);
        assert_eq!(unready(&mixed), Some("NotObserved"));
    }
}
