//! A GitSync that a person pinned to a revision, as `gitmoor rollback` does.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::git_server::GitServer;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

const PIN: &str = "gitmoor.dev/pinned-revision";

/// Commits with `a` of so many replicas each, all applied.
async fn rounds(scene: &Scene, rounds: u32) -> Vec<String> {
    let mut commits = vec![scene.commit(&[("a.yaml", service("a", json!({"replicas": 1})))])];
    scene.create_sync(json!({})).await;
    scene.applied(&commits[0]).await;
    for replicas in 2..=rounds {
        commits.push(scene.push(&[("a.yaml", service("a", json!({"replicas": replicas})))]).await);
    }
    commits
}

async fn replicas(scene: &Scene, count: u32) {
    scene.service_that("a", &format!("it has {count} replicas"), |a| a["spec"]["replicas"] == count).await;
}

/// Waits until the GitSync says that it is pinned to a commit, and that this is applied.
async fn pinned(scene: &Scene, commit: &str) -> Value {
    let status = scene.status("it is pinned", |status| status["pinnedRevision"] == commit).await;
    let applied = scene.applied(commit).await;
    let ready = condition(&json!({"status": applied}), "Ready");
    let message = ready["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("PINNED to ") && message.contains(&commit[..7]), "{status:#}");
    applied
}

#[tokio::test]
async fn a_pin_goes_back_and_a_release_goes_on() {
    let Some(scene) = Scene::new("pin").await else { return };
    let commits = rounds(&scene, 3).await;
    scene.annotate(PIN, json!(commits[0])).await;
    replicas(&scene, 1).await;
    let status = pinned(&scene, &commits[0]).await;
    assert_eq!(status["history"][0]["pinned"], true, "{status:#}");
    assert_eq!(status["history"][1]["pinned"], Value::Null, "{status:#}");
    scene.condition("Ready", "True", "Applied").await;

    // The branch goes on; nothing of it is applied, also when asked for.
    let newest = scene.commit(&[("a.yaml", service("a", json!({"replicas": 4})))]);
    scene.settled().await;
    pinned(&scene, &commits[0]).await;
    replicas(&scene, 1).await;
    // Drift is measured by what it is pinned to.
    scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 9}})).await;
    replicas(&scene, 1).await;
    // From one pin to another.
    scene.annotate(PIN, json!(commits[1])).await;
    pinned(&scene, &commits[1]).await;
    replicas(&scene, 2).await;

    scene.annotate(PIN, Value::Null).await;
    let status = scene.applied(&newest).await;
    replicas(&scene, 4).await;
    assert_eq!((&status["pinnedRevision"], &status["hold"]), (&Value::Null, &Value::Null), "{status:#}");
    let history: Vec<_> =
        status["history"].as_array().unwrap().iter().map(|entry| entry["revision"].as_str().unwrap()).collect();
    let expected = [&newest, &commits[1], &commits[0], &commits[2], &commits[1], &commits[0]];
    assert_eq!(history, expected.map(|commit| format!("main@sha1:{commit}")), "{status:#}");
}

#[tokio::test]
async fn a_branch_that_is_put_back_to_the_pinned_revision_is_followed_and_a_rewritten_one_is_held() {
    let Some(scene) = Scene::new("back").await else { return };
    let commits = rounds(&scene, 3).await;
    scene.annotate(PIN, json!(commits[1])).await;
    pinned(&scene, &commits[1]).await;
    scene.repository.git(&["reset", "--quiet", "--hard", &commits[1]]);
    let fixed = scene.commit_forced(&[("a.yaml", service("a", json!({"replicas": 5})))]);
    scene.annotate(PIN, Value::Null).await;
    scene.applied(&fixed).await;

    // Pinned to what is long gone, while the branch loses what was applied without a pin.
    scene.annotate(PIN, json!(commits[2])).await;
    pinned(&scene, &commits[2]).await;
    scene.repository.git(&["reset", "--quiet", "--hard", &commits[0]]);
    let lost = scene.commit_forced(&[("a.yaml", service("a", json!({"replicas": 6})))]);
    scene.annotate(PIN, Value::Null).await;
    let of_it = |status: &Value| status["hold"]["revision"].as_str().is_some_and(|revision| revision.ends_with(&lost));
    scene.status("it is held", of_it).await;
    replicas(&scene, 3).await;
}

#[tokio::test]
async fn a_pin_that_cannot_be_read_is_told_and_changes_nothing() {
    let Some(scene) = Scene::new("missing").await else { return };
    let commits = rounds(&scene, 2).await;
    for (pin, words) in [("7".repeat(40), "not in the cache"), ("main".to_owned(), "40 digits")] {
        scene.annotate(PIN, json!(pin)).await;
        let names =
            |status: &Value| condition(&json!({"status": status}), "Ready")["message"].to_string().contains(&pin);
        scene.status("it names the pin", names).await;
        let ready = scene.condition("Ready", "False", "PinnedRevisionMissing").await;
        let message = ready["message"].as_str().unwrap();
        for words in [words, "gitmoor rollback", "What is applied stays"] {
            assert!(message.contains(words), "{words}: {message}");
        }
        let status = scene.applied(&commits[1]).await;
        assert_eq!(status["pinnedRevision"], Value::Null, "{status:#}");
        scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 9}})).await;
        replicas(&scene, 2).await;
    }
    scene.annotate(PIN, Value::Null).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_rollback_needs_no_git_and_survives_a_crash() {
    let Some(alone) = Alone::new().await else { return };
    let Some(server) = GitServer::start(&[]) else { return };
    let cache = TempDir::new().unwrap();
    let flags = ["--cache-dir", cache.path().to_str().unwrap()];
    let daemon = alone.daemon(&flags).await;
    let Some(mut scene) = Scene::at(&server, alone.kube.clone(), daemon.log.clone(), "down").await else { return };
    let commits = rounds(&scene, 3).await;
    server.fault(None, 503).await;
    scene.annotate(PIN, json!(commits[1])).await;
    replicas(&scene, 2).await;
    pinned(&scene, &commits[1]).await;
    scene.condition("Ready", "True", "Applied").await;

    daemon.kill();
    // What the first daemon did not see, the second does: another pin, and drift.
    scene.annotate(PIN, json!(commits[0])).await;
    let daemon = alone.daemon(&flags).await;
    scene.log = daemon.log.clone();
    let status = pinned(&scene, &commits[0]).await;
    replicas(&scene, 1).await;
    assert_eq!(status["history"].as_array().unwrap().len(), 5, "it survives a restart: {status:#}");
    scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 9}})).await;
    replicas(&scene, 1).await;
    let asked = server.stats().await;
    assert_eq!(scene.settled().await["pinnedRevision"], commits[0]);
    assert_eq!(server.stats().await, asked, "while it is pinned, Git is not asked");

    server.fault(None, 0).await;
    scene.annotate(PIN, Value::Null).await;
    scene.applied(&commits[2]).await;
    replicas(&scene, 3).await;
}
