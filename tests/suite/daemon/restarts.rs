//! A service that asks for it restarts when a ConfigMap or Secret that it names changes, and only then.

use serde_json::{Value, json};

use crate::support::canary::secret;
use crate::support::kube::{condition, text};
use crate::support::scene::{Scene, service};

/// What must be in no log and no status.
const SECRET: &str = secret!("database");

fn restarting(name: &str, map: &str) -> Value {
    let env = json!([{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": map, "key": "level"}}}]);
    service(name, json!({"env": env, "envFrom": [{"secretRef": {"name": "db"}}], "restartOnChange": true}))
}

async fn map(scene: &Scene, name: &str) {
    let metadata = json!({"namespace": scene.namespace, "name": name});
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"level": "info", "b": "c"}});
    scene.kube.create(&map).await;
}

async fn secret(scene: &Scene) {
    let metadata = json!({"namespace": scene.namespace, "name": "db"});
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"PASSWORD": SECRET}});
    scene.kube.create(&secret).await;
}

fn checksum(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["metadata"]["annotations"]["gitmoor.dev/referenced-hash"]
}

/// Waits until the Deployment has another checksum, and returns it.
async fn rolled(scene: &Scene, name: &str, before: &Value) -> Value {
    let deployment = scene
        .object_that("Deployment", name, "another checksum", |live| {
            checksum(live).is_string() && checksum(live) != before
        })
        .await;
    checksum(&deployment).clone()
}

async fn change(scene: &Scene, kind: &str, name: &str, patch: Value) {
    scene.kube.merge("somebody", kind, &scene.namespace, name, patch).await;
}

#[tokio::test]
async fn a_change_of_what_is_read_is_a_rollout_and_nothing_else_is() {
    let Some(scene) = Scene::new("restart").await else { return };
    map(&scene, "a").await;
    map(&scene, "b").await;
    secret(&scene).await;
    let commit = scene.commit(&[("a.yaml", restarting("a", "a")), ("b.yaml", restarting("b", "b"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let first = rolled(&scene, "a", &Value::Null).await;
    let ready = scene.ready("a").await;
    assert_eq!(condition(&ready, "ReferencesFound")["status"], "True", "{:#}", ready["status"]);

    change(&scene, "ConfigMap", "a", json!({"data": {"level": "debug"}})).await;
    let second = rolled(&scene, "a", &first).await;
    change(&scene, "Secret", "db", json!({"stringData": {"PASSWORD": secret!("another")}})).await;
    let third = rolled(&scene, "a", &second).await;
    let ready = scene.ready("a").await;
    assert_eq!(condition(&ready, "WorkloadDrifted")["reason"], "AsDeclared");

    // An annotation, and a key that nobody reads. News of a kind come in order: once b has restarted, a had its chance.
    let before = scene.kube.get("Deployment", &scene.namespace, "a").await;
    let other = scene.kube.get("Deployment", &scene.namespace, "b").await;
    change(&scene, "ConfigMap", "a", json!({"metadata": {"annotations": {"example.com/a": "b"}}})).await;
    change(&scene, "ConfigMap", "a", json!({"data": {"b": "d"}})).await;
    change(&scene, "ConfigMap", "b", json!({"data": {"level": "debug"}})).await;
    rolled(&scene, "b", checksum(&other)).await;
    scene.settled().await;
    let after = scene.kube.get("Deployment", &scene.namespace, "a").await;
    assert_eq!(checksum(&after), &third);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);

    let told = scene.log.lines(|line| line.to_string().contains(SECRET));
    assert_eq!(told, Vec::<Value>::new());
    let live = scene.kube.get("MicroService", &scene.namespace, "a").await;
    assert!(!live.to_string().contains(SECRET) && !after.to_string().contains(SECRET));
}

#[tokio::test]
async fn what_is_missing_is_told_and_noticed_once_it_is_there() {
    let Some(scene) = Scene::new("restart").await else { return };
    map(&scene, "a").await;
    let commit = scene.commit(&[("a.yaml", restarting("a", "a"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let told = |a: &Value| condition(a, "ReferencesFound");
    let a = scene.service_that("a", "it says what is missing", |a| told(a)["reason"] == "ReferenceMissing").await;
    assert!(text(&told(&a)["message"]).contains("Secret db does not exist"), "{}", told(&a));
    let before = scene.object_that("Deployment", "a", "it is applied all the same", |_| true).await;
    secret(&scene).await;
    rolled(&scene, "a", checksum(&before)).await;
    scene.service_that("a", "nothing is missing", |a| told(a)["status"] == "True").await;
    // Who does not ask is not told, and keeps no checksum.
    let mut quiet = restarting("a", "a");
    quiet["spec"]["restartOnChange"] = json!(false);
    scene.push(&[("a.yaml", quiet)]).await;
    scene.object_that("Deployment", "a", "no checksum", |live| checksum(live).is_null()).await;
    scene.service_that("a", "nothing is said", |a| told(a).is_null()).await;
}
