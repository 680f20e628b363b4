//! GitSyncs that follow tags, versions, commits and pull requests, and that leave something out.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};

/// Commits a change, and points a tag to it.
fn tag(scene: &Scene, name: &str, files: &[(&str, Value)]) -> String {
    let commit = scene.commit(files);
    scene.repository.git(&["tag", "--force", "-a", "-m", name, name]);
    scene.repository.push(&["--force", &format!("refs/tags/{name}")]);
    commit
}

fn a(replicas: u32) -> [(&'static str, Value); 1] {
    [("a.yaml", service("a", json!({"replicas": replicas})))]
}

#[tokio::test]
async fn a_tag_that_moved_is_held_although_it_moved_forward() {
    let Some(scene) = Scene::new("tag").await else { return };
    let first = tag(&scene, "v1", &a(0));
    scene.create_sync(json!({"ref": {"tag": "v1"}})).await;
    let status = scene.applied(&first).await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("v1@sha1:{first}")), "{status:#}");
    let moved = tag(&scene, "v1", &a(1));
    scene.request().await;
    let held = scene.status("the tag is held", |status| !status["hold"].is_null()).await;
    assert_eq!(held["hold"]["reason"], "RewrittenHistory", "{held:#}");
    let message = held["hold"]["message"].as_str().unwrap();
    assert!(message.contains("the tag was moved") && message.contains(&moved[..7]), "{message}");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 0);
    scene.annotate("gitmoor.dev/approve-plan", held["hold"]["plan"].clone()).await;
    scene.applied(&moved).await;
    scene.service_that("a", "the moved tag is applied", |a| a["spec"]["replicas"] == 1).await;
}

#[tokio::test]
async fn a_higher_version_is_applied_and_a_pre_release_is_not() {
    let Some(scene) = Scene::new("semver").await else { return };
    let first = tag(&scene, "v1.9.0", &a(0));
    scene.create_sync(json!({"ref": {"semver": ">=1 <2"}})).await;
    let status = scene.applied(&first).await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("v1.9.0@sha1:{first}")), "{status:#}");
    tag(&scene, "v1.11.0-rc.1", &a(5));
    tag(&scene, "v2.0.0", &a(6));
    let higher = tag(&scene, "v1.10.0", &a(1));
    scene.request().await;
    let status = scene.applied(&higher).await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("v1.10.0@sha1:{higher}")), "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
    assert!(scene.settled().await["hold"].is_null());
}

#[tokio::test]
async fn a_commit_and_a_pull_request_are_followed() {
    let Some(scene) = Scene::new("commit").await else { return };
    let first = scene.commit(&a(0));
    scene.commit(&a(1));
    scene.create_sync(json!({"ref": {"commit": first}})).await;
    let status = scene.applied(&first).await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("sha1:{first}")), "{status:#}");
    let proposed = scene.commit(&a(2));
    scene.repository.push(&["HEAD:refs/pull/7/head"]);
    // A merge patch replaces the one by the other.
    let other = json!({"spec": {"ref": {"commit": null, "name": "refs/pull/7/head"}}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, other).await;
    let status = scene.applied(&proposed).await;
    let revision = json!(format!("refs/pull/7/head@sha1:{proposed}"));
    assert_eq!(status["lastAppliedRevision"]["revision"], revision, "{status:#}");
}

#[tokio::test]
async fn a_ref_that_says_two_things_is_refused_at_once() {
    let Some(scene) = Scene::new("two").await else { return };
    for reference in [json!({"branch": "main", "tag": "v1"}), json!({})] {
        let object = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": scene.home, "name": "bad"},
            "spec": {"url": scene.url, "ref": reference}
        });
        let error = scene.kube.dry_run("suite", &object).await.unwrap_err().to_string();
        assert!(error.contains("exactly one of branch, tag, semver, commit and name"), "{error}");
    }
    scene.create_sync(json!({"ref": {"semver": "1.2.3"}})).await;
    let told = scene.condition("Ready", "False", "InvalidSpec").await;
    assert!(told["message"].as_str().unwrap().contains("=1.2.3"), "{told:#}");
}

#[tokio::test]
async fn another_exclusion_prunes_nothing_before_the_next_commit() {
    let files =
        [("apps/a.yaml", service("a", json!({"replicas": 0}))), ("apps/b.yaml", service("b", json!({"replicas": 0})))];
    let Some(scene) = Scene::synced("exclude", json!({}), &files).await else { return };
    scene.has_services(&["a", "b"]).await;
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"exclude": ["b.*"]}})).await;
    let held = |status: &Value| status["problems"].to_string().contains("ScopeChanged");
    let status = scene.status("the deletion is held", held).await;
    assert_eq!(
        (&status["counts"]["excludedFiles"], &status["counts"]["declared"]),
        (&json!(1), &json!(1)),
        "{status:#}"
    );
    scene.has_services(&["a", "b"]).await;
    // The next commit builds on the change of scope.
    scene.push(&[("apps/a.yaml", service("a", json!({"replicas": 1})))]).await;
    scene.has_services(&["a"]).await;
}
