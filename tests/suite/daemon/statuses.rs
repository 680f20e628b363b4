//! What a status says is what its writer observed: what another hand writes into it, or a restore brings back, does not stay.
//! And a status that stands is not written again.

use serde_json::{Value, json};

use crate::support::audit::{Audit, Mark};
use crate::support::kube::condition;
use crate::support::scene::{SYNC, Scene, service};

/// How often the daemon has written the status of an object of the scene since then, as that field manager.
fn written(audit: &Audit, since: Mark, scene: &Scene, name: &str, manager: &str) -> usize {
    let manager = format!("fieldManager={manager}");
    let entries = audit.about(since, name).into_iter();
    let ours = entries.filter(|entry| {
        entry["objectRef"]["namespace"] == scene.namespace
            && entry["objectRef"]["subresource"] == "status"
            && entry["requestURI"].as_str().is_some_and(|uri| uri.split(['?', '&']).any(|part| part == manager))
            && entry["user"]["username"].as_str().is_some_and(|user| user.ends_with(":gitmoor"))
    });
    ours.count()
}

#[tokio::test]
async fn what_another_hand_or_a_restore_writes_into_the_status_of_a_gitsync_is_written_over_once() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("status", json!({}), &files).await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    scene.ready("a").await;
    scene.ready("b").await;
    scene.settled().await;
    let good = scene.status("both are ready", |status| status["counts"]["ready"] == 2).await;
    let read = |status: &Value| {
        let mut status = status.clone();
        // When a condition came to be so is the hand's doing by now.
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            condition["lastTransitionTime"] = Value::Null;
        }
        status
    };

    // As an older backup has it; and with what was never so.
    let mut older = good.clone();
    older["counts"]["declared"] = json!(1);
    older["lastAppliedRevision"]["revision"] = json!("main@sha1:4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    older["history"] = json!([]);
    older["conditions"] = json!([{
        "type": "Ready", "status": "False", "reason": "Suite", "message": "as it was", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-02T03:04:05Z"
    }]);
    older["scopeHeld"] = json!("nobody said so");
    let since = audit.mark();
    scene.kube.merge_status("GitSync", &scene.home, SYNC, older).await;
    scene.status("it is what was observed", |status| read(status) == read(&good)).await;
    scene
        .log
        .line("it is told", |line| {
            let about = line["sync"] == format!("{}/{SYNC}", scene.namespace);
            about && line["message"] == "the status was changed by another hand; it is written again"
        })
        .await;
    // One apply, and one removal of what it never owned; then nothing, whatever else changes about it.
    let healed = written(&audit, since, &scene, SYNC, "gitmoor");
    assert!((1..=2).contains(&healed), "{healed} writes");
    for value in ["one", "two", "three"] {
        scene.annotate("suite.example.com/mark", json!(value)).await;
    }
    scene.settled().await;
    let more = written(&audit, since, &scene, SYNC, "gitmoor") - healed;
    assert!((1..=2).contains(&more), "{more} writes for a request that was handled");
    assert_eq!(scene.get_sync().await["status"]["scopeHeld"], Value::Null);
}

#[tokio::test]
async fn what_another_hand_writes_into_the_status_of_a_service_is_written_over_and_its_own_condition_costs_nothing() {
    let Some(scene) = Scene::synced("status-ms", json!({}), &[("a.yaml", service("a", json!({})))]).await else {
        return;
    };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    let good = scene.ready("a").await["status"].clone();
    let mut conditions = good["conditions"].clone();
    conditions.as_array_mut().unwrap().push(json!({
        "type": "SuiteSaw", "status": "True", "reason": "Suite", "message": "a word of somebody else",
        "lastTransitionTime": "2026-01-02T03:04:05Z"
    }));
    let since = audit.mark();
    let lies = json!({"url": "https://elsewhere.example.com/", "replicasSummary": "7/7", "conditions": conditions});
    scene.kube.merge_status("MicroService", &scene.namespace, "a", lies).await;
    let healed = scene
        .service_that("a", "it is what was observed", |a| {
            a["status"]["url"] == good["url"] && a["status"]["replicasSummary"] == good["replicasSummary"]
        })
        .await;
    assert_eq!(condition(&healed, "SuiteSaw")["status"], "True", "a condition of somebody else is theirs");
    // A look of the sync's and one of the controller's: each heals its part.
    scene.settled().await;
    scene.settled().await;
    let writes = written(&audit, since, &scene, "a", "gitmoor-controller");
    // Each is news for the controller, which has nothing to say about it; that it is drift, the sync says.
    for value in ["one", "two", "three"] {
        let mark = json!({"metadata": {"annotations": {"suite.example.com/mark": value}}});
        scene.kube.merge("suite", "MicroService", &scene.namespace, "a", mark).await;
    }
    scene.settled().await;
    scene.settled().await;
    assert_eq!(written(&audit, since, &scene, "a", "gitmoor-controller"), writes, "and writes nothing");
}
