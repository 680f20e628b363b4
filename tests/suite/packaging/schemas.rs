//! The JSON Schemas for editors: made of the CRDs, and they take what the examples say and refuse what is mistyped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gitmoor::api::{crds, json_schema};
use serde_json::{Value, json};

use super::helm::Helm;
use crate::support::files::{documents, yaml_files};
use crate::support::plane::root;

/// Where they are, by kind.
const FILES: [(&str, &str); 2] = [
    ("GitSync", "deploy/schemas/gitsync_v1alpha1.json"),
    ("MicroService", "deploy/schemas/microservice_v1alpha1.json"),
];
/// Any document of ours.
const ANY: &str = "deploy/schemas/gitmoor.json";

/// All of them, by path.
pub fn made() -> BTreeMap<String, String> {
    let text = |schema: &Value| serde_json::to_string_pretty(schema).unwrap() + "\n";
    let mut made = BTreeMap::new();
    for ((kind, path), crd) in FILES.into_iter().zip([crds::gitsync(), crds::microservice()]) {
        assert_eq!(crd.spec.names.kind, kind);
        made.insert(path.to_owned(), text(&json_schema::of(&crd)));
    }
    made.insert(
        ANY.into(),
        text(&json_schema::any(&FILES.map(|(kind, path)| (kind, path.rsplit('/').next().unwrap())))),
    );
    made
}

fn schema(kind: &str) -> PathBuf {
    root().join(FILES.into_iter().find(|file| file.0 == kind).unwrap().1)
}

#[test]
fn every_example_fits_its_schema() {
    let Some(helm) = Helm::found() else { return };
    let mut all: Vec<_> = yaml_files("examples").iter().flat_map(|file| documents(file)).collect();
    all.retain(|one| one["apiVersion"] == "gitmoor.dev/v1alpha1");
    assert!(all.len() > 5, "the examples were not found");
    for one in all {
        let (kind, name) = (one["kind"].as_str().unwrap(), &one["metadata"]["name"]);
        assert_eq!(helm.wrong(&schema(kind), &one), None, "{kind} {name}");
        assert_eq!(helm.wrong(&root().join(ANY), &one), None, "{kind} {name}");
    }
}

#[test]
fn what_is_mistyped_is_marked_where_it_stands() {
    let Some(helm) = Helm::found() else { return };
    let good = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"name": "a", "labels": {"team": "x"}, "annotations": {"gitmoor.dev/wave": "1"}},
        "spec": {"image": "a:1", "ports": [{"containerPort": 80}], "resources": {"limits": {"memory": "1Gi", "cpu": 2}}}
    });
    assert_eq!(helm.wrong(&schema("MicroService"), &good), None);
    let check = |pointer: &str, value: Value, said: &str| {
        let mut bad = good.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[field] = value;
        for file in [schema("MicroService"), root().join(ANY)] {
            let wrong = helm.wrong(&file, &bad).unwrap_or_else(|| panic!("{pointer} is taken"));
            assert!(wrong.contains(said), "{pointer}: {said} in {wrong}");
        }
    };
    check("/spec/replica", json!(1), "replica");
    check("/spec/replicas", json!("two"), "/spec/replicas");
    check("/spec/ports/0/containerPort", json!("80"), "/spec/ports/0/containerPort");
    check("/spec/image", Value::Null, "/spec/image");
    check("/spec/ports/0/port", json!(80), "port");
    check("/kind", json!("Microservice"), "/kind");
    check("/metadata/name", json!("x".repeat(64)), "/metadata/name");
    check("/status", json!({}), "status");
}
