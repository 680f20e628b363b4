//! What is said of an object that this version of Gitmoor cannot read, although the API server has it: its CRD may be of
//! another version. No value is repeated: it may be a secret, and what a parser says of it has it.

use serde_json::{Value, json};

use super::{bug, shorten};
use crate::api::GitSync;
use crate::api::condition::{SOURCE_DRIFTED, STALLED};
use crate::api::status::MicroServiceStatus;

/// The reason word.
pub const INVALID_SPEC: &str = "InvalidSpec";
/// Bytes of a name in a message.
const NAME: usize = 64;

/// Why an object cannot be read, without the value that is in the way.
pub fn why(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let named = |how: &str| said.strip_prefix(how)?.split('`').next().map(|name| shorten(name, NAME));
    if let Some(name) = named("unknown field `") {
        format!("it has a field {name:?}, which this version does not know")
    } else if let Some(name) = named("missing field `") {
        format!("it lacks the field {name:?}, which this version needs")
    } else {
        "a value in it is none that this version knows".to_owned()
    }
}

/// What a person is told.
pub fn message(why: &str) -> String {
    format!(
        "this version of Gitmoor cannot read it: {why}. Nothing of it is changed; see that the CRDs are of the version that runs"
    )
}

/// The controller's part of the status of a MicroService that cannot be read: what was observed before stands, and nothing
/// was since. None where the status cannot be read, either.
pub fn microservice(live: &Value, message: &str, now: jiff::Timestamp) -> Option<MicroServiceStatus> {
    let status = live.get("status").cloned();
    let previous: MicroServiceStatus = status.map_or_else(|| Ok(Default::default()), serde_json::from_value).ok()?;
    let generation = live["metadata"]["generation"].as_i64();
    let said = (INVALID_SPEC, STALLED, message);
    Some(MicroServiceStatus {
        conditions: bug::stopped(&previous.conditions, said, SOURCE_DRIFTED, generation, now),
        source_drift: None,
        ..previous
    })
}

/// What can be told of a GitSync that cannot be read: its metadata, its status, and of its spec as little as there must be.
/// None where its status cannot be read, either.
pub fn gitsync(live: &Value) -> Option<GitSync> {
    let mut rest = live.clone();
    let spec = &live["spec"];
    let url = spec["url"].as_str().unwrap_or_default();
    rest["spec"] = json!({"url": url, "suspend": spec["suspend"] == true});
    if spec["deletionPolicy"] == "Delete" {
        // Its finalizer stays for as long as that is known.
        rest["spec"]["deletionPolicy"] = json!("Delete");
    }
    serde_json::from_value(rest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::MicroService;
    use crate::api::gitsync::DeletionPolicy;

    fn read(spec: Value) -> serde_json::Result<MicroService> {
        serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": "orders"}, "spec": spec
        }))
    }

    #[track_caller]
    fn check(spec: Value, expected: &str) {
        assert_eq!(why(&read(spec).unwrap_err()), expected);
    }

    #[test]
    fn why_it_cannot_be_read_is_told_by_names_and_never_by_values() {
        check(json!({"image": "a:1", "newer": "c4nary"}), "it has a field \"newer\", which this version does not know");
        check(json!({}), "it lacks the field \"image\", which this version needs");
        let value = "a value in it is none that this version knows";
        check(json!({"image": "a:1", "replicas": "c4nary"}), value);
        check(json!({"image": "a:1", "securityProfile": "c4nary"}), value);
        check(json!({"image": "a:1", "env": "c4nary"}), value);
    }

    #[test]
    fn what_was_observed_before_stands_and_it_waits_for_a_person() {
        let condition = |kind: &str| {
            json!({"type": kind, "status": "True", "reason": "Before", "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-02T03:04:05Z"})
        };
        let live = json!({
            "metadata": {"generation": 2},
            "status": {"observedGeneration": 1, "conditions": [condition("Ready"), condition("Available"), condition("SourceDrifted")],
                "children": [{"apiVersion": "v1", "kind": "Service", "name": "orders", "uid": "u"}]}
        });
        let status = microservice(&live, "newer", jiff::Timestamp::UNIX_EPOCH).unwrap();
        let said: Vec<_> = status.conditions.iter().map(|one| (&*one.type_, &*one.status, &*one.reason)).collect();
        let expected =
            [("Ready", "False", INVALID_SPEC), ("Stalled", "True", INVALID_SPEC), ("Available", "True", "Before")];
        assert_eq!(said, expected, "the sync has its own");
        assert_eq!((status.observed_generation, status.children.len()), (Some(1), 1));
    }

    #[test]
    fn a_status_that_cannot_be_read_is_left_alone() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        assert_eq!(microservice(&json!({"status": {"children": "many"}}), "newer", now), None);
        assert!(microservice(&json!({}), "newer", now).is_some(), "where there is none, there is nothing to lose");
    }

    #[test]
    fn of_a_gitsync_that_cannot_be_read_its_end_is_known() {
        let live = |spec: Value, status: Value| {
            json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"name": "main"}, "spec": spec,
                "status": status})
        };
        let newer =
            json!({"url": "https://git.example.com/a.git", "deletionPolicy": "Delete", "newer": 1, "suspend": "?"});
        let read = gitsync(&live(newer.clone(), json!({}))).unwrap();
        assert_eq!((read.spec.deletion_policy(), read.spec.suspended()), (DeletionPolicy::Delete, false));
        assert!(gitsync(&live(newer, json!({"counts": "many"}))).is_none());
        let odd = gitsync(&live(json!({"url": 1, "suspend": true}), json!({}))).unwrap();
        assert_eq!((odd.spec.deletion_policy(), odd.spec.suspended()), (DeletionPolicy::Orphan, true));
    }
}
