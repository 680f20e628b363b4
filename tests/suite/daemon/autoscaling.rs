//! Who says how many replicas there are: an autoscaler takes over and gives back, and no pod is lost on the way.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// Numbers of replicas that a Deployment had, as they follow each other.
struct Counts {
    seen: Arc<Mutex<Vec<i64>>>,
    task: JoinHandle<()>,
}

impl Counts {
    async fn of(scene: &Scene, name: &str) -> Self {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut events = watcher(scene.kube.api("Deployment", &scene.namespace), config).boxed();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let (ready, synced) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut ready = Some(ready);
            while let Some(event) = events.next().await {
                match event.unwrap() {
                    watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                        kept.lock().unwrap().extend(object.data["spec"]["replicas"].as_i64());
                    }
                    watcher::Event::InitDone => drop(ready.take().map(|ready| ready.send(()))),
                    _ => {}
                }
            }
        });
        synced.await.unwrap();
        Self { seen, task }
    }

    fn least(&self) -> i64 {
        *self.seen.lock().unwrap().iter().min().unwrap()
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `service` says how many by itself where `replicas` is a number.
fn manifest(scale: Value) -> Value {
    let mut manifest = service("orders", json!({"resources": {"requests": {"cpu": "100m"}}}));
    manifest["spec"].as_object_mut().unwrap().remove("replicas");
    manifest["spec"].as_object_mut().unwrap().extend(scale.as_object().unwrap().clone());
    manifest
}

fn autoscaled(min: i32) -> Value {
    manifest(json!({"autoscaling": {"minReplicas": min, "maxReplicas": 9, "targetCPUUtilizationPercentage": 50}}))
}

/// What an autoscaler does: it writes the subresource scale, under the name of its controller.
async fn scale(scene: &Scene, replicas: i32) {
    let params = PatchParams { field_manager: Some("kube-controller-manager".into()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"spec": {"replicas": replicas}}));
    scene.kube.api("Deployment", &scene.namespace).patch_scale("orders", &params, &patch).await.unwrap();
}

async fn replicas(scene: &Scene, what: &str, wanted: i32) {
    scene.object_that("Deployment", "orders", what, |live| live["spec"]["replicas"] == wanted).await;
    scene
        .service_that("orders", what, |orders| {
            orders["status"]["replicas"]["desired"] == wanted && condition(orders, "Ready")["status"] == "True"
        })
        .await;
}

fn assert_not_drifted(scene: &Scene, orders: &Value) {
    assert_eq!(condition(orders, "WorkloadDrifted")["reason"], "AsDeclared", "{:#}", orders["status"]);
    assert_eq!(scene.drift_lines("workload", "Deployment", "orders"), Vec::<Value>::new());
}

/// Under each policy: what was handed over and taken back is no drift, so none keeps it.
async fn there_and_back(policy: &str) {
    let files = [("orders.yaml", manifest(json!({"replicas": 5})))];
    let Some(scene) = Scene::synced("hpa", json!({"drift": {"policy": policy}}), &files).await else { return };
    replicas(&scene, "as declared", 5).await;
    let counts = Counts::of(&scene, "orders").await;

    scene.push(&[("orders.yaml", autoscaled(2))]).await;
    let scaled = scene.object_that("HorizontalPodAutoscaler", "orders", "it is there", |_| true).await;
    assert_eq!(scaled["spec"]["minReplicas"], 2);
    let told = scene
        .service_that("orders", "the autoscaler has spoken", |orders| {
            condition(orders, "ScalingActive")["reason"] == "AutoscalerInactive"
        })
        .await;
    let message = condition(&told, "ScalingActive")["message"].to_string();
    assert!(message.contains("FailedGetResourceMetric"), "there are no metrics here, and that is told: {message}");
    replicas(&scene, "as it was", 5).await;
    let deployment = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let entries = deployment["metadata"]["managedFields"].as_array().unwrap();
    let ours = entries.iter().find(|entry| entry["manager"] == "gitmoor-controller").unwrap();
    assert_eq!(ours.pointer("/fieldsV1/f:spec/f:replicas"), None, "the number is no longer ours");

    scale(&scene, 7).await;
    replicas(&scene, "as the autoscaler wants it", 7).await;
    // A commit that changes something else leaves the number alone.
    let mut changed = autoscaled(2);
    changed["spec"]["image"] = json!("example.com/orders:2");
    scene.push(&[("orders.yaml", changed)]).await;
    let orders = scene
        .service_that("orders", "the new image", |orders| {
            orders["status"]["image"]["running"] == "example.com/orders:2"
        })
        .await;
    assert_not_drifted(&scene, &orders);
    replicas(&scene, "still as the autoscaler wants it", 7).await;
    assert_eq!(counts.least(), 5, "no replica was lost");

    scene.push(&[("orders.yaml", manifest(json!({"replicas": 3})))]).await;
    replicas(&scene, "as declared again", 3).await;
    assert_eq!(scene.kube.find("HorizontalPodAutoscaler", &scene.namespace, "orders").await, None);
    let orders = scene.ready("orders").await;
    assert_not_drifted(&scene, &orders);
    assert_eq!(condition(&orders, "ScalingActive"), Value::Null);
    assert_eq!(counts.least(), 3, "from what there was to what is declared, with nothing between");
}

#[tokio::test]
async fn an_autoscaler_takes_over_and_gives_back_without_losing_a_replica() {
    there_and_back("Correct").await;
}

#[tokio::test]
async fn what_an_autoscaler_did_is_no_drift_that_a_report_would_keep() {
    there_and_back("Report").await;
}

#[tokio::test]
async fn an_autoscaled_service_starts_with_its_least_replicas() {
    let Some(scene) = Scene::synced("hpa", json!({}), &[("orders.yaml", autoscaled(3))]).await else { return };
    let deployment = scene.object_that("Deployment", "orders", "three", |live| live["spec"]["replicas"] == 3).await;
    let entries = deployment["metadata"]["managedFields"].as_array().unwrap();
    let by = |manager: &str| {
        entries
            .iter()
            .any(|entry| entry["manager"] == manager && entry["fieldsV1"]["f:spec"].get("f:replicas").is_some())
    };
    assert!(by("gitmoor-hand-over") && !by("gitmoor-controller"), "{entries:#?}");
    scene.object_that("PodDisruptionBudget", "orders", "it is there", |_| true).await;
}
