//! What `gitmoor status` prints, from values.

use super::*;
use serde_json::{Value, json};

fn now() -> jiff::Timestamp {
    "2026-01-02T00:05:00Z".parse().unwrap()
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!([{"type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-02T00:00:00Z"}])
}

fn gitsync(status: Value) -> GitSync {
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": {"namespace": "ops", "name": "shop", "generation": 2},
        "spec": {"url": "https://example.com/x"}, "status": status
    }))
    .unwrap()
}

fn service(name: &str, status: Value) -> MicroService {
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"namespace": "shop", "name": name, "generation": 1, "annotations": {
            "gitmoor.dev/source": format!("sync=ops/shop; uid=1; object=shop/{name}"),
            "gitmoor.dev/source-path": "apps/a.yaml:3", "gitmoor.dev/source-revision": "main@sha1:0123456789"}},
        "spec": {"image": "a:2"}, "status": status
    }))
    .unwrap()
}

fn seen() -> Seen {
    let applied = json!({"revision": "main@sha1:0123456789abc", "applied": "2026-01-02T00:02:00Z"});
    let counts = json!({"declared": 2, "ready": 1, "quarantined": 1});
    let found = json!([{"code": "GM203", "place": "apps/b.yaml:7:3", "message": "unknown field"}]);
    let message = "1 findings; the first: apps/b.yaml:7:3 unknown field";
    let sync = gitsync(json!({
        "observedGeneration": 2, "conditions": ready("False", "InvalidManifests", message),
        "lastAppliedRevision": applied, "counts": counts, "diagnostics": found
    }));
    let good = service(
        "good",
        json!({
            "observedGeneration": 1, "conditions": ready("True", "Ready", "2 of 2"), "replicasSummary": "2/2",
            "image": {"declared": "a:2", "running": "a:2"}
        }),
    );
    let bad = service(
        "bad",
        json!({
            "observedGeneration": 1, "conditions": ready("False", "ImagePullBackOff", "cannot pull\x1b[2J"),
            "replicasSummary": "1/2", "image": {"declared": "a:2", "running": "a:1"},
            "workloadDrift": {"count": 2}
        }),
    );
    Seen { gitsyncs: vec![sync], services: vec![bad, good] }
}

#[test]
fn rows_say_what_is_not_ready_and_why() {
    let view = View::of(&seen(), now());
    let mut out = Vec::new();
    view.print(&mut out, false).unwrap();
    let expected = "\
GITSYNC   READY  REASON            REVISION      APPLIED  DECLARED  SERVING  QUARANTINED  HELD  DRIFTED
ops/shop  False  InvalidManifests  main@0123456  3m ago   2         1        1            0     0
    apps/b.yaml:7:3 GM203 unknown field

MICROSERVICE  READY  REASON            REPLICAS  IMAGE           DRIFT     REVISION      DECLARED AT
shop/bad      False  ImagePullBackOff  1/2       a:2 (runs a:1)  2 fields  main@0123456  apps/a.yaml:3
    cannot pull\\u{1b}[2J
shop/good     True   Ready             2/2       a:2             none      main@0123456  apps/a.yaml:3
";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(view.exit_code(), ExitCode::from(1));
}

#[test]
fn machines_get_the_same() {
    let view = serde_json::to_value(View::of(&seen(), now())).unwrap();
    assert_eq!((&view["ready"], &view["gitsyncs"][0]["name"]), (&json!(false), &json!("ops/shop")));
    assert_eq!(view["microServices"][0]["reason"], "ImagePullBackOff");
    assert_eq!(view["microServices"][0]["source"]["line"], 3);
    assert_eq!(view["gitsyncs"][0]["counts"]["declared"], 2);
}

#[test]
fn what_was_observed_of_an_older_spec_says_nothing() {
    let check = |status: Value, expected: (&str, &str)| {
        let view = View::of(&Seen { gitsyncs: vec![gitsync(status)], services: vec![] }, now());
        let verdict = &view.gitsyncs[0].verdict;
        assert_eq!((verdict.ready.as_str(), verdict.reason.as_str()), expected);
        assert_eq!(view.exit_code(), ExitCode::from(u8::from(expected.0 != "True")));
    };
    check(json!({"observedGeneration": 2, "conditions": ready("True", "Applied", "")}), ("True", "Applied"));
    check(json!({"observedGeneration": 1, "conditions": ready("True", "Applied", "")}), ("Unknown", "NotObserved"));
    check(json!({"observedGeneration": -1}), ("Unknown", "NotObserved"));
    check(Value::Null, ("Unknown", "NotObserved"));
}

#[test]
fn a_log_has_one_line_per_object() {
    let lines = View::of(&seen(), now()).lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2].0, "MicroService shop/good");
    assert_eq!(lines[2].1, "Ready Ready; 2/2 replicas, a:2; no drift");
}

#[test]
fn ages_are_short() {
    let check = |seconds: i64, expected: &str| {
        let then = now() - jiff::SignedDuration::from_secs(seconds);
        assert_eq!(age(then, now()), expected);
    };
    check(-5, "0s");
    check(119, "119s");
    check(3 * 60, "3m");
    check(7200, "2h");
    check(3 * 86400, "3d");
}
