//! Deletions that nobody committed, and those of GitSyncs: whose rights they are made with, and that the last object needs no
//! further word.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::Kube;
use crate::support::alone::Alone;
use crate::support::audit::{Audit, Mark};
use crate::support::daemon::OPERATOR;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Lets a ServiceAccount write both kinds in a namespace.
async fn grant(kube: &Kube, namespace: &str, home: &str, account: &str) {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"namespace": namespace, "name": account},
        "rules": [{
            "apiGroups": ["gitmoor.dev"], "resources": ["microservices", "gitsyncs"], "verbs": ["create", "patch", "delete"]
        }]
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"namespace": namespace, "name": account},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
        "subjects": [{"kind": "ServiceAccount", "namespace": home, "name": account}]
    });
    kube.kubectl_with(&["apply", "-f", "-"], &format!("{role}\n---\n{binding}")).await;
}

/// Checks that a verb was used on an object as that account, and by nobody else of ours.
fn only_as(audit: &Audit, since: Mark, account: &str, (verb, resource, name): (&str, &str, &str)) {
    let user = format!("system:serviceaccount:{account}");
    let all = audit.about(since, name).into_iter();
    let all: Vec<_> = all.filter(|entry| entry["verb"] == verb && entry["objectRef"]["resource"] == resource).collect();
    let others: Vec<_> = all.iter().filter(|entry| entry["impersonatedUser"]["username"] != user).collect();
    assert!(!all.is_empty() && others.is_empty(), "{verb} {resource} {name} as {account}: {all:#?}");
}

async fn gone(scene: &Scene, kind: &str, namespace: &str, name: &str) {
    eventually(&format!("{kind} {name} is gone"), async || {
        let found = scene.kube.find(kind, namespace, name).await;
        holds(found.is_none(), found)
    })
    .await;
}

#[tokio::test]
async fn a_farewell_deletes_as_the_account() {
    let Some(scene) = Scene::new("leaves").await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    grant(&scene.kube, &scene.namespace, &scene.namespace, "deployer").await;
    // Names that no other test has: the audit log is of all.
    let names = ["a", "b"].map(|name| format!("{}-{name}", scene.namespace));
    let files = names.clone().map(|name| (format!("{name}.yaml"), service(&name, json!({"replicas": 0}))));
    let commit = scene.commit(&files.each_ref().map(|(path, manifest)| (path.as_str(), manifest.clone())));
    let spec = json!({"serviceAccountName": "deployer", "deletionPolicy": "Delete", "prune": {"budget": "100%"}});
    scene.create_sync(spec).await;
    scene.applied(&commit).await;
    let since = audit.mark();
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    gone(&scene, "GitSync", &scene.home, &scene.sync).await;
    assert_eq!(scene.services().await, Vec::<String>::new());
    for name in &names {
        only_as(&audit, since, &format!("{}:deployer", scene.namespace), ("delete", "microservices", name));
    }
}

#[tokio::test]
async fn gitsyncs_that_git_declares_are_written_and_deleted_as_the_account() {
    let Some(mut scene) = Scene::new("inner").await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    let account = format!("{}-deployer", scene.namespace);
    grant(&scene.kube, &scene.namespace, OPERATOR, &account).await;
    let inner = format!("{}-inner", scene.namespace);
    let gitsync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"name": inner},
        "spec": {"url": scene.url, "interval": "1h", "paths": ["inner"], "suspend": true}
    });
    let since = audit.mark();
    let keep = service("keep", json!({"replicas": 0}));
    let commit = scene.commit(&[("root/inner.yaml", gitsync), ("root/keep.yaml", keep)]);
    let spec = json!({
        "paths": ["root"], "targetNamespace": scene.namespace, "allowedNamespaces": [scene.namespace],
        "serviceAccountName": account, "prune": {"budget": "100%"}
    });
    scene.create_sync(spec).await;
    scene.applied(&commit).await;
    assert!(scene.kube.find("GitSync", &scene.namespace, &inner).await.is_some());
    scene.push(&[("root/inner.yaml", Value::Null)]).await;
    gone(&scene, "GitSync", &scene.namespace, &inner).await;
    only_as(&audit, since, &format!("{OPERATOR}:{account}"), ("delete", "gitsyncs", &inner));
}

#[tokio::test]
async fn who_says_delete_and_deletes_the_gitsync_is_not_asked_again_about_the_last_object() {
    let files = [("only.yaml", service("only", json!({"replicas": 0})))];
    let Some(scene) = Scene::synced("sole", json!({"deletionPolicy": "Delete"}), &files).await else { return };
    // A commit that removes it is another thing: that may be a mistake in the repository.
    scene.commit(&[("only.yaml", Value::Null), ("other.txt", json!("no manifest"))]);
    scene.request().await;
    scene.status("a guard holds it", |status| status["hold"]["plan"].is_string()).await;
    assert_eq!(scene.services().await, ["only"]);
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    gone(&scene, "GitSync", &scene.home, &scene.sync).await;
    assert_eq!(scene.services().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_goes_with_a_gitsync_before_its_status_says_so() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "unsaid").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({"deletionPolicy": "Delete"})).await;
    scene.applied(&commit).await;
    eventually("it has its finalizer", async || {
        let sync = scene.get_sync().await;
        holds(sync["metadata"]["finalizers"].is_array(), sync)
    })
    .await;
    let role = alone.kube.kubectl(&["get", "clusterrole", "gitmoor", "-o", "json"]).await;
    let role: Value = serde_json::from_str(&role).unwrap();
    let all = role["rules"].as_array().unwrap();
    let narrowed: Vec<_> = all.iter().filter(|rule| rule["resources"] != json!(["gitsyncs/status"])).cloned().collect();
    assert_eq!(narrowed.len() + 1, all.len(), "{all:#?}");
    let set = async |rules: &Value| {
        let patch = json!([{"op": "replace", "path": "/rules", "value": rules}]).to_string();
        alone.kube.kubectl(&["patch", "clusterrole", "gitmoor", "--type=json", "-p", &patch]).await;
    };
    set(&json!(narrowed)).await;
    let since = alone.audit.mark();
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    let refused = |deed: &crate::support::audit::Deed| deed.call.subresource == "status" && deed.code == 403;
    eventually("the status was refused several times", async || {
        let times = alone.audit.deeds(since).iter().filter(|deed| refused(deed)).count();
        holds(times >= 3, times)
    })
    .await;
    assert_eq!(scene.services().await, ["a"]);
    set(&role["rules"]).await;
    gone(&scene, "GitSync", &scene.home, &scene.sync).await;
    assert_eq!(scene.services().await, Vec::<String>::new());
}
