//! A bad manifest keeps its last good state; the others go on.

use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::scene::{Scene, service};

#[tokio::test]
async fn a_bad_manifest_is_quarantined_and_the_rest_is_applied() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("bad", json!({}), &files).await else { return };
    let good = scene.ready("b").await;

    let mut bad = service("b", json!({"replicsa": 3}));
    bad["spec"].as_object_mut().unwrap().remove("replicas");
    let changes = [("a.yaml", service("a", json!({"replicas": 2}))), ("b.yaml", bad)];
    let commit = scene.push(&changes).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
    assert_eq!(scene.service("b").await.unwrap()["spec"], good["spec"], "its last good state");
    let status = scene.applied(&commit).await;
    assert_eq!((&status["counts"]["quarantined"], &status["counts"]["declared"]), (&json!(1), &json!(2)), "{status:#}");
    let finding = &status["diagnostics"][0];
    assert_eq!((&finding["code"], &finding["place"]), (&json!("GM203"), &json!("b.yaml:7:3")), "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("replicsa"), "{finding}");
    scene.condition("Ready", "False", "InvalidManifests").await;
    let here = format!("{}/main", scene.namespace);
    let line =
        scene.log.line("the finding", |line| line["message"] == "manifest refused" && line["sync"] == *here).await;
    assert_eq!((&line["code"], &line["place"]), (&json!("GM203"), &json!("b.yaml:7:3")));
    assert!(line["hint"].as_str().unwrap().contains("replicas"), "the nearest known one: {line}");

    scene.push(&[("b.yaml", service("b", json!({"replicas": 3})))]).await;
    assert_eq!(scene.service("b").await.unwrap()["spec"]["replicas"], 3);
    let status = scene.status("no findings", |status| status["diagnostics"].as_array().is_none_or(Vec::is_empty)).await;
    assert_eq!(status["counts"]["quarantined"], 0, "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn every_finding_of_a_revision_is_told_at_once() {
    let files = [
        ("a.yaml", service("a", json!({"replicas": "three", "colour": "red"}))),
        ("b.yaml", service("b", json!({"ports": [{"containerPort": 99999}]}))),
        ("c.yaml", service("c", json!({}))),
        ("d.yaml", service("c", json!({}))),
        ("e.yaml", service("e", json!({}))),
    ];
    let Some(scene) = Scene::synced("all", json!({}), &files).await else { return };
    let status = scene.settled().await;
    let mut found: Vec<_> = status["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, ["GM203", "GM204", "GM206", "GM301"], "{status:#}");
    scene.has_services(&["e"]).await;
}

#[tokio::test]
async fn nothing_is_pruned_while_a_document_cannot_be_read() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("unread", json!({}), &files).await else { return };
    let broken = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: b\nspec:\n";
    scene.push(&[("b.yaml", json!(broken)), ("c.yaml", service("c", json!({})))]).await;
    scene.has_services(&["a", "b", "c"]).await;
    let status = scene.settled().await;
    let problem = &status["problems"][0];
    assert_eq!(problem["object"], format!("{}/b", scene.namespace), "{status:#}");
    assert_eq!(problem["reason"], "UnreadableDocument", "{status:#}");

    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.has_services(&["a", "c"]).await;
}

#[tokio::test]
async fn what_the_api_server_refuses_stops_nothing_else() {
    let Some(scene) = Scene::new("refuse").await else { return };
    let policy = format!("{}.suite", scene.namespace);
    forbid(&scene, &policy).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({})).await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a"]).await;
    let problem = &status["problems"][0];
    assert_eq!(problem["object"], format!("{}/b", scene.namespace), "{status:#}");
    assert!(problem["message"].as_str().unwrap().contains("no b today"), "{status:#}");
    // What failed is tried again by itself.
    scene.kube.delete("ValidatingAdmissionPolicyBinding", "", &policy).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.has_services(&["a", "b"]).await;
}

/// Makes the API server refuse a MicroService `b` in the scene's namespace, and waits until it does.
async fn forbid(scene: &Scene, name: &str) {
    let api = "admissionregistration.k8s.io/v1";
    let rule = json!({
        "apiGroups": ["gitmoor.dev"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["microservices"]
    });
    let policy = json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.metadata.name != 'b'", "message": "no b today"}]
        }
    });
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}});
    let binding = json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": namespace}}
    });
    scene.kube.create(&policy).await;
    scene.kube.create(&binding).await;
    let mut probe = service("b", json!({}));
    probe["metadata"]["namespace"] = json!(scene.namespace);
    eventually("the policy is in force", async || match scene.kube.dry_run("suite", &probe).await {
        Err(error) if error.to_string().contains("no b today") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

#[tokio::test]
async fn documents_of_other_groups_are_counted_and_left_alone() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n";
    let files = [("a.yaml", service("a", json!({}))), ("other.yaml", json!(other)), ("notes.txt", json!("{{"))];
    let Some(scene) = Scene::synced("others", json!({}), &files).await else { return };
    let status = scene.settled().await;
    assert_eq!(status["counts"]["ignoredDocuments"], 1, "{status:#}");
    assert!(scene.kube.find("ConfigMap", &scene.namespace, "other").await.is_none());
    scene.condition("Ready", "True", "Applied").await;
}
