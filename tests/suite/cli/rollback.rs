//! `gitmoor rollback` and `gitmoor history`. The test is the daemon: it writes the status that a sync would.

use serde_json::{Value, json};

use super::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

const PIN: &str = "gitmoor.dev/pinned-revision";

fn entry(commit: &str, result: &str, subject: &str) -> Value {
    json!({"revision": format!("main@sha1:{commit}"), "applied": "2026-01-02T00:00:00Z", "took": "1.25s", "result": result,
           "author": "Ada Lovelace", "subject": subject, "changed": 2, "pruned": 0, "quarantined": 0, "held": 0})
}

#[tokio::test]
async fn it_goes_back_to_a_revision_of_the_history_and_is_released() {
    let Some(alone) = Alone::new().await else { return };
    let (kube, namespace) = (&alone.kube, alone.kube.namespace("rollback").await);
    let name = format!("{namespace}/main");
    let sync = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com/x"},
                      "metadata": {"namespace": namespace, "name": "main"}});
    kube.create(&sync).await;
    let on = async |arguments: &[&str]| gitmoor_on(kube.plane, arguments).await;
    let annotations = async || kube.get("GitSync", &namespace, "main").await["metadata"]["annotations"].clone();

    let ran = on(&["history", &name]).await.exits(0);
    assert!(ran.out.contains("has no history yet"), "{}", ran.out);
    let ran = on(&["rollback", &name]).await.exits(2);
    assert!(ran.err.contains("nothing was applied yet"), "{}", ran.err);

    let [a, b, c, d] = ["aaaa1", "bbbb1", "bbbb2", "dddd1"].map(|begin| format!("{begin:0<40}"));
    let history = [
        entry(&d, "Partial", "four"),
        entry(&c, "Superseded", "three"),
        entry(&b, "Applied", "two\u{1b}[2J"),
        entry(&a, "Applied", "one"),
    ];
    let conditions = json!([{"type": "Ready", "status": "True", "reason": "Applied", "message": "m",
                             "lastTransitionTime": "2026-01-02T00:00:00Z"}]);
    let applied = json!({"revision": format!("main@sha1:{d}"), "applied": "2026-01-02T00:00:00Z"});
    let status =
        json!({"observedGeneration": 1, "conditions": conditions, "history": history, "lastAppliedRevision": applied});
    kube.merge_status("GitSync", &namespace, "main", status).await;

    let ran = on(&["history", &name]).await.exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[1].starts_with("*  main@dddd100  Ada Lovelace ") && lines[1].ends_with("four  [live]"),
        "{}",
        ran.out
    );
    assert_eq!((lines.len(), lines[3].ends_with("two\\u{1b}[2J")), (5, true), "{}", ran.out);
    let json = on(&["history", &name, "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["history"][0]["live"], &json["history"][3]["subject"]), (&json!(true), &json!("one")));
    assert!(on(&["history", &name, "-o", "wide"]).await.exits(0).out.contains(&c));

    for (wrong, words) in [
        ("bbbb", "begins 2 commits of the history"),
        ("cccc", "no commit of the history begins with cccc"),
        ("main", "is not a commit"),
    ] {
        let ran = on(&["rollback", &name, wrong]).await.exits(2);
        assert!(ran.err.contains(words) && ran.out.contains("main@aaaa100"), "{wrong}: {}{}", ran.out, ran.err);
    }
    let ran = on(&["rollback", &name, "--dry-run"]).await.exits(0);
    assert!(ran.out.contains(&format!("would be pinned to {b}")), "{}", ran.out);
    assert_eq!(annotations().await[PIN], Value::Null, "nothing was written so far");

    let ran = on(&["rollback", &name]).await.exits(0);
    assert!(ran.out.starts_with(&format!("{name} is pinned to {b}\n    from  dddd100  Ada Lovelace: four\n    to    bbbb100  Ada Lovelace: two\\u{{1b}}[2J\n")), "{}", ran.out);
    let before = annotations().await;
    assert_eq!(before[PIN], json!(b));
    let ran = on(&["rollback", &name, "bbbb1"]).await.exits(0);
    assert!(ran.out.contains("is already pinned to"), "{}", ran.out);
    assert_eq!(annotations().await, before);
    assert!(on(&["status", &name]).await.out.contains("PINNED to bbbb100"));
    assert!(on(&["tree", &name]).await.out.contains("[PINNED to bbbb100]"));

    // Any commit by all of its digits, and its author is not known.
    let other = "e".repeat(40);
    let asked = async |before: &Value| {
        eventually("it is asked", async || {
            let request = annotations().await["gitmoor.dev/reconcile-requested-at"].clone();
            holds(request != before["gitmoor.dev/reconcile-requested-at"], &request).map(|()| request)
        })
        .await
    };
    let daemon = async {
        let request = asked(&before).await;
        // Answered, and pinned a moment later.
        kube.merge_status("GitSync", &namespace, "main", json!({"lastHandledReconcileAt": request})).await;
        kube.merge_status("GitSync", &namespace, "main", json!({"pinnedRevision": other})).await;
    };
    let arguments = ["rollback", &name, &other, "--wait", "-o", "json"];
    let (ran, ()) = tokio::join!(on(&arguments), daemon);
    let json = ran.exits(0).json();
    assert_eq!((&json["to"], &json["wasPinnedTo"]), (&json!({"commit": other}), &json!(b)));
    assert_eq!(json["answer"]["reached"], true, "{json:#}");

    let before = annotations().await;
    let daemon = async {
        let request = asked(&before).await;
        let status = json!({"lastHandledReconcileAt": request, "pinnedRevision": null});
        kube.merge_status("GitSync", &namespace, "main", status).await;
    };
    let arguments = ["rollback", &name, "--release", "--wait"];
    let (ran, ()) = tokio::join!(on(&arguments), daemon);
    let ran = ran.exits(0);
    assert!(ran.out.contains("is released: it was pinned to eeeeeee"), "{}", ran.out);
    assert_eq!(annotations().await[PIN], Value::Null);
    let ran = on(&["rollback", &name, "--release"]).await.exits(0);
    assert!(ran.out.contains("was not pinned"), "{}", ran.out);
}

#[tokio::test]
async fn the_daemon_goes_back_and_on_again() {
    let replicas = |count: u32| [("a.yaml", service("a", json!({"replicas": count})))];
    let Some(scene) = Scene::synced("rollbackcli", json!({}), &replicas(1)).await else { return };
    let second = scene.push(&replicas(2)).await;
    let third = scene.push(&replicas(3)).await;
    let name = format!("{}/main", scene.namespace);
    let on = async |arguments: &[&str]| gitmoor_on(scene.kube.plane, arguments).await;
    let has = async |count: u32| {
        let live = scene.service("a").await.unwrap();
        assert_eq!(live["spec"]["replicas"], count, "{live:#}");
    };
    let ran = on(&["rollback", &name, "--wait"]).await.exits(0);
    assert!(ran.out.starts_with(&format!("{name} is pinned to {second}\n")), "{}", ran.out);
    assert!(ran.out.lines().last().unwrap().starts_with(&format!("{name} is ready: Applied")), "{}", ran.out);
    has(2).await;
    let ran = on(&["history", &name]).await.exits(0);
    let live = ran.out.lines().find(|line| line.starts_with('*')).unwrap();
    assert!(live.contains(&second[..7]) && live.ends_with("[live, pinned]"), "{}", ran.out);
    let ran = on(&["reconcile", &name, "--wait"]).await.exits(0);
    assert!(ran.out.contains("PINNED"), "{}", ran.out);

    // Once more goes further back.
    on(&["rollback", &name, "--wait"]).await.exits(0);
    has(1).await;
    let ran = on(&["rollback", &name]).await.exits(2);
    assert!(ran.err.contains("no revision before the present one"), "{}", ran.err);
    on(&["rollback", &name, &third[..10], "--wait"]).await.exits(0);
    has(3).await;
    let ran = on(&["rollback", &name, &"e".repeat(40), "--wait"]).await.exits(1);
    assert!(ran.out.contains("is not ready: ") && ran.out.contains("it is not pinned to eeee"), "{}", ran.out);
    has(3).await;
    let fourth = scene.commit(&replicas(4));
    on(&["rollback", &name, "--release", "--wait"]).await.exits(0);
    has(4).await;
    let json = on(&["history", &name, "-o", "json"]).await.exits(0).json();
    assert_eq!(json["history"][0]["revision"], format!("main@sha1:{fourth}"));
}
