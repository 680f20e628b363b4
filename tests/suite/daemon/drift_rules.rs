//! Rules about drift: what is done about each field, at both levels, and through later commits.

use serde_json::{Value, json};

use super::told::manifest;
use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

/// A scene with a service `orders` that is ready, under rules.
async fn orders(topic: &str, drift: Value) -> Option<Scene> {
    let scene = Scene::synced(topic, json!({"drift": drift}), &[("orders.yaml", manifest(1))]).await?;
    scene.ready("orders").await;
    Some(scene)
}

/// Path and policy of each line about drift, in order of path.
fn told(scene: &Scene, layer: &str, kind: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = scene.drift_lines(layer, kind, "orders");
    let mut told: Vec<_> = lines.iter().map(|line| (text(&line["path"]), text(&line["policy"]))).collect();
    told.sort();
    told
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter().map(|(path, policy)| ((*path).to_owned(), (*policy).to_owned())).collect()
}

/// Path and policy of each field that the status says to differ.
fn standing(drift: &Value) -> Vec<(String, String)> {
    let fields = drift["fields"].as_array().filter(|_| drift["count"] != 0).into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    fields.map(|field| (text(&field["path"]), text(&field["policy"]))).collect()
}

async fn edit(scene: &Scene, manager: &str, kind: &str, patch: Value) {
    scene.kube.edit(manager, kind, &scene.namespace, "orders", patch).await;
}

/// No Event of the scene says something.
async fn no_event_says(scene: &Scene, word: &str) {
    let events = scene.kube.list("Event", &scene.namespace).await;
    let said: Vec<_> = events.iter().filter(|event| event["note"].to_string().contains(word)).collect();
    assert!(said.is_empty(), "{said:#?}");
}

#[tokio::test]
async fn fields_of_one_service_are_each_under_their_own_policy() {
    let rules = json!({"rules": [
        {"target": {"kind": "MicroService"}, "paths": ["/spec/replicas"], "policy": "Ignore"},
        {"paths": ["/spec/env/[name=LOG]/value"], "policy": "Report"}
    ]});
    let Some(scene) = orders("mixed", rules).await else { return };
    let changes = json!([
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "replace", "path": "/spec/env/0/value", "value": "debug"},
        {"op": "replace", "path": "/spec/image", "value": "example.com/orders:7"},
        {"op": "add", "path": "/metadata/labels/team", "value": "x"}
    ]);
    edit(&scene, "somebody", "MicroService", changes).await;
    let kept = |orders: &Value, version: u32| {
        orders["spec"]["image"] == format!("example.com/orders:{version}")
            && orders["metadata"]["labels"].get("team").is_none()
            && orders["spec"]["replicas"] == 5
            && orders["spec"]["env"][0]["value"] == "debug"
            && condition(orders, "SourceDrifted")["status"] == "True"
    };
    let orders = scene.service_that("orders", "put back in part", |orders| kept(orders, 1)).await;
    let reported = pairs(&[("/spec/env/0/value", "Report")]);
    assert_eq!(standing(&orders["status"]["sourceDrift"]), reported);
    let lines =
        pairs(&[("/metadata/labels/team", "Correct"), ("/spec/env/0/value", "Report"), ("/spec/image", "Correct")]);
    assert_eq!(told(&scene, "source", "MicroService"), lines);

    // Later commits change other fields only.
    for version in [2, 3] {
        scene.push(&[("orders.yaml", manifest(version))]).await;
        let orders = scene.ready("orders").await;
        assert!(kept(&orders, version), "{:#}", orders["spec"]);
        assert_eq!(standing(&orders["status"]["sourceDrift"]), reported);
    }
    assert_eq!(told(&scene, "source", "MicroService"), lines, "each once");
    let status = scene.condition("Drifted", "True", "FieldsDiffer").await;
    assert!(!status.to_string().contains("replicas"), "{status:#}");
    no_event_says(&scene, "/spec/replicas").await;
    scene.event("MicroService", "orders", "SourceDrift", "policy Report").await;
}

#[tokio::test]
async fn fields_of_one_child_are_each_under_their_own_policy() {
    let rules = json!({"rules": [
        {"target": {"kind": "Deployment", "name": "or*"}, "paths": ["/spec/replicas"], "policy": "Ignore"},
        {"paths": ["/spec/template/metadata/annotations/example.com~1*"], "policy": "Ignore"},
        {"managers": ["me*"], "policy": "Report"},
        {"target": {"kind": "Service"}, "policy": "Report"}
    ]});
    let Some(scene) = orders("mixedch", rules).await else { return };
    scene.kube.kubectl(&["scale", "-n", &scene.namespace, "deployment/orders", "--replicas=4"]).await;
    let annotation =
        json!([{"op": "add", "path": "/spec/template/metadata/annotations", "value": {"example.com/a": "1"}}]);
    edit(&scene, "injector", "Deployment", annotation).await;
    edit(&scene, "mesh", "Deployment", json!([{"op": "add", "path": "/metadata/labels/mesh", "value": "on"}])).await;
    let log = "/spec/template/spec/containers/0/env/0/value";
    edit(&scene, "somebody", "Deployment", json!([{"op": "replace", "path": log, "value": "debug"}])).await;
    let kept = |live: &Value, image: &str| {
        let container = &live["spec"]["template"]["spec"]["containers"][0];
        container["env"][0]["value"] == "info"
            && container["image"] == image
            && live["spec"]["replicas"] == 4
            && live["spec"]["template"]["metadata"]["annotations"]["example.com/a"] == "1"
            && live["metadata"]["labels"]["mesh"] == "on"
    };
    let mut lines = pairs(&[("/metadata/labels/mesh", "Report"), (log, "Correct")]);
    for version in [1, 2, 3] {
        if version > 1 {
            scene.push(&[("orders.yaml", manifest(version))]).await;
        }
        let image = format!("example.com/orders:{version}");
        scene.object_that("Deployment", "orders", "put back in part", |live| kept(live, &image)).await;
        let reported = pairs(&[("/metadata/labels/mesh", "Report")]);
        scene
            .service_that("orders", "one field stands", |orders| {
                standing(&orders["status"]["workloadDrift"]) == reported
            })
            .await;
        assert_eq!(told(&scene, "workload", "Deployment"), lines, "version {version}");
    }
    // The same fields of another kind are under another rule.
    edit(&scene, "somebody", "Service", json!([{"op": "add", "path": "/metadata/labels/team", "value": "x"}])).await;
    scene.service_that("orders", "two fields", |orders| orders["status"]["workloadDrift"]["count"] == 2).await;
    assert_eq!(told(&scene, "workload", "Service"), pairs(&[("/metadata/labels/team", "Report")]));
    no_event_says(&scene, "/spec/replicas").await;
    no_event_says(&scene, "example.com").await;
    // With the rules gone, all of it is put back, and what was silent is told.
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"drift": null}})).await;
    scene
        .object_that("Deployment", "orders", "all is as rendered", |live| {
            live["spec"]["replicas"] == 2
                && live["metadata"]["labels"].get("mesh").is_none()
                && live["spec"]["template"]["metadata"]["annotations"].get("example.com/a").is_none()
        })
        .await;
    lines.extend(pairs(&[
        ("/spec/replicas", "Correct"),
        ("/spec/template/metadata/annotations/example.com~1a", "Correct"),
    ]));
    lines.sort();
    eventually("what was silent is told", async || {
        let told = told(&scene, "workload", "Deployment");
        holds(lines.iter().all(|line| told.contains(line)), told)
    })
    .await;
}

#[tokio::test]
async fn under_ignore_everything_stays_and_nothing_is_said() {
    let Some(scene) = orders("silent", json!({"policy": "Ignore"})).await else { return };
    let changes = json!([
        {"op": "replace", "path": "/spec/image", "value": "example.com/orders:7"},
        {"op": "remove", "path": "/spec/replicas"},
        {"op": "add", "path": "/metadata/labels/team", "value": "x"}
    ]);
    edit(&scene, "somebody", "MicroService", changes).await;
    edit(&scene, "somebody", "Service", json!([{"op": "remove", "path": "/spec/ports/0/name"}])).await;
    edit(&scene, "somebody", "Deployment", json!([{"op": "add", "path": "/metadata/labels/team", "value": "x"}])).await;
    let mut next = manifest(1);
    next["spec"]["env"][0]["value"] = json!("warn");
    scene.push(&[("orders.yaml", next)]).await;
    let orders = scene.ready("orders").await;
    assert_eq!(orders["spec"]["env"][0]["value"], "warn", "what a commit changes is applied");
    assert_eq!(orders["spec"]["image"], "example.com/orders:7");
    assert_eq!(orders["spec"].get("replicas"), None, "what was removed is not the commit's");
    assert_eq!(orders["metadata"]["labels"]["team"], "x");
    let warns = |live: &Value| live["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == "warn";
    let deployment = scene.object_that("Deployment", "orders", "the commit is there", warns).await;
    assert_eq!(deployment["metadata"]["labels"]["team"], "x");
    let service = scene.kube.get("Service", &scene.namespace, "orders").await;
    assert_eq!(service["spec"]["ports"][0].get("name"), None, "left as somebody wrote it");
    let status = scene.settled().await;
    assert_eq!((&status["counts"]["drifted"], status.get("drift")), (&json!(0), None), "{status:#}");
    let orders = scene.ready("orders").await;
    for part in ["sourceDrift", "workloadDrift"] {
        assert_eq!(standing(&orders["status"][part]), [], "{part}");
    }
    assert_eq!(condition(&orders, "Drifted")["status"], "False", "{:#}", orders["status"]);
    let lines = scene.log.lines(|line| line["message"] == "drift" && line.to_string().contains(&scene.namespace));
    assert!(lines.is_empty(), "{lines:#?}");
    no_event_says(&scene, "policy").await;
}

#[tokio::test]
async fn what_was_deleted_stays_so_without_a_word_where_a_rule_says_so() {
    let rules = json!({"rules": [{"target": {"name": "ord*"}, "policy": "Ignore"}]});
    let Some(scene) = orders("gone", rules).await else { return };
    scene.kube.delete("Service", &scene.namespace, "orders").await;
    // A drift after it, of another object: the deletion had its chance.
    edit(&scene, "somebody", "Deployment", json!([{"op": "add", "path": "/metadata/labels/team", "value": "x"}])).await;
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene.ready("orders").await;
    assert!(scene.kube.find("Service", &scene.namespace, "orders").await.is_none());
    scene.kube.delete("MicroService", &scene.namespace, "orders").await;
    let status = scene.status("it is remembered", |status| status["leftDeleted"].is_array()).await;
    assert_eq!(status["leftDeleted"], json!([format!("{}/orders", scene.namespace)]));
    let status = scene.settled().await;
    assert_eq!((&status["counts"]["drifted"], status.get("drift")), (&json!(0), None), "{status:#}");
    assert!(scene.service("orders").await.is_none(), "left as somebody wanted it");
    let lines = scene.log.lines(|line| line["message"] == "drift" && line.to_string().contains(&scene.namespace));
    assert!(lines.is_empty(), "{lines:#?}");
    // A commit that changes its manifest says anew that it should be there.
    scene.push(&[("orders.yaml", manifest(3))]).await;
    scene.ready("orders").await;
    scene.status("nothing is left deleted", |status| status.get("leftDeleted").is_none()).await;
}

#[tokio::test]
async fn an_annotation_that_git_does_not_declare_silences_nothing() {
    let Some(scene) = orders("silence", json!({})).await else { return };
    scene.kube.kubectl(&["annotate", "-n", &scene.namespace, "ms/orders", "gitmoor.dev/drift-policy=Ignore"]).await;
    scene.kube.kubectl(&["scale", "-n", &scene.namespace, "deployment/orders", "--replicas=4"]).await;
    scene
        .service_that("orders", "put back", |orders| condition(orders, "WorkloadDrifted")["reason"] == "Corrected")
        .await;
    assert_eq!(told(&scene, "workload", "Deployment"), pairs(&[("/spec/replicas", "Correct")]));
}

#[tokio::test]
async fn a_drift_that_a_rule_comes_to_ignore_is_over() {
    let Some(scene) = orders("later", json!({"policy": "Report"})).await else { return };
    edit(&scene, "somebody", "MicroService", json!([{"op": "replace", "path": "/spec/replicas", "value": 3}])).await;
    scene.condition("Drifted", "True", "FieldsDiffer").await;
    let rule = json!([{"paths": ["/spec/replicas"], "policy": "Ignore"}]);
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": {"drift": {"rules": rule}}})).await;
    scene.condition("Drifted", "False", "AsDeclared").await;
    let orders = scene
        .service_that("orders", "no drift", |orders| condition(orders, "SourceDrifted")["status"] == "False")
        .await;
    assert_eq!((&orders["spec"]["replicas"], &orders["status"]["sourceDrift"]["count"]), (&json!(3), &json!(0)));
}

/// What the GitSync says of rules that decide nothing; empty where it says nothing.
fn unused(status: &Value) -> String {
    let found = condition(&json!({"status": status}), "UnusedRules");
    assert!(found.is_null() || found["reason"] == "RulesDecideNothing", "{found}");
    found["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_rule_for_nothing_that_is_declared_is_told_at_once() {
    let rules = json!({"rules": [
        {"target": {"kind": "Deployment"}, "paths": ["/spec/replicas"], "policy": "Ignore"},
        {"target": {"kind": "MicroService", "name": "oders"}, "policy": "Ignore"}
    ]});
    let Some(scene) = orders("typo", rules).await else { return };
    let said = "rule 2 (MicroService oders: Ignore) is for nothing that is declared";
    let status = scene.status("it is told", |status| unused(status) == said).await;
    assert_eq!(condition(&json!({"status": status}), "Ready")["status"], "True", "{status:#}");
    let mut other = manifest(1);
    other["metadata"]["name"] = json!("oders");
    scene.push(&[("oders.yaml", other)]).await;
    scene.status("it is not told any more", |status| unused(status).is_empty()).await;
}

#[tokio::test]
async fn a_rule_that_decides_nothing_is_told_after_a_while_and_is_no_failure() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--unused-rules-after", "2s"]).await;
    let Some(scene) = alone.scene(&daemon, "unused").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    let rules = json!([{"target": {"kind": "Deployment"}, "paths": ["/spec/replicas"], "policy": "Ignore"}]);
    scene.create_sync(json!({"drift": {"rules": rules}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    let begins = "rule 1 (Deployment, /spec/replicas: Ignore) has fitted no drift since ";
    let status = scene.status("it is told", |status| unused(status).starts_with(begins)).await;
    assert_eq!(condition(&json!({"status": status}), "Ready")["status"], "True", "{status:#}");
    let line = scene.log.line("it is told", |line| line["message"] == "rules about drift decide nothing").await;
    assert_eq!((&line["code"], &line["level"]), (&json!("GM830"), &json!("INFO")));
    // A drift of a child that is ignored is told by nothing, and still shows that the rule is of use.
    scene.kube.kubectl(&["scale", "-n", &scene.namespace, "deployment/orders", "--replicas=4"]).await;
    scene.status("it is of use", |status| unused(status).is_empty()).await;
    assert_eq!(scene.kube.get("Deployment", &scene.namespace, "orders").await["spec"]["replicas"], 4);
}
