//! A drift is traced to Git: to the file, the line, the commit, its author and its subject, at both levels.

use serde_json::{Value, json};

use crate::cli::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::git_server::GitServer;
use crate::support::kube::condition;
use crate::support::scene::Scene;

const FILE: &str = "apps/orders.yaml";

/// A scene whose repository has a history before anybody looks at it: each value has a commit of its own, and lines have
/// moved since.
struct Traced {
    scene: Scene,
    /// The commit that declared the variable, and the one that declared the image.
    variable: String,
    image: String,
}

/// What the file is at a commit.
fn manifest(above: &str, image: u32) -> String {
    format!(
        "{above}apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata:\n  name: orders\nspec:\n  \
         image: example.com/orders:{image}\n  replicas: 2\n  env:\n  - name: LOG\n    value: info\n"
    )
}

impl Traced {
    async fn of(scene: Scene, policy: &str) -> Self {
        let commit = |text: String, subject: &str| {
            scene.repository.write(FILE, &text);
            scene.repository.commit(subject)
        };
        let variable = commit(manifest("", 1), "orders: the first one");
        let image = commit(manifest("", 2), "orders: a newer image");
        let last = commit(manifest("# What it is for.\n", 2), "orders: say what it is for");
        scene.create_sync(json!({"drift": {"policy": policy}})).await;
        scene.applied(&last).await;
        scene.ready("orders").await;
        Self { scene, variable, image }
    }

    async fn edit(&self, kind: &str, path: &str, value: Value) {
        let patch = json!([{"op": "replace", "path": path, "value": value}]);
        self.scene.kube.edit("somebody", kind, &self.scene.namespace, "orders", patch).await;
    }

    /// The drift is told with its place, its commit follows, and status has both.
    async fn is_traced(&self, part: &str, path: &str, expected: &Value) {
        let Self { scene, .. } = self;
        let object = format!("{}/orders", scene.namespace);
        let about = |message: &str| {
            let (message, object) = (message.to_owned(), object.clone());
            move |line: &Value| line["message"] == message && line["object"] == *object && line["path"] == path
        };
        let told = scene.log.line("the drift", about("drift")).await;
        for field in ["file", "line", "field"] {
            assert_eq!(told[field], expected[field], "{field} of {told:#}");
        }
        let traced = scene.log.line("its commit", about("drift traced")).await;
        for field in ["file", "line", "field", "commit", "author", "subject"] {
            assert_eq!(traced[field], expected[field], "{field} of {traced:#}");
        }
        assert_eq!(traced["or_earlier"], false, "{traced:#}");
        let orders = scene
            .service_that("orders", "its status has the commit", |orders| {
                orders["status"][part]["fields"][0]["declaredAt"]["commit"] == expected["commit"]
            })
            .await;
        let at = &orders["status"][part]["fields"][0]["declaredAt"];
        for field in ["file", "line", "field", "author", "subject"] {
            assert_eq!(at[field], expected[field], "{field} of {at:#}");
        }
        assert!(at["committed"].is_string() && at.get("orEarlier").is_none(), "{at:#}");
        assert_eq!(scene.log.lines(about("drift traced")).len(), 1);
        let place = format!("declared at {FILE}:{}", expected["line"]);
        let reason = if part == "sourceDrift" { "SourceDrift" } else { "WorkloadDrift" };
        scene.event("MicroService", "orders", reason, &place).await;
    }

    fn of_image(&self) -> Value {
        json!({
            "file": FILE, "line": 7, "field": "/spec/image", "commit": self.image,
            "author": "Ada Lovelace", "subject": "orders: a newer image"
        })
    }

    fn of_variable(&self) -> Value {
        json!({
            "file": FILE, "line": 11, "field": "/spec/env/0/value", "commit": self.variable,
            "author": "Ada Lovelace", "subject": "orders: the first one"
        })
    }
}

const CONTAINER: &str = "/spec/template/spec/containers/0";

#[tokio::test]
async fn an_edit_of_a_microservice_is_traced_to_its_line_and_commit() {
    let Some(scene) = Scene::new("traced").await else { return };
    let traced = Traced::of(scene, "Report").await;
    traced.edit("MicroService", "/spec/image", json!("example.com/orders:9")).await;
    traced.is_traced("sourceDrift", "/spec/image", &traced.of_image()).await;
    let name = format!("{}/orders", traced.scene.namespace);
    let shown = gitmoor_on(traced.scene.kube.plane, &["drift", &name]).await.exits(1);
    let expected = format!("declared at {FILE}:7 in {} by Ada Lovelace: orders: a newer image", &traced.image[..7]);
    assert!(shown.out.contains(&expected), "{}", shown.out);
    let status = traced
        .scene
        .status("the GitSync says it, too", |status| status["drift"][0]["declaredAt"]["commit"].is_string())
        .await;
    assert_eq!(status["drift"][0]["declaredAt"]["commit"], traced.image, "{status:#}");
}

#[tokio::test]
async fn what_was_put_back_is_traced_all_the_same() {
    let Some(scene) = Scene::new("putback").await else { return };
    let traced = Traced::of(scene, "Correct").await;
    traced.edit("MicroService", "/spec/image", json!("example.com/orders:9")).await;
    traced.is_traced("sourceDrift", "/spec/image", &traced.of_image()).await;
    let orders = traced
        .scene
        .service_that("orders", "it is as declared", |orders| {
            orders["spec"]["image"] == "example.com/orders:2"
                && condition(orders, "SourceDrifted")["reason"] == "Corrected"
        })
        .await;
    assert_eq!(orders["status"]["sourceDrift"]["count"], 0, "{:#}", orders["status"]);
    let path = format!("{CONTAINER}/env/0/value");
    traced.edit("Deployment", &path, json!("debug")).await;
    traced.is_traced("workloadDrift", &path, &traced.of_variable()).await;
}

#[tokio::test]
async fn an_edit_of_a_deployment_is_traced_to_the_field_that_it_was_rendered_from() {
    let Some(scene) = Scene::new("rendered").await else { return };
    let traced = Traced::of(scene, "Report").await;
    let path = format!("{CONTAINER}/env/0/value");
    traced.edit("Deployment", &path, json!("debug")).await;
    traced.is_traced("workloadDrift", &path, &traced.of_variable()).await;
    let name = format!("{}/orders", traced.scene.namespace);
    let shown = gitmoor_on(traced.scene.kube.plane, &["drift", &name]).await.exits(1);
    let expected = format!("declared at {FILE}:11 in {} by Ada Lovelace: orders: the first one", &traced.variable[..7]);
    assert!(shown.out.contains(&expected), "{}", shown.out);
}

#[tokio::test]
async fn what_nobody_declares_is_shown_at_the_closest_field_that_is() {
    let Some(scene) = Scene::new("closest").await else { return };
    let traced = Traced::of(scene, "Report").await;
    let patch = json!([{"op": "add", "path": "/spec/env/-", "value": {"name": "DEBUG", "value": "1"}}]);
    traced.scene.kube.edit("somebody", "MicroService", &traced.scene.namespace, "orders", patch).await;
    let expected = json!({
        "file": FILE, "line": 9, "field": "/spec/env", "commit": traced.variable,
        "author": "Ada Lovelace", "subject": "orders: the first one"
    });
    traced.is_traced("sourceDrift", "/spec/env/1", &expected).await;
}

#[tokio::test]
async fn after_a_restart_without_git_the_local_store_answers() {
    let (Some(alone), Some(server)) = (Alone::new().await, GitServer::start(&[])) else { return };
    let cache = tempfile::TempDir::new().unwrap();
    let flags = ["--cache-dir", cache.path().to_str().unwrap()];
    let daemon = alone.daemon(&flags).await;
    let Some(scene) = Scene::at(&server, alone.kube.clone(), daemon.log.clone(), "restart").await else { return };
    let mut traced = Traced::of(scene, "Report").await;
    traced.edit("MicroService", "/spec/image", json!("example.com/orders:9")).await;
    traced.is_traced("sourceDrift", "/spec/image", &traced.of_image()).await;
    daemon.kill();

    server.fault(None, 503).await;
    let daemon = alone.daemon(&flags).await;
    traced.scene.log = daemon.log.clone();
    traced.scene.log.message("source cannot be read").await;
    let path = format!("{CONTAINER}/env/0/value");
    traced.edit("Deployment", &path, json!("debug")).await;
    traced.is_traced("workloadDrift", &path, &traced.of_variable()).await;
    let orders = traced.scene.service("orders").await.unwrap();
    assert_eq!(orders["status"]["sourceDrift"]["fields"][0]["declaredAt"]["commit"], traced.image, "as it was");
}
