//! Whose rights a GitSync writes with, and how far it reaches.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::Kube;
use crate::support::alone::Alone;
use crate::support::audit::Audit;
use crate::support::daemon::OPERATOR;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Lets a ServiceAccount write MicroServices in a namespace; it need not exist.
async fn grant(kube: &Kube, namespace: &str, account: &str) {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"namespace": namespace, "name": "deployer"},
        "rules": [{"apiGroups": ["gitmoor.dev"], "resources": ["microservices"], "verbs": ["create", "patch", "delete"]}]
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"namespace": namespace, "name": "deployer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
        "subjects": [{"kind": "ServiceAccount", "namespace": account.split_once('/').unwrap().0, "name": account.split_once('/').unwrap().1}]
    });
    kube.kubectl_with(&["apply", "-f", "-"], &format!("{role}\n---\n{binding}")).await;
}

fn placed(name: &str, namespace: &str) -> Value {
    let mut manifest = service(name, json!({}));
    manifest["metadata"]["namespace"] = json!(namespace);
    manifest
}

/// The problem of an object in a status.
fn problem<'a>(status: &'a Value, object: &str) -> &'a Value {
    let all = status["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .find(|problem| problem["object"] == object)
        .unwrap_or_else(|| panic!("no problem of {object}: {status:#}"))
}

#[tokio::test]
async fn every_write_of_services_is_made_as_the_account_and_status_is_not() {
    let Some(scene) = Scene::new("account").await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    grant(&scene.kube, &scene.namespace, &format!("{}/deployer", scene.namespace)).await;
    let since = audit.mark();
    let commit = scene.commit(&[("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({"serviceAccountName": "deployer"})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    // An update, a correction with what was added, and a deletion.
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2})))]).await;
    let patch = json!([
        {"op": "replace", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/spec/terminationGracePeriodSeconds", "value": 7}
    ]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    scene
        .service_that("a", "it is put back", |a| {
            a["spec"]["replicas"] == 2 && a["spec"].get("terminationGracePeriodSeconds").is_none()
        })
        .await;
    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.condition("Ready", "True", "Applied").await;

    let user = format!("system:serviceaccount:{}:deployer", scene.namespace);
    let calls = audit.calls_as(since, &user);
    let count = |verb: &str, name: &str| calls.iter().filter(|call| call.verb == verb && call.name == name).count();
    // Created, updated, and corrected by two patches: one for what was added, one for the rest. A race is tried again.
    assert!(count("patch", "a") >= 4, "{calls:#?}");
    assert_eq!((count("patch", "b"), count("delete", "b")), (1, 1), "{calls:#?}");
    assert!(
        calls.iter().all(|call| call.resource == "microservices" && call.subresource.is_empty()),
        "nothing else is done as the tenant: {calls:#?}"
    );
    let a = scene.service("a").await.unwrap();
    assert_eq!(a["status"]["sourceDrift"]["count"], 0, "its status is written by the operator");
}

#[tokio::test]
async fn what_the_account_may_not_write_is_quarantined_alone_and_in_words() {
    let Some(mut scene) = Scene::new("refused").await else { return };
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    let other = scene.kube.namespace("other").await;
    let account = format!("{}-deployer", scene.namespace);
    grant(&scene.kube, &scene.namespace, &format!("{OPERATOR}/{account}")).await;
    let files = [("a.yaml", placed("a", &scene.namespace)), ("apps/b.yaml", placed("b", &other))];
    let commit = scene.commit(&files);
    scene.create_sync(json!({"allowedNamespaces": ["*"], "serviceAccountName": account})).await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a"]).await;
    scene.ready("a").await;
    let b = problem(&status, &format!("{other}/b"));
    assert_eq!((&b["reason"], &b["place"]), (&json!("Forbidden"), &json!("apps/b.yaml:1:1")), "{b:#}");
    let said = b["message"].as_str().unwrap();
    let words = format!(
        "ServiceAccount {OPERATOR}/{account} (by spec.serviceAccountName) may not patch microservices.gitmoor.dev in namespace {other}"
    );
    assert!(said.starts_with(&words), "{said}");
    // What to do next works as it is written: it asks what Gitmoor asked.
    let command = said.split_once("kubectl ").unwrap().1;
    let asked = scene.kube.try_kubectl(&command.split(' ').collect::<Vec<_>>(), None).await;
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "no", "{command}");
    scene.condition("Ready", "False", "Forbidden").await;
    // Once it may, it does.
    grant(&scene.kube, &other, &format!("{OPERATOR}/{account}")).await;
    scene.request().await;
    eventually("b is applied", async || holds(scene.kube.find("MicroService", &other, "b").await.is_some(), "not yet"))
        .await;
}

#[tokio::test]
async fn namespaces_are_created_as_the_account_too() {
    let Some(mut scene) = Scene::new("tenantns").await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    let (account, new) = (format!("{}-deployer", scene.namespace), format!("{}-new", scene.namespace));
    let user = format!("system:serviceaccount:{OPERATOR}:{account}");
    let may = async |verbs: &str, resource: &str| {
        let name = format!("{account}-{}", resource.split('.').next().unwrap());
        let (verbs, resource) = (format!("--verb={verbs}"), format!("--resource={resource}"));
        scene.kube.kubectl(&["create", "clusterrole", &name, &verbs, &resource]).await;
        let (role, subject) = (format!("--clusterrole={name}"), format!("--serviceaccount={OPERATOR}:{account}"));
        scene.kube.kubectl(&["create", "clusterrolebinding", &name, &role, &subject]).await;
    };
    may("create,patch", "microservices.gitmoor.dev").await;
    let since = audit.mark();
    let commit = scene.commit(&[("a.yaml", placed("a", &new))]);
    let spec = json!({"allowedNamespaces": ["*"], "createNamespaces": true, "serviceAccountName": account});
    scene.create_sync(spec).await;
    let status = scene.applied(&commit).await;
    let said = problem(&status, &format!("{new}/a"))["message"].as_str().unwrap();
    assert!(said.contains("may not create namespaces in the whole cluster"), "{said}");
    assert!(scene.kube.find("Namespace", "", &new).await.is_none());
    may("create", "namespaces").await;
    scene.request().await;
    eventually("the namespace and its service are there", async || {
        holds(scene.kube.find("MicroService", &new, "a").await.is_some(), "not yet")
    })
    .await;
    let calls = audit.calls_as(since, &user);
    assert!(calls.iter().any(|call| call.verb == "create" && call.resource == "namespaces"), "{calls:#?}");
}

#[tokio::test]
async fn a_name_that_is_no_account_stops_the_gitsync() {
    let Some(scene) = Scene::new("noname").await else { return };
    scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({"serviceAccountName": "other:admin"})).await;
    let stalled = scene.condition("Stalled", "True", "InvalidSpec").await;
    assert!(stalled["message"].as_str().unwrap().contains("spec.serviceAccountName \"other:admin\""), "{stalled}");
    scene.has_services(&[]).await;
}

#[tokio::test]
async fn the_operator_says_who_writes_where_a_gitsync_does_not_and_must_be_allowed_to() {
    let Some(alone) = Alone::new().await else { return };
    // First a right of the operator's own is missing: the API server believes what it allowed once for some seconds.
    alone.kube.kubectl(&["delete", "clusterrolebinding", "gitmoor-impersonation"]).await;
    let daemon = alone.daemon(&["--default-service-account", "tenant"]).await;
    let Some(scene) = alone.scene(&daemon, "default").await else { return };
    let user = format!("system:serviceaccount:{}:tenant", scene.namespace);
    let since = alone.audit.mark();
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    let status = scene.applied(&commit).await;
    let a = problem(&status, &format!("{}/a", scene.namespace));
    let said = a["message"].as_str().unwrap();
    let account =
        format!("ServiceAccount {}/tenant (by the operator's flag --default-service-account)", scene.namespace);
    assert_eq!(a["reason"], "ImpersonationForbidden");
    assert!(said.starts_with(&format!("Gitmoor itself may not act as {account}")), "{said}");
    assert!(said.contains("ClusterRole gitmoor-impersonation of deploy/access.yaml"), "says what to do: {said}");
    alone.access().await;
    let reason = |reason: &'static str| move |status: &Value| status["problems"][0]["reason"] == reason;
    let status = scene.status("the account's own right is missing", reason("Forbidden")).await;
    let said = problem(&status, &format!("{}/a", scene.namespace))["message"].as_str().unwrap();
    assert!(said.starts_with(&format!("{account} may not patch microservices.gitmoor.dev")), "{said}");
    grant(&alone.kube, &scene.namespace, &format!("{}/tenant", scene.namespace)).await;
    scene.ready("a").await;
    scene.condition("Ready", "True", "Applied").await;
    let calls = alone.audit.calls_as(since, &user);
    assert!(calls.iter().any(|call| call.verb == "patch" && call.name == "a"), "{calls:#?}");
}

#[tokio::test]
async fn what_a_confined_gitsync_asks_for_is_refused_by_name_and_the_rest_is_applied() {
    let Some(scene) = Scene::new("narrow").await else { return };
    let other = scene.kube.namespace("wide").await;
    let mut b = service("b", json!({}));
    b["metadata"]["namespace"] = json!(other);
    let commit = scene.commit(&[("a.yaml", service("a", json!({}))), ("b.yaml", b)]);
    scene.create_sync(json!({"allowedNamespaces": ["*"], "createNamespaces": true})).await;
    let status = scene.applied(&commit).await;
    scene.has_services(&["a"]).await;
    assert_eq!(scene.kube.names("MicroService", &other).await, Vec::<String>::new());
    let itself = format!("GitSync {}/{}", scene.home, scene.sync);
    let refused: Vec<_> =
        status["problems"].as_array().unwrap().iter().filter(|one| one["object"] == *itself).collect();
    assert_eq!(refused.len(), 2, "{status:#}");
    for (problem, field) in refused.iter().zip(["spec.allowedNamespaces", "spec.createNamespaces"]) {
        let said = problem["message"].as_str().unwrap();
        assert_eq!(problem["reason"], "ConfinedNamespace");
        assert!(said.starts_with(field) && said.contains(&format!("operator's namespace {OPERATOR}")), "{said}");
    }
    assert_eq!(status["diagnostics"][0]["code"], "GM302", "{status:#}");
    let lines = scene.log.lines(|line| {
        line["message"] == "a part of the spec is refused" && line["sync"].to_string().contains(&scene.namespace)
    });
    assert_eq!(lines.len(), 2, "{}", scene.log.tail());
    // Without the wish, and without the manifest, there is nothing left to say.
    scene
        .kube
        .merge(
            "suite",
            "GitSync",
            &scene.home,
            &scene.sync,
            json!({"spec": {"allowedNamespaces": null, "createNamespaces": null}}),
        )
        .await;
    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.condition("Ready", "True", "Applied").await;
}
