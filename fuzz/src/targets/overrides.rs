//! Overrides: any patch of any child. What says what a child is, whose it is and which pods are its own stays as it was.

use gitmoor::api::MicroService;
use gitmoor::workload::overrides::unmatched;
use gitmoor::workload::{Child, KINDS, Surroundings, render};
use serde_json::{Map, Value, json};

use super::choices::Choices;

const WORDS: [&str; 30] = [
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
    "gitmoor.dev/config",
    "jobTemplate",
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
const PROTECTED: [&str; 8] = [
    "/apiVersion",
    "/kind",
    "/status",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/spec/selector",
    "/spec/podSelector",
];
/// Where marks are: a child's own, and those of its pods.
const METADATA: [&str; 3] = ["/metadata", "/spec/template/metadata", "/spec/jobTemplate/spec/template/metadata"];
/// Our own labels, beside all that is under `gitmoor.dev/`.
const OURS: [&str; 3] = ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by"];
/// Of what is sent, which a patch may change: told by itself.
const HASH: &str = "gitmoor.dev/rendered-hash";

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
            assert_eq!(marks(&before.body), marks(&after.body), "a mark of {} by {patch}", kind.kind);
            let hash = &after.body["metadata"]["annotations"][HASH];
            assert_eq!(hash, &json!(after.hash), "the hash is that of what is sent");
            assert!(before.kind == *kind || before == after, "others stay as they were");
        }
        let spec = service(&overrides).spec;
        assert_eq!(unmatched(&spec, &patched).is_empty(), plain.iter().any(|child| child.kind == *kind));
    }
}

/// All marks that are ours, with their places.
fn marks(body: &Value) -> Vec<(String, Value)> {
    let maps = METADATA.iter().flat_map(|metadata| ["labels", "annotations"].map(|map| format!("{metadata}/{map}")));
    let found = maps.filter_map(|map| Some((body.pointer(&map)?.as_object()?, map)));
    let ours = |key: &str| key.starts_with("gitmoor.dev/") || OURS.contains(&key);
    let ours = |(marks, map): (&'_ Map<String, Value>, String)| {
        let ours =
            marks.iter().filter(|(key, _)| ours(key)).map(|(key, value)| (format!("{map} {key}"), value.clone()));
        ours.collect::<Vec<_>>()
    };
    let hash = format!("/metadata/annotations {HASH}");
    found.flat_map(ours).filter(|(place, _)| *place != hash).collect()
}

fn children(overrides: &Value) -> Vec<Child> {
    render(&service(overrides), &Surroundings::default())
}

fn service(overrides: &Value) -> MicroService {
    let service = json!({
        "apiVersion": "gitmoor.dev/v1alpha1",
        "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "1"},
        "spec": {
            "image": "a:1", "ports": [{"name": "http", "containerPort": 80}], "replicas": 2, "overrides": overrides,
            "configFiles": [{"path": "/etc/a", "content": "a"}], "accessPolicy": {}, "metrics": {"port": "http"},
            "cronJobs": [{"name": "purge", "schedule": "@daily"}],
            "routes": [
                {"name": "old", "hostnames": ["old.example.com"], "port": "http", "ingressClassName": "nginx"},
                {"name": "new", "hostnames": ["new.example.com"], "port": "http", "parentRefs": [{"name": "edge"}]},
            ],
        },
    });
    serde_json::from_value(service).expect("it is a MicroService")
}
