//! An operator's defaults: what is understood, and what is refused at which place.

use serde_json::json;

use super::super::defaults::open_api_schema;
use super::super::shape::{Problems, Shape};
use super::super::{defaults, kinds};

/// Findings as `line:column code`; nothing is understood where there are any.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let (read, found) = defaults(text.as_bytes());
    let places: Vec<_> =
        found.iter().map(|found| format!("{}:{} {}", found.position.line, found.position.column, found.code)).collect();
    assert_eq!(places, expected, "{text}\n{found:#?}");
    assert_eq!(read.is_some(), expected.is_empty(), "{text}");
}

#[test]
fn all_fields_are_understood() {
    check("{}", &[]);
    check(
        "defaults:
  replicas: 3
  securityProfile: Baseline
  accessPolicy: Denied
  resources: {requests: {cpu: 100m, memory: 1}, limits: {memory: 128Mi}}
  podMetadata: {labels: {team: shop}, annotations: {example.com/a: 'yes'}}
  childMetadata: {labels: {cost-centre: '7'}, annotations: {a: ''}}
  topologySpreadConstraints: []
  imagePullSecrets: [{name: registry}]
  tolerations: [{key: a, operator: Exists, effect: NoSchedule}]
  nodeSelector: {kubernetes.io/arch: arm64}
  priorityClassName: high
profiles:
- name: production
  namespaces: [prod, 'prod-*', '*']
  replicas: 3
  accessPolicy: Open
- {name: rest, namespaces: ['*']}
",
        &[],
    );
}

#[test]
fn what_is_not_a_field_or_not_a_value_is_refused_at_its_place() {
    check("", &["1:1 GM205"]);
    check("---\n", &["1:1 GM205"]);
    check("default: {}", &["1:1 GM203"]);
    check("defaults: {replica: 1}", &["1:12 GM203"]);
    check("defaults: {image: a}", &["1:12 GM203"]);
    check("defaults:\n  replicas: many", &["2:13 GM204"]);
    check("defaults:\n  replicas: -1", &["2:13 GM206"]);
    check("defaults:\n  accessPolicy: {}", &["2:17 GM204"]);
    check("defaults:\n  accessPolicy: Closed", &["2:17 GM206"]);
    check("defaults:\n  securityProfile: Privileged", &["2:20 GM206"]);
    check("defaults: {resources: {requests: {cpu: 1x}}}", &["1:40 GM206"]);
    check("profiles: [{name: a}]", &["1:12 GM205"]);
    check("profiles: [{namespaces: [a]}]", &["1:12 GM205"]);
    check("profiles: [{name: a, namespaces: []}]", &["1:34 GM206"]);
    check("profiles: [{name: a, namespaces: [Shop]}]", &["1:35 GM206"]);
    check("profiles:\n- {name: a, namespaces: [b]}\n- {name: a, namespaces: [c]}", &["3:10 GM206"]);
    check("defaults: {}\n---\ndefaults: {}", &["3:1 GM106"]);
    check("defaults: [", &["1:11 GM101"]);
    check("defaults: {replicas: 1}\ndefaults: {}", &["2:1 GM102"]);
    check("defaults: !x {}", &["1:11 GM106"]);
}

#[test]
fn what_the_api_server_would_refuse_of_a_child_is_refused_here() {
    check("defaults: {resources: {requests: {cpu: 2}, limits: {cpu: 500m}}}", &["1:12 GM207"]);
    check("defaults: {resources: {requests: {cpu: 500m}, limits: {cpu: '0.5'}}}", &[]);
    for metadata in ["podMetadata", "childMetadata"] {
        for labels in ["{app.kubernetes.io/name: x}", "{gitmoor.dev/x: z}", "{a b: c}", "{'/a': c}", "{-a: c}"] {
            check(&format!("defaults:\n  {metadata}:\n    labels: {labels}"), &["3:5 GM207"]);
        }
        check(&format!("defaults:\n  {metadata}:\n    labels: {{a: b c}}"), &["3:17 GM206"]);
        check(&format!("defaults:\n  {metadata}:\n    annotations: {{gitmoor.dev/wave: '1'}}"), &["3:5 GM207"]);
    }
    check("defaults: {nodeSelector: {a b: c}}", &["1:12 GM207"]);
    check("defaults: {tolerations: [{key: a, operator: Is}]}", &["1:45 GM206"]);
}

#[test]
fn a_profile_that_is_understood_is_for_its_namespaces() {
    let (read, _) = defaults(b"profiles: [{name: a, namespaces: [shop-*], replicas: 1}]");
    let read = read.unwrap();
    assert_eq!((read.profile("shop-eu"), read.profile("shop")), (Some("a"), None));
}

#[test]
fn all_of_the_schema_is_understood() {
    let mut problems = Problems::new();
    let shape = Shape::compile(&open_api_schema(), &mut problems);
    assert_eq!(problems, Problems::new());
    assert!(shape.property("defaults").unwrap().property("replicas").is_some());
    let compiled = kinds::compile(open_api_schema(), &mut problems);
    assert!(compiled.shape.property("profiles").is_some());
    assert_eq!(open_api_schema()["properties"]["defaults"]["properties"]["replicas"]["maximum"], json!(10000.0));
}

#[test]
fn the_example_of_the_page_about_defaults_is_understood() {
    let page = include_str!("../../../docs/defaults.md");
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    check(example, &[]);
    let (read, _) = defaults(example.as_bytes());
    let profile = |namespace| read.as_ref().and_then(|read| read.profile(namespace));
    assert_eq!(
        (profile("prod-eu"), profile("shop"), profile("shop-2")),
        (Some("production"), Some("production"), Some("sandboxes"))
    );
}
