//! Which policy holds for which difference, and which rule says so.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::model::Attribution;
use crate::model::pointer::Pointer;

fn book(spec: Value) -> Arc<RuleBook> {
    let drift: Drift = serde_json::from_value(spec).unwrap();
    Arc::new(RuleBook::compile(Some(&drift)).unwrap())
}

fn key() -> ObjectKey {
    ObjectKey::new("shop", "orders-canary")
}

fn live() -> Value {
    json!({"metadata": {"annotations": {"team": "a"}}, "spec": {
        "replicas": 5, "containers": [{"name": "web", "image": "a:1"}, {"name": "side", "image": "b:1"}]
    }})
}

fn drift(change: ChangeKind, pointer: &str, by: Option<&str>) -> FieldDrift {
    let pointer = Pointer::parse(pointer).unwrap();
    let live = pointer.get(&live()).cloned();
    let attribution = Attribution { manager: by.map(str::to_owned), ..Attribution::default() };
    FieldDrift { pointer, keyed: None, change, declared: None, live, attribution, co_owned: false }
}

/// What rules decide about a change at `pointer` of the Deployment shop/orders-canary: the policy and the rule.
#[track_caller]
fn check(spec: Value, pointer: &str, by: Option<&str>, expected: (DriftPolicy, Option<usize>)) {
    let ruling = ruling(&spec, None, &drift(ChangeKind::Modified, pointer, by));
    assert_eq!((ruling.policy, ruling.rule), expected, "{pointer} under {spec}");
}

fn ruling(spec: &Value, own: Option<DriftPolicy>, drift: &FieldDrift) -> Ruling {
    let object = live();
    let forms = Forms { declared: &object, live: &object };
    book(spec.clone()).policies("Deployment", &key(), own).of(drift, &forms)
}

use DriftPolicy::{Correct, Ignore, Report};

#[test]
fn the_first_rule_that_fits_decides_and_else_the_policy() {
    let spec = json!({"policy": "Report", "rules": [
        {"paths": ["/spec/replicas"], "policy": "Ignore"},
        {"paths": ["/spec"], "policy": "Correct"},
        {"paths": ["/spec/replicas"], "policy": "Report"}
    ]});
    check(spec.clone(), "/spec/replicas", None, (Ignore, Some(0)));
    check(spec.clone(), "/spec/containers/0/image", None, (Correct, Some(1)));
    check(spec, "/metadata/annotations/team", None, (Report, None));
    check(json!({}), "/spec/replicas", None, (Correct, None));
}

#[test]
fn a_target_narrows_by_kind_name_and_namespace() {
    let of = |target: Value| json!({"rules": [{"target": target, "policy": "Ignore"}]});
    let fits = |target| check(of(target), "/spec/replicas", None, (Ignore, Some(0)));
    let others = |target| check(of(target), "/spec/replicas", None, (Correct, None));
    fits(json!({}));
    fits(json!({"kind": "Deployment"}));
    fits(json!({"name": "*-canary"}));
    fits(json!({"namespace": "sh*", "kind": "Deployment", "name": "orders-canary"}));
    others(json!({"kind": "MicroService"}));
    others(json!({"name": "orders"}));
    others(json!({"namespace": "pay", "name": "*"}));
}

#[test]
fn a_rule_by_manager_needs_one() {
    let spec = |managers: &[&str]| json!({"rules": [{"managers": managers, "policy": "Report"}]});
    check(spec(&["keda"]), "/spec/replicas", Some("keda"), (Report, Some(0)));
    check(spec(&["x", "kubectl-*"]), "/spec/replicas", Some("kubectl-edit"), (Report, Some(0)));
    check(spec(&["kubectl-*"]), "/spec/replicas", Some("kubectl"), (Correct, None));
    check(spec(&["*"]), "/spec/replicas", Some("anybody"), (Report, Some(0)));
    check(spec(&["*"]), "/spec/replicas", None, (Correct, None));
}

#[test]
fn items_of_lists_are_found_by_their_key_in_the_form_that_has_them() {
    let spec = json!({"rules": [{"paths": ["/spec/containers/[name=side]"], "policy": "Ignore"}]});
    check(spec.clone(), "/spec/containers/1/image", None, (Ignore, Some(0)));
    check(spec.clone(), "/spec/containers/0/image", None, (Correct, None));
    // What was removed is in the declared form alone, where the order may be another one.
    let declared = json!({"spec": {"containers": [{"name": "side"}, {"name": "web"}]}});
    let object = live();
    let forms = Forms { declared: &declared, live: &object };
    let removed = drift(ChangeKind::Removed, "/spec/containers/0/image", None);
    let ruling = book(spec).policies("Deployment", &key(), None).of(&removed, &forms);
    assert_eq!(ruling, Ruling { policy: Ignore, rule: Some(0) });
}

#[test]
fn a_rule_goes_before_the_object_and_the_object_before_the_gitsync() {
    let spec = json!({"policy": "Report", "rules": [{"paths": ["/spec/replicas"], "policy": "Ignore"}]});
    let check = |pointer: &str, own, expected| {
        assert_eq!(ruling(&spec, own, &drift(ChangeKind::Modified, pointer, None)).policy, expected, "{pointer}");
    };
    check("/spec/replicas", Some(Correct), Ignore);
    check("/spec/containers/0/image", Some(Correct), Correct);
    check("/spec/containers/0/image", None, Report);
}

#[test]
fn a_deleted_object_is_under_a_rule_for_whole_objects_or_the_policy() {
    let check = |rules: Value, own, expected| {
        let policies = book(json!({"rules": rules})).policies("Deployment", &key(), own);
        let ruling = policies.of_object();
        assert_eq!((ruling.policy, ruling.rule), expected);
    };
    check(json!([{"paths": ["/spec"], "policy": "Ignore"}]), None, (Correct, None));
    check(json!([{"managers": ["*"], "policy": "Ignore"}]), Some(Report), (Report, None));
    check(
        json!([{"paths": ["/**"], "policy": "Report"}, {"target": {"name": "*"}, "policy": "Ignore"}]),
        None,
        (Ignore, Some(1)),
    );
}

#[test]
fn what_may_not_be_put_back_is_told_and_what_is_ignored_stays_so() {
    let object = live();
    let forms = Forms { declared: &object, live: &object };
    let spec = json!({"rules": [
        {"paths": ["/spec/replicas"], "policy": "Ignore"}, {"paths": ["/metadata"], "policy": "Correct"}
    ]});
    let policies =
        book(spec).policies("Deployment", &key(), None).reporting_if(false).reporting_if(true).reporting_if(false);
    let of = |pointer| policies.of(&drift(ChangeKind::Modified, pointer, None), &forms).policy;
    assert_eq!(
        ["/spec/replicas", "/metadata/annotations/team", "/spec/containers/0/image"].map(of),
        [Ignore, Report, Report]
    );
    assert_eq!(policies.of_object().policy, Report);
}

#[test]
fn marks_that_say_whose_an_object_is_are_under_no_rule_and_never_silent() {
    let spec = |policy: &str| json!({"policy": policy, "rules": [{"paths": ["/**"], "policy": "Ignore"}]});
    let mark = "/metadata/annotations/gitmoor.dev~1source";
    check(spec("Correct"), mark, Some("kubectl"), (Correct, None));
    check(spec("Ignore"), mark, Some("kubectl"), (Report, None));
}

#[test]
fn differences_of_one_object_are_taken_apart() {
    let object = live();
    let forms = Forms { declared: &object, live: &object };
    let spec = json!({"policy": "Correct", "rules": [
        {"paths": ["/spec/replicas"], "policy": "Ignore"}, {"managers": ["mesh"], "policy": "Report"}
    ]});
    let drifts = [
        drift(ChangeKind::Modified, "/metadata/annotations/team", None),
        drift(ChangeKind::Modified, "/spec/containers/0/image", Some("mesh")),
        drift(ChangeKind::Modified, "/spec/replicas", Some("keda")),
    ];
    let ruled = book(spec).policies("Deployment", &key(), None).rule(drifts.clone(), &forms);
    assert_eq!(ruled.corrected(), drifts[..1]);
    assert_eq!(ruled.kept(), drifts[1..]);
    assert_eq!(
        ruled.told().map(|field| (&field.drift, field.ruling.policy)).collect::<Vec<_>>(),
        [(&drifts[0], Correct), (&drifts[1], Report)]
    );
    assert_eq!(ruled.ignored().collect::<Vec<_>>(), [&drifts[2]]);
    assert_eq!(ruled.rules().collect::<Vec<_>>(), [1, 0]);
    let waiting = ruled.waiting_if(true);
    assert!(!waiting.corrects() && waiting.corrected().is_empty());
    assert_eq!(waiting.kept(), drifts, "what waits is not overwritten by the way");
    assert_eq!(waiting.told().next().unwrap().ruling.policy, Correct);
}

#[test]
fn what_a_rule_is_for_can_be_told_before_anything_drifts() {
    let spec = json!({"rules": [
        {"target": {"kind": "MicroService", "name": "orders"}, "policy": "Ignore"},
        {"target": {"kind": "MicroService", "name": "oders"}, "policy": "Ignore"},
        {"target": {"kind": "Deployment", "name": "anything"}, "policy": "Ignore"},
        {"target": {"kind": "Deploymnt"}, "policy": "Ignore"},
        {"target": {"kind": "Deployment", "namespace": "pay"}, "policy": "Ignore"},
        {"policy": "Ignore"}
    ]});
    let (book, orders) = (book(spec), ObjectKey::new("shop", "orders"));
    let fits = |rule| book.may_be_for(rule, [("MicroService", &orders)], &["Deployment", "Service"]);
    assert_eq!((0..7).map(fits).collect::<Vec<_>>(), [true, false, true, false, false, true, false]);
}

#[test]
fn a_rule_is_called_by_its_number_and_what_it_says() {
    let check = |rule: Value, expected: &str| assert_eq!(book(json!({"rules": [rule]})).describe(0), expected);
    check(json!({"policy": "Report"}), "rule 1 (everything: Report)");
    check(
        json!({"target": {"kind": "Deployment", "name": "*-canary", "namespace": "shop"}, "paths": ["/spec/replicas"], "policy": "Ignore"}),
        "rule 1 (Deployment *-canary in shop, /spec/replicas: Ignore)",
    );
    check(
        json!({"managers": ["a", "b", "c", "d", "e"], "policy": "Ignore"}),
        "rule 1 (by a or b or c or 2 more: Ignore)",
    );
}

#[test]
fn what_cannot_be_read_leaves_everything_alone() {
    let check =
        |drift: Value, expected: RuleBook| assert_eq!(RuleBook::of_spec(&json!({"drift": drift})), expected, "{drift}");
    check(Value::Null, RuleBook::uniform(Correct));
    check(json!({"policy": "Ignore"}), RuleBook::uniform(Ignore));
    check(json!({"policy": "Mend"}), RuleBook::uniform(Report));
    check(json!({"rules": [{"paths": ["spec"], "policy": "Correct"}]}), RuleBook::uniform(Report));
    check(json!({"unknown": 1}), RuleBook::uniform(Report));
    let drift: Drift =
        serde_json::from_value(json!({"rules": [{"paths": ["/spec//x"], "policy": "Correct"}]})).unwrap();
    let error = RuleBook::compile(Some(&drift)).unwrap_err().to_string();
    assert_eq!(error, r#"spec.drift.rules[0] has the path "/spec//x": a step of it is empty"#);
}

#[test]
fn as_many_and_as_hostile_rules_as_fit_into_a_spec_are_soon_asked() {
    let path = |n: usize| format!("/**/*a*a*a*a*{}/x{n}", "/**/a*a".repeat(14));
    let rule = json!({"paths": (0..32).map(path).collect::<Vec<_>>(), "policy": "Ignore"});
    let spec = json!({"rules": vec![rule; 64]});
    let deep: Pointer = std::iter::repeat_n("a".repeat(60), 60).collect();
    let drift = FieldDrift { pointer: deep, ..drift(ChangeKind::Modified, "/a", None) };
    let started = Instant::now();
    assert_eq!(ruling(&spec, None, &drift).rule, None);
    // Tried one after the other, the ways to spread the wildcards would outlast the machine.
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// What is done about several differences under Report, with nothing or everything else paused.
#[track_caller]
fn check_report(changes: &[(ChangeKind, &str)], reporting: bool, expected: DriftPolicy) {
    let object = live();
    let forms = Forms { declared: &object, live: &object };
    let policies = book(json!({"policy": "Report"})).policies("Deployment", &key(), None).reporting_if(reporting);
    let ruled = policies.rule(changes.iter().map(|(change, pointer)| drift(*change, pointer, None)), &forms);
    assert!(ruled.told().all(|field| field.ruling.policy == expected), "{changes:?}");
}

#[test]
fn what_is_as_declared_is_regained_where_nothing_is_left_as_it_is() {
    use ChangeKind::{Disowned, Modified};
    check_report(&[(Disowned, "/spec/replicas")], false, Correct);
    check_report(&[(Disowned, "/spec/replicas"), (Disowned, "/spec/containers/0/image")], false, Correct);
    check_report(&[(Disowned, "/spec/replicas")], true, Report);
    check_report(&[(Disowned, "/spec/replicas"), (Modified, "/spec/containers/0/image")], false, Report);
    check_report(&[(Disowned, "")], false, Report);
    check_report(&[(Modified, "/spec/replicas")], false, Report);
}
