//! What happens to the repository itself.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};

#[tokio::test]
async fn a_force_push_is_followed() {
    let Some(scene) = Scene::synced("force", json!({}), &[("a.yaml", service("a", json!({"replicas": 1})))]).await
    else {
        return;
    };
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", service("b", json!({})))]).await;
    assert_eq!(scene.services().await, ["a", "b"]);
    // History as if the second commit had never been, and another in its place.
    scene.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    scene.repository.write("a.yaml", &serde_yaml::to_string(&service("a", json!({"replicas": 3}))).unwrap());
    scene.repository.git(&["commit", "--quiet", "--all", "-m", "another second"]);
    scene.repository.push(&["--force", "HEAD:refs/heads/main"]);
    let commit = scene.repository.git(&["rev-parse", "HEAD"]);
    scene.request().await;
    scene.applied(&commit).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 3);
    assert_eq!(scene.services().await, ["a"]);
}

#[tokio::test]
async fn a_revert_brings_back_what_was() {
    let Some(scene) = Scene::synced("revert", json!({}), &[("a.yaml", service("a", json!({"replicas": 1})))]).await
    else {
        return;
    };
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2})))]).await;
    scene.repository.git(&["revert", "--no-edit", "HEAD"]);
    scene.repository.push(&["HEAD:refs/heads/main"]);
    let commit = scene.repository.git(&["rev-parse", "HEAD"]);
    scene.request().await;
    scene.applied(&commit).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 1);
}

#[tokio::test]
async fn a_branch_that_is_not_there_is_told_and_deletes_nothing() {
    let Some(scene) = Scene::synced("branch", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let spec = json!({"spec": {"ref": {"branch": "nowhere"}}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, spec).await;
    let failed = |status: &Value| {
        let stale =
            status["conditions"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "SourceStale"));
        stale && status["conditions"][0]["message"].to_string().contains("nowhere")
    };
    scene.status("it says that the branch is missing", failed).await;
    assert_eq!(scene.services().await, ["a"]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"ref": null}})).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_makes_what_is_applied_stale_and_deletes_nothing() {
    let Some(scene) = Scene::synced("stale", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let bare = scene.repository.bare.clone();
    let aside = bare.with_extension("aside");
    std::fs::rename(&bare, &aside).unwrap();
    scene.request().await;
    let stale = |status: &Value| {
        status["conditions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["type"] == "SourceStale" && one["status"] == "True"))
    };
    let status = scene.status("what is applied is stale", stale).await;
    assert!(status["lastAppliedRevision"]["revision"].is_string(), "{status:#}");
    assert_eq!(scene.services().await, ["a"]);
    std::fs::rename(&aside, &bare).unwrap();
    scene.push(&[("b.yaml", service("b", json!({})))]).await;
    assert_eq!(scene.services().await, ["a", "b"]);
    scene.condition("Ready", "True", "Applied").await;
}
