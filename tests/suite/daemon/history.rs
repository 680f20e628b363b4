//! What happens to the repository itself.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};

#[tokio::test]
async fn a_force_push_is_followed_where_the_spec_says_so() {
    let files = [("a.yaml", service("a", json!({"replicas": 1})))];
    let Some(scene) = Scene::synced("force", json!({"rewrites": "Follow"}), &files).await else { return };
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", service("b", json!({})))]).await;
    scene.has_services(&["a", "b"]).await;
    // History as if the second commit had never been, and another in its place.
    scene.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    scene.repository.write("a.yaml", &serde_yaml::to_string(&service("a", json!({"replicas": 3}))).unwrap());
    scene.repository.git(&["commit", "--quiet", "--all", "-m", "another second"]);
    scene.repository.push(&["--force", "HEAD:refs/heads/main"]);
    let commit = scene.repository.git(&["rev-parse", "HEAD"]);
    scene.request().await;
    scene.applied(&commit).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 3);
    scene.has_services(&["a"]).await;
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
        let ready = &status["conditions"][0];
        ready["reason"] == "RefNotFound" && ready["message"].to_string().contains("nowhere")
    };
    scene.status("it says that the branch is missing", failed).await;
    scene.has_services(&["a"]).await;
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"ref": null}})).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_makes_what_is_applied_stale_and_deletes_nothing() {
    let spec = json!({"interval": "2s"});
    let Some(scene) = Scene::synced("stale", spec, &[("a.yaml", service("a", json!({})))]).await else { return };
    let bare = scene.repository.bare.clone();
    let aside = bare.with_extension("aside");
    std::fs::rename(&bare, &aside).unwrap();
    let of = |status: &Value, kind: &str| {
        status["conditions"].as_array().and_then(|all| all.iter().find(|one| one["type"] == kind)).cloned()
    };
    let fails = |status: &Value| of(status, "Ready").is_some_and(|ready| ready["reason"] == "RepositoryNotFound");
    let status = scene.status("it is told at once", fails).await;
    assert_eq!(of(&status, "SourceStale"), None, "what is applied is not stale for that");
    let stale = |status: &Value| of(status, "SourceStale").is_some_and(|stale| stale["status"] == "True");
    let status = scene.status("it is stale when that lasts", stale).await;
    assert!(status["lastAppliedRevision"]["revision"].is_string(), "{status:#}");
    scene.has_services(&["a"]).await;
    std::fs::rename(&aside, &bare).unwrap();
    scene.push(&[("b.yaml", service("b", json!({})))]).await;
    scene.has_services(&["a", "b"]).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.status("it is not stale any more", |status| of(status, "SourceStale").is_none()).await;
}

/// What a person reads of an entry.
fn entry(entry: &Value) -> (String, Value, Value, Value) {
    let commit = entry["revision"].as_str().unwrap().trim_start_matches("main@sha1:").to_owned();
    (commit, entry["result"].clone(), entry["changed"].clone(), entry["pruned"].clone())
}

#[tokio::test]
async fn what_was_applied_is_remembered_and_nothing_twice() {
    let Some(scene) = Scene::synced("past", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let first = scene.repository.git(&["rev-parse", "HEAD"]);
    let second =
        scene.push(&[("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", service("b", json!({})))]).await;
    let third = scene.push(&[("notes.txt", json!("nothing for the cluster\n"))]).await;
    let fourth = scene
        .push(&[
            ("b.yaml", Value::Null),
            (
                "c.yaml",
                json!("kind: MicroService\napiVersion: gitmoor.dev/v1alpha1\nmetadata: {name: c}\nspec: {imag: x}\n"),
            ),
        ])
        .await;
    scene.settled().await;
    let status = scene.settled().await;
    let found: Vec<_> = status["history"].as_array().unwrap().iter().map(entry).collect();
    let expected = [
        (fourth, json!("Partial"), json!(0), json!(1)),
        (third, json!("Applied"), json!(0), json!(0)),
        (second, json!("Applied"), json!(2), json!(0)),
        (first, json!("Applied"), json!(1), json!(0)),
    ];
    assert_eq!(found.len(), expected.len(), "{status:#}");
    // The deletion waits while what is invalid may be its new name.
    assert_eq!(found[1..], expected[1..], "{status:#}");
    assert_eq!((&found[0].0, &found[0].1), (&expected[0].0, &expected[0].1), "{status:#}");
    let newest = &status["history"][1];
    assert_eq!(
        (&newest["author"], &newest["subject"]),
        (&json!("Ada Lovelace"), &json!("change notes.txt")),
        "{newest}"
    );
    assert_eq!(newest["committed"], "2026-01-02T03:04:05Z", "{newest}");
    assert!(newest["took"].as_str().unwrap().ends_with('s') && newest["applied"].is_string(), "{newest}");
    assert_eq!(status["history"][0]["quarantined"], 1, "{status:#}");
}

#[tokio::test]
async fn what_a_person_approved_is_remembered() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("approved", json!({"prune": {"budget": 0}}), &files).await else { return };
    let commit = scene.push(&[("b.yaml", Value::Null)]).await;
    let status = scene.status("the deletion is held", |status| status["hold"]["reason"] == "PruneBudget").await;
    let plan = status["hold"]["plan"].clone();
    assert_eq!(status["history"][0]["result"], "Partial", "{status:#}");
    scene.annotate("gitmoor.dev/approve-plan", plan.clone()).await;
    let status = scene.status("it is remembered", |status| status["history"][0]["approved"] == plan).await;
    let newest = &status["history"][0];
    assert_eq!((&newest["pruned"], &newest["result"]), (&json!(1), &json!("Applied")), "{status:#}");
    assert_eq!(newest["revision"], format!("main@sha1:{commit}"), "{status:#}");
}
