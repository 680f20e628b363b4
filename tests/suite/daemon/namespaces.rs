//! Where a GitSync may write, and what becomes of namespaces that are not there.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::daemon::OPERATOR;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

fn placed(name: &str, namespace: &str) -> Value {
    let mut manifest = service(name, json!({}));
    manifest["metadata"]["namespace"] = json!(namespace);
    manifest
}

/// A scene whose GitSync will be in the operator's namespace.
async fn at_home(topic: &str) -> Option<Scene> {
    let mut scene = Scene::new(topic).await?;
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    Some(scene)
}

#[tokio::test]
async fn a_namespace_that_does_not_exist_is_an_error_on_the_object_until_it_does() {
    let Some(scene) = at_home("missing").await else { return };
    let missing = format!("{}-not-yet", scene.namespace);
    let commit = scene.commit(&[("a.yaml", placed("a", &missing)), ("b.yaml", placed("b", &scene.namespace))]);
    scene.create_sync(json!({"allowedNamespaces": ["*"]})).await;
    let status = scene.applied(&commit).await;
    let problem = &status["problems"][0];
    assert_eq!((&problem["object"], &problem["reason"]), (&json!(format!("{missing}/a")), &json!("NamespaceMissing")));
    assert!(problem["message"].as_str().unwrap().contains("createNamespaces"), "says what to do: {problem}");
    scene.ready("b").await;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": missing}});
    scene.kube.create(&namespace).await;
    eventually("it is applied once the namespace is there", async || {
        holds(scene.kube.find("MicroService", &missing, "a").await.is_some(), "not yet")
    })
    .await;
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn namespaces_are_created_where_the_gitsync_says_so() {
    let Some(scene) = at_home("create").await else { return };
    let new = format!("{}-new", scene.namespace);
    let commit = scene.commit(&[("a.yaml", placed("a", &new)), ("b.yaml", placed("b", &new))]);
    let spec = json!({"allowedNamespaces": ["*"], "createNamespaces": true, "prune": {"budget": 2}});
    scene.create_sync(spec).await;
    scene.applied(&commit).await;
    assert_eq!(scene.kube.names("MicroService", &new).await, ["a", "b"]);
    // And never deleted.
    scene.push(&[("a.yaml", Value::Null), ("b.yaml", placed("b", &scene.namespace))]).await;
    eventually("nothing is left in it", async || {
        let left = scene.kube.names("MicroService", &new).await;
        holds(left.is_empty(), left)
    })
    .await;
    let namespace = scene.kube.get("Namespace", "", &new).await;
    assert_eq!(namespace["metadata"].get("deletionTimestamp"), None);
}

#[tokio::test]
async fn a_namespace_that_is_not_allowed_is_refused() {
    let Some(scene) = at_home("allowed").await else { return };
    let (allowed, other) = (scene.kube.namespace("yes").await, scene.kube.namespace("no").await);
    let commit = scene.commit(&[("a.yaml", placed("a", &allowed)), ("b.yaml", placed("b", &other))]);
    scene.create_sync(json!({"allowedNamespaces": [allowed]})).await;
    let status = scene.applied(&commit).await;
    assert_eq!(scene.kube.names("MicroService", &allowed).await, ["a"]);
    assert_eq!(scene.kube.names("MicroService", &other).await, Vec::<String>::new());
    assert_eq!(status["diagnostics"][0]["code"], "GM302", "{status:#}");
    assert!(status["diagnostics"][0]["place"].as_str().unwrap().starts_with("b.yaml:"), "{status:#}");
}

#[tokio::test]
async fn a_gitsync_elsewhere_is_confined_to_its_own_namespace() {
    let Some(scene) = Scene::new("confined").await else { return };
    let other = scene.kube.namespace("other").await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({}))), ("b.yaml", placed("b", &other))]);
    scene.create_sync(json!({"allowedNamespaces": ["*", other]})).await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a"]).await;
    assert_eq!(scene.kube.names("MicroService", &other).await, Vec::<String>::new());
    assert_eq!(status["diagnostics"][0]["code"], "GM302", "{status:#}");
}

#[tokio::test]
async fn members_elsewhere_are_named_on_the_parent_of_the_set() {
    let Some(scene) = at_home("members").await else { return };
    let commit = scene.commit(&[("a.yaml", placed("a", &scene.namespace))]);
    scene.create_sync(json!({"allowedNamespaces": [scene.namespace]})).await;
    scene.applied(&commit).await;
    let marked = eventually("the GitSync is the parent of its set", async || {
        let sync = scene.get_sync().await;
        let marks = &sync["metadata"]["annotations"];
        holds(marks["applyset.kubernetes.io/additional-namespaces"] == *scene.namespace, marks).map(|()| sync.clone())
    })
    .await;
    let id = &marked["metadata"]["labels"]["applyset.kubernetes.io/id"];
    let a = scene.service("a").await.unwrap();
    assert_eq!(&a["metadata"]["labels"]["applyset.kubernetes.io/part-of"], id);
    assert!(
        marked["metadata"]["annotations"]["applyset.kubernetes.io/tooling"].as_str().unwrap().starts_with("gitmoor/v")
    );
}
