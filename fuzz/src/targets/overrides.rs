//! Overrides: any patch of any child. What says what a child is and whose it is stays as it was.

use gitmoor::api::MicroService;
use gitmoor::workload::overrides::unmatched;
use gitmoor::workload::{Child, KINDS, Surroundings, render};
use serde_json::{Value, json};

use super::choices::Choices;

const WORDS: [&str; 28] = [
    "$patch",
    "replace",
    "delete",
    "apiVersion",
    "kind",
    "status",
    "metadata",
    "name",
    "namespace",
    "ownerReferences",
    "labels",
    "annotations",
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "gitmoor.dev/rendered-hash",
    "team",
    "spec",
    "selector",
    "matchLabels",
    "podSelector",
    "template",
    "containers",
    "image",
    "env",
    "value",
    "ports",
    "orders",
    "a:1",
];
/// What no patch changes.
const PROTECTED: [&str; 10] = [
    "/apiVersion",
    "/kind",
    "/status",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/metadata/labels/app.kubernetes.io~1name",
    "/metadata/labels/app.kubernetes.io~1instance",
    "/spec/selector",
    "/spec/template/metadata/labels/app.kubernetes.io~1instance",
];

pub fn run(data: &[u8]) {
    // As JSON, where it is that; else as a row of choices.
    let patch = serde_json::from_slice(data).unwrap_or_else(|_| Choices::of(data).json(&WORDS, 7));
    // The kind's own schema lets nothing else through.
    if !patch.is_object() {
        return;
    }
    let plain = children(&json!([]));
    for kind in KINDS {
        let target = json!({"apiVersion": kind.api_version(), "kind": kind.kind});
        let overrides = json!([{"target": target, "patch": patch}]);
        let patched = children(&overrides);
        assert_eq!(patched, children(&overrides), "rendering is deterministic");
        assert_eq!(patched.len(), plain.len(), "a patch makes and removes no child");
        for (before, after) in plain.iter().zip(&patched) {
            assert_eq!((before.kind, &before.name), (after.kind, &after.name));
            for place in PROTECTED {
                assert_eq!(
                    before.body.pointer(place),
                    after.body.pointer(place),
                    "{place} of {} by {patch}",
                    kind.kind
                );
            }
            let hash = &after.body["metadata"]["annotations"]["gitmoor.dev/rendered-hash"];
            assert_eq!(hash, &json!(after.hash), "the hash is that of what is sent");
            assert!(before.kind == *kind || before == after, "others stay as they were");
        }
        let spec = service(&overrides).spec;
        assert_eq!(unmatched(&spec, &patched).is_empty(), plain.iter().any(|child| child.kind == *kind));
    }
}

fn children(overrides: &Value) -> Vec<Child> {
    render(&service(overrides), &Surroundings::default())
}

fn service(overrides: &Value) -> MicroService {
    let service = json!({
        "apiVersion": "gitmoor.dev/v1alpha1",
        "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "1"},
        "spec": {"image": "a:1", "ports": [{"containerPort": 80}], "replicas": 2, "overrides": overrides},
    });
    serde_json::from_value(service).expect("it is a MicroService")
}
