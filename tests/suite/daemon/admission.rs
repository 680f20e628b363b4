//! An admission policy that writes other values than were sent: nobody's drift, and no reason to write again.

use serde_json::{Value, json};

use super::told::manifest;
use crate::support::Kube;
use crate::support::alone::Alone;
use crate::support::kube::condition;
use crate::support::scene::Scene;

/// A policy that mutates objects of a namespace on each write.
async fn inject(kube: &Kube, namespace: &str, group: &str, resource: &str, patches: &str) {
    let name = format!("{namespace}-{resource}");
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "resourceRules": [{
                    "apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": ["CREATE", "UPDATE"]
                }]
            },
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patches}}]
        }
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name}
    });
    for object in [policy, binding] {
        kube.kubectl_with(&["apply", "-f", "-"], &object.to_string()).await;
    }
    // It takes a moment until the API server acts by it: an object of the same kind shows when.
    let probe = if resource == "deployments" {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe", "namespace": namespace, "labels": {"x": "y"}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"x": "y"}}, "template": {"metadata": {"labels": {"x": "y"}},
            "spec": {"containers": [{"name": "x", "image": "x"}]}}}})
    } else {
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "spec": {"image": "x", "suspend": true},
            "metadata": {"name": "probe", "namespace": namespace, "labels": {"x": "y"}}})
    };
    crate::support::eventually("the policy acts", async || {
        let stored = kube.dry_run("probe", &probe).await.map_err(|error| error.to_string())?;
        crate::support::holds(stored["metadata"]["labels"]["injected"] == "yes", &stored["metadata"])
    })
    .await;
}

const LABEL: &str = r#"JSONPatch{op: "add", path: "/metadata/labels/injected", value: "yes"}"#;

/// Both kinds get a label, other values than were sent, and the Deployment a container beside.
async fn inject_both(scene: &Scene) {
    let of_service =
        format!(r#"[{LABEL}, JSONPatch{{op: "add", path: "/spec/terminationGracePeriodSeconds", value: 7}}]"#);
    inject(&scene.kube, &scene.namespace, "gitmoor.dev", "microservices", &of_service).await;
    let sidecar = r#"JSONPatch{op: "add", path: "/spec/template/spec/initContainers", value:
        [Object.spec.template.spec.initContainers{name: "proxy", image: "example.com/proxy:1", restartPolicy: "Always"}]}"#;
    let links = r#"JSONPatch{op: "add", path: "/spec/template/spec/enableServiceLinks", value: true}"#;
    inject(&scene.kube, &scene.namespace, "apps", "deployments", &format!("[{LABEL}, {sidecar}, {links}]")).await;
}

/// What Git declares: just what the policies write otherwise, too.
fn declared(version: u32) -> Value {
    let mut manifest = manifest(version);
    manifest["spec"]["terminationGracePeriodSeconds"] = json!(30);
    manifest
}

fn is_injected(orders: &Value, deployment: &Value) -> bool {
    let pod = &deployment["spec"]["template"]["spec"];
    orders["metadata"]["labels"]["injected"] == "yes"
        && orders["spec"]["terminationGracePeriodSeconds"] == 7
        && deployment["metadata"]["labels"]["injected"] == "yes"
        && pod["initContainers"][0]["name"] == "proxy"
        && pod["enableServiceLinks"] == true
}

/// What changes with every write that changes a spec.
async fn generations(scene: &Scene) -> [Value; 2] {
    let of = async |kind| scene.kube.get(kind, &scene.namespace, "orders").await["metadata"]["generation"].clone();
    [of("MicroService").await, of("Deployment").await]
}

/// Paths of all lines about drift of the scene.
fn told(scene: &Scene) -> Vec<Value> {
    let lines = scene.log.lines(|line| line["message"] == "drift" && line.to_string().contains(&scene.namespace));
    lines.into_iter().map(|line| line["path"].clone()).collect()
}

/// An edit at each level that is told and put back: what is no drift had its chance to be taken for one.
async fn edit_both(scene: &Scene) {
    let (kube, namespace) = (&scene.kube, &scene.namespace);
    let image = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/orders:7"}]);
    kube.edit("somebody", "MicroService", namespace, "orders", image).await;
    scene.service_that("orders", "put back", |orders| orders["spec"]["image"] != "example.com/orders:7").await;
    scene.ready("orders").await;
    kube.kubectl(&["scale", "-n", namespace, "deployment/orders", "--replicas=4"]).await;
    scene.object_that("Deployment", "orders", "put back", |live| live["spec"]["replicas"] == 2).await;
    for path in ["/spec/image", "/spec/replicas"] {
        let about = |line: &Value| line["path"] == path && line.to_string().contains(namespace.as_str());
        scene.log.line(&format!("drift of {path}"), about).await;
    }
}

#[tokio::test]
async fn what_admission_writes_otherwise_is_no_drift_and_no_loop() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "injected").await else { return };
    inject_both(&scene).await;
    let commit = scene.commit(&[("orders.yaml", declared(1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let orders = scene.ready("orders").await;
    let deployment = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    assert!(is_injected(&orders, &deployment), "{orders:#} {deployment:#}");
    edit_both(&scene).await;
    let expected = [json!("/spec/image"), json!("/spec/replicas")];
    assert_eq!(told(&scene), expected);
    scene.push(&[("orders.yaml", declared(2))]).await;
    scene.ready("orders").await;
    scene.settled().await;
    assert_eq!(told(&scene), expected, "through a commit, too");
    let before = generations(&scene).await;

    // Whoever comes after knows nothing of the answers. It finds out before it says anything.
    assert!(daemon.terminate().await.success());
    let daemon = alone.daemon(&[]).await;
    let scene = Scene { log: daemon.log.clone(), ..scene };
    let status = scene.settled().await;
    assert_eq!(condition(&json!({"status": status}), "Ready")["status"], "True", "{status:#}");
    scene.ready("orders").await;
    assert_eq!(generations(&scene).await, before, "nothing was written");
    // Another hand makes it look again.
    let marked = json!({"metadata": {"annotations": {"example.com/looked": "again"}}});
    scene.kube.merge("kube-controller-manager", "Deployment", &scene.namespace, "orders", marked).await;
    scene.settled().await;
    assert_eq!(told(&scene), [Value::Null; 0]);
    edit_both(&scene).await;
    assert_eq!(told(&scene), expected);
}

#[tokio::test]
async fn whoever_applies_under_our_name_is_found_out() {
    let Some(scene) = super::told::orders("masked", "Correct").await else { return };
    let mut theirs = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    theirs["spec"]["replicas"] = json!(7);
    for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
        theirs["metadata"].as_object_mut().unwrap().remove(field);
    }
    theirs.as_object_mut().unwrap().remove("status");
    scene.kube.apply("gitmoor-controller", &theirs).await.unwrap();
    scene.object_that("Deployment", "orders", "put back", |live| live["spec"]["replicas"] == 2).await;
    let path = |line: &Value| line["path"] == "/spec/replicas" && line.to_string().contains(&scene.namespace);
    let line = scene.log.line("it is told", |line| line["message"] == "drift" && path(line)).await;
    assert_eq!((&line["manager"], &line["operation"]), (&json!("gitmoor-controller"), &json!("Apply")), "{line}");
}

#[tokio::test]
async fn what_comes_back_when_it_is_taken_away_is_told_once() {
    let Some(scene) = Scene::new("again").await else { return };
    inject(&scene.kube, &scene.namespace, "gitmoor.dev", "microservices", &format!("[{LABEL}]")).await;
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    let theirs = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": scene.namespace, "labels": {"injected": "yes"}}
    });
    scene
        .kube
        .kubectl_with(
            &["apply", "--server-side", "--field-manager", "mesh", "--validate=false", "-f", "-"],
            &theirs.to_string(),
        )
        .await;
    scene.event("MicroService", "orders", "SourceDrift", "/metadata/labels/injected was added").await;
    let orders = scene
        .service_that("orders", "it is said to be over", |orders| {
            condition(orders, "SourceDrifted")["reason"] == "AsDeclared"
        })
        .await;
    assert_eq!(orders["metadata"]["labels"]["injected"], "yes", "the policy wrote it again");
    // They insist, and nothing is said or done about it any more.
    scene
        .kube
        .kubectl_with(
            &["apply", "--server-side", "--field-manager", "mesh", "--validate=false", "-f", "-"],
            &theirs.to_string(),
        )
        .await;
    scene.settled().await;
    assert_eq!(told(&scene), ["/metadata/labels/injected"]);
}
