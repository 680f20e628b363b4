//! What `gitmoor status` prints, from values.

use super::*;
use crate::api::MicroService;
use crate::api::names::{PINNED_REVISION, SUSPEND_REASON};
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
        let verdict = &view.gitsyncs[0].row.verdict;
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

/// A GitSync of which a person should see everything.
fn loud() -> View {
    let hold = json!({"plan": "0a1b2c", "revision": "main@sha1:ffffffffff", "reason": "PruneBudget", "deletions": 3,
        "message": "3 deletions of 4", "deletes": ["shop/a", "shop/b\u{1b}"], "since": "2026-01-02T00:02:00Z"});
    let progress = json!({"wave": 1, "waves": 3, "done": 4, "total": 9, "waitingFor": ["shop/x"],
        "since": "2026-01-02T00:04:00Z"});
    let entry = json!({"revision": "main@sha1:0123456789", "author": "Ada", "subject": "one", "took": "1.25s",
        "applied": "2026-01-02T00:03:00Z", "result": "Partial", "changed": 3, "pruned": 1, "quarantined": 0, "held": 0});
    let mut sync = gitsync(json!({
        "observedGeneration": 2, "conditions": ready("False", "PlanHeld", "3 deletions of 4"),
        "hold": hold, "progress": progress, "history": [entry]
    }));
    sync.spec.suspend = Some(true);
    let annotations = [(SUSPEND_REASON, "freeze"), (PINNED_REVISION, "0123456789abcdef")];
    sync.metadata.annotations = Some(annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    View::of(&Seen { gitsyncs: vec![sync], services: vec![] }, now())
}

#[test]
fn what_is_held_suspended_pinned_and_waited_for_is_loud() {
    let mut out = Vec::new();
    loud().print(&mut out, false).unwrap();
    let text = String::from_utf8(out).unwrap();
    let expected = "    HELD for 3m: PruneBudget: 3 deletions of 4
    plan 0a1b2c of main@fffffff: 3 deletions
      would delete shop/a
      would delete shop/b\\u{1b}
      and 1 more deletion
    to let it go on: gitmoor approve ops/shop --plan 0a1b2c
    SUSPENDED (freeze): nothing is written; go on with: gitmoor resume ops/shop
    PINNED to 0123456: go on with: gitmoor rollback ops/shop --release
    for 60s: wave 1 (3 waves), 4 of 9 done; waits for shop/x
    last: main@0123456 applied in part 2m ago in 1.25s, 3 changed, 1 pruned; Ada: one
";
    assert_eq!(text.lines().skip(2).map(|line| format!("{line}\n")).collect::<String>(), expected);
    let line = &loud().lines()[0].1;
    let words = "; plan 0a1b2c is held: PruneBudget; suspended; pinned to 0123456; wave 1 (3 waves), 4 of 9 done; waits for shop/x";
    assert!(line.ends_with(words), "{line}");
}

#[test]
fn machines_get_what_is_loud_beside_what_they_always_got() {
    let view = serde_json::to_value(loud()).unwrap();
    let sync = &view["gitsyncs"][0];
    for (field, expected) in [
        ("name", json!("ops/shop")),
        ("reason", json!("PlanHeld")),
        ("suspended", json!(true)),
        ("suspendReason", json!("freeze")),
        ("pinnedRevision", json!("0123456789abcdef")),
    ] {
        assert_eq!(sync[field], expected, "{field}");
    }
    assert_eq!((&sync["hold"]["plan"], &sync["progress"]["waves"]), (&json!("0a1b2c"), &json!(3)));
    assert_eq!(sync["history"][0]["result"], "Partial");
}
