//! Kinds that the cluster lacks, comes to have, and loses. The daemon has the rights of `deploy/` and no others.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::service;
use crate::support::{eventually, holds};

const DEFINITIONS: [&str; 2] = ["httproutes.gateway.networking.k8s.io", "servicemonitors.monitoring.coreos.com"];

#[tokio::test]
async fn a_kind_that_the_cluster_lacks_is_named_and_picked_up_when_it_appears() {
    let Some(alone) = Alone::new().await else { return };
    let remove = async |names: &[&str]| {
        let delete = [&["delete", "crd", "--ignore-not-found"], names].concat();
        alone.kube.kubectl(&delete).await;
    };
    remove(&DEFINITIONS).await;
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "optional").await else { return };
    let spec = json!({
        "ports": [{"containerPort": 8080}], "metrics": {"port": "http"},
        "routes": [{"name": "r", "hostnames": ["a.example.com"], "parentRefs": [{"name": "edge"}]}]
    });
    let commit = scene.commit(&[("a.yaml", service("a", spec)), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let lacking = |kind: &'static str| {
        move |a: &Value| {
            let ready = condition(a, "Ready");
            let named = ready["message"].as_str().is_some_and(|message| message.contains(kind));
            ready["reason"] == "KindNotServed" && named && condition(a, "Available")["status"] == "True"
        }
    };
    let a = scene.service_that("a", "it serves, and says what is not there", lacking("HTTPRoute")).await;
    assert_eq!(condition(&a, "Stalled")["reason"], "KindNotServed");
    assert_eq!(condition(&a, "ChildrenApplied")["status"], "False");
    scene.ready("b").await;

    alone.kube.install_optional().await;
    scene.ready("a").await;
    let children = async || {
        let a = scene.service("a").await.unwrap();
        let children = a["status"]["children"].as_array().cloned().unwrap_or_default();
        children.iter().map(|child| child["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(children().await.iter().any(|kind| kind == "HTTPRoute"), "{:?}", children().await);
    scene
        .object_that("ServiceMonitor", "a", "it is there", |live| live["spec"]["endpoints"][0]["port"] == "http")
        .await;
    // It is followed: what somebody deletes is made anew.
    scene.kube.kubectl(&["delete", "servicemonitors", "a", "-n", &scene.namespace]).await;
    scene.object_that("ServiceMonitor", "a", "it is made anew", |_| true).await;

    remove(&DEFINITIONS[1..]).await;
    let a = scene.service_that("a", "it says what is gone", lacking("ServiceMonitor")).await;
    let message = condition(&a, "Ready")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("servicemonitors.monitoring.coreos.com"), "{message}");
    let mark = alone.audit.mark();
    scene.push(&[("b.yaml", service("b", json!({"replicas": 2})))]).await;
    scene.ready("b").await;
    let asked = alone.audit.calls(mark);
    let vain: Vec<_> = asked.iter().filter(|call| call.resource == "servicemonitors").collect();
    assert!(vain.is_empty(), "what is not there is not asked for: {vain:?}");
    // A definition that comes back is as good as the first.
    alone.kube.install_optional().await;
    scene.ready("a").await;
    eventually("it is there again", async || {
        let found = children().await;
        holds(found.iter().any(|kind| kind == "ServiceMonitor"), found)
    })
    .await;
    remove(&DEFINITIONS).await;
}
