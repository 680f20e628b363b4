//! Objects that the API server has and this version cannot read, as after a newer one was rolled back and its CRDs stayed:
//! their status says so, nothing of them is changed, and no value is told.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::kube::condition;
use crate::support::scene::{SYNC, Scene, service};
use crate::support::{Kube, eventually, holds};

/// What a newer version may have in a spec.
const NEWER: &str = "newer";

/// The CRDs with a field that this version does not know.
async fn newer_crds(kube: &Kube) {
    for crd in gitmoor::api::crds::all() {
        let mut crd = serde_json::to_value(crd).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][NEWER] =
            json!({"type": "string"});
        kube.apply("suite", &crd).await.unwrap();
    }
    let metadata = json!({"namespace": "default", "name": "try"});
    let manifest = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata,
        "spec": {"image": "a:1", NEWER: "a"}});
    let gitsync = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": metadata,
        "spec": {"url": "https://git.example.com/a", NEWER: "a"}});
    for object in [manifest, gitsync] {
        eventually("the API server knows the field", async || {
            let tried = kube.dry_run("suite", &object).await;
            holds(tried.as_ref().is_ok_and(|taken| taken["spec"][NEWER] == "a"), tried)
        })
        .await;
    }
}

async fn set(scene: &Scene, kind: &str, name: &str, value: Value) {
    let patch = json!({"spec": {NEWER: value}});
    scene.kube.merge("somebody", kind, &scene.namespace, name, patch).await;
}

#[tokio::test]
async fn what_this_version_cannot_read_says_so_in_its_status_and_stays_as_it_is() {
    let Some(alone) = Alone::new().await else { return };
    // Before the daemon asks: a watch of before goes on without the field for minutes.
    newer_crds(&alone.kube).await;
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "unread").await else { return };
    // One that no GitSync declares: nobody takes the field away again.
    let mut own = service("own", json!({}));
    own["metadata"]["namespace"] = json!(scene.namespace);
    scene.kube.create(&own).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    scene.create_sync(json!({"deletionPolicy": "Delete"})).await;
    scene.applied(&commit).await;
    scene.ready("own").await;
    scene.ready("a").await;
    let children = |object: &Value| object["status"]["children"].clone();
    let before = children(&scene.service("own").await.unwrap());

    set(&scene, "MicroService", "own", json!(secret!("newer"))).await;
    let unread = |object: &Value| condition(object, "Stalled")["reason"] == "InvalidSpec";
    let told = scene.service_that("own", "it says that it cannot be read", unread).await;
    let ready = condition(&told, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("InvalidSpec")));
    assert_eq!(ready["observedGeneration"], told["metadata"]["generation"], "of the spec as it is");
    let message = ready["message"].as_str().unwrap();
    assert!(message.contains("\"newer\", which this version does not know"), "{message}");
    assert_eq!(children(&told), before, "what was rendered is known as before");
    scene.event("MicroService", "own", "InvalidSpec", "cannot read it").await;
    scene.object_that("Deployment", "own", "it stays", |_| true).await;
    scene
        .log
        .line("it is told", |line| line["message"] == "MicroService cannot be read" && line["code"] == "GM520")
        .await;
    set(&scene, "MicroService", "own", Value::Null).await;
    scene.ready("own").await;

    // A GitSync by whose spec nothing can be done writes nothing, and its end is known all the same.
    set(&scene, "GitSync", SYNC, json!(secret!("newer"))).await;
    let stalled = scene.condition("Stalled", "True", "InvalidSpec").await;
    assert!(stalled["message"].as_str().unwrap().contains("\"newer\""), "{stalled}");
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    scene.settled().await;
    scene.settled().await;
    assert_eq!(
        scene.service("a").await.unwrap()["spec"]["replicas"],
        5,
        "nothing is put back by a spec that is not read"
    );
    assert!(scene.get_sync().await["metadata"]["finalizers"].is_array(), "it takes its services along");
    set(&scene, "GitSync", SYNC, Value::Null).await;
    scene.service_that("a", "it is put back", |a| a["spec"]["replicas"] == 2).await;
    scene.condition("Ready", "True", "Applied").await;
    alone.kube.install().await;
}

#[tokio::test]
async fn by_a_spec_that_means_nothing_nothing_is_put_back_either() {
    let Some(scene) = Scene::synced("odd", json!({}), &[("a.yaml", service("a", json!({"replicas": 2})))]).await else {
        return;
    };
    scene.ready("a").await;
    let writes_as = async |account: Value| {
        let patch = json!({"spec": {"serviceAccountName": account}});
        scene.kube.merge("suite", "GitSync", &scene.home, SYNC, patch).await;
    };
    // What the schema lets through, and is the name of nobody.
    writes_as(json!("other:admin")).await;
    scene.condition("Stalled", "True", "InvalidSpec").await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    scene.settled().await;
    scene.settled().await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 5, "not as Gitmoor itself, in place of nobody");
    writes_as(Value::Null).await;
    scene.service_that("a", "it is put back", |a| a["spec"]["replicas"] == 2).await;
}
