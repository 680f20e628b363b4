//! What `gitmoor diff` prints, from values.

use std::sync::Arc;

use super::*;
use crate::manifest::{assemble, parse};
use serde_json::json;

const MANIFEST: &str = "\
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata:
  name: orders
spec:
  image: a:2
  replicas: 3
  env:
    - name: DB_PASSWORD
      value: hunter2
    - name: LOG
      value: debug
";

fn declared(text: &str) -> (Declared, Input) {
    let name: Arc<str> = "apps/orders.yaml".into();
    let scope = Scope { target_namespace: "shop".into(), allowed: Allowed::Any, gitsyncs: true };
    let declared = assemble([(&name, &parse(text.as_bytes()))], &scope);
    (declared, Input { sources: [(name, text.as_bytes().to_vec())].into(), failures: vec![] })
}

fn live(spec: Value, managed: Value) -> Value {
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"namespace": "shop", "name": "orders", "uid": "1", "resourceVersion": "7",
            "labels": {"applyset.kubernetes.io/part-of": "x"}, "managedFields": managed},
        "spec": spec
    })
}

fn ours(fields: Value) -> Value {
    json!({"manager": "gitmoor", "operation": "Apply", "apiVersion": "gitmoor.dev/v1alpha1", "fieldsType": "FieldsV1",
           "time": "2026-01-01T00:00:00Z", "fieldsV1": fields})
}

fn targets(services: Vec<Value>) -> Targets {
    let targets = Targets { services: Arc::default(), gitsyncs: Arc::default() };
    for value in services {
        targets.answered(Kind::MicroService, LiveObject::from_json(value).unwrap());
    }
    targets
}

#[track_caller]
fn check(text: &str, live: Vec<Value>, expected: &str, code: u8) {
    let (declared, input) = declared(text);
    let changes = against_live(&declared, &targets(live));
    let context = Shown { sources: &input.sources, now: jiff::Timestamp::UNIX_EPOCH, redact: &Redactor::default() };
    let report = Report::of(&declared, &changes, &context);
    let mut out = Vec::new();
    report.print(&mut out, false).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(report.exit_code(), ExitCode::from(code));
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("hunter"), "{json}");
}

#[test]
fn a_new_object_shows_its_fields() {
    let expected = "\
+ shop/orders  create  apps/orders.yaml:1
    + /spec/env: [{\"name\":\"DB_PASSWORD\",\"value\":\"(hidden)\"},{\"name\":\"LOG\",\"value\":\"debug\"}]  (apps/orders.yaml:8)
    + /spec/image: \"a:2\"  (apps/orders.yaml:6)
    + /spec/replicas: 3  (apps/orders.yaml:7)

1 to create, 0 unchanged
";
    check(MANIFEST, vec![], expected, 1);
}

#[test]
fn fields_that_differ_say_from_what_to_what_and_where() {
    let fields = json!({"f:spec": {"f:image": {}, "f:replicas": {}, "f:args": {}, "f:env": {
        "k:{\"name\":\"OLD\"}": {".": {}, "f:name": {}, "f:value": {}},
        "k:{\"name\":\"DB_PASSWORD\"}": {".": {}, "f:name": {}, "f:value": {}}}}});
    let spec = json!({"image": "a:1", "replicas": 3, "args": ["x"], "env": [
        {"name": "OLD", "value": "1"}, {"name": "DB_PASSWORD", "value": "hunter1"}]});
    let expected = "\
~ shop/orders  update  apps/orders.yaml:1
    - /spec/args: [\"x\"]
    - /spec/env/0: {\"name\":\"OLD\",\"value\":\"1\"}
    + /spec/env/1: {\"name\":\"LOG\",\"value\":\"debug\"}  (apps/orders.yaml:11)
    ~ /spec/env/1/value: \"(hidden)\" → \"(hidden)\"  (apps/orders.yaml:10)
    ~ /spec/image: \"a:1\" → \"a:2\"  (apps/orders.yaml:6)

1 to update, 0 unchanged
";
    check(MANIFEST, vec![live(spec, json!([ours(fields)]))], expected, 1);
}

#[test]
fn what_is_as_declared_is_not_shown_and_our_own_marks_do_not_count() {
    let text = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: orders}\nspec: {image: a:2}\n";
    let fields =
        json!({"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}, "f:spec": {"f:image": {}}});
    check(text, vec![live(json!({"image": "a:2"}), json!([ours(fields)]))], "1 unchanged\n", 0);
}

#[test]
fn an_invalid_manifest_is_an_error_and_the_others_are_shown() {
    let text = format!(
        "{MANIFEST}---\napiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {{name: bad}}\nspec: {{}}\n"
    );
    let (declared, input) = declared(&text);
    let changes = against_live(&declared, &targets(Vec::new()));
    let report = Report::of(
        &declared,
        &changes,
        &Shown { sources: &input.sources, now: jiff::Timestamp::UNIX_EPOCH, redact: &Redactor::default() },
    );
    assert_eq!(report.exit_code(), ExitCode::from(2));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["summary"]["create"], &json["summary"]["quarantined"]), (&json!(1), &json!(1)));
}

#[test]
fn what_another_hand_wrote_stays_under_report() {
    use crate::api::gitsync::DriftPolicy;
    use crate::sync::{Previewed, Would};
    let (declared, input) = declared(MANIFEST);
    let (key, object) = declared.objects.iter().next().unwrap();
    let body: Value = serde_json::from_str(&object.document.body).unwrap();
    let mut there = live(
        body["spec"].clone(),
        json!([
            ours(json!({"f:spec": {"f:image": {}}})),
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:00Z",
             "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        ]),
    );
    there["spec"]["replicas"] = json!(9);
    there["spec"]["image"] = json!("a:1");
    let previewed = Previewed { key: key.clone(), would: Would::Update(body, there), policy: DriftPolicy::Report };
    let changes = [Change::from(previewed)];
    let report = Report::of(
        &declared,
        &changes,
        &Shown { sources: &input.sources, now: jiff::Timestamp::UNIX_EPOCH, redact: &Redactor::default() },
    );
    let mut out = Vec::new();
    report.print(&mut out, false).unwrap();
    let expected = "\
~ shop/orders  update  apps/orders.yaml:1
    ~ /spec/image: \"a:1\" → \"a:2\"  (apps/orders.yaml:6)
    ~ /spec/replicas: 9 → 3  (apps/orders.yaml:7; written by kubectl-edit; stays: policy Report)

1 to update, 0 unchanged
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
