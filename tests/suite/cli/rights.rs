//! What a person needs: to see both kinds, and to patch GitSyncs. Nothing else, and only in the namespace.

use serde_json::json;
use tempfile::TempDir;

use super::gitmoor_as;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, canary, eventually, holds};

#[tokio::test]
async fn each_command_works_with_the_rights_of_a_namespace() {
    let Some(scene) = Scene::synced("rights", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    scene.status("it is counted", |status| status["counts"]["ready"] == 1).await;
    let name = format!("{}/main", scene.namespace);
    let commit = scene.get_sync().await["status"]["lastAppliedRevision"]["revision"].as_str().unwrap().to_owned();
    let see = json!({"apiGroups": ["gitmoor.dev"], "resources": ["gitsyncs", "microservices"], "verbs": ["get", "list", "watch"]});
    let act = json!({"apiGroups": ["gitmoor.dev"], "resources": ["gitsyncs"], "verbs": ["patch"]});

    let operator = person(&scene.kube, &scene.namespace, "operator", json!([see, act])).await;
    let config = operator.path().join("kubeconfig");
    for (arguments, code) in [
        (&["status", "-n", &scene.namespace][..], 0),
        (&["tree", "-n", &scene.namespace], 0),
        (&["tree", &name], 0),
        (&["history", &name], 0),
        (&["reconcile", &name, "--wait"], 0),
        (&["suspend", &name, "--reason", "test"], 0),
        (&["resume", &name, "--wait"], 0),
        (&["pause", &format!("gitsync/{name}"), "--for", "1m", "--reason", "test"], 0),
        (&["unpause", &format!("gitsync/{name}")], 0),
        (&["approve", &name], 0),
        (&["rollback", &name, commit.rsplit(':').next().unwrap()], 0),
        (&["rollback", &name, "--release"], 0),
    ] {
        let ran = gitmoor_as(&config, arguments).await;
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
    }

    let viewer = person(&scene.kube, &scene.namespace, "viewer", json!([see])).await;
    let config = viewer.path().join("kubeconfig");
    let denied = async |config: &std::path::Path, arguments: &[&str], words: &str| {
        let ran = gitmoor_as(config, arguments).await.exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    };
    gitmoor_as(&config, &["tree", &name]).await.exits(0);
    let words = "you need the verb patch on gitsyncs.gitmoor.dev; the ClusterRole gitmoor-operate gives it";
    for arguments in [&["reconcile", &name][..], &["suspend", &name], &["rollback", &name, &"a".repeat(40)]] {
        denied(&config, arguments, words).await;
    }
    let nobody = person(&scene.kube, &scene.namespace, "nobody", json!([])).await;
    let config = nobody.path().join("kubeconfig");
    let words = "you need the verb get on gitsyncs.gitmoor.dev; the ClusterRole gitmoor-view gives it";
    denied(&config, &["history", &name], words).await;
    denied(&config, &["approve", &name, "--plan", "a"], words).await;
    denied(&config, &["tree", &name], "you need the verb list on gitsyncs.gitmoor.dev").await;
    // Who may change but not watch cannot wait.
    let get = json!({"apiGroups": ["gitmoor.dev"], "resources": ["gitsyncs"], "verbs": ["get", "patch"]});
    let blind = person(&scene.kube, &scene.namespace, "blind", json!([get])).await;
    let config = blind.path().join("kubeconfig");
    gitmoor_as(&config, &["reconcile", &name]).await.exits(0);
    denied(&config, &["reconcile", &name, "--wait"], "you need the verb watch on gitsyncs.gitmoor.dev").await;
}

#[tokio::test]
async fn the_roles_that_are_named_give_these_rights() {
    let Some(scene) = Scene::synced("roles", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    scene.status("it is counted", |status| status["counts"]["ready"] == 1).await;
    let (kube, namespace) = (&scene.kube, scene.namespace.as_str());
    let access = root().join("deploy/access.yaml");
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", access.to_str().unwrap()]).await;
    let person = person(kube, namespace, "person", json!([])).await;
    let config = person.path().join("kubeconfig");
    let account = format!("--serviceaccount={namespace}:person");
    let bind = async |role: &str| {
        let role = format!("--clusterrole={role}");
        kube.kubectl(&["create", "rolebinding", &role[14..], &role, &account, "-n", namespace]).await;
    };
    let name = format!("{namespace}/main");
    gitmoor_as(&config, &["tree", &name]).await.exits(2);
    bind("gitmoor-view").await;
    // The API server hears of a new right a moment later.
    eventually("it may be seen", async || {
        let ran = gitmoor_as(&config, &["tree", &name]).await;
        holds(ran.code == 0, &ran.err)
    })
    .await;
    gitmoor_as(&config, &["history", &name]).await.exits(0);
    gitmoor_as(&config, &["suspend", &name]).await.exits(2);
    bind("gitmoor-operate").await;
    eventually("it may be changed", async || {
        let ran = gitmoor_as(&config, &["suspend", &name]).await;
        holds(ran.code == 0, &ran.err)
    })
    .await;
    gitmoor_as(&config, &["resume", &name, "--wait"]).await.exits(0);
    let service = format!("{namespace}/a");
    gitmoor_as(&config, &["pause", &service, "--for", "1m", "--reason", "test"]).await.exits(0);
    gitmoor_as(&config, &["unpause", &service]).await.exits(0);
}

/// A folder with a kubeconfig of somebody who has just these rights in a namespace.
async fn person(kube: &Kube, namespace: &str, name: &str, rules: serde_json::Value) -> TempDir {
    let meta = json!({"name": name, "namespace": namespace});
    let rbac = "rbac.authorization.k8s.io";
    let subject = json!({"kind": "ServiceAccount", "name": name, "namespace": namespace});
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": meta, "rules": rules},
        {"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": meta, "subjects": [subject],
         "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name}},
    ]});
    kube.kubectl_with(&["apply", "--server-side", "-f", "-"], &objects.to_string()).await;
    let token = canary::guard(&kube.kubectl(&["create", "token", name, "-n", namespace, "--duration=1h"]).await);
    let admin = std::fs::read_to_string(&kube.plane.kubeconfig).unwrap();
    let mut config: serde_json::Value = serde_yaml::from_str(&admin).unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"] = json!({"token": token.trim()});
    }
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
    folder
}
