//! `gitmoor approve`. The test is the daemon: it writes the status that guards would.

use serde_json::{Value, json};

use super::gitmoor_on;
use crate::daemon::guards::{borrowed, held, scene_of, without};
use crate::support::alone::Alone;
use crate::support::{eventually, holds};

const APPROVAL: &str = "gitmoor.dev/approve-plan";

fn hold(plan: &str) -> Value {
    json!({"plan": plan, "revision": "main@sha1:ffffffffffffffffffffffffffffffffffffffff", "reason": "PruneBudget",
           "message": "2 deletions of 4 members; the budget is 1", "deletions": 2, "deletes": ["shop/a", "shop/b"],
           "since": "2026-01-02T00:00:00Z"})
}

fn entry(approved: Option<&str>) -> Value {
    json!({"revision": "main@sha1:ffffffffffffffffffffffffffffffffffffffff", "applied": "2026-01-02T00:00:00Z",
           "took": "1s", "result": "Applied", "changed": 0, "pruned": 2, "quarantined": 0, "held": 0, "approved": approved})
}

fn ready(status: &str, reason: &str) -> Value {
    json!([{"type": "Ready", "status": status, "reason": reason, "message": "m", "lastTransitionTime": "2026-01-02T00:00:00Z"}])
}

#[tokio::test]
async fn just_the_plan_that_is_held_is_approved() {
    let Some(alone) = Alone::new().await else { return };
    let (kube, namespace) = (&alone.kube, alone.kube.namespace("approve").await);
    let name = format!("{namespace}/main");
    let sync = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com/x"},
                      "metadata": {"namespace": namespace, "name": "main"}});
    kube.create(&sync).await;
    let on = async |arguments: &[&str]| gitmoor_on(kube.plane, arguments).await;
    let approval = async || kube.get("GitSync", &namespace, "main").await["metadata"]["annotations"][APPROVAL].clone();

    let ran = on(&["approve", &name]).await.exits(0);
    assert_eq!(ran.out, format!("{name} holds nothing back\n"));
    let ran = on(&["approve", &name, "--plan", "aaaa"]).await.exits(2);
    assert!(ran.err.contains("holds nothing"), "{}", ran.err);

    let status = json!({"observedGeneration": 1, "conditions": ready("False", "PlanHeld"), "hold": hold("aaaa")});
    kube.merge_status("GitSync", &namespace, "main", status).await;
    let ran = on(&["approve", &name]).await.exits(1);
    let command = format!("gitmoor approve {name} --plan aaaa");
    for part in ["PruneBudget: 2 deletions of 4 members", "would delete shop/a\n", "would delete shop/b\n", &command] {
        assert!(ran.out.contains(part), "{part} in {}", ran.out);
    }
    let ran = on(&["approve", &name, "--plan", "bbbb"]).await.exits(2);
    assert!(
        ran.err.contains("plan bbbb is not held, another one is") && ran.out.contains(&command),
        "{}{}",
        ran.out,
        ran.err
    );
    let json = on(&["approve", &name, "--plan", "bbbb", "-o", "json"]).await.exits(2).json();
    assert_eq!((&json["state"], &json["hold"]["plan"]), (&json!("anotherHeld"), &json!("aaaa")));
    assert_eq!(approval().await, Value::Null, "nothing was approved so far");
    for view in ["status", "tree"] {
        let ran = on(&[view, &name]).await.exits(1);
        assert!(ran.out.contains("HELD"), "{view}: {}", ran.out);
    }

    let ran = on(&["approve", &name, "--plan", "aaaa"]).await.exits(0);
    assert!(ran.out.contains("plan aaaa is approved: 2 deletions"), "{}", ran.out);
    assert_eq!(approval().await, "aaaa");
    let before = kube.get("GitSync", &namespace, "main").await;
    on(&["approve", &name, "--plan", "aaaa"]).await.exits(0);
    assert_eq!(kube.get("GitSync", &namespace, "main").await, before, "twice is once");

    // The daemon answers the request first, and carries the plan out then.
    let request = &before["metadata"]["annotations"]["gitmoor.dev/reconcile-requested-at"];
    let daemon = async {
        let asked = eventually("it is asked", async || {
            let live = kube.get("GitSync", &namespace, "main").await;
            let asked = live["metadata"]["annotations"]["gitmoor.dev/reconcile-requested-at"].clone();
            holds(asked != *request, &asked).map(|()| asked)
        })
        .await;
        kube.merge_status("GitSync", &namespace, "main", json!({"lastHandledReconcileAt": asked})).await;
        let done = json!({"hold": null, "history": [entry(Some("aaaa"))], "conditions": ready("True", "Applied")});
        kube.merge_status("GitSync", &namespace, "main", done).await;
    };
    let arguments = ["approve", &name, "--plan", "aaaa", "--wait", "-o", "json"];
    let (ran, ()) = tokio::join!(on(&arguments), daemon);
    let json = ran.exits(0).json();
    assert_eq!((&json["answer"]["reached"], &json["answer"]["ready"]), (&json!(true), &json!("True")), "{json:#}");
    let ran = on(&["approve", &name, "--plan", "aaaa"]).await.exits(0);
    assert!(ran.out.contains("was approved before, and nothing is held now"), "{}", ran.out);
}

#[tokio::test]
async fn the_daemon_carries_out_what_is_approved() {
    let Some(scene) = scene_of(6, "approvecli", json!({})).await else { return };
    scene.push(&borrowed(&without(0..3))).await;
    let hold = held(&scene, "PruneBudget").await;
    let (name, plan) = (format!("{}/main", scene.namespace), hold["plan"].as_str().unwrap());
    let on = async |arguments: &[&str]| gitmoor_on(scene.kube.plane, arguments).await;
    let ran = on(&["approve", &name]).await.exits(1);
    assert!(ran.out.contains(&format!("gitmoor approve {name} --plan {plan}\n")), "{}", ran.out);
    let ran = on(&["reconcile", &name, "--wait"]).await;
    assert!(ran.out.contains(&format!("plan {plan} is held: PruneBudget")), "{}", ran.out);
    let ran = on(&["approve", &name, "--plan", plan, "--wait"]).await.exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], format!("{name}: plan {plan} is approved: 3 deletions"));
    assert!(lines[1].starts_with(&format!("{name} is ready: Applied")), "{}", ran.out);
    eventually("they are gone", async || {
        let left = scene.services().await;
        holds(left == ["s03", "s04", "s05"], left)
    })
    .await;
}
