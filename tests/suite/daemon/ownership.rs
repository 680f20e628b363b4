//! Whose an object is, and what is not touched.

use serde_json::{Value, json};

use crate::support::Kube;
use crate::support::daemon::OPERATOR;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// A scene whose GitSync is in the operator's namespace and may write everywhere.
pub async fn operators(topic: &str, files: &[(&str, Value)]) -> Option<Scene> {
    let mut scene = Scene::new(topic).await?;
    operator_namespace(&scene.kube).await;
    scene.home = OPERATOR.into();
    scene.sync.clone_from(&scene.namespace);
    let commit = scene.commit(files);
    scene.create_sync(json!({"targetNamespace": scene.namespace, "allowedNamespaces": ["*"]})).await;
    scene.applied(&commit).await;
    Some(scene)
}

/// The namespace of the operator, which any test may need first.
pub async fn operator_namespace(kube: &Kube) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR}});
    kube.apply("suite", &namespace).await.unwrap();
}

#[tokio::test]
async fn a_service_that_somebody_made_is_not_taken_over() {
    let Some(scene) = Scene::new("theirs").await else { return };
    let mut theirs = service("a", json!({"replicas": 3}));
    theirs["metadata"]["namespace"] = json!(scene.namespace);
    let made = scene.kube.create(&theirs).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 1}))), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({})).await;
    let status = scene.applied(&commit).await;
    let live = scene.service("a").await.unwrap();
    assert_eq!((&live["spec"], &live["metadata"]["labels"]), (&made["spec"], &made["metadata"]["labels"]));
    let problem = &status["problems"][0];
    assert_eq!((&problem["object"], &problem["reason"]), (&json!(format!("{}/a", scene.namespace)), &json!("NotOurs")));
    assert_eq!(problem["code"], "GM501", "{problem}");
    let told = |line: &Value| line["object"] == problem["object"] && line["code"] == "GM501" && line["level"] == "WARN";
    scene.log.line("the problem with its code", told).await;
    scene.ready("b").await;
    scene.condition("Ready", "False", "NotOurs").await;
    // Once it is gone, ours takes its place.
    scene.kube.delete("MicroService", &scene.namespace, "a").await;
    scene.service_that("a", "it is ours", |a| a["spec"]["replicas"] == 1).await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn the_second_gitsync_that_declares_an_object_is_refused() {
    let Some(scene) = Scene::synced("two", json!({}), &[("a.yaml", service("a", json!({"replicas": 2})))]).await else {
        return;
    };
    let Some(mut second) = Scene::new("second").await else { return };
    let commit =
        second.commit(&[("a.yaml", service("a", json!({"replicas": 5}))), ("c.yaml", service("c", json!({})))]);
    (second.home, second.sync, second.namespace) = (scene.namespace.clone(), "second".into(), scene.namespace.clone());
    second.create_sync(json!({})).await;
    let status = second.applied(&commit).await;
    assert_eq!(status["problems"][0]["reason"], "OwnedByOther", "{status:#}");
    assert!(status["problems"][0]["message"].as_str().unwrap().contains("/main"), "{status:#}");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2, "the first keeps it");
    scene.has_services(&["a", "c"]).await;
    // When the second stops declaring it, nothing happens to it.
    second.push(&[("a.yaml", Value::Null)]).await;
    scene.has_services(&["a", "c"]).await;
    second.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_child_that_is_somebody_elses_is_not_touched_before_that_is_allowed() {
    let Some(scene) = Scene::new("child").await else { return };
    let theirs = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": scene.namespace, "name": "a"},
        "spec": {"ports": [{"name": "old", "port": 1234}], "selector": {"app": "theirs"}}
    });
    let made = scene.kube.create(&theirs).await;
    let mut ours = service("a", json!({"ports": [{"containerPort": 8080, "servicePort": 80}]}));
    let commit = scene.commit(&[("a.yaml", ours.clone())]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let a = scene.service_that("a", "it is stalled", |a| condition(a, "Stalled")["reason"] == "NotOwned").await;
    let said = condition(&a, "Stalled")["message"].to_string();
    assert!(said.contains("Service a") && said.contains("gitmoor.dev/take-over-children"), "{said}");
    assert_eq!(condition(&a, "Ready")["status"], "False");
    let live = scene.kube.get("Service", &scene.namespace, "a").await;
    assert_eq!((&live["spec"], &live["metadata"]["ownerReferences"]), (&made["spec"], &Value::Null));

    ours["metadata"]["annotations"] = json!({"gitmoor.dev/take-over-children": "true"});
    scene.push(&[("a.yaml", ours)]).await;
    let a = scene.ready("a").await;
    let live = scene.kube.get("Service", &scene.namespace, "a").await;
    assert_eq!(live["metadata"]["ownerReferences"][0]["uid"], a["metadata"]["uid"]);
    assert_eq!(live["metadata"]["uid"], made["metadata"]["uid"], "taken over, not made anew");
    let only_ours =
        |live: &Value| live["spec"]["ports"].as_array().is_some_and(|ports| ports.len() == 1 && ports[0]["port"] == 80);
    scene.object_that("Service", "a", "it is as rendered", only_ours).await;
}

#[tokio::test]
async fn a_service_that_nobody_declares_in_git_is_run_as_well() {
    let Some(scene) = Scene::new("plain").await else { return };
    let mut plain = service("plain", json!({}));
    plain["metadata"]["namespace"] = json!(scene.namespace);
    scene.kube.create(&plain).await;
    let ready = scene.ready("plain").await;
    assert_eq!(ready["status"]["source"], Value::Null);
}
