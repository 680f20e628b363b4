//! `gitmoor status` and `--watch`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use super::{command, gitmoor_on};
use crate::support::scene::Scene;
use crate::support::scene::service;

#[tokio::test]
async fn it_says_what_is_ready_and_what_is_not() {
    let files = [("apps/orders.yaml", service("orders", json!({})))];
    let Some(scene) = Scene::synced("status", json!({}), &files).await else { return };
    scene.ready("orders").await;
    let name = format!("{}/main", scene.namespace);
    scene.status("it counts the ready", |status| status["counts"]["ready"] == 1).await;
    let ran = gitmoor_on(scene.kube.plane, &["status", &name]).await.exits(0);
    let orders = ran.out.lines().find(|line| line.contains("/orders ")).unwrap();
    for part in ["True", "Ready", "1/1", "example.com/orders:1", "none", "apps/orders.yaml:1"] {
        assert!(orders.contains(part), "{part} in {orders}");
    }
    assert!(ran.out.contains(&format!("{name}  True   Applied")), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "a pipe has no colours");

    let broken = service("orders", json!({"image": "example.com/orders:does-not-exist"}));
    scene.push(&[("apps/orders.yaml", broken)]).await;
    scene
        .service_that("orders", "it cannot pull", |live| live["status"]["conditions"].to_string().contains("ImagePull"))
        .await;
    let ran = gitmoor_on(scene.kube.plane, &["status", &name, "--output", "json"]).await.exits(1);
    let status = ran.json();
    assert_eq!(status["ready"], false);
    assert_eq!(status["microServices"][0]["name"], format!("{}/orders", scene.namespace));
    assert_eq!(status["microServices"][0]["ready"], "False");

    let ran = gitmoor_on(scene.kube.plane, &["status", &format!("{}/nobody", scene.namespace)]).await.exits(2);
    assert!(ran.err.contains("there is no GitSync"), "{}", ran.err);
}

#[tokio::test]
async fn it_follows_changes_line_by_line_in_a_pipe() {
    let files = [("apps/orders.yaml", service("orders", json!({})))];
    let Some(scene) = Scene::synced("watch", json!({}), &files).await else { return };
    let mut command = command(&["status", "--watch", "--namespace", &scene.namespace]);
    command.env("KUBECONFIG", &scene.kube.plane.kubeconfig).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let namespace = scene.namespace.clone();
    let find = move |what: &str| lines.find(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}"));
    let mut find = tokio::task::spawn_blocking(move || {
        let mut find = find;
        find(&format!("MicroService {namespace}/orders: "));
        find
    })
    .await
    .unwrap();
    scene.push(&[("apps/orders.yaml", service("orders", json!({"image": "example.com/orders:2"})))]).await;
    let line = tokio::task::spawn_blocking(move || find("example.com/orders:2")).await.unwrap();
    assert!(line.starts_with(&format!("MicroService {}/orders: ", scene.namespace)), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}
