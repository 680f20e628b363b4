//! History that was rewritten is held as a whole, until a person approves it.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// A scene with two commits applied: `a` with two replicas, and `b`.
async fn two_commits(scene: &Scene) -> [String; 2] {
    let first = scene.commit(&[("a.yaml", service("a", json!({"replicas": 1})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&first).await;
    let files = [("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", service("b", json!({"replicas": 0})))];
    [first, scene.push(&files).await]
}

/// Replaces the second commit by another, which has `c` in the place of `b`.
fn rewrite(scene: &Scene) -> String {
    scene.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    write(scene, "a.yaml", &service("a", json!({"replicas": 3})));
    write(scene, "c.yaml", &service("c", json!({"replicas": 0})));
    scene.repository.git(&["add", "--all"]);
    scene.repository.git(&["commit", "--quiet", "-m", "another second"]);
    scene.force_push()
}

fn write(scene: &Scene, path: &str, manifest: &Value) {
    scene.repository.write(path, &serde_yaml::to_string(manifest).unwrap());
}

/// Waits until a commit is held, and checks that nothing of it was applied.
async fn held(scene: &Scene, commit: &str) -> Value {
    let of_it = |status: &Value| status["hold"]["revision"].as_str().is_some_and(|revision| revision.ends_with(commit));
    let status = scene.status(&format!("{commit} is held"), of_it).await;
    scene.condition("Ready", "False", "RevisionHeld").await;
    scene.has_services(&["a", "b"]).await;
    status
}

/// Changes `a` by hand and waits until that is put back.
async fn drift_is_corrected(scene: &Scene) {
    scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 7}})).await;
    scene.service_that("a", "drift is corrected", |a| a["spec"]["replicas"] == 2).await;
}

#[tokio::test]
async fn rewritten_history_waits_for_approval() {
    let Some(scene) = Scene::new("rewrite").await else { return };
    let [_, second] = two_commits(&scene).await;
    let other = rewrite(&scene);
    let request = scene.request().await;
    let status = held(&scene, &other).await;
    scene.status("the request is handled", |status| status["lastHandledReconcileAt"] == *request).await;
    let hold = &status["hold"];
    assert_eq!(hold["reason"], "RewrittenHistory", "{hold:#}");
    let counts = ["creations", "updates", "deletions"].map(|count| hold[count].clone());
    assert_eq!(counts, [json!(1), json!(1), json!(1)], "{hold:#}");
    assert_eq!(hold["deletes"], json!([format!("{}/b", scene.namespace)]), "{hold:#}");
    let message = hold["message"].as_str().unwrap();
    let plan = hold["plan"].as_str().unwrap();
    let command = format!("gitmoor approve {}/main --plan {plan}", scene.namespace);
    for words in [&other[..7], &second[..7], "spec.rewrites", command.as_str()] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let revision = |commit: &str| json!(format!("main@sha1:{commit}"));
    assert_eq!(status["lastAppliedRevision"]["revision"], revision(&second), "{status:#}");
    assert_eq!(status["lastAttemptedRevision"], revision(&other), "{status:#}");
    scene.event("GitSync", "main", "RevisionHeld", &other[..7]).await;
    drift_is_corrected(&scene).await;

    // Another hash approves nothing.
    scene.annotate("gitmoor.dev/approve-plan", json!("0123456789ab")).await;
    scene.settled().await;
    held(&scene, &other).await;
    scene.annotate("gitmoor.dev/approve-plan", json!(plan)).await;
    let status = scene.applied(&other).await;
    assert_eq!(status["hold"], Value::Null, "{status:#}");
    let newest = &status["history"][0];
    assert_eq!((&newest["revision"], &newest["approved"]), (&revision(&other), &json!(plan)), "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
    eventually("it is applied", async || {
        let names = scene.services().await;
        holds(names == ["a", "c"], names)
    })
    .await;
    // What descends from that needs nobody.
    scene.push(&[("d.yaml", service("d", json!({"replicas": 0})))]).await;
}

#[tokio::test]
async fn an_approval_is_for_one_revision_and_no_later_one() {
    let Some(scene) = Scene::new("later").await else { return };
    two_commits(&scene).await;
    let other = rewrite(&scene);
    scene.request().await;
    let plan = held(&scene, &other).await["hold"]["plan"].clone();
    let later = scene.commit(&[("d.yaml", service("d", json!({"replicas": 0})))]);
    scene.annotate("gitmoor.dev/approve-plan", plan.clone()).await;
    scene.settled().await;
    let status = held(&scene, &later).await;
    assert_ne!(status["hold"]["plan"], plan, "{status:#}");
}

#[tokio::test]
async fn a_branch_that_is_put_right_again_is_held_no_more() {
    let Some(scene) = Scene::new("right").await else { return };
    let [_, second] = two_commits(&scene).await;
    let other = rewrite(&scene);
    scene.request().await;
    held(&scene, &other).await;
    scene.repository.git(&["reset", "--quiet", "--hard", &second]);
    scene.force_push();
    scene.request().await;
    let status = scene.status("nothing is held", |status| status["hold"].is_null()).await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("main@sha1:{second}")), "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
    scene.push(&[("d.yaml", service("d", json!({"replicas": 0})))]).await;
}

#[tokio::test]
async fn what_is_held_is_followed_once_the_spec_says_so() {
    let Some(scene) = Scene::new("follow").await else { return };
    two_commits(&scene).await;
    let other = rewrite(&scene);
    scene.request().await;
    held(&scene, &other).await;
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"rewrites": "Follow"}})).await;
    scene.applied(&other).await;
    scene.status("nothing is held", |status| status["hold"].is_null()).await;
}

#[tokio::test]
async fn another_branch_is_not_measured_by_the_one_before() {
    let Some(scene) = Scene::new("branch").await else { return };
    two_commits(&scene).await;
    scene.repository.git(&["checkout", "--quiet", "--orphan", "next"]);
    scene.repository.git(&["commit", "--quiet", "-m", "unrelated"]);
    scene.repository.push(&["HEAD:refs/heads/next"]);
    let commit = scene.repository.git(&["rev-parse", "HEAD"]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"ref": {"branch": "next"}}})).await;
    scene.applied(&commit).await;
    // On that branch, history counts as on any other.
    scene.repository.git(&["commit", "--quiet", "--amend", "-m", "amended"]);
    scene.repository.push(&["--force", "HEAD:refs/heads/next"]);
    scene.request().await;
    held(&scene, &scene.repository.git(&["rev-parse", "HEAD"])).await;
}

#[tokio::test]
async fn a_daemon_killed_while_it_holds_is_followed_by_one_that_holds_and_corrects() {
    let Some(alone) = Alone::new().await else { return };
    let cache = TempDir::new().unwrap();
    let flags = ["--cache-dir", cache.path().to_str().unwrap()];
    let daemon = alone.daemon(&flags).await;
    let Some(mut scene) = alone.scene(&daemon, "killed").await else { return };
    two_commits(&scene).await;
    let other = rewrite(&scene);
    scene.request().await;
    let before = held(&scene, &other).await["hold"].take();
    // With its cache, and without it: then the server is asked for the applied commit.
    let mut daemon = daemon;
    for flags in [&flags[..], &[]] {
        daemon.kill();
        scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 7}})).await;
        daemon = alone.daemon(flags).await;
        scene.log = daemon.log.clone();
        scene.service_that("a", "drift is corrected", |a| a["spec"]["replicas"] == 2).await;
        drift_is_corrected(&scene).await;
        assert_eq!(held(&scene, &other).await["hold"], before);
    }
    scene.annotate("gitmoor.dev/approve-plan", before["plan"].clone()).await;
    scene.applied(&other).await;
}
