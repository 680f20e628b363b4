//! What an object says of itself: its annotation `gitmoor.dev/drift-policy`.

use serde_json::Value;

use super::fields::Owners;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::{DRIFT_POLICY, SOURCE, SYNC_MANAGER};
use crate::model::pointer::Pointer;

/// The policy of one object: its annotation `gitmoor.dev/drift-policy` where that says a known word,
/// else the GitSync's.
pub fn effective(global: DriftPolicy, object_annotation: Option<&str>) -> DriftPolicy {
    object_annotation.and_then(DriftPolicy::parse).unwrap_or(global)
}

/// What a live MicroService says of itself, where Git says so: whoever may edit an object could else have their edits
/// left alone without a word. One that no GitSync applied is its author's.
pub fn own_policy(live: &Value) -> Option<DriftPolicy> {
    let annotations = live["metadata"]["annotations"].as_object()?;
    let policy = DriftPolicy::parse(annotations.get(DRIFT_POLICY)?.as_str()?)?;
    let pointer = Pointer::root().child("metadata").child("annotations").child(DRIFT_POLICY);
    let declared = !annotations.contains_key(SOURCE) || Owners::of(live, SYNC_MANAGER).ours(live, &pointer);
    declared.then_some(policy)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_known_word_on_the_object_wins() {
        for global in DriftPolicy::ALL {
            assert_eq!(effective(global, Some("Report")), DriftPolicy::Report);
            assert_eq!(effective(global, Some("Correct")), DriftPolicy::Correct);
            assert_eq!(effective(global, Some("report")), global);
            assert_eq!(effective(global, None), global);
        }
    }

    #[test]
    fn an_annotation_that_git_does_not_declare_says_nothing() {
        let check = |annotations: Value, manager: &str, operation: &str, expected: Option<DriftPolicy>| {
            let live = json!({"metadata": {"annotations": annotations, "managedFields": [{
                "manager": manager, "operation": operation,
                "fieldsV1": {"f:metadata": {"f:annotations": {"f:gitmoor.dev/drift-policy": {}}}}
            }]}});
            assert_eq!(own_policy(&live), expected, "{live}");
        };
        let applied = |policy: &str| json!({DRIFT_POLICY: policy, SOURCE: "sync=a/b; uid=1; object=a/c"});
        check(applied("Ignore"), "gitmoor", "Apply", Some(DriftPolicy::Ignore));
        check(applied("Ignore"), "gitmoor", "Update", None);
        check(applied("Ignore"), "kubectl-annotate", "Update", None);
        check(applied("Never"), "gitmoor", "Apply", None);
        check(json!({DRIFT_POLICY: "Report"}), "kubectl", "Apply", Some(DriftPolicy::Report));
        check(json!({}), "gitmoor", "Apply", None);
    }
}
