//! A held plan goes by the word of a person, and exactly that plan.

use serde_json::{Value, json};

use super::guards::{borrowed, free, held, scene_of, some, without};
use crate::support::alone::Alone;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Approves a plan, as a person would.
async fn approve(scene: &Scene, plan: &Value) {
    let patch = json!({"metadata": {"annotations": {"gitmoor.dev/approve-plan": plan}}});
    scene.kube.merge("a-person", "GitSync", &scene.home, &scene.sync, patch).await;
}

async fn left(scene: &Scene, expected: &[&str]) {
    eventually("what was approved is gone, and nothing else", async || {
        let left = scene.services().await;
        holds(left == expected, left)
    })
    .await;
}

#[tokio::test]
async fn an_approved_plan_is_carried_out_exactly() {
    let Some(scene) = scene_of(6, "approve", json!({})).await else { return };
    scene.push(&borrowed(&without(0..3))).await;
    let hold = held(&scene, "PruneBudget").await;
    approve(&scene, &json!("0123456789ab")).await;
    scene.settled().await;
    assert_eq!(scene.services().await.len(), 6, "another plan was approved");
    approve(&scene, &hold["plan"]).await;
    left(&scene, &["s03", "s04", "s05"]).await;
    let status = free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;
    let plan = hold["plan"].as_str().unwrap();
    scene.event("GitSync", "main", "PlanApproved", &format!("plan {plan} was approved by a-person: 3 deletions")).await;
    scene.event("GitSync", "main", "PlanCarriedOut", plan).await;
    let line =
        scene.log.line("who approved", |line| line["message"] == "held plan approved" && line["plan"] == plan).await;
    assert_eq!(line["by"], "a-person", "{line}");
    scene
        .log
        .line("what became of it", |line| line["message"] == "approved plan carried out" && line["plan"] == plan)
        .await;
    drop(status);
    // It counts like any other: the approval was for that plan, not for the hour.
    let status = scene.status("it counts", |status| status["recentDeletions"][0]["count"] == 3).await;
    assert_eq!(status["recentDeletions"][0]["pending"], Value::Null, "{status:#}");
    scene.push(&borrowed(&without(3..4))).await;
    held(&scene, "PruneBudget").await;
}

#[tokio::test]
async fn an_approval_is_void_when_another_commit_changes_the_plan() {
    let Some(scene) = scene_of(6, "void", json!({})).await else { return };
    scene.push(&borrowed(&without(0..3))).await;
    let first = held(&scene, "PruneBudget").await;
    scene.push(&borrowed(&without(3..4))).await;
    let second = scene.status("another plan is held", |status| status["hold"]["deletions"] == 4).await["hold"].clone();
    assert_ne!(first["plan"], second["plan"]);
    scene.event("GitSync", "main", "PlanChanged", second["plan"].as_str().unwrap()).await;
    approve(&scene, &first["plan"]).await;
    scene.settled().await;
    assert_eq!(scene.services().await.len(), 6);
    // A commit that changes something else leaves the plan what it is.
    scene.push(&[("s05.yaml", service("s05", json!({"replicas": 0, "image": "example.com/s05:2"})))]).await;
    assert_eq!(held(&scene, "PruneBudget").await["plan"], second["plan"]);
    approve(&scene, &second["plan"]).await;
    left(&scene, &["s04", "s05"]).await;
}

#[tokio::test]
async fn an_empty_tree_and_a_missing_path_can_be_approved() {
    let Some(scene) = scene_of(2, "emptied", json!({})).await else { return };
    let mut gone = without(0..2);
    gone.push(("README.md".into(), json!("nothing here\n")));
    scene.commit(&borrowed(&gone));
    scene.request().await;
    let hold = held(&scene, "EmptyTree").await;
    assert!(
        hold["message"].as_str().unwrap().starts_with("2 deletions wait: the revision declares nothing at all."),
        "{hold:#}"
    );
    approve(&scene, &hold["plan"]).await;
    left(&scene, &[]).await;
    free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;

    let files = [("apps/a.yaml", service("a", json!({}))), ("more/b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("missing", json!({"paths": ["apps", "more"]}), &files).await else { return };
    scene.commit(&[("more/b.yaml", Value::Null)]);
    scene.request().await;
    let hold = held(&scene, "MissingPath").await;
    approve(&scene, &hold["plan"]).await;
    left(&scene, &["a"]).await;
    // The path is still missing, and still a mistake.
    scene.condition("Ready", "False", "MissingPath").await;
}

#[tokio::test]
async fn what_cannot_be_approved_is_not() {
    let Some(scene) = scene_of(3, "never", json!({"prune": {"enabled": false}})).await else { return };
    scene.push(&borrowed(&without(0..1))).await;
    let status = scene.settled().await;
    assert_eq!(status["hold"], Value::Null, "{status:#}");
    let problem = &status["problems"][0];
    assert_eq!(problem["reason"], "PruneDisabled", "{status:#}");
    assert!(problem["message"].as_str().unwrap().contains("delete it by hand"), "it says what to do: {problem}");
}

#[tokio::test]
async fn a_daemon_that_is_killed_keeps_the_hold_and_what_was_approved_meanwhile_goes() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "held").await else { return };
    let commit = scene.commit(&borrowed(&some(6)));
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.push(&borrowed(&without(0..1))).await;
    left(&scene, &["s01", "s02", "s03", "s04", "s05"]).await;
    scene.push(&borrowed(&without(1..2))).await;
    let hold = held(&scene, "PruneBudget").await;
    daemon.kill();

    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    let status = scene.settled().await;
    assert_eq!(status["hold"], hold, "the same plan since the same time");
    assert_eq!(scene.log.lines(|line| line["message"] == "plan held"), Vec::<Value>::new(), "it is no news");
    assert_eq!(scene.services().await.len(), 5);
    daemon.kill();

    approve(&scene, &hold["plan"]).await;
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    left(&scene, &["s02", "s03", "s04", "s05"]).await;
    free(&scene).await;
    scene.condition("Ready", "True", "Applied").await;
}
