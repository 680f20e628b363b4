//! What `gitmoor drift` prints, from values.

use super::*;
use crate::view::Seen;
use serde_json::{Value, json};

fn field(path: &str, more: Value) -> Value {
    let mut field = json!({
        "kind": "MicroService", "object": "shop/orders", "path": path, "change": "Modified", "declared": 2, "live": 5,
        "manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T00:00:00Z",
        "observed": "2026-01-02T00:00:01Z"
    });
    more.as_object().unwrap().iter().for_each(|(key, value)| field[key] = value.clone());
    field
}

fn seen(policy: &str, annotation: Option<&str>, status: Value, of_sync: Value) -> Seen {
    let gitsync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": "ops", "name": "shop"},
        "spec": {"url": "https://example.com/x", "drift": {"policy": policy}}, "status": {"drift": of_sync}
    });
    let mut service = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"namespace": "shop", "name": "orders", "annotations": {
            "gitmoor.dev/source": "sync=ops/shop; uid=1; object=shop/orders",
            "gitmoor.dev/source-path": "apps/orders.yaml:3", "gitmoor.dev/source-revision": "main@sha1:0123456789"}},
        "spec": {"image": "a:2"}, "status": status
    });
    if let Some(annotation) = annotation {
        service["metadata"]["annotations"]["gitmoor.dev/drift-policy"] = json!(annotation);
    }
    Seen {
        gitsyncs: vec![serde_json::from_value(gitsync).unwrap()],
        services: vec![serde_json::from_value(service).unwrap()],
    }
}

fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    report.print(&mut out, false).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_field_says_what_who_when_and_where_it_is_declared() {
    let commit = "0123456789012345678901234567890123456789";
    let at = json!({"file": "apps/orders.yaml", "line": 9, "field": "/spec/replicas", "commit": commit, "author": "Ada", "subject": "\u{1b}x"});
    let replicas = field("/spec/replicas", json!({"user": "ann@example.com", "declaredAt": at}));
    let deployment = json!({"kind": "Deployment", "change": "Added", "declared": null, "live": "\u{1b}[31m"});
    let status = json!({
        "sourceDrift": {"count": 1, "fields": [replicas]},
        "workloadDrift": {"count": 3, "fields": [field("/spec/template/x", deployment)]}
    });
    // What the GitSync lists, too, is the same field.
    let report = Report::of(&seen("Correct", Some("Report"), status, json!([replicas])), Wanted::All);
    let expected = "\
shop/orders  declared at apps/orders.yaml:3 of main@0123456
  source   ~ MicroService shop/orders /spec/replicas: declared 2, live 5
             by ann@example.com with kubectl-edit, Update at 2026-01-02T00:00:00Z, seen 2026-01-02T00:00:01Z; policy Report
             declared at apps/orders.yaml:9 in 0123456 by Ada: \\u{1b}x
  workload + Deployment shop/orders /spec/template/x: added \"\\u001b[31m\"
             by kubectl-edit, Update at 2026-01-02T00:00:00Z, seen 2026-01-02T00:00:01Z; policy Report

4 fields differ, 2 of them are listed
";
    assert_eq!(printed(&report), expected);
    assert_eq!(report.exit_code(), ExitCode::from(1));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["standing"], 4);
    assert_eq!(json["drift"][0]["level"], "source");
    assert_eq!(json["drift"][0]["path"], "/spec/replicas");
    assert_eq!(json["drift"][0]["declaredAt"]["line"], 9, "of the field");
    assert_eq!(json["drift"][0]["source"]["line"], 3, "of the document");
    assert_eq!(json["drift"][1].get("declaredAt"), None);
    assert_eq!(json["drift"][0]["policy"], "Report");
}

#[test]
fn where_a_value_is_declared_and_by_whom_is_said_where_it_is_known() {
    let at = json!({
        "file": "apps/orders.yaml", "line": 7, "field": "/spec/replicas", "commit": "0123456789abcdef", "author": "Ann",
        "subject": "orders: two replicas", "orEarlier": true
    });
    let replicas = field("/spec/replicas", json!({"declaredAt": at, "user": "bob", "began": "2026-01-01T00:00:00Z"}));
    let status = json!({"sourceDrift": {"count": 1, "fields": [replicas]}});
    let text = printed(&Report::of(&seen("Report", None, status, json!([])), Wanted::Standing));
    let expected = "
             by bob with kubectl-edit, Update at 2026-01-02T00:00:00Z, seen 2026-01-02T00:00:01Z, differs since \
2026-01-01T00:00:00Z; policy Report
             declared at apps/orders.yaml:7 in 0123456 or earlier by Ann: orders: two replicas
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_ended_is_no_drift_and_is_shown_when_asked_for() {
    let ended = |path: &str, until: &str, how: &str| field(path, json!({"until": until, "ended": how}));
    let status = json!({"workloadDrift": {"count": 0, "fields": [], "history": [
        ended("/spec/replicas", "2026-01-02T00:00:02Z", "Corrected"), ended("/spec/x", "2026-01-01T00:00:00Z", "Reverted")
    ]}});
    let seen = seen("Correct", None, status, json!([]));
    assert_eq!(printed(&Report::of(&seen, Wanted::Standing)), "everything is as declared\n");
    let all = Report::of(&seen, Wanted::All);
    assert!(printed(&all).contains("; put back 2026-01-02T00:00:02Z after 1s"), "{}", printed(&all));
    assert!(printed(&all).contains("; reverted by somebody 2026-01-01T00:00:00Z after 0s"), "{}", printed(&all));
    assert_eq!(all.exit_code(), ExitCode::SUCCESS);
    let late = printed(&Report::of(&seen, Wanted::Since("2026-01-02T00:00:00Z".parse().unwrap())));
    assert!(late.contains("/spec/replicas") && !late.contains("/spec/x"), "{late}");
}

#[test]
fn a_ticket_has_a_table_and_nothing_breaks_out_of_it() {
    let hostile = json!({"live": "`</td>`|@team\u{202e}", "manager": "<script>"});
    let status = json!({
        "sourceDrift": {"count": 1, "fields": [field("/spec/image|x", hostile)]},
        "workloadDrift": {"count": 0, "history": [field("/spec/replicas", json!({"until": "2026-01-02T00:00:05Z", "ended": "Corrected"}))]}
    });
    let mut out = Vec::new();
    let now = "2026-01-02T00:00:09.5Z".parse().unwrap();
    Report::of(&seen("Report", None, status, json!([])), Wanted::All).markdown(&mut out, Some("orders"), now).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("### Drift of `orders`, as of 2026-01-02T00:00:09Z\n\n1 field differs\n"), "{text}");
    for expected in
        ["#### Differs now", "#### Ended", "| put back 2026-01-02T00:00:05Z after 4s |", "`apps/orders.yaml:3`"]
    {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    for broken in ["<script>", "image|x", "\u{202e}", "|@"] {
        assert!(!text.contains(broken), "{broken:?} in\n{text}");
    }
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.iter().all(|row| row.matches('|').count() == 8), "{rows:#?}");
}

#[test]
fn a_microservice_that_is_gone_is_known_by_its_gitsync() {
    let gone = json!([field("", json!({"change": "Deleted", "object": "shop/gone", "declared": null, "live": null}))]);
    let mut report = Report::of(&seen("Report", None, Value::Null, gone), Wanted::Standing);
    assert!(printed(&report).contains("- MicroService shop/gone the whole object was deleted"));
    assert_eq!(report.exit_code(), ExitCode::from(1));
    report.narrow("orders");
    assert!(report.is_empty());
    assert_eq!(report.exit_code(), ExitCode::SUCCESS);
}
