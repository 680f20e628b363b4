//! What `gitmoor diff` prints, from values.

use std::sync::Arc;

use super::*;
use crate::cli::print_diagnostics::Sources;
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

fn shown<'a>(sources: &'a Sources, notes: &'a [String], redact: &'a Redactor) -> Shown<'a> {
    Shown { sources, notes, now: jiff::Timestamp::UNIX_EPOCH, redact }
}

#[track_caller]
fn check(text: &str, live: Vec<Value>, expected: &str, code: u8) {
    let (declared, input) = declared(text);
    let changes = against_live(&declared, &targets(live));
    let redact = Redactor::default();
    let report = Report::of(&declared, &changes, &shown(&input.sources, &[], &redact));
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
    let redact = Redactor::default();
    let report = Report::of(&declared, &changes, &shown(&input.sources, &[], &redact));
    assert_eq!(report.exit_code(), ExitCode::from(2));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["summary"]["create"], &json["summary"]["quarantined"]), (&json!(1), &json!(1)));
}

#[test]
fn what_another_hand_wrote_stays_under_report() {
    use crate::api::gitsync::DriftPolicy;
    use crate::drift::RuleBook;
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
    let book = Arc::new(RuleBook::uniform(DriftPolicy::Report));
    let policies = book.policies("MicroService", key, None);
    let previewed = Previewed { key: key.clone(), would: Would::Update(body, there), policies, held: None };
    let changes = [Change::from(previewed)];
    let redact = Redactor::default();
    let report = Report::of(&declared, &changes, &shown(&input.sources, &[], &redact));
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

/// Three services of two namespaces, of which one is new, one changed and one held.
fn several() -> (Declared, Vec<Change>) {
    let one = |namespace: &str, name: &str| {
        format!(
            "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {{namespace: {namespace}, name: {name}}}\nspec: {{image: a:2}}\n"
        )
    };
    let (declared, _) = declared(&[one("shop", "web"), one("pay", "cards"), one("shop", "api")].join("---\n"));
    let mut there = live(json!({"image": "a:1"}), json!([ours(json!({"f:spec": {"f:image": {}}}))]));
    there["metadata"]["name"] = json!("web");
    let mut changes = against_live(&declared, &targets(vec![there]));
    let key = changes[1].key.clone();
    changes[1] =
        Change { key, action: changes::Action::Hold, hold: Some(crate::model::HoldReason::NotOurs), difference: None };
    (declared, changes)
}

#[track_caller]
fn check_several(color: bool, notes: &[String], expected: &str) {
    let (declared, changes) = several();
    let sources = Sources::default();
    let redact = Redactor::default();
    let report = Report::of(&declared, &changes, &shown(&sources, notes, &redact));
    let mut out = Vec::new();
    report.print(&mut out, color).unwrap();
    assert_eq!(String::from_utf8(out).unwrap().replace('\u{1b}', "^"), expected);
}

#[test]
fn what_would_be_done_comes_in_groups_and_notes_come_last() {
    let expected = "\
1 to create
+ pay/cards  create  apps/orders.yaml:6
    + /spec/image: \"a:2\"

1 to update
~ shop/web  update  apps/orders.yaml:1
    ~ /spec/image: \"a:1\" → \"a:2\"

1 held
! shop/api  held  apps/orders.yaml:11
    NotOurs: exists in the cluster and was not applied by a GitSync; take it over with spec.takeOver: Unowned, delete it, or take its manifest out of Git

1 to create, 1 to update, 1 held, 0 unchanged
it is \\u{1b}[1mpinned
";
    check_several(false, &["it is \u{1b}[1mpinned".into()], expected);
}

#[test]
fn what_comes_is_green_what_changes_yellow_and_what_is_held_red() {
    let expected = "\
^[1m1 to create^[0m
^[32m+ pay/cards^[0m  ^[1mcreate^[0m  ^[2mapps/orders.yaml:6^[0m
    ^[32m+ /spec/image: \"a:2\"^[0m

^[1m1 to update^[0m
^[33m~ shop/web^[0m  ^[1mupdate^[0m  ^[2mapps/orders.yaml:1^[0m
    ^[33m~ /spec/image: \"a:1\" → \"a:2\"^[0m

^[1m1 held^[0m
^[31m! shop/api^[0m  ^[1mheld^[0m  ^[2mapps/orders.yaml:11^[0m
    NotOurs: exists in the cluster and was not applied by a GitSync; take it over with spec.takeOver: Unowned, delete it, or take its manifest out of Git

1 to create, 1 to update, 1 held, 0 unchanged
";
    check_several(true, &[], expected);
}

#[test]
fn each_field_is_under_its_own_policy_and_what_is_ignored_is_not_shown() {
    use crate::drift::RuleBook;
    use crate::sync::{Previewed, Would};
    let (declared, input) = declared(MANIFEST);
    let (key, object) = declared.objects.iter().next().unwrap();
    let body: Value = serde_json::from_str(&object.document.body).unwrap();
    let rules = json!([
        {"paths": ["/spec/env/[name=LOG]"], "policy": "Ignore"}, {"paths": ["/spec/replicas"], "policy": "Report"}
    ]);
    let book = Arc::new(RuleBook::of_spec(&json!({"drift": {"rules": rules}})));
    let theirs =
        json!({"f:spec": {"f:image": {}, "f:replicas": {}, "f:env": {"k:{\"name\":\"LOG\"}": {"f:value": {}}}}});
    let mut there = live(
        body["spec"].clone(),
        json!([{"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": theirs}]),
    );
    there["spec"]["env"][1]["value"] = json!("info");
    there["spec"]["image"] = json!("a:1");
    there["spec"].as_object_mut().unwrap().remove("replicas");
    let policies = book.policies("MicroService", key, None);
    let changes =
        [Change::from(Previewed { key: key.clone(), would: Would::Correct(body, there), policies, held: None })];
    let redact = Redactor::default();
    let report = Report::of(&declared, &changes, &shown(&input.sources, &[], &redact));
    let mut out = Vec::new();
    report.print(&mut out, false).unwrap();
    let expected = "\
~ shop/orders  put back  apps/orders.yaml:1
    ~ /spec/image: \"a:1\" → \"a:2\"  (apps/orders.yaml:6; written by kubectl-edit; put back: policy Correct)
    + /spec/replicas: 3  (apps/orders.yaml:7; stays: policy Report)

1 to put back, 0 unchanged
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
