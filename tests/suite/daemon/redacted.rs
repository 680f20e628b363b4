//! No secret's value leaves by any way: canaries through the whole daemon.

use serde_json::{Value, json};

use crate::cli::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// What must appear nowhere but in the objects that people wrote it into.
const CANARIES: [&str; 9] =
    ["c4naryA", "c4naryB", "c4naryC", "c4naryD", "c4naryE", "c4naryF", "c4naryG", "c4naryH", "c4naryI"];

fn manifest() -> Value {
    let spec = json!({
        "replicas": 0,
        "env": [
            {"name": "DB_PASSWORD", "value": "c4naryA"}, {"name": "DATABASE", "value": "postgres://app:c4naryB@db/app"},
            {"name": "LICENSE", "value": "c4naryC"}, {"name": "LOG", "value": "info"}
        ],
        "args": ["serve", "--token", "c4naryD", "--password=c4naryE"]
    });
    service("orders", spec)
}

/// Somebody changes all of it, and then what was rendered from that back again.
async fn edit(scene: &Scene) {
    let set = |root: &str, [password, user, license, token]: [&str; 4], log: &str| {
        let variable = |at: usize, value: String| json!({"op": "replace", "path": format!("{root}/env/{at}/value"), "value": value});
        vec![
            variable(0, password.to_owned()),
            variable(1, format!("postgres://app:{user}@db/app")),
            variable(2, license.to_owned()),
            variable(3, log.to_owned()),
            json!({"op": "replace", "path": format!("{root}/args"), "value": ["serve", "--token", token]}),
        ]
    };
    let mut edits = set("/spec", ["c4naryF", "c4naryG", "c4naryH", "c4naryI"], "debug");
    edits.push(json!({"op": "add", "path": "/spec/env/-", "value": {"name": "API_KEY", "value": "c4naryA"}}));
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", json!(edits)).await;
    let container = |live: &Value| live["spec"]["template"]["spec"]["containers"][0].clone();
    scene
        .object_that("Deployment", "orders", "it is rendered", |live| container(live)["env"][3]["value"] == "debug")
        .await;
    let root = "/spec/template/spec/containers/0";
    let edits = set(root, ["c4naryA", "c4naryB", "c4naryC", "c4naryD"], "trace");
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", json!(edits)).await;
    let annotations = json!({"vault/token": "c4naryB", "note": "use Bearer c4naryCc4naryCc4naryC"});
    let patch = json!({"metadata": {"annotations": annotations}});
    scene.kube.merge("somebody", "Deployment", &scene.namespace, "orders", patch).await;
}

/// All that Gitmoor says to anybody.
async fn said(scene: &Scene, daemon: &Daemon) -> Vec<String> {
    let mut said: Vec<String> = scene.log.lines(|_| true).iter().map(Value::to_string).collect();
    said.extend(scene.kube.list("Event", &scene.namespace).await.iter().map(Value::to_string));
    said.extend(scene.kube.list("MicroService", &scene.namespace).await.iter().map(|one| one["status"].to_string()));
    said.push(scene.get_sync().await["status"].to_string());
    said.push(daemon.ops("/metrics").await.1);
    let name = format!("{}/orders", scene.namespace);
    for output in ["text", "json", "markdown"] {
        let ran = gitmoor_on(scene.kube.plane, &["drift", &name, "--history", "-o", output]).await;
        said.extend([ran.out, ran.err]);
    }
    said
}

async fn tells_no_canary(scene: &Scene, daemon: &Daemon) {
    let said = said(scene, daemon).await;
    let leaks: Vec<_> = said.iter().filter(|text| CANARIES.iter().any(|canary| text.contains(canary))).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(said.iter().any(|text| text.contains("(hidden ")), "digests stand for them");
}

/// What stands for the password, at both levels.
fn digests(orders: &Value) -> (Value, Value) {
    let find = |level: &str, end: &str| {
        let fields = orders["status"][level]["fields"].as_array().cloned().unwrap_or_default();
        let field = fields.into_iter().find(|field| field["path"].as_str().unwrap().ends_with(end));
        field.map(|field| json!([field["declared"], field["live"]])).unwrap_or_default()
    };
    (find("sourceDrift", "/env/0/value"), find("workloadDrift", "/env/0/value"))
}

#[tokio::test]
async fn a_secret_is_told_by_a_digest_that_restarts_do_not_change() {
    let Some(alone) = Alone::new().await else { return };
    let flags = ["--redact-path", "/**/env/[name=LICENSE]/value"];
    let daemon = alone.daemon(&flags).await;
    let Some(mut scene) = alone.scene(&daemon, "redacted").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest())]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    edit(&scene).await;
    let counted = |orders: &Value| {
        orders["status"]["sourceDrift"]["count"] == 6 && orders["status"]["workloadDrift"]["count"] == 7
    };
    let orders = scene.service_that("orders", "all of it is counted", counted).await;
    scene.event("MicroService", "orders", "WorkloadDrift", "/env/0/value").await;
    tells_no_canary(&scene, &daemon).await;
    let (source, workload) = digests(&orders);
    assert_eq!([&source[0], &source[1]], [&workload[1], &workload[0]], "the same value is told by the same digest");
    assert_ne!(source[0], source[1], "another value by another");
    let api_key =
        orders["status"]["sourceDrift"]["fields"].as_array().unwrap().iter().find(|field| field["change"] == "Added");
    assert_eq!(api_key.unwrap()["live"]["value"], source[0], "equality is seen wherever the value stands");
    assert_eq!(api_key.unwrap()["live"]["name"], "API_KEY");

    daemon.kill();
    let daemon = alone.daemon(&flags).await;
    scene.log = daemon.log.clone();
    scene.settled().await;
    let again = scene.service("orders").await.unwrap();
    assert_eq!(digests(&again), (source, workload), "the key is that of the installation");
    assert!(scene.log.lines(|line| line["message"] == "drift" || line["message"] == "drift changed").is_empty());

    // It is put back, and the episodes tell no more either.
    scene
        .kube
        .merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"drift": {"policy": "Correct"}}}))
        .await;
    scene
        .service_that("orders", "all is put back", |orders| {
            orders["status"]["sourceDrift"]["count"] == 0 && orders["status"]["workloadDrift"]["count"] == 0
        })
        .await;
    tells_no_canary(&scene, &daemon).await;
}

#[tokio::test]
async fn without_a_key_values_are_hidden_all_the_same() {
    let Some(alone) = Alone::new().await else { return };
    alone.kube.kubectl(&["delete", "secret", "gitmoor-redaction", "-n", "gitmoor-system"]).await;
    let daemon = alone.daemon(&[]).await;
    let line = daemon.log.line("why", |line| line["reason"] == "RedactionKeyMissing").await;
    assert!(line["code"] == "GM921" && line["error"].as_str().unwrap().contains("cannot"), "{line:#}");
    let Some(scene) = alone.scene(&daemon, "keyless").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest())]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    let patch = json!([{"op": "replace", "path": "/spec/env/0/value", "value": "c4naryF"}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", patch).await;
    let orders =
        scene.service_that("orders", "it drifted", |orders| orders["status"]["sourceDrift"]["count"] == 1).await;
    assert_eq!(orders["status"]["sourceDrift"]["fields"][0]["live"], "(hidden)");
    // The next installation makes one, once.
    alone.access().await;
    let _second = alone.daemon(&[]).await;
    eventually("a key is there", async || {
        let secret = alone.kube.get("Secret", "gitmoor-system", "gitmoor-redaction").await;
        holds(secret["data"]["key"].is_string(), "there is none")
    })
    .await;
}
