//! `gitmoor drift`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{command, gitmoor_on};
use crate::support::eventually;
use crate::support::scene::{Scene, service};

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
async fn what_ended_is_told_when_asked_for() {
    let files = [("apps/orders.yaml", service("orders", json!({"replicas": 2})))];
    let Some(scene) = Scene::synced("recent", json!({}), &files).await else { return };
    scene.ready("orders").await;
    scene.kube.kubectl(&["-n", &scene.namespace, "scale", "deployment/orders", "--replicas=5"]).await;
    scene
        .service_that("orders", "it was put back", |live| live["status"]["workloadDrift"]["history"][0].is_object())
        .await;
    let name = format!("{}/orders", scene.namespace);
    for flags in [&["--history"][..], &["--since", "1h"], &["--recent"]] {
        let ran = gitmoor_on(scene.kube.plane, &[&["drift", &name][..], flags].concat()).await.exits(0);
        assert!(ran.out.contains("/spec/replicas: declared 2, live 5") && ran.out.contains("put back "), "{}", ran.out);
    }
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name]).await.exits(0);
    assert_eq!(ran.out, "everything is as declared\n");
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name, "--history", "-o", "markdown"]).await.exits(0);
    assert!(ran.out.contains("#### Ended") && ran.out.contains("| put back "), "{}", ran.out);
    let ran = gitmoor_on(scene.kube.plane, &["drift", &name, "-w", "-o", "markdown"]).await.exits(2);
    assert!(ran.err.contains("text or json"), "{}", ran.err);
}

#[tokio::test]
async fn a_watcher_is_told_of_each_change_and_is_quiet_else() {
    let files = [("apps/orders.yaml", service("orders", json!({"replicas": 2})))];
    let spec = json!({"drift": {"policy": "Report"}});
    let Some(scene) = Scene::synced("watchdrift", spec, &files).await else { return };
    scene.ready("orders").await;
    let name = format!("{}/orders", scene.namespace);
    let watch = |output: &str| {
        let mut command = command(&["drift", &name, "--watch", "-o", output]);
        command.env("KUBECONFIG", &scene.kube.plane.kubeconfig).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Lines::read(child.stdout.take().unwrap());
        (child, log)
    };
    let set = async |team: Option<&str>| {
        let patch = match team {
            Some(team) => json!([{"op": "add", "path": "/metadata/labels/team", "value": team}]),
            None => json!([{"op": "remove", "path": "/metadata/labels/team"}]),
        };
        scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    };
    set(Some("a")).await;
    scene.service_that("orders", "it says so", |live| live["status"]["sourceDrift"]["count"] == 1).await;
    let (mut child, lines) = watch("json");
    let event = async |count: usize| {
        let lines = lines.clone();
        let all = eventually(&format!("{count} lines"), async || {
            let all = lines.all();
            if all.len() >= count { Ok(all) } else { Err(all.join("\n")) }
        })
        .await;
        assert_eq!(all.len(), count, "{all:#?}");
        let line: Value = serde_json::from_str(&all[count - 1]).unwrap();
        (line["event"].clone(), line["live"].clone(), line["ended"].clone())
    };
    assert_eq!(event(1).await, (json!("drift"), json!("a"), Value::Null), "what differs at the start");
    set(Some("b")).await;
    assert_eq!(event(2).await, (json!("changed"), json!("b"), Value::Null));
    set(None).await;
    assert_eq!(event(3).await, (json!("ended"), json!("b"), json!("Reverted")));
    // Ctrl-C ends it; nothing differs then.
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
    assert_eq!(code, Some(0));

    // A closed pipe ends it, although it has nothing to say.
    let mut command = command(&["drift", &name, "--watch"]);
    command.env("KUBECONFIG", &scene.kube.plane.kubeconfig).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let code = eventually("it ends", async || child.try_wait().unwrap().ok_or_else(|| "it runs".to_owned())).await;
    assert_eq!(code.code(), Some(0));
}

/// Lines as they come.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                shared.0.lock().unwrap().push(line);
            }
        });
        lines
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
