//! The controller inside of another program: the example is run as it is.

#[path = "../../examples/controller.rs"]
mod controller;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::{Kube, eventually, holds};

async fn create(kube: &Kube, namespace: &str) {
    let spec = json!({"image": "example.com/hello:1", "ports": [{"containerPort": 8080}]});
    let metadata = json!({"name": "hello", "namespace": namespace});
    let object =
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata, "spec": spec});
    kube.create(&object).await;
}

#[tokio::test]
async fn a_micro_service_made_by_hand_becomes_a_deployment_in_another_program() {
    let Some(alone) = Alone::new().await else { return };
    let kube = alone.kube.clone();
    let (own, other) = (kube.namespace("embedded").await, kube.namespace("other").await);
    create(&kube, &other).await;
    let stop = CancellationToken::new();
    let (client, namespace, told) = (kube.client.clone(), own.clone(), stop.clone());
    let running = tokio::spawn(async move { controller::run(client, &namespace, told.cancelled_owned()).await });
    create(&kube, &own).await;
    let ready = eventually("it is ready", async || {
        let found = kube.get("MicroService", &own, "hello").await;
        holds(condition(&found, "Ready")["status"] == "True", &found["status"]).map(|()| found.clone())
    })
    .await;
    let kinds: Vec<_> =
        ready["status"]["children"].as_array().unwrap().iter().map(|child| child["kind"].clone()).collect();
    assert_eq!(kinds, ["ServiceAccount", "Service", "Deployment"]);
    let deployment = kube.get("Deployment", &own, "hello").await;
    assert_eq!(deployment["spec"]["replicas"], 1, "as the program decided");
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"]["team"], "nobody");
    let untouched = kube.get("MicroService", &other, "hello").await;
    assert_eq!(untouched["status"]["observedGeneration"], -1, "it is in another namespace");
    assert_eq!(kube.find("Deployment", &other, "hello").await, None::<Value>);
    stop.cancel();
    assert!(running.await.unwrap().is_ok());
}
