//! Deletions beyond the budget, or of the last object, wait for a person; all else of the revision goes on.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::eventually;
use crate::support::holds;
use crate::support::scene::{Scene, service};

/// That many services, a file each, without pods.
pub fn some(count: usize) -> Vec<(String, Value)> {
    (0..count).map(|n| (format!("s{n:02}.yaml"), small(n))).collect()
}

pub fn small(n: usize) -> Value {
    service(&format!("s{n:02}"), json!({"replicas": 0}))
}

pub fn borrowed(files: &[(String, Value)]) -> Vec<(&str, Value)> {
    files.iter().map(|(path, content)| (path.as_str(), content.clone())).collect()
}

/// Takes those services out of Git.
pub fn without(numbers: impl IntoIterator<Item = usize>) -> Vec<(String, Value)> {
    numbers.into_iter().map(|n| (format!("s{n:02}.yaml"), Value::Null)).collect()
}

/// A scene of that many services.
pub async fn scene_of(count: usize, topic: &str, spec: Value) -> Option<Scene> {
    Scene::synced(topic, spec, &borrowed(&some(count))).await
}

/// Waits until a plan is held for that reason, and returns it.
pub async fn held(scene: &Scene, reason: &str) -> Value {
    let status = scene.status(&format!("a plan is held: {reason}"), |status| status["hold"]["reason"] == reason).await;
    status["hold"].clone()
}

/// Waits until nothing is held.
pub async fn free(scene: &Scene) -> Value {
    scene.status("nothing is held", |status| status["hold"].is_null()).await
}

#[tokio::test]
async fn more_deletions_than_the_budget_are_held_and_the_rest_is_applied() {
    let Some(scene) = scene_of(10, "budget", json!({})).await else { return };
    let mut changes = without(0..3);
    changes.push(("s09.yaml".into(), service("s09", json!({"replicas": 0, "image": "example.com/s09:2"}))));
    changes.extend((10..16).map(|n| (format!("s{n}.yaml"), small(n))));
    let commit = scene.push(&borrowed(&changes)).await;
    let hold = held(&scene, "PruneBudget").await;
    assert_eq!(scene.services().await.len(), 16, "created, and nothing deleted");
    assert_eq!(scene.service("s09").await.unwrap()["spec"]["image"], "example.com/s09:2");
    let message = hold["message"].as_str().unwrap();
    let plan = hold["plan"].as_str().unwrap();
    assert!(message.starts_with("3 deletions wait: 3 deletions within an hour, 2 allowed: 20 % of 10."), "{hold:#}");
    assert!(message.contains(&format!("gitmoor approve main -n {} --plan {plan}", scene.namespace)), "{hold:#}");
    assert_eq!((plan.len(), &hold["deletions"], &hold["creations"]), (12, &json!(3), &json!(0)), "{hold:#}");
    let names: Vec<_> = (0..3).map(|n| format!("{}/s{n:02}", scene.namespace)).collect();
    assert_eq!(hold["deletes"], json!(names));
    assert!(hold["revision"].as_str().unwrap().ends_with(&commit), "{hold:#}");
    let ready = scene.condition("Ready", "False", "PlanHeld").await;
    assert!(ready["message"].as_str().unwrap().starts_with("PruneBudget: 3 deletions wait"), "{ready}");
    scene.condition("Stalled", "True", "PlanHeld").await;
    scene.event("GitSync", "main", "PlanHeld", plan).await;
    let line = scene.log.line("the plan is held", |line| line["message"] == "plan held" && line["plan"] == plan).await;
    assert_eq!((&line["reason"], &line["deletions"]), (&json!("PruneBudget"), &json!(3)), "{line}");
    let daemon = Daemon::shared(&scene.kube).await;
    let label = format!("sync=\"{}/main\"", scene.namespace);
    assert!(daemon.metric("gitmoor_plan_held", &[&label]).await > 0.0);

    // What came meanwhile is no reason to let them go, however often it is looked at.
    scene.settled().await;
    scene.push(&[("s16.yaml", small(16))]).await;
    let status = scene.settled().await;
    assert_eq!(status["hold"]["plan"], *plan, "{status:#}");
    assert_eq!(status["hold"]["since"], hold["since"], "{status:#}");
    assert_eq!(scene.services().await.len(), 17);

    // Declared again, nothing is left to hold.
    scene.push(&borrowed(&some(3))).await;
    free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.event("GitSync", "main", "PlanWithdrawn", plan).await;
    eventually("the metric says so", async || {
        let held = daemon.metric("gitmoor_plan_held", &[&label]).await;
        holds(held < 1.0, held)
    })
    .await;
    assert_eq!(scene.services().await.len(), 17);
}

#[tokio::test]
async fn a_drip_over_several_commits_is_stopped_by_the_hour() {
    let Some(scene) = scene_of(10, "drip", json!({})).await else { return };
    scene.push(&borrowed(&without(0..1))).await;
    scene.push(&borrowed(&without(1..2))).await;
    let status = scene
        .status("two were deleted", |status| status["recentDeletions"].as_array().is_some_and(|all| all.len() == 2))
        .await;
    let members: Vec<_> =
        status["recentDeletions"].as_array().unwrap().iter().map(|one| one["members"].clone()).collect();
    assert_eq!(members, [10, 9], "{status:#}");
    assert_eq!(scene.services().await.len(), 8);
    scene.push(&borrowed(&without(2..3))).await;
    let hold = held(&scene, "PruneBudget").await;
    let said = "1 deletion waits: 3 deletions within an hour (2 of them earlier), 2 allowed: 20 % of 10; it fits at ";
    assert!(hold["message"].as_str().unwrap().starts_with(said), "{hold:#}");
    scene.settled().await;
    assert_eq!(scene.services().await.len(), 8);
}

#[tokio::test]
async fn a_held_plan_goes_by_itself_once_the_hour_is_over() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "hour").await else { return };
    let commit = scene.commit(&borrowed(&some(6)));
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.push(&borrowed(&without(0..1))).await;
    scene.push(&borrowed(&without(1..2))).await;
    let hold = held(&scene, "PruneBudget").await;
    daemon.kill();
    // What was deleted was deleted almost an hour ago.
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap();
    let ago = now - jiff::SignedDuration::from_secs(3_585);
    let entry = json!({"at": ago.to_string(), "count": 1, "members": 6});
    let patch = json!({"status": {"recentDeletions": [entry]}}).to_string();
    let named =
        ["patch", "gitsync", "main", "-n", &scene.namespace, "--subresource=status", "--type=merge", "-p", &patch];
    scene.kube.kubectl(&named).await;
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    free(&scene).await;
    eventually("it goes", async || {
        let left = scene.services().await;
        holds(left == ["s02", "s03", "s04", "s05"], left)
    })
    .await;
    assert!(jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3_600) >= ago, "not before");
    scene.event("GitSync", "main", "PlanWithdrawn", hold["plan"].as_str().unwrap()).await;
}

#[tokio::test]
async fn with_a_budget_of_none_every_deletion_is_held_and_a_larger_one_lets_it_go() {
    let Some(scene) = scene_of(3, "none", json!({"prune": {"budget": 0}})).await else { return };
    scene.push(&borrowed(&without(0..1))).await;
    let hold = held(&scene, "PruneBudget").await;
    assert!(hold["message"].as_str().unwrap().contains("0 allowed by spec.prune.budget"), "{hold:#}");
    assert_eq!(scene.services().await.len(), 3);
    let spec = json!({"spec": {"prune": {"budget": 1}}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, spec).await;
    free(&scene).await;
    eventually("it goes", async || {
        let left = scene.services().await;
        holds(left == ["s01", "s02"], left)
    })
    .await;
}

#[tokio::test]
async fn the_last_object_is_held() {
    let Some(scene) = scene_of(1, "last", json!({"prune": {"budget": "100%"}})).await else { return };
    let mut bad = small(1);
    bad["spec"]["replicas"] = json!("many");
    scene.push(&[("s00.yaml", Value::Null), ("s01.yaml", bad)]).await;
    let hold = held(&scene, "LastObject").await;
    assert!(hold["message"].as_str().unwrap().contains("nothing that this GitSync applied would be left"), "{hold:#}");
    scene.settled().await;
    scene.has_services(&["s00"]).await;
}

#[tokio::test]
async fn a_big_change_that_is_taken_back_deletes_nothing_and_one_that_added_much_is_not_undone_unasked() {
    let Some(scene) = scene_of(5, "back", json!({})).await else { return };
    scene.push(&borrowed(&without(0..4))).await;
    held(&scene, "PruneBudget").await;
    scene.push(&borrowed(&some(4))).await;
    free(&scene).await;
    assert_eq!(scene.services().await.len(), 5);

    // The other way round: the rollback is what deletes.
    let more: Vec<_> = some(12).split_off(5);
    scene.push(&borrowed(&more)).await;
    assert_eq!(scene.services().await.len(), 12);
    scene.push(&borrowed(&without(5..12))).await;
    let hold = held(&scene, "PruneBudget").await;
    assert!(
        hold["message"].as_str().unwrap().contains("7 deletions within an hour, 2 allowed: 20 % of 12"),
        "{hold:#}"
    );
    assert_eq!(scene.services().await.len(), 12);
}

#[tokio::test]
async fn a_budget_that_is_none_is_refused_by_the_api_server() {
    let Some(scene) = scene_of(2, "wrong", json!({})).await else { return };
    for budget in [json!(-1), json!("20"), json!("-5%"), json!("many")] {
        let patch = json!({"spec": {"prune": {"budget": budget}}}).to_string();
        let patch = ["patch", "gitsync", &scene.sync, "-n", &scene.home, "--type=merge", "-p", &patch];
        let refused = scene.kube.try_kubectl(&patch, None).await;
        assert!(String::from_utf8_lossy(&refused.stderr).contains("spec.prune.budget"), "{budget}: {refused:?}");
    }
    assert_eq!(scene.get_sync().await["spec"].get("prune"), None);
}
