//! A GitSync that is deleted and takes its MicroServices along: what goes, what stays, and what a person is asked.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

const FINALIZER: &str = "gitmoor.dev/microservices";

fn files(names: &[&'static str]) -> Vec<(&'static str, Value)> {
    names.iter().map(|name| (*name, service(name.trim_end_matches(".yaml"), json!({"replicas": 0})))).collect()
}

/// Waits until the finalizer is on the GitSync, or off.
async fn finalizer(scene: &Scene, wanted: bool) {
    eventually(&format!("the finalizer is there: {wanted}"), async || {
        let sync = scene.get_sync().await;
        let finalizers = &sync["metadata"]["finalizers"];
        let there = finalizers.as_array().is_some_and(|all| all.iter().any(|one| *one == FINALIZER));
        holds(there == wanted, finalizers)
    })
    .await;
}

/// Waits until the GitSync is gone.
async fn gone(scene: &Scene) {
    eventually("the GitSync is gone", async || {
        let found = scene.kube.find("GitSync", &scene.home, &scene.sync).await;
        holds(found.is_none(), found)
    })
    .await;
}

async fn delete(scene: &Scene) {
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
}

async fn approve(scene: &Scene, plan: &str) {
    let object = format!("gitsyncs.gitmoor.dev/{}", scene.sync);
    let plan = format!("gitmoor.dev/approve-plan={plan}");
    scene.kube.kubectl(&["annotate", "-n", &scene.home, &object, "--overwrite", &plan]).await;
}

async fn suspend(scene: &Scene, suspend: bool) {
    let patch = json!({"spec": {"suspend": suspend}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
}

/// Makes the source unreadable.
fn without_source(scene: &Scene) {
    std::fs::rename(&scene.repository.bare, scene.repository.bare.with_extension("aside")).unwrap();
}

/// A scene whose GitSync is being deleted and waits for approval; its plan.
async fn held(scene: &Scene) -> String {
    delete(scene).await;
    scene.condition("Ready", "False", "DeletionBudget").await;
    let status = scene.status("a plan is held", |status| status["hold"].is_object()).await;
    let hold = &status["hold"];
    assert_eq!((&hold["reason"], &hold["creations"]), (&json!("DeletionBudget"), &json!(0)), "{hold:#}");
    hold["plan"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_it_applied_goes_with_it_and_the_source_has_no_say() {
    let spec = json!({"deletionPolicy": "Delete", "prune": {"budget": "100%"}});
    let mut protected = service("c", json!({"replicas": 0}));
    protected["metadata"]["annotations"] = json!({"gitmoor.dev/prune": "false"});
    let mut manifests = files(&["a.yaml", "b.yaml"]);
    manifests.push(("c.yaml", protected));
    let Some(scene) = Scene::synced("along", spec, &manifests).await else { return };
    finalizer(&scene, true).await;
    // A copy has all the marks, and was not applied by us.
    let mut copy = scene.service("a").await.unwrap();
    copy["metadata"] = json!({
        "namespace": scene.namespace, "name": "copy",
        "labels": copy["metadata"]["labels"], "annotations": copy["metadata"]["annotations"]
    });
    copy.as_object_mut().unwrap().remove("status");
    scene.kube.create(&copy).await;
    without_source(&scene);
    scene.request().await;
    scene.status("the source cannot be read", |status| status["conditions"][0]["reason"] == "RepositoryNotFound").await;
    delete(&scene).await;
    gone(&scene).await;
    scene.has_services(&["c", "copy"]).await;
}

#[tokio::test]
async fn beyond_the_budget_a_person_is_asked_and_only_that_plan_is_approved() {
    let Some(scene) =
        Scene::synced("asked", json!({"deletionPolicy": "Delete"}), &files(&["a.yaml", "b.yaml", "c.yaml"])).await
    else {
        return;
    };
    finalizer(&scene, true).await;
    let plan = held(&scene).await;
    let status = scene.status("what would go is listed", |status| status["hold"]["deletions"] == 3).await;
    let names = ["a", "b", "c"].map(|name| format!("{}/{name}", scene.namespace));
    assert_eq!(status["hold"]["deletes"], json!(names), "{status:#}");
    let ready = condition(&json!({"status": status}), "Ready")["message"].to_string();
    for word in ["3 deletions", "1 allowed", &format!("gitmoor.dev/approve-plan={plan}"), "Orphan"] {
        assert!(ready.contains(word), "{word} in {ready}");
    }
    scene.event("GitSync", &scene.sync, "DeletionHeld", &plan).await;
    approve(&scene, "0123456789ab").await;
    // With one fewer it is another plan: the daemon has seen both when it asks for that.
    scene.kube.delete("MicroService", &scene.namespace, "c").await;
    let status = scene.status("there is another plan", |status| status["hold"]["deletions"] == 2).await;
    assert_ne!(status["hold"]["plan"], json!(plan));
    approve(&scene, &plan).await;
    let other = status["hold"]["plan"].as_str().unwrap();
    // That it is suspended is seen after that.
    suspend(&scene, true).await;
    scene.condition("Ready", "False", "Suspended").await;
    scene.has_services(&["a", "b"]).await;
    suspend(&scene, false).await;
    approve(&scene, other).await;
    gone(&scene).await;
    scene.has_services(&[]).await;
}

#[tokio::test]
async fn the_finalizer_follows_the_policy() {
    let Some(scene) = Scene::synced("policy", json!({}), &files(&["a.yaml", "b.yaml"])).await else { return };
    assert_eq!(scene.get_sync().await["metadata"].get("finalizers"), None, "Orphan needs none");
    let policy = async |policy: &str| {
        let patch = json!({"spec": {"deletionPolicy": policy}});
        scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
    };
    // It needs no source for that, and leaves the finalizers of others alone.
    without_source(&scene);
    let others = json!({"metadata": {"finalizers": ["example.com/other"]}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, others).await;
    policy("Delete").await;
    finalizer(&scene, true).await;
    policy("Orphan").await;
    finalizer(&scene, false).await;
    assert_eq!(scene.get_sync().await["metadata"]["finalizers"], json!(["example.com/other"]));
    policy("Delete").await;
    finalizer(&scene, true).await;
    // Who takes it off by hand meets it again.
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"metadata": {"finalizers": null}})).await;
    finalizer(&scene, true).await;
    held(&scene).await;
    // Nobody approves; somebody thinks again.
    policy("Orphan").await;
    gone(&scene).await;
    scene.has_services(&["a", "b"]).await;
}

#[tokio::test]
async fn a_suspended_gitsync_deletes_nothing_before_it_is_resumed() {
    let spec = json!({"deletionPolicy": "Delete", "prune": {"budget": "100%"}});
    let Some(scene) = Scene::synced("suspended", spec, &files(&["a.yaml", "b.yaml"])).await else { return };
    finalizer(&scene, true).await;
    suspend(&scene, true).await;
    delete(&scene).await;
    let told =
        |status: &Value| condition(&json!({"status": status}), "Ready")["message"].to_string().contains("resume");
    scene.status("it says what it waits for", told).await;
    scene.has_services(&["a", "b"]).await;
    suspend(&scene, false).await;
    gone(&scene).await;
    scene.has_services(&[]).await;
}

#[tokio::test]
async fn what_is_still_going_is_waited_for_and_named() {
    let spec = json!({"deletionPolicy": "Delete", "prune": {"budget": 2}});
    let Some(scene) = Scene::synced("going", spec, &files(&["a.yaml", "b.yaml"])).await else { return };
    finalizer(&scene, true).await;
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    let (kube, space) = (&scene.kube, &scene.namespace);
    kube.merge("suite", "MicroService", space, "b", finalizers(json!(["example.com/backup"]))).await;
    delete(&scene).await;
    let waits = format!("waiting until {space}/b is gone");
    let told = |status: &Value| condition(&json!({"status": status}), "Ready")["message"].to_string().contains(&waits);
    scene.status("it says what it waits for", told).await;
    scene.has_services(&["b"]).await;
    kube.merge("suite", "MicroService", space, "b", finalizers(Value::Null)).await;
    gone(&scene).await;
}

#[tokio::test]
async fn its_namespace_takes_it_along_whatever_is_held() {
    let Some(scene) = Scene::new("spaces").await else { return };
    let commit = scene.commit(&files(&["a.yaml", "b.yaml"]));
    scene.create_sync(json!({"deletionPolicy": "Delete", "prune": {"budget": 0}})).await;
    scene.applied(&commit).await;
    finalizer(&scene, true).await;
    scene.kube.kubectl(&["delete", "namespace", &scene.namespace, "--timeout=60s"]).await;
    assert_eq!(scene.kube.find("Namespace", "", &scene.namespace).await, None);
}

#[tokio::test]
async fn what_another_gitsync_declares_stays_and_is_taken_over() {
    let spec = json!({"deletionPolicy": "Delete", "prune": {"budget": "100%"}});
    let Some(scene) = Scene::synced("heir", spec, &files(&["a.yaml", "b.yaml"])).await else { return };
    finalizer(&scene, true).await;
    let before = scene.service("a").await.unwrap();
    let Some(mut heir) = Scene::new("other").await else { return };
    (heir.home, heir.sync, heir.namespace) = (scene.namespace.clone(), "heir".into(), scene.namespace.clone());
    let commit = heir.commit(&files(&["a.yaml"]));
    heir.create_sync(json!({"takeOver": "Unowned"})).await;
    heir.applied(&commit).await;
    heir.condition("Ready", "False", "OwnedByOther").await;
    delete(&scene).await;
    gone(&scene).await;
    let taken = |a: &Value| a["metadata"]["annotations"]["gitmoor.dev/source"].to_string().contains("/heir;");
    let after = scene.service_that("a", "the other has taken it over", taken).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"], "it never went");
    scene.has_services(&["a"]).await;
    heir.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_daemon_killed_while_it_waits_or_deletes_is_followed_by_one_that_ends_it() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "killed").await else { return };
    let many: Vec<_> = (0..200)
        .map(|index| serde_yaml::to_string(&service(&format!("many-{index:03}"), json!({"replicas": 0}))).unwrap())
        .collect();
    let commit = scene.commit(&[("many.yaml", json!(many.join("---\n")))]);
    scene.create_sync(json!({"deletionPolicy": "Delete"})).await;
    scene.applied(&commit).await;
    finalizer(&scene, true).await;
    let plan = held(&scene).await;
    daemon.kill();
    // It went on waiting while nobody was there, and is approved meanwhile.
    approve(&scene, &plan).await;
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    let left = eventually("some of it is deleted", async || {
        let left = scene.services().await.len();
        holds(left < 200, left).map(|()| left)
    })
    .await;
    daemon.kill();
    assert!(left > 0, "it was killed too late for this test to show anything");
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    gone(&scene).await;
    scene.has_services(&[]).await;
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new());
}
