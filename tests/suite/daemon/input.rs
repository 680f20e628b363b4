//! What a repository may have in the place of manifests: each is told with its place and what to do, and deletes nothing.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

fn two() -> [(&'static str, Value); 2] {
    [("apps/a.yaml", service("a", json!({}))), ("more/b.yaml", service("b", json!({})))]
}

/// Pushes what is in the work tree in the place of `b`, and waits for words in the message of Ready.
async fn told(scene: &Scene, reason: &str, words: &[&str]) {
    scene.repository.commit("something else");
    scene.request().await;
    let says = |status: &Value| {
        let message = condition(&json!({"status": status}), "Ready")["message"].to_string();
        words.iter().all(|words| message.contains(words))
    };
    scene.status(&format!("it says {words:?}"), says).await;
    scene.condition("Ready", "False", reason).await;
    scene.has_services(&["a", "b"]).await;
}

#[tokio::test]
async fn links_that_lead_nowhere_are_told_and_delete_nothing() {
    let Some(scene) = Scene::synced("links", json!({}), &two()).await else { return };
    let work = scene.repository.work.path();
    std::fs::remove_file(work.join("more/b.yaml")).unwrap();
    for (target, words) in [("/etc/b.yaml", "leads out"), ("../none.yaml", "leads to no"), ("b.yaml", "back to itself")]
    {
        symlink(target, work.join("more/b.yaml")).unwrap();
        told(&scene, "InvalidManifests", &["more/b.yaml", words, "nothing is pruned"]).await;
        let status = scene.settled().await;
        assert_eq!(status["diagnostics"][0]["code"], "GM106", "{status:#}");
        std::fs::remove_file(work.join("more/b.yaml")).unwrap();
    }
    // A link that leads somewhere is a manifest; that it is there by its own path, too, makes it no second one.
    symlink("../apps/a.yaml", work.join("more/b.yaml")).unwrap();
    scene.repository.commit("a link");
    scene.request().await;
    scene.condition("Ready", "True", "Applied").await;
    scene.has_services(&["a"]).await;
}

#[tokio::test]
async fn submodules_and_pointers_are_told_and_delete_nothing() {
    let Some(scene) = Scene::synced("modules", json!({}), &two()).await else { return };
    let work = scene.repository.work.path();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    std::fs::write(work.join("more/b.yaml"), pointer).unwrap();
    told(&scene, "InvalidManifests", &["more/b.yaml", "Git LFS pointer"]).await;
    scene.repository.git(&["rm", "--quiet", "-r", "more"]);
    let module = format!("160000,{},more", "1".repeat(40));
    scene.repository.git(&["update-index", "--add", "--cacheinfo", &module]);
    std::fs::create_dir(work.join("more")).unwrap();
    told(&scene, "InvalidManifests", &["more", "a submodule"]).await;
}

#[tokio::test]
async fn a_path_that_becomes_a_file_is_missing() {
    let Some(scene) = Scene::synced("file", json!({"paths": ["apps", "more"]}), &two()).await else { return };
    let work = scene.repository.work.path();
    std::fs::remove_dir_all(work.join("more")).unwrap();
    std::fs::write(work.join("more"), "it was a folder\n").unwrap();
    told(&scene, "PlanHeld", &["MissingPath", "more (a file there, and not YAML)", "correct spec.paths"]).await;
}

#[tokio::test]
async fn an_empty_repository_says_what_to_push() {
    let Some(scene) = Scene::new("empty").await else { return };
    scene.create_sync(json!({})).await;
    let ready = scene.condition("Ready", "False", "RefNotFound").await;
    assert!(ready["message"].as_str().unwrap().contains("push it, or name another in spec.ref.branch"), "{ready}");
    let commit = scene.commit(&two());
    scene.request().await;
    scene.applied(&commit).await;
}
