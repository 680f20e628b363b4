//! Fields that the API server never lets change: they are told with what to do, and keep nobody from correcting the
//! others. An object is never deleted and made anew for their sake.

use serde_json::Value;

use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift};

/// Whether the API server would refuse the correction of a drift, and with it all others in the same call.
pub fn is_fixed(live: &Value, drift: &FieldDrift) -> bool {
    let text = |field: &str| live[field].as_str().unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let path: Vec<_> = drift.pointer.segments().iter().map(String::as_str).collect();
    match (group, text("kind"), path.as_slice()) {
        _ if matches!(drift.change, ChangeKind::Disowned | ChangeKind::Deleted | ChangeKind::Recreated) => false,
        ("apps", _, ["spec", "selector", ..]) => true,
        // A template must go on to match its selector.
        ("apps", _, ["spec", "template", "metadata", "labels", label]) => {
            live["spec"]["selector"]["matchLabels"].get(label).is_some()
        }
        ("apps", "StatefulSet", ["spec", field, ..]) => {
            ["serviceName", "podManagementPolicy", "volumeClaimTemplates"].contains(field)
        }
        ("batch", "Job", ["spec", field, ..]) => {
            ["selector", "template", "completions", "completionMode", "podFailurePolicy"].contains(field)
        }
        // A Service that is no ExternalName keeps its address.
        ("", "Service", ["spec", "clusterIP" | "clusterIPs" | "ipFamilies", ..]) => {
            live["spec"]["type"] != "ExternalName"
        }
        ("", "ConfigMap", ["data" | "binaryData" | "immutable", ..]) => live["immutable"] == true,
        _ => false,
    }
}

/// What a person can do about fields of an object that cannot change; `kind` and `name` are the object's.
pub fn remedy(kind: &str, name: &str, fixed: &[&Pointer]) -> String {
    let paths: Vec<_> = fixed.iter().map(ToString::to_string).collect();
    let gently = if kind == "Deployment" {
        format!("kubectl delete deployment {name} --cascade=orphan")
    } else {
        format!("kubectl delete {} {name}", kind.to_lowercase())
    };
    format!(
        "{kind} {name}: {} cannot be changed once it is there; everything else is put back. To have it as declared, \
         delete the {kind} ({gently}) and it is made anew",
        paths.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Attribution;

    fn check(live: &Value, pointer: &str, expected: bool) {
        let drift = FieldDrift {
            pointer: Pointer::parse(pointer).unwrap(),
            keyed: None,
            change: ChangeKind::Modified,
            declared: None,
            live: None,
            attribution: Attribution::default(),
            co_owned: false,
        };
        assert_eq!(is_fixed(live, &drift), expected, "{pointer}");
    }

    #[test]
    fn a_selector_and_the_labels_that_it_needs_never_change() {
        let live =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"selector": {"matchLabels": {"a": "x"}}}});
        check(&live, "/spec/selector", true);
        check(&live, "/spec/template/metadata/labels/a", true);
        check(&live, "/spec/template/metadata/labels/b", false);
        check(&live, "/spec/replicas", false);
        check(&live, "/metadata/labels/a", false);
    }

    #[test]
    fn an_address_a_job_and_a_sealed_config_never_change() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "ClusterIP"}});
        check(&service, "/spec/clusterIP", true);
        check(&service, "/spec/ports/0/port", false);
        check(&json!({"apiVersion": "batch/v1", "kind": "Job"}), "/spec/template/spec/containers/0/image", true);
        check(&json!({"apiVersion": "batch/v1", "kind": "Job"}), "/spec/suspend", false);
        check(&json!({"apiVersion": "v1", "kind": "ConfigMap", "immutable": true}), "/data/a", true);
        check(&json!({"apiVersion": "v1", "kind": "ConfigMap"}), "/data/a", false);
        check(&json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService"}), "/spec/selector", false);
    }

    #[test]
    fn what_to_do_is_a_command() {
        let said = remedy("Deployment", "orders", &[&Pointer::parse("/spec/selector").unwrap()]);
        assert!(said.contains("/spec/selector") && said.contains("kubectl delete deployment orders --cascade=orphan"));
    }
}
