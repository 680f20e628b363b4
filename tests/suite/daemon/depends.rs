//! `spec.dependsOn`: nothing of a GitSync begins before those that it depends on are ready.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::daemon::OPERATOR;
use crate::support::kube::condition;
use crate::support::scene::{SYNC, Scene, service};
use crate::support::{eventually, holds};

const INVALID: &str =
    "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: x}\nspec: {replicas: many}\n";

/// A scene with a GitSync per folder, the first one being the scene's own.
struct Folders {
    scene: Scene,
}

impl Folders {
    async fn new(topic: &str) -> Option<Self> {
        Some(Self { scene: Scene::new(topic).await? })
    }

    /// Makes the GitSync of a folder.
    async fn sync(&self, name: &str, spec: Value) {
        let mut object = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": self.scene.namespace, "name": name},
            "spec": {"url": self.scene.url, "interval": "1h", "paths": [name]}
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        self.scene.kube.create(&object).await;
    }

    /// Sees a GitSync of the scene as its own.
    fn named(&mut self, name: &str) -> &Scene {
        name.clone_into(&mut self.scene.sync);
        &self.scene
    }

    async fn depend(&mut self, name: &str, on: Value) {
        let scene = self.named(name);
        scene.kube.merge("suite", "GitSync", &scene.home, name, json!({"spec": {"dependsOn": on}})).await;
    }
}

#[tokio::test]
async fn a_revision_begins_when_what_it_depends_on_is_ready() {
    let Some(mut folders) = Folders::new("depends").await else { return };
    let one = service("one", json!({}));
    folders.scene.commit(&[("base/x.yaml", json!(INVALID)), ("main/one.yaml", one.clone())]);
    folders.sync("base", json!({})).await;
    folders.named("base").condition("Ready", "False", "InvalidManifests").await;
    folders.sync(SYNC, json!({"dependsOn": [{"name": "base"}]})).await;
    let main = folders.named(SYNC);
    let found = main.condition("Ready", "False", "DependencyNotReady").await;
    let expected =
        format!("waiting for GitSync {}/base (InvalidManifests) to be ready; 1 change waits for it", main.namespace);
    assert_eq!(found["message"], expected);
    let status = main.settled().await;
    assert_eq!(status["progress"]["waitingFor"], json!([format!("GitSync {}/base", main.namespace)]), "{status:#}");
    assert_eq!((main.services().await, &status["lastAppliedRevision"]), (vec![], &Value::Null));

    // It mends: that is news, nobody has to ask.
    let commit = folders.scene.commit(&[("base/x.yaml", service("x", json!({})).clone())]);
    folders.named("base").request().await;
    folders.named("base").applied(&commit).await;
    let main = folders.named(SYNC);
    main.condition("Ready", "True", "Applied").await;
    main.has_services(&["one", "x"]).await;

    // It breaks: what was applied is kept as it was, and only what is new waits.
    folders.scene.commit(&[("base/x.yaml", json!(INVALID)), ("main/two.yaml", service("two", json!({})))]);
    folders.named("base").request().await;
    folders.named("base").condition("Ready", "False", "InvalidManifests").await;
    // Who reads the same repository knows of it at once.
    let main = folders.named(SYNC);
    main.condition("Ready", "False", "DependencyNotReady").await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 7}]);
    main.kube.edit("somebody", "MicroService", &main.namespace, "one", patch.clone()).await;
    main.service_that("one", "it is put back", |one| {
        one["spec"]["replicas"] == 1 && one["metadata"]["generation"] != 1
    })
    .await;
    let before = main.service("one").await.unwrap()["metadata"]["generation"].as_u64().unwrap();
    main.kube.edit("somebody", "MicroService", &main.namespace, "one", patch).await;
    main.service_that("one", "it is put back again", |one| {
        one["spec"]["replicas"] == 1 && one["metadata"]["generation"].as_u64() > Some(before)
    })
    .await;
    main.has_services(&["one", "x"]).await;
    let mended = folders.scene.commit(&[("base/x.yaml", service("x", json!({"replicas": 2})))]);
    folders.named("base").request().await;
    folders.named("base").applied(&mended).await;
    let main = folders.named(SYNC);
    main.applied(&mended).await;
    main.has_services(&["one", "two", "x"]).await;
}

#[tokio::test]
async fn who_depends_on_one_that_waits_for_health_waits_for_health() {
    let Some(mut folders) = Folders::new("healthy").await else { return };
    let bad = service("x", json!({"image": "example.com/x:does-not-exist"}));
    let commit = folders.scene.commit(&[("base/x.yaml", bad), ("main/one.yaml", service("one", json!({})))]);
    folders.sync("base", json!({"wait": true})).await;
    folders.named("base").applied(&commit).await;
    folders.sync(SYNC, json!({"dependsOn": [{"name": "base"}]})).await;
    folders.named(SYNC).condition("Ready", "False", "DependencyNotReady").await;
    folders.scene.has_services(&["x"]).await;
    let commit = folders.scene.commit(&[("base/x.yaml", service("x", json!({"image": "example.com/x:2"})))]);
    folders.named("base").request().await;
    folders.named("base").applied(&commit).await;
    folders.named(SYNC).condition("Ready", "True", "Applied").await;
    folders.scene.has_services(&["one", "x"]).await;
}

#[tokio::test]
async fn one_that_does_not_exist_is_waited_for() {
    let Some(mut folders) = Folders::new("missing").await else { return };
    folders.scene.commit(&[("base/x.yaml", service("x", json!({}))), ("main/one.yaml", service("one", json!({})))]);
    folders.sync(SYNC, json!({"dependsOn": [{"name": "base"}]})).await;
    let found = folders.named(SYNC).condition("Ready", "False", "DependencyMissing").await;
    assert!(found["message"].as_str().unwrap().contains("/base, which does not exist"), "{found:#}");
    folders.scene.has_services(&[]).await;
    folders.sync("base", json!({})).await;
    folders.named(SYNC).condition("Ready", "True", "Applied").await;
    folders.scene.has_services(&["one", "x"]).await;
}

#[tokio::test]
async fn a_ring_is_told_to_each_of_it_and_nothing_is_applied_until_it_is_open() {
    let Some(mut folders) = Folders::new("ring").await else { return };
    let all = ["a", "b", "c"];
    let files = all.map(|name| (format!("{name}/{name}.yaml"), service(name, json!({}))));
    folders.scene.commit(&files.each_ref().map(|(path, manifest)| (path.as_str(), manifest.clone())));
    // The last one closes it.
    for (name, on) in [("a", "b"), ("b", "c"), ("c", "a")] {
        folders.sync(name, json!({"dependsOn": [{"name": on}]})).await;
    }
    let namespace = folders.scene.namespace.clone();
    let ring = ["a", "b", "c", "a"].map(|name| format!("{namespace}/{name}")).join(" -> ");
    for name in all {
        let found = folders.named(name).condition("Ready", "False", "DependencyCycle").await;
        assert!(found["message"].as_str().unwrap().contains(&ring), "{found:#}");
        folders.named(name).condition("Stalled", "True", "DependencyCycle").await;
        folders.named(name).settled().await;
    }
    folders.scene.has_services(&[]).await;
    folders.depend("c", json!(null)).await;
    for name in all {
        folders.named(name).condition("Ready", "True", "Applied").await;
    }
    assert_eq!(folders.scene.services().await, all);
}

#[tokio::test]
async fn another_namespace_is_refused_but_the_operators() {
    let Some(mut folders) = Folders::new("elsewhere").await else { return };
    folders.scene.commit(&[("main/one.yaml", service("one", json!({})))]);
    let other = folders.scene.kube.namespace("other").await;
    folders.sync(SYNC, json!({"dependsOn": [{"name": "base", "namespace": other}]})).await;
    let found = folders.named(SYNC).condition("Ready", "False", "DependencyNotAllowed").await;
    let message = found["message"].as_str().unwrap();
    let rule = "a GitSync may depend on those of its own namespace and of the operator's";
    assert!(message.contains(rule) && message.contains(&format!("{other}/base")), "{found:#}");
    folders.named(SYNC).condition("Stalled", "True", "DependencyNotAllowed").await;
    folders.scene.has_services(&[]).await;

    // The operator's own may be depended on.
    operator_namespace(&folders.scene.kube).await;
    let name = format!("base-{other}");
    folders.depend(SYNC, json!([{"name": name, "namespace": OPERATOR}])).await;
    folders.named(SYNC).condition("Ready", "False", "DependencyMissing").await;
    let base = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": OPERATOR, "name": name},
        "spec": {"url": folders.scene.url, "interval": "1h", "paths": ["main"], "suspend": true}
    });
    folders.scene.kube.create(&base).await;
    folders.named(SYNC).condition("Ready", "False", "DependencyNotReady").await;
    // Its status is as another daemon would write it; it is suspended, so that it applies nothing.
    let live = eventually("the daemon has said its own", async || {
        let live = folders.scene.kube.get("GitSync", OPERATOR, &name).await;
        holds(live["status"]["observedGeneration"] == live["metadata"]["generation"], &live).map(|()| live.clone())
    })
    .await;
    let generation = &live["metadata"]["generation"];
    let ready = json!({"type": "Ready", "status": "True", "reason": "Suspended", "message": "", "observedGeneration": generation,
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status = json!({"observedGeneration": generation, "conditions": [ready]});
    folders.scene.kube.merge_status("GitSync", OPERATOR, &name, status).await;
    folders.named(SYNC).condition("Ready", "True", "Applied").await;
    let own = folders.scene.get_sync().await;
    assert_eq!(condition(&own, "Stalled"), Value::Null);
    folders.scene.kube.delete("GitSync", OPERATOR, &name).await;
}
