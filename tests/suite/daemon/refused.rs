//! What the API server refuses, for whatever reason, is that object's problem: it keeps its last good state, says so with the
//! server's words, and is tried again.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::eventually;
use crate::support::scene::{Scene, service};

/// The problem of one object, once there is one.
async fn problem(scene: &Scene, name: &str, reason: &str) -> Value {
    let object = format!("{}/{name}", scene.namespace);
    let of = |status: &Value| {
        let all = status["problems"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["object"] == object && one["reason"] == reason)
    };
    let status = scene.status(&format!("{name} has a problem: {reason}"), |status| of(status).is_some()).await;
    of(&status).unwrap()
}

/// Checks that the words are the server's, and the last good revision is that one.
#[track_caller]
fn tells(problem: &Value, words: &str, last_good: &str) {
    assert!(problem["message"].as_str().unwrap_or_default().contains(words), "{problem:#}");
    assert!(problem["lastGoodRevision"].as_str().unwrap_or_default().ends_with(last_good), "{problem:#}");
}

fn image(name: &str, tag: &str) -> Value {
    service(name, json!({"replicas": 0, "image": format!("example.com/{name}:{tag}")}))
}

#[tokio::test]
async fn an_invalid_manifest_is_named_with_its_place_and_its_last_good_revision() {
    let Some(scene) = Scene::new("invalid").await else { return };
    let good = scene.commit(&[("a.yaml", image("a", "1")), ("b.yaml", image("b", "1"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&good).await;
    scene.push(&[("a.yaml", image("a", "2"))]).await;
    let mut bad = image("b", "2");
    bad["spec"]["replicas"] = json!("three");
    let mut unborn = image("c", "1");
    unborn["spec"]["colour"] = json!("red");
    scene.push(&[("b.yaml", bad), ("c.yaml", unborn)]).await;
    let b = problem(&scene, "b", "InvalidManifest").await;
    tells(&b, "replicas", &good);
    assert_eq!(b["code"], "GM204", "{b:#}");
    assert!(b["place"].as_str().unwrap().starts_with("b.yaml:"), "{b:#}");
    let c = problem(&scene, "c", "InvalidManifest").await;
    assert_eq!(c["lastGoodRevision"], Value::Null, "it was never there: {c:#}");
    assert_eq!(scene.service("b").await.unwrap()["spec"]["image"], "example.com/b:1");
}

#[tokio::test]
async fn an_image_that_admission_refuses_keeps_the_last_good_one() {
    let Some(scene) = Scene::new("image").await else { return };
    let good = scene.commit(&[("a.yaml", image("a", "1")), ("b.yaml", image("b", "1"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&good).await;
    let policy = format!("{}.image", scene.namespace);
    refuse_latest(&scene, &policy).await;
    scene.push(&[("a.yaml", image("a", "2")), ("b.yaml", image("b", "latest"))]).await;
    let b = problem(&scene, "b", "Invalid").await;
    tells(&b, "no latest here", &good);
    assert_eq!(scene.service("b").await.unwrap()["spec"]["image"], "example.com/b:1");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["image"], "example.com/a:2", "the others go on");
    scene.condition("Ready", "False", "Invalid").await;
    scene.condition("Reconciling", "True", "Progressing").await;
    scene.kube.delete("ValidatingAdmissionPolicyBinding", "", &policy).await;
    scene.service_that("b", "it was tried again", |b| b["spec"]["image"] == "example.com/b:latest").await;
    scene.condition("Ready", "True", "Applied").await;
}

async fn refuse_latest(scene: &Scene, name: &str) {
    let api = "admissionregistration.k8s.io/v1";
    let rule = json!({
        "apiGroups": ["gitmoor.dev"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["microservices"]
    });
    let policy = json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "!object.spec.image.endsWith(':latest')", "message": "no latest here"}]
        }
    });
    let namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}});
    let binding = json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": namespace}}
    });
    scene.kube.create(&policy).await;
    scene.kube.create(&binding).await;
    let mut probe = image("probe", "latest");
    probe["metadata"]["namespace"] = json!(scene.namespace);
    eventually("the policy is in force", async || match scene.kube.dry_run("suite", &probe).await {
        Err(error) if error.to_string().contains("no latest here") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

#[tokio::test]
async fn a_service_beyond_the_quota_waits_and_the_others_do_not() {
    let Some(scene) = Scene::new("quota").await else { return };
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": scene.namespace, "name": "few"},
        "spec": {"hard": {"count/microservices.gitmoor.dev": "1"}}
    });
    scene.kube.create(&quota).await;
    let mut probe = image("probe", "1");
    probe["metadata"]["namespace"] = json!(scene.namespace);
    eventually("the quota is counted", async || {
        let quota = scene.kube.get("ResourceQuota", &scene.namespace, "few").await;
        if quota["status"]["hard"].is_null() { Err(format!("{quota:#}")) } else { Ok(()) }
    })
    .await;
    let good = scene.commit(&[("a.yaml", image("a", "1"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&good).await;
    scene.push(&[("a.yaml", image("a", "2")), ("b.yaml", image("b", "1"))]).await;
    let b = problem(&scene, "b", "Forbidden").await;
    assert!(b["message"].as_str().unwrap().contains("exceeded quota: few"), "{b:#}");
    assert_eq!(b["lastGoodRevision"], Value::Null, "{b:#}");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["image"], "example.com/a:2");
    let more = json!({"spec": {"hard": {"count/microservices.gitmoor.dev": "2"}}});
    scene.kube.merge("suite", "ResourceQuota", &scene.namespace, "few", more).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.has_services(&["a", "b"]).await;
}

#[tokio::test]
async fn a_missing_right_is_one_objects_problem() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "rights").await else { return };
    let good = scene.commit(&[("a.yaml", image("a", "1")), ("b.yaml", image("b", "1"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&good).await;
    // By name: patching `a` is allowed, patching `b` is not.
    let role = alone.kube.kubectl(&["get", "clusterrole", "gitmoor", "-o", "json"]).await;
    let role: Value = serde_json::from_str(&role).unwrap();
    let mut narrowed = role["rules"].clone();
    let rules = narrowed.as_array_mut().unwrap();
    for rule in rules.iter_mut() {
        let services = rule["resources"].as_array().is_some_and(|all| all.contains(&json!("microservices")));
        if let Some(verbs) = rule["verbs"].as_array_mut().filter(|_| services) {
            verbs.retain(|verb| verb != "patch" && verb != "update");
        }
    }
    rules.push(json!({
        "apiGroups": ["gitmoor.dev"], "resources": ["microservices"], "verbs": ["patch"], "resourceNames": ["a"]
    }));
    set_rules(&alone, &narrowed).await;
    scene.push(&[("a.yaml", image("a", "2")), ("b.yaml", image("b", "2"))]).await;
    let b = problem(&scene, "b", "Forbidden").await;
    tells(&b, "cannot patch resource", &good);
    scene.service_that("a", "it is applied", |a| a["spec"]["image"] == "example.com/a:2").await;
    assert_eq!(scene.service("b").await.unwrap()["spec"]["image"], "example.com/b:1");
    set_rules(&alone, &role["rules"]).await;
    scene.condition("Ready", "True", "Applied").await;
    assert_eq!(scene.service("b").await.unwrap()["spec"]["image"], "example.com/b:2");
}

/// Replaces the daemon's rights.
async fn set_rules(alone: &Alone, rules: &Value) {
    let patch = json!([{"op": "replace", "path": "/rules", "value": rules}]).to_string();
    alone.kube.kubectl(&["patch", "clusterrole", "gitmoor", "--type=json", "-p", &patch]).await;
}
