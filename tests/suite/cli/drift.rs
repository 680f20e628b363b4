//! `gitmoor drift`.

use serde_json::json;

use super::gitmoor_on;
use crate::support::scene::Scene;
use crate::support::scene::service;

#[tokio::test]
async fn it_names_the_field_the_hand_and_the_line() {
    let files = [("apps/orders.yaml", service("orders", json!({"replicas": 2})))];
    let spec = json!({"drift": {"policy": "Report"}});
    let Some(scene) = Scene::synced("driftcli", spec, &files).await else { return };
    scene.ready("orders").await;
    let name = format!("{}/orders", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name]).await.exits(0);
    assert_eq!(ran.out, "everything is as declared\n");

    scene.kube.kubectl_edit(&scene.namespace, "microservice/orders", "s/replicas: 2$/replicas: 3/").await;
    scene.service_that("orders", "it says so", |live| live["status"]["sourceDrift"]["count"] == 1).await;
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name]).await.exits(1);
    let expected = format!("source   ~ MicroService {name} /spec/replicas: declared 2, live 3");
    assert!(ran.out.contains(&expected), "{}", ran.out);
    assert!(ran.out.contains("by kubectl-edit, Update at ") && ran.out.contains("policy Report"), "{}", ran.out);
    assert!(ran.out.contains("declared at apps/orders.yaml:1 of main@"), "{}", ran.out);
    let json = gitmoor_on(scene.kube.plane, &["drift", &name, "-o", "json"]).await.exits(1).json();
    assert_eq!((&json["standing"], &json["drift"][0]["path"]), (&json!(1), &json!("/spec/replicas")));
}

#[tokio::test]
async fn what_was_put_back_is_told_when_asked_for() {
    let files = [("apps/orders.yaml", service("orders", json!({"replicas": 2})))];
    let Some(scene) = Scene::synced("recent", json!({}), &files).await else { return };
    scene.ready("orders").await;
    scene.kube.kubectl(&["-n", &scene.namespace, "scale", "deployment/orders", "--replicas=5"]).await;
    scene
        .service_that("orders", "it was put back", |live| live["status"]["workloadDrift"]["lastCorrected"].is_string())
        .await;
    let name = format!("{}/orders", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name, "--recent"]).await.exits(0);
    assert!(ran.out.contains("/spec/replicas: declared 2, live 5") && ran.out.contains("put back "), "{}", ran.out);
}
