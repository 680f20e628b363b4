//! A source with mirrors: one that serves is read while the url is away, and none takes the cluster back.

use serde_json::{Value, json};

use crate::support::Kube;
use crate::support::daemon::Daemon;
use crate::support::git_server::GitServer;
use crate::support::kube::condition;
use crate::support::repository::{Repository, git};
use crate::support::scene::{Scene, service};

/// A scene on one server, and a mirror of its repository on another.
struct Mirrored {
    scene: Scene,
    url: GitServer,
    mirror: GitServer,
    copy: Repository,
}

impl Mirrored {
    /// With a first commit that both have, and that is applied.
    async fn new(topic: &str, spec: Value) -> Option<Self> {
        let (url, mirror) = (GitServer::start(&[])?, GitServer::start(&[])?);
        let kube = Kube::shared().await?;
        let daemon = Daemon::shared(&kube).await;
        let scene = Scene::at(&url, kube, daemon.log.clone(), topic).await?;
        let name = format!("{}.git", scene.namespace);
        let copy = mirror.repository(&name);
        let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
        let mirrored = Self { scene, url, mirror, copy };
        mirrored.catch_up();
        let mut spec = spec;
        spec["mirrors"] = json!([mirrored.mirror.url(&name)]);
        mirrored.scene.create_sync(spec).await;
        mirrored.scene.applied(&commit).await;
        Some(mirrored)
    }

    /// The mirror has what the repository has.
    fn catch_up(&self) {
        let to = self.copy.bare.to_str().unwrap();
        self.scene.repository.git(&["push", "--quiet", "--force", to, "HEAD:refs/heads/main"]);
    }
}

#[tokio::test]
async fn a_mirror_is_read_while_the_url_is_away_and_the_status_says_so() {
    let Some(mirrored) = Mirrored::new("mirror", json!({})).await else { return };
    let scene = &mirrored.scene;
    assert_eq!(mirrored.mirror.stats().await.ls_refs, 0, "nobody asks it while the url serves");
    assert_eq!(scene.settled().await.get("mirror"), None);

    mirrored.url.fault(None, 503).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    mirrored.catch_up();
    scene.request().await;
    scene.applied(&commit).await;
    let status = scene.status("it says where it reads", |status| status["mirror"].is_string()).await;
    assert!(status["mirror"].as_str().unwrap().starts_with(&mirrored.mirror.url("")), "{status:#}");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
    assert!(condition_of(scene, "SourceStale").await.is_null(), "what is applied is new");
}

#[tokio::test]
async fn a_mirror_that_lags_behind_takes_nothing_back_even_where_rewritten_history_is_followed() {
    let Some(mirrored) = Mirrored::new("lagging", json!({"rewrites": "Follow"})).await else { return };
    let scene = &mirrored.scene;
    // The mirror does not hear of this one.
    scene.push(&[("b.yaml", service("b", json!({})))]).await;
    mirrored.url.fault(None, 503).await;
    scene.request().await;
    let told = scene.condition("Ready", "False", "ServerFailed").await;
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("no mirror serves") && message.contains("lags behind"), "{message}");
    assert_eq!(scene.services().await, ["a", "b"]);
    assert_eq!(scene.get_sync().await["status"].get("mirror"), None);

    // Once it has caught up and gone on, it serves.
    let commit = scene.commit(&[("c.yaml", service("c", json!({})))]);
    mirrored.catch_up();
    scene.request().await;
    scene.applied(&commit).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn what_the_url_says_of_the_repository_no_mirror_overrules() {
    let Some(mirrored) = Mirrored::new("lastword", json!({})).await else { return };
    let scene = &mirrored.scene;
    git(&scene.repository.bare, &["update-ref", "-d", "refs/heads/main"]);
    scene.request().await;
    scene.condition("Ready", "False", "RefNotFound").await;
    assert_eq!(mirrored.mirror.stats().await.ls_refs, 0);
    assert_eq!(scene.services().await, ["a"]);
}

async fn condition_of(scene: &Scene, kind: &str) -> Value {
    condition(&scene.get_sync().await, kind)
}
