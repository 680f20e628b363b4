//! Who says how many replicas there are: handed to an autoscaler and taken back, so that no pod is lost on the way.
//! Decided from values alone.

use serde_json::{Value, json};

use crate::api::names::{CONTROLLER_MANAGER, REPLICAS_FROM};
use crate::workload::Child;

/// Where the number is.
const REPLICAS: &str = "/spec/replicas";

/// What another manager has to apply before the child is: the field leaves the body, and we are who owns it.
pub fn before<'a>(child: &'a Child, live: &Value) -> Option<&'a Value> {
    let entries = live["metadata"]["managedFields"].as_array();
    let owned = entries.into_iter().flatten().any(|entry| {
        entry["manager"] == CONTROLLER_MANAGER
            && entry["operation"] == "Apply"
            && entry.pointer("/fieldsV1/f:spec/f:replicas").is_some()
    });
    child.hand_over.as_ref().filter(|_| owned)
}

/// Whether the field is ours again: what an autoscaler wrote there is neither drift nor to be kept.
pub fn is_taken_back(child: &Child, live: &Value) -> bool {
    let marked = |object: &Value| object["metadata"]["annotations"].get(REPLICAS_FROM).is_some();
    child.body.pointer(REPLICAS).is_some() && marked(live) && !marked(&child.body)
}

/// Whether a pointer is to the field.
pub fn is_replicas(pointer: &crate::model::pointer::Pointer) -> bool {
    json!(pointer.to_string()) == REPLICAS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::MicroService;
    use crate::workload::{Surroundings, render};

    fn deployment(spec: Value, live: Option<i32>) -> Child {
        let mut spec = spec;
        spec["image"] = json!("a:1");
        let service: MicroService = serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": "a"}, "spec": spec
        }))
        .unwrap();
        let surroundings = Surroundings { replicas: live, ..Surroundings::default() };
        render(&service, &surroundings).into_iter().find(|child| child.kind.kind == "Deployment").unwrap()
    }

    fn scaled(live: Option<i32>) -> Child {
        deployment(json!({"autoscaling": {"minReplicas": 3, "maxReplicas": 9, "metrics": [{"type": "Pods"}]}}), live)
    }

    fn owned_by(manager: &str, operation: &str) -> Value {
        json!({"metadata": {"managedFields": [
            {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        ]}})
    }

    #[test]
    fn an_autoscaled_deployment_does_not_say_how_many() {
        assert_eq!(scaled(None).body.pointer("/spec/replicas"), None);
        assert_eq!(deployment(json!({}), None).hand_over, None);
    }

    #[test]
    fn the_live_number_is_handed_over_and_never_fewer_than_the_least() {
        let handed = |live| scaled(live).hand_over.unwrap()["spec"]["replicas"].take();
        assert_eq!(handed(Some(7)), 7);
        assert_eq!(handed(Some(1)), 3);
        assert_eq!(handed(Some(0)), 3, "an autoscaler does nothing at 0");
        assert_eq!(handed(None), 3);
    }

    #[test]
    fn the_number_is_handed_over_only_by_who_owns_it() {
        let child = scaled(Some(7));
        assert!(before(&child, &owned_by(CONTROLLER_MANAGER, "Apply")).is_some());
        for (manager, operation) in [("kube-controller-manager", "Update"), (CONTROLLER_MANAGER, "Update")] {
            assert!(before(&child, &owned_by(manager, operation)).is_none(), "{manager} {operation}");
        }
        assert!(before(&deployment(json!({}), Some(7)), &owned_by(CONTROLLER_MANAGER, "Apply")).is_none());
    }

    #[test]
    fn the_number_is_taken_back_once_the_autoscaler_is_no_longer_declared() {
        let marked = scaled(None).body;
        let plain = deployment(json!({}), None);
        assert!(is_taken_back(&plain, &marked));
        assert!(!is_taken_back(&plain, &plain.body));
        assert!(!is_taken_back(&scaled(None), &marked));
    }
}
