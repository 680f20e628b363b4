//! Answers, from values.

use super::*;
use serde_json::{Value, json};

const REQUEST: &str = "2026-01-02T00:00:00.000000001Z";

/// A GitSync that has answered the request and is ready, with changes.
fn gitsync(change: &Value) -> GitSync {
    let mut object = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com"},
        "metadata": {"namespace": "ops", "name": "shop", "generation": 2,
                     "annotations": {"gitmoor.dev/reconcile-requested-at": REQUEST}},
        "status": {"observedGeneration": 2, "lastHandledReconcileAt": REQUEST, "conditions": ready("True", "Applied")}
    });
    json_patch::merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

fn ready(status: &str, reason: &str) -> Value {
    json!([condition("Ready", status, reason)])
}

fn under_way(reason: &str) -> Value {
    json!([condition("Ready", "False", reason), condition("Reconciling", "True", "Progressing")])
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": "m", "lastTransitionTime": "2026-01-02T00:00:00Z"})
}

fn hold(plan: &str) -> Value {
    json!({"plan": plan, "revision": "main@sha1:1", "reason": "PruneBudget", "message": "m", "since": "2026-01-02T00:00:00Z"})
}

fn carried_out(plan: &str) -> Value {
    json!([{"revision": "main@sha1:1", "applied": "2026-01-02T00:00:00Z", "took": "1s", "result": "Applied",
            "changed": 0, "pruned": 0, "quarantined": 0, "held": 0, "approved": plan}])
}

/// What is waited for, or the exit code once nothing is.
#[track_caller]
fn check(goal: Goal, change: Value, expected: Result<u8, &str>) {
    let gitsync = gitsync(&change);
    let asked = Asked { request: REQUEST.into(), goal };
    let code = Answer::of(&gitsync, &asked).code();
    match (judge(&gitsync, &asked), expected) {
        (Judged::Over, expected) => assert_eq!(Ok(code), expected, "{change}"),
        (Judged::Waiting(words) | Judged::Soon(words), Err(part)) => assert!(words.contains(part), "{words}"),
        (Judged::Waiting(words) | Judged::Soon(words), Ok(_)) => panic!("waits: {words}"),
    }
}

#[test]
fn a_request_is_over_when_it_is_handled_and_nothing_is_under_way() {
    let check = |change, expected| check(Goal::Reconciled, change, expected);
    check(json!({}), Ok(0));
    check(json!({"status": {"lastHandledReconcileAt": "old"}}), Err("yet to answer"));
    check(json!({"status": null}), Err("yet to answer"));
    // Somebody else has asked since, and that was answered; or that was not.
    let later = json!({"gitmoor.dev/reconcile-requested-at": "later"});
    check(json!({"metadata": {"annotations": later}, "status": {"lastHandledReconcileAt": "later"}}), Ok(0));
    check(
        json!({"metadata": {"annotations": later}, "status": {"lastHandledReconcileAt": "old"}}),
        Err("yet to answer"),
    );
    check(json!({"metadata": {"annotations": later}}), Ok(0));
    check(json!({"status": {"conditions": under_way("Progressing")}}), Err("Progressing"));
    check(json!({"status": {"observedGeneration": 1}}), Err("NotObserved"));
    check(json!({"status": {"conditions": under_way("DependencyNotReady")}}), Err("DependencyNotReady"));
    // What was refused is an answer, even while it is tried again.
    check(json!({"status": {"conditions": under_way("Forbidden")}}), Ok(1));
    check(json!({"status": {"conditions": ready("False", "InvalidManifests")}}), Ok(1));
    check(json!({"status": {"conditions": ready("False", "PlanHeld"), "hold": hold("a")}}), Ok(1));
}

#[test]
fn what_an_apply_in_waves_waits_for_is_told() {
    let progress = json!({"wave": 1, "waves": 3, "done": 4, "total": 9, "since": "2026-01-02T00:00:00Z",
                          "waitingFor": ["a/a", "a/b", "a/c", "a/d"]});
    let conditions = ready("False", "WaitingForHealth");
    let words = "wave 1 (3 waves), 4 of 9 done; waits for a/a, a/b, a/c, …";
    check(Goal::Reconciled, json!({"status": {"conditions": conditions, "progress": progress}}), Err(words));
    check(Goal::Reconciled, json!({"status": {"progress": progress}}), Ok(0));
    // It has waited long enough.
    let stalled = json!([condition("Ready", "False", "Timeout"), condition("Stalled", "True", "Timeout")]);
    check(Goal::Reconciled, json!({"status": {"conditions": stalled, "progress": progress}}), Ok(1));
}

#[test]
fn what_will_not_be_answered_is_not_waited_for() {
    check(Goal::Reconciled, json!({"spec": {"suspend": true}, "status": {"lastHandledReconcileAt": "old"}}), Ok(2));
    let deleting =
        json!({"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z"}, "status": {"lastHandledReconcileAt": "old"}});
    check(Goal::Reconciled, deleting, Ok(2));
}

/// The goal that plan `a` is carried out, of a GitSync that has deleted and applied something before.
fn plan(deletions: Value, applied: &str) -> Goal {
    let status = json!({"hold": hold("a"), "recentDeletions": deletions, "lastAppliedRevision": at(applied)});
    Goal::CarriedOut(Plan::of(&serde_json::from_value(status).unwrap()).unwrap())
}

fn at(revision: &str) -> Value {
    json!({"revision": revision, "applied": "2026-01-02T00:00:00Z"})
}

fn deleted(minute: u8, count: u32) -> Value {
    json!({"at": format!("2026-01-02T00:{minute:02}:00Z"), "count": count, "members": 9})
}

#[test]
fn an_approval_is_over_when_the_plan_was_carried_out() {
    let check = |change, expected| check(plan(json!([deleted(1, 3)]), "main@sha1:1"), change, expected);
    check(json!({"status": {"history": carried_out("a")}}), Ok(0));
    check(json!({"status": {"history": carried_out("a"), "conditions": ready("False", "Forbidden")}}), Ok(1));
    check(json!({"status": {"recentDeletions": [deleted(2, 2)]}}), Ok(0));
    check(json!({"status": {"recentDeletions": [deleted(1, 5)]}}), Ok(0));
    // Answered, and nothing was deleted yet; or it never will be.
    let soon = Err("is being carried out");
    check(json!({"status": {"hold": hold("a")}}), soon);
    check(json!({"status": {"hold": hold("a"), "conditions": ready("False", "PlanHeld")}}), soon);
    check(json!({}), soon);
    check(json!({"status": {"recentDeletions": [deleted(1, 3)]}}), soon);
    check(json!({"status": {"history": carried_out("b")}}), soon);
    // What was deleted is nothing as long as the plan is held.
    check(json!({"status": {"hold": hold("a"), "recentDeletions": [deleted(2, 2)]}}), soon);
    check(json!({"status": {"conditions": ready("False", "Forbidden")}}), Ok(1));
}

#[test]
fn a_held_revision_is_carried_out_when_it_is_applied() {
    let check = |before: &str, now: &str, expected: Result<u8, &str>| {
        check(plan(json!([]), before), json!({"status": {"lastAppliedRevision": at(now)}}), expected);
    };
    check("main@sha1:0", "main@sha1:1", Ok(0));
    check("main@sha1:0", "main@sha1:0", Err("is being carried out"));
    // It was applied before, but for what is held.
    check("main@sha1:1", "main@sha1:1", Err("is being carried out"));
}

#[test]
fn a_pin_is_over_when_the_status_has_it() {
    let commit = "a".repeat(40);
    let pinned = |change, expected| check(Goal::Pinned(commit.clone()), change, expected);
    pinned(json!({"status": {"pinnedRevision": commit}}), Ok(0));
    pinned(json!({"status": {"pinnedRevision": format!("main@sha1:{commit}")}}), Ok(0));
    pinned(json!({}), Err("yet to take up the pin"));
    pinned(json!({"status": {"pinnedRevision": "b".repeat(40)}}), Err("yet to take up the pin"));
    // There is no such commit.
    pinned(json!({"status": {"conditions": ready("False", "PinnedRevisionMissing")}}), Ok(1));
    check(Goal::Released, json!({}), Ok(0));
    check(Goal::Released, json!({"status": {"pinnedRevision": commit}}), Err("yet to take up the pin"));
}

fn printed(goal: Goal, change: Value) -> String {
    let asked = Asked { request: REQUEST.into(), goal: goal.clone() };
    let mut out = Vec::new();
    Answer::of(&gitsync(&change), &asked).print(&goal, &mut out, false).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_wrong_is_said_below() {
    assert_eq!(printed(Goal::Reconciled, json!({})), "ops/shop is ready: Applied: m\n");
    let problems: Vec<Value> = (0..12)
        .map(|at| json!({"object": format!("shop/{at}"), "reason": "Forbidden", "message": "no\x1b[2J"}))
        .collect();
    let text = printed(
        Goal::Reconciled,
        json!({"status": {"conditions": ready("False", "Forbidden"), "hold": hold("a"), "problems": problems}}),
    );
    let expected = "ops/shop is not ready: Forbidden: m\n    plan a is held: PruneBudget; see: gitmoor approve ops/shop\n    \
                    shop/0 Forbidden: no\\u{1b}[2J\n";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("and more; see: gitmoor status ops/shop\n") && text.lines().count() == 13, "{text}");
    let unanswered = printed(Goal::Reconciled, json!({"status": {"lastHandledReconcileAt": "old"}}));
    assert!(
        unanswered.starts_with("ops/shop: the request is not answered; its status says: Ready Applied\n")
            && unanswered.contains("did not answer in time"),
        "{unanswered}"
    );
    let suspended =
        printed(Goal::Reconciled, json!({"spec": {"suspend": true}, "status": {"lastHandledReconcileAt": "old"}}));
    assert!(suspended.contains("go on with: gitmoor resume ops/shop"), "{suspended}");
    assert!(printed(plan(json!([]), "main@sha1:1"), json!({})).contains("plan a was not carried out"));
}
