//! What exists and nobody owns, where `spec.takeOver` says that it may become ours.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};

/// A service that somebody made by hand, with things of which Git knows nothing.
async fn made_by_hand(scene: &Scene, name: &str) -> Value {
    let mut theirs = service(name, json!({"replicas": 3, "terminationGracePeriodSeconds": 7}));
    theirs["metadata"]["namespace"] = json!(scene.namespace);
    scene.kube.create(&theirs).await
}

#[tokio::test]
async fn what_nobody_owns_is_taken_over_where_the_spec_says_so() {
    let Some(scene) = Scene::new("unowned").await else { return };
    let made = made_by_hand(&scene, "a").await;
    let before = scene.ready("a").await;
    let deployment = scene.kube.get("Deployment", &scene.namespace, "a").await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 1})))]);
    scene.create_sync(json!({})).await;
    let status = scene.applied(&commit).await;
    let problem = &status["problems"][0];
    assert_eq!((&problem["reason"], &problem["place"]), (&json!("NotOurs"), &json!("a.yaml:1:1")), "{status:#}");
    assert!(problem["message"].as_str().unwrap().contains("spec.takeOver: Unowned"), "says how: {problem}");
    assert_eq!(scene.service("a").await.unwrap()["spec"], made["spec"]);

    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"takeOver": "Unowned"}})).await;
    let a = scene
        .service_that("a", "it is as declared, and nothing of theirs is left", |a| {
            a["spec"]["replicas"] == 1 && a["spec"].get("terminationGracePeriodSeconds").is_none()
        })
        .await;
    assert_eq!(a["metadata"]["uid"], before["metadata"]["uid"], "the same object");
    let after = scene.kube.get("Deployment", &scene.namespace, "a").await;
    assert_eq!(after["metadata"]["uid"], deployment["metadata"]["uid"], "and the same workload");
    scene.condition("Ready", "True", "Applied").await;
    // What it changed at once is told with it, what it removed later as drift with its hand.
    let object = format!("{}/a", scene.namespace);
    let taken = scene.log.lines(|line| line["message"] == "taken over" && line["object"] == *object);
    assert_eq!(taken.len(), 1, "{}", scene.log.tail());
    assert_eq!(taken[0]["from"], "nobody");
    let changed = taken[0]["changed"].as_str().unwrap();
    assert!(changed.contains("/spec/replicas is 3; declared 1 (by somebody"), "{changed}");
    let drift = scene.drift_lines("source", "MicroService", "a");
    assert_eq!(drift.len(), 1, "{drift:#?}");
    assert_eq!((&drift[0]["change"], &drift[0]["manager"]), (&json!("Added"), &json!("somebody")));
    scene.event("MicroService", "a", "TakenOver", "which nobody owned: ").await;
    // From now on it is like any other.
    scene.push(&[("b.yaml", service("b", json!({}))), ("a.yaml", Value::Null)]).await;
    scene.has_services(&["b"]).await;
}

#[tokio::test]
async fn under_report_what_others_added_is_reported_and_stays() {
    let Some(scene) = Scene::new("unreport").await else { return };
    made_by_hand(&scene, "a").await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 1})))]);
    scene.create_sync(json!({"takeOver": "Unowned", "drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    let a = scene.service_that("a", "what was added is reported", |a| a["status"]["sourceDrift"]["count"] == 1).await;
    assert_eq!((&a["spec"]["replicas"], &a["spec"]["terminationGracePeriodSeconds"]), (&json!(1), &json!(7)));
    assert_eq!(a["status"]["sourceDrift"]["fields"][0]["path"], "/spec/terminationGracePeriodSeconds");
}

#[tokio::test]
async fn a_copy_with_our_marks_is_nobodys() {
    let Some(scene) =
        Scene::synced("uncopy", json!({"takeOver": "Unowned"}), &[("a.yaml", service("a", json!({})))]).await
    else {
        return;
    };
    let mut copy = scene.service("a").await.unwrap();
    let metadata = copy["metadata"].take();
    copy.as_object_mut().unwrap().remove("status");
    copy["metadata"] = json!({
        "namespace": scene.namespace, "name": "copy", "labels": metadata["labels"], "annotations": metadata["annotations"]
    });
    let copy = scene.kube.create(&copy).await;
    scene.push(&[("copy.yaml", service("copy", json!({"replicas": 2})))]).await;
    let taken = scene.service_that("copy", "it is as declared", |copy| copy["spec"]["replicas"] == 2).await;
    assert_eq!(taken["metadata"]["uid"], copy["metadata"]["uid"]);
    let mark = taken["metadata"]["annotations"]["gitmoor.dev/source"].as_str().unwrap();
    assert!(mark.ends_with("/copy"), "{mark}");
}

#[tokio::test]
async fn what_a_gitsync_left_behind_is_taken_only_where_the_spec_says_so() {
    let Some(scene) = Scene::synced("behind", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let before = scene.ready("a").await;
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    let Some(mut second) = Scene::new("heir").await else { return };
    (second.home, second.namespace, second.sync) = (scene.home.clone(), scene.namespace.clone(), "heir".into());
    let commit = second.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    second.create_sync(json!({})).await;
    let status = second.applied(&commit).await;
    let problem = &status["problems"][0];
    assert_eq!(problem["reason"], "OwnedByOther", "{status:#}");
    let said = problem["message"].as_str().unwrap();
    assert!(said.contains(&format!("GitSync {}/{}, which is gone", scene.home, scene.sync)), "{said}");
    assert!(said.contains("spec.takeOver: Unowned"), "says how: {said}");
    second.kube.merge("suite", "GitSync", &second.home, "heir", json!({"spec": {"takeOver": "Unowned"}})).await;
    let after = second.service_that("a", "it is the heir's", |a| a["spec"]["replicas"] == 2).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    second.condition("Ready", "True", "Applied").await;
}
