//! Timelines, from values.

use serde_json::json;

use super::*;
use crate::page::book::tests::{gitsync, service};

fn now() -> Timestamp {
    "2026-01-02T01:00:00Z".parse().unwrap()
}

fn said(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| format!("{:?} {} {}: {}", entry.kind, entry.time, entry.object, entry.text)).collect()
}

#[test]
fn a_gitsync_tells_of_commits_syncs_holds_and_of_what_was_deleted() {
    let history = json!([{
        "revision": "main@sha1:0123456789", "author": "Ada", "subject": "more orders", "committed": "2026-01-02T00:01:00Z",
        "applied": "2026-01-02T00:02:00Z", "took": "1.25s", "result": "Partial", "changed": 3, "pruned": 0,
        "quarantined": 1, "held": 0
    }]);
    let hold = json!({
        "plan": "0a1b", "revision": "main@sha1:0123456789", "reason": "PruneBudget", "message": "3 deletions; the budget is 1",
        "deletions": 3, "since": "2026-01-02T00:03:00Z"
    });
    let gone = json!({
        "kind": "MicroService", "object": "shop/orders", "path": "", "change": "Deleted",
        "observed": "2026-01-02T00:04:00Z", "until": "2026-01-02T00:05:00Z", "ended": "Corrected"
    });
    let sync = gitsync("ops/main", json!({"history": history, "hold": hold, "driftHistory": [gone]}));
    let entries = of_sync(&sync);
    let expected = [
        "Commit 2026-01-02T00:01:00Z GitSync ops/main: more orders",
        "Sync 2026-01-02T00:02:00Z GitSync ops/main: main@0123456 applied in part in 1.25s, 3 changed, 1 quarantined",
        "Hold 2026-01-02T00:03:00Z GitSync ops/main: plan held: 3 deletions; the budget is 1; it would make 3 deletions",
        "DriftEnded 2026-01-02T00:05:00Z shop/orders: the whole object was deleted; put back 2026-01-02T00:05:00Z after 1m0s",
    ];
    assert_eq!(said(&entries), expected);
    assert!(entries.iter().all(|entry| entry.gitsync.as_deref() == Some("ops/main")));
    assert_eq!((entries[0].author.as_deref(), entries[2].code), (Some("Ada"), codes::code_of("PruneBudget")));
    let rights = Rights { services: crate::page::access::Namespaces::These([].into()), ..Rights::ALL };
    assert!(!entries[3].is_for(&rights) && entries[2].is_for(&rights));
}

#[test]
fn a_service_tells_of_its_health_its_drift_and_what_it_runs() {
    let mut orders = service("shop/orders", "CrashLoopBackOff", 1);
    let entries = of_service(&orders, None, now());
    let expected = [
        "Health 2026-01-02T00:00:00Z shop/orders: not ready: so",
        "Drift 2026-01-02T00:00:01Z shop/orders: /spec/replicas: declared 2, live 5",
    ];
    assert_eq!(said(&entries), expected);
    assert_eq!((entries[0].tone, entries[1].who.as_deref()), (Tone::Bad, Some("eve")));
    assert_eq!(of_service(&orders, None, now() + jiff::SignedDuration::from_hours(1)), entries, "whenever it is read");
    let image = |running: &str| serde_json::from_value(json!({"declared": "a:2", "running": running})).unwrap();
    let set = |orders: &mut MicroService, running| orders.status.as_mut().unwrap().image = Some(image(running));
    set(&mut orders, "a:1");
    let before = Row::of_service(&orders);
    set(&mut orders, "a:2");
    let entries = of_service(&orders, Some(&before), now());
    assert!(said(&entries).contains(&"Rollout 2026-01-02T01:00:00Z shop/orders: runs a:2, before a:1".to_owned()));
}

#[test]
fn what_is_read_again_is_no_news_and_each_kind_has_its_own_bound() {
    let mut timeline = Timeline::default();
    let sync = gitsync(
        "ops/main",
        json!({"history": [{
            "revision": "main@sha1:01", "applied": "2026-01-01T00:00:00Z", "took": "1s", "result": "Applied", "changed": 0,
            "pruned": 0, "quarantined": 0, "held": 0
        }]}),
    );
    let add = |timeline: &mut Timeline, entries: Vec<Entry>| {
        entries.into_iter().map(|entry| timeline.add(entry)).filter(|news| *news).count()
    };
    assert_eq!(add(&mut timeline, of_sync(&sync)), 1);
    assert_eq!(add(&mut timeline, of_sync(&sync)), 0);
    for number in 0..KEPT + 10 {
        add(&mut timeline, of_service(&service(&format!("shop/s{number:04}"), "Ready", 0), None, now()));
    }
    let query = |text: &str| TimelineQuery::parse(text).unwrap();
    let (found, more) = timeline.find(&query("limit=3"), &Rights::ALL);
    assert_eq!((found.len(), more), (3, KEPT + 1 - 3));
    assert_eq!(timeline.find(&query("kind=Sync"), &Rights::ALL).0.len(), 1);
    // One that was pushed out does not come back.
    assert_eq!(add(&mut timeline, of_service(&service("shop/s0000", "Ready", 0), None, now())), 0);
    let of = |object: &str| timeline.find(&query(&format!("object={object}&limit=1000")), &Rights::ALL).0.len();
    assert_eq!((of("MicroService/shop/s0100"), of("GitSync/ops/main"), of("GitSync/ops/other")), (1, KEPT + 1, 0));
}
