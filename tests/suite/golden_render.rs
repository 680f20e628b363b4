//! Golden cases of rendering: `tests/golden/render/<case>/microservice.yaml` becomes `children.yaml`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test suite golden_render` writes what is rendered now; read the
//! difference before you commit it. Two more tests watch the cases themselves: every field of a
//! spec is in one of them, and every field that is in one has an effect.

#![allow(clippy::unwrap_used, reason = "the exemption of tests does not reach their own functions")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gitmoor::api::{GitSync, MicroService, crds};
use gitmoor::cli::defaults::DefaultsArgs;
use gitmoor::cli::render::{Colors, Output, RenderArgs, run};
use gitmoor::model::pointer::Pointer;
use gitmoor::workload;
use serde_json::Value;
use similar::TextDiff;

/// Where the cases are.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/render");
/// Kubernetes' own types, by how the paths to them end: their fields are passed through as they are.
const BORROWED: [&str; 17] = [
    "env",
    "envFrom",
    "startupProbe",
    "readinessProbe",
    "livenessProbe",
    "resources",
    "autoscaling/metrics",
    "behavior",
    "volumes",
    "volumeMounts",
    "topologySpreadConstraints",
    "affinity",
    "tolerations",
    "lifecycle",
    "initContainers",
    "sidecars",
    "patch",
];

#[test]
fn every_case_renders_as_committed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut stale = String::new();
    for case in cases() {
        let rendered = render_file(&case.join("microservice.yaml"));
        let golden = case.join("children.yaml");
        let committed = std::fs::read_to_string(&golden).unwrap_or_default();
        if update {
            std::fs::write(&golden, &rendered).unwrap();
        } else if rendered != committed {
            let difference = TextDiff::from_lines(&committed, &rendered);
            stale += &format!("{}\n{}\n", golden.display(), difference.unified_diff().header("committed", "rendered"));
        }
    }
    assert!(stale.is_empty(), "{stale}UPDATE_GOLDEN=1 writes what is rendered now");
}

#[test]
fn every_field_of_the_spec_is_in_a_case() {
    let schema = crds::open_api_schema(&crds::microservice());
    let mut missing = BTreeSet::new();
    collect_fields(&schema["properties"]["spec"], &Pointer::root(), &mut missing);
    assert!(missing.contains("/strategy/rollingUpdate/maxSurge"), "the schema was walked: {missing:?}");
    for case in cases() {
        let spec = manifest(&case)["spec"].take();
        missing.retain(|field| !has_field(&spec, &Pointer::parse(field).unwrap()));
    }
    assert!(missing.is_empty(), "no case in {CASES} has {missing:?}");
}

#[test]
fn every_field_has_a_case_of_its_own() {
    let schema = crds::open_api_schema(&crds::microservice());
    for field in schema["properties"]["spec"]["properties"].as_object().unwrap().keys() {
        let case = Path::new(CASES).join(field);
        assert!(case.is_dir(), "{} is missing", case.display());
        assert!(manifest(&case)["spec"].get(field).is_some(), "{} has no {field}", case.display());
    }
}

/// Fields that do nothing are lies: taking one out must change what is rendered, or be refused.
#[test]
fn every_field_in_a_case_has_an_effect() {
    for case in cases() {
        let whole = manifest(&case);
        let rendered = render(&whole).unwrap();
        let mut fields = Vec::new();
        members(&whole["spec"], &Pointer::root().child("spec"), &mut fields);
        // The controller honours these; an empty text, an empty list and a zero are the same as none.
        const HONOURED: [&str; 2] = ["/spec/suspend", "/spec/restartOnChange"];
        let says_nothing = |value: &Value| *value == "" || *value == 0;
        fields.retain(|field| !HONOURED.contains(&field.as_str()) && !whole.pointer(field).is_some_and(says_nothing));
        for field in fields {
            let mut without = whole.clone();
            remove(&mut without, &Pointer::parse(&field).unwrap());
            assert!(render(&without).as_ref() != Some(&rendered), "{field} in {} has no effect", case.display());
        }
    }
}

/// Whatever differs in a child can be shown at a line of Git: of each field, where it comes from, and of those that no line
/// decides, that they are known.
#[test]
fn every_field_that_is_rendered_comes_from_a_field_that_is_there() {
    // What the author says by being silent.
    const DEFAULTS: [&str; 15] = [
        "ServiceAccount /automountServiceAccountToken",
        "Service /spec/type",
        "PodDisruptionBudget /spec/maxUnavailable",
        "PodDisruptionBudget /spec/unhealthyPodEvictionPolicy",
        "Deployment /spec/replicas",
        "Deployment /spec/strategy",
        "Deployment /spec/template/spec/automountServiceAccountToken",
        "Deployment /spec/template/spec/containers/0/securityContext",
        "Deployment /spec/template/spec/containers/0/volumeMounts",
        "Deployment /spec/template/spec/enableServiceLinks",
        "Deployment /spec/template/spec/securityContext",
        "Deployment /spec/template/spec/serviceAccountName",
        "Deployment /spec/template/spec/terminationGracePeriodSeconds",
        "Deployment /spec/template/spec/topologySpreadConstraints",
        "Deployment /spec/template/spec/volumes",
    ];
    const OWN: [&str; 5] = [
        "/apiVersion",
        "/kind",
        "/metadata/labels",
        "/metadata/annotations/gitmoor.dev~1rendered-hash",
        "/spec/template/metadata/labels/app.kubernetes.io~1managed-by",
    ];
    let below =
        |field: &str, leaf: &str| leaf.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_leaf = |value: &Value| match value {
        Value::Object(_) => false,
        Value::Array(items) => !items.iter().any(Value::is_object),
        _ => true,
    };
    let mut silent = BTreeSet::new();
    for case in cases() {
        let mut service = manifest(&case);
        service["metadata"]["namespace"] = Value::from("default");
        for body in render(&service).unwrap() {
            let mut leaves = Vec::new();
            members(&body, &Pointer::root(), &mut leaves);
            for leaf in leaves.iter().filter(|leaf| body.pointer(leaf).is_some_and(is_leaf)) {
                let found = workload::origin(&service, &body, &Pointer::parse(leaf).unwrap()).to_string();
                let case = case.display();
                assert!(service.pointer(&found).is_some(), "{leaf} in {case} comes from {found}, which is not there");
                if ["", "/spec"].contains(&found.as_str()) && !OWN.iter().any(|own| below(own, leaf)) {
                    silent.insert(format!("{} {leaf}", body["kind"].as_str().unwrap()));
                }
            }
        }
    }
    silent.retain(|leaf| !DEFAULTS.iter().any(|known| below(known, leaf)));
    assert!(silent.is_empty(), "nobody knows where these come from: {silent:#?}");
}

#[test]
fn the_examples_render() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let sync: GitSync = serde_yaml::from_str(&std::fs::read_to_string(examples.join("gitsync.yaml")).unwrap()).unwrap();
    for path in &sync.spec.paths {
        for file in yaml_files(&examples.join("repo").join(path)) {
            let rendered = render_file(&file);
            assert!(rendered.contains("kind: Deployment"), "{}", file.display());
        }
    }
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] }).collect()
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<_> = std::fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn render_file(file: &Path) -> String {
    let (namespace, output, defaults) = ("default".into(), Output::Yaml, DefaultsArgs::default());
    let args = RenderArgs { files: vec![file.into()], namespace, output, defaults, explain: false };
    let mut out = Vec::new();
    run(&args, &mut out, &mut Vec::new(), Colors { out: false, err: false }).unwrap();
    String::from_utf8(out).unwrap()
}

fn manifest(case: &Path) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(case.join("microservice.yaml")).unwrap()).unwrap()
}

/// What a manifest renders to; `None` when it is no MicroService.
fn render(manifest: &Value) -> Option<Vec<Value>> {
    let service: MicroService = serde_json::from_value(manifest.clone()).ok()?;
    Some(workload::render(&service, &workload::Surroundings::default()).into_iter().map(|child| child.body).collect())
}

/// Pointers to the properties of a schema, with `*` for the items of a list.
fn collect_fields(schema: &Value, at: &Pointer, fields: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = at.child(name);
        fields.insert(at.to_string());
        if !BORROWED.iter().any(|borrowed| at.to_string().ends_with(&format!("/{borrowed}"))) {
            collect_fields(property, &at, fields);
            collect_fields(&property["items"], &at.child("*"), fields);
        }
    }
}

fn has_field(value: &Value, field: &Pointer) -> bool {
    fn has(value: &Value, segments: &[String]) -> bool {
        match segments {
            [] => true,
            [first, rest @ ..] if first == "*" => {
                value.as_array().is_some_and(|items| items.iter().any(|item| has(item, rest)))
            }
            [first, rest @ ..] => value.get(first).is_some_and(|value| has(value, rest)),
        }
    }
    has(value, field.segments())
}

/// Pointers to every member of every object in a value.
fn members(value: &Value, at: &Pointer, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                pointers.push(at.child(name).to_string());
                members(value, &at.child(name), pointers);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                members(item, &at.child(index), pointers);
            }
        }
        _ => {}
    }
}

fn remove(value: &mut Value, field: &Pointer) {
    let parent = field.parent().unwrap().to_string();
    value.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(field.last().unwrap());
}
