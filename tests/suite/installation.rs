//! deploy/: the API server takes it as it is, and it gives the daemon no right too many.
//! That it gives enough is shown by every test with a daemon, which has no others.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::support::alone::Alone;
use crate::support::daemon::OPERATOR;
use crate::support::files::{documents, yaml_files};
use crate::support::plane::root;
use crate::support::scene::service;
use crate::support::{Kube, eventually, holds};

const ACCOUNT: &str = "--as=system:serviceaccount:gitmoor-system:gitmoor";

#[tokio::test]
async fn the_api_server_takes_what_is_installed() {
    let Some(kube) = Kube::shared().await else { return };
    installed_access(&kube).await;
    let parts = [
        "attribution",
        "gitmoor",
        "install",
        "prevention",
        "protection",
        "page",
        "access",
        "restarts",
        "components/egress/egress",
    ];
    let parts = parts.map(|name| root().join(format!("deploy/{name}.yaml")));
    for file in parts.into_iter().chain(yaml_files("deploy/crds")) {
        let path = file.to_str().unwrap();
        let strictly = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict"];
        let printed = kube.kubectl(&[&strictly[..], &["--warnings-as-errors", "-f", path]].concat()).await;
        for object in documents(&file) {
            let name = format!("/{}", object["metadata"]["name"].as_str().unwrap());
            assert!(printed.lines().any(|line| line.contains(&name)), "{name} in {printed}");
        }
    }
}

#[tokio::test]
async fn the_daemon_may_do_little() {
    // The shared daemon may read Secrets, too.
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let allowed = async |question: &[&str]| may(kube, ACCOUNT, question).await;
    for yes in [
        &["patch", "microservices.gitmoor.dev", "-n", "default"][..],
        &["watch", "gitsyncs.gitmoor.dev", "--all-namespaces"],
        &["delete", "deployments.apps", "-n", "default"],
        &["get", "secrets", "-n", "gitmoor-system"],
        &["patch", "secrets/gitmoor-redaction", "-n", "gitmoor-system"],
        &["impersonate-on:serviceaccount:patch", "microservices.gitmoor.dev", "-n", "default"],
        &["impersonate-on:serviceaccount:delete", "microservices.gitmoor.dev", "-n", "default"],
        &["impersonate-on:serviceaccount:create", "namespaces"],
        &["create", "leases", "-n", "gitmoor-system"],
        &["get", "leases/gitmoor", "-n", "gitmoor-system"],
        &["watch", "leases/gitmoor", "-n", "gitmoor-system"],
        &["patch", "leases/gitmoor", "-n", "gitmoor-system"],
        &["watch", "mutatingadmissionpolicies.admissionregistration.k8s.io/gitmoor-attribution"],
    ] {
        assert!(allowed(yes).await, "{yes:?}");
    }
    for no in [
        &["get", "secrets", "-n", "default"][..],
        &["list", "secrets", "-n", "gitmoor-system"],
        &["create", "secrets", "-n", "gitmoor-system"],
        &["patch", "secrets/other", "-n", "gitmoor-system"],
        &["patch", "secrets/gitmoor-redaction", "-n", "default"],
        &["create", "pods", "-n", "default"],
        &["create", "pods/exec", "-n", "default"],
        &["delete", "namespaces"],
        &["deletecollection", "gitsyncs.gitmoor.dev", "-n", "gitmoor-system"],
        &["delete", "customresourcedefinitions.apiextensions.k8s.io"],
        &["create", "rolebindings.rbac.authorization.k8s.io", "-n", "default"],
        // As a ServiceAccount it may write what it may write anyway, and nothing else; and it may be nobody else.
        &["impersonate", "serviceaccounts", "-n", "default"],
        &["impersonate", "users"],
        &["impersonate", "groups"],
        &["impersonate-on:serviceaccount:get", "microservices.gitmoor.dev", "-n", "default"],
        &["impersonate-on:serviceaccount:get", "secrets", "-n", "default"],
        &["impersonate-on:serviceaccount:create", "pods", "-n", "default"],
        &["impersonate-on:serviceaccount:delete", "namespaces"],
        &["get", "nodes"],
        &["watch", "mutatingadmissionpolicies.admissionregistration.k8s.io/other"],
        &["get", "mutatingadmissionpolicies.admissionregistration.k8s.io/gitmoor-attribution"],
        &["patch", "mutatingadmissionpolicies.admissionregistration.k8s.io/gitmoor-attribution"],
        &["get", "leases/gitmoor", "-n", "default"],
        &["create", "leases", "-n", "default"],
        &["patch", "leases/other", "-n", "gitmoor-system"],
        &["delete", "leases/gitmoor", "-n", "gitmoor-system"],
    ] {
        assert!(!allowed(no).await, "{no:?}");
    }
    assert!(may_be(kube, "impersonate:serviceaccount", "serviceaccounts").await);
    assert!(!may_be(kube, "impersonate:user-info", "users").await);
}

#[tokio::test]
async fn it_can_be_removed_and_what_it_keeps_stays() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "remove").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    // One of the operator's namespace, which goes, and one of a team's, with a finalizer of somebody else before ours.
    let policy = json!({"deletionPolicy": "Delete"});
    scene.create_sync(policy.clone()).await;
    scene.applied(&commit).await;
    let sync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": {"namespace": OPERATOR, "name": "own"},
        "spec": {"url": scene.url, "paths": ["none"], "interval": "1h", "deletionPolicy": "Delete"}
    });
    alone.kube.create(&sync).await;
    const OURS: &str = "gitmoor.dev/microservices";
    for (namespace, name) in [(scene.home.as_str(), scene.sync.as_str()), (OPERATOR, "own")] {
        eventually("the finalizer is there", async || {
            let sync = alone.kube.get("GitSync", namespace, name).await;
            holds(sync["metadata"]["finalizers"].to_string().contains(OURS), sync)
        })
        .await;
    }
    let both = json!({"metadata": {"finalizers": ["example.com/other", OURS]}});
    alone.kube.merge("suite", "GitSync", &scene.home, &scene.sync, both).await;
    daemon.kill();

    let plane = alone.kube.plane;
    let mut remove = Command::new(deploy("remove"));
    let path = std::env::var("PATH").unwrap();
    remove.env("PATH", format!("{}:{path}", plane.kubectl.parent().unwrap().display()));
    remove.env("KUBECONFIG", &plane.kubeconfig).env("KUBECACHEDIR", &plane.kubectl_cache);
    let output = tokio::task::spawn_blocking(move || remove.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(alone.kube.find("Namespace", "", OPERATOR).await, None);
    assert_eq!(scene.services().await, ["a"]);
    let left = scene.get_sync().await["metadata"]["finalizers"].clone();
    assert_eq!(left, json!(["example.com/other"]), "that of others is theirs");
    let none = json!({"metadata": {"finalizers": null}});
    alone.kube.merge("suite", "GitSync", &scene.home, &scene.sync, none).await;
    alone.kube.delete("GitSync", &scene.home, &scene.sync).await;
    eventually("it goes", async || {
        let found = alone.kube.find("GitSync", &scene.home, &scene.sync).await;
        holds(found.is_none(), found)
    })
    .await;
    assert_eq!(scene.services().await, ["a"], "and nothing with it");
}

/// Whether Gitmoor may act as that sort of subject at all. kubectl knows no such resource and would ask for another.
async fn may_be(kube: &Kube, verb: &str, resource: &str) -> bool {
    let asked = json!({"group": "authentication.k8s.io", "resource": resource, "verb": verb, "namespace": "default"});
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT.trim_start_matches("--as="), "resourceAttributes": asked}
    });
    let arguments = ["create", "-f", "-", "-o", "jsonpath={.status.allowed}"];
    kube.kubectl_with(&arguments, &review.to_string()).await == "true"
}

#[tokio::test]
async fn people_may_do_what_their_role_in_the_namespace_says() {
    let Some(kube) = Kube::shared().await else { return };
    installed_access(&kube).await;
    let (space, other) = (kube.namespace("people").await, kube.namespace("elsewhere").await);
    for role in ["view", "edit", "admin"] {
        let (role_flag, user) = (format!("--clusterrole={role}"), format!("--user={role}er"));
        kube.kubectl(&["create", "rolebinding", role, "-n", &space, &role_flag, &user]).await;
    }
    // What each may do more than the one before.
    let view = &["get", "list", "watch"][..];
    let edit = &["patch"][..];
    let admin = &["create", "update", "delete"][..];
    let never = &["deletecollection", "impersonate"][..];
    for (user, yes, no) in [
        ("--as=viewer", vec![view], vec![edit, admin, never]),
        ("--as=editer", vec![view, edit], vec![admin, never]),
        ("--as=adminer", vec![view, edit, admin], vec![never]),
    ] {
        for (verbs, expected) in [(yes.concat(), true), (no.concat(), false)] {
            for kind in ["gitsyncs.gitmoor.dev", "microservices.gitmoor.dev"] {
                for verb in &verbs {
                    let question = [*verb, kind, "-n", &space];
                    eventually("the controllers have put the roles together", async || {
                        let answer = may(&kube, user, &question).await;
                        holds(answer == expected, format!("{user} {question:?}: {answer}"))
                    })
                    .await;
                }
                // Status is the daemon's to write, and a role in one namespace is none in another.
                assert!(!may(&kube, user, &["patch", kind, "--subresource=status", "-n", &space]).await);
                assert!(!may(&kube, user, &["get", kind, "-n", &other]).await);
            }
        }
    }
    // What the commands of operators are made of.
    let sync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": space, "name": "idle"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true}
    });
    kube.create(&sync).await;
    let request = ["annotate", "gs", "idle", "-n", &space, "gitmoor.dev/reconcile-requested-at=now", "--as=editer"];
    kube.kubectl(&request).await;
    let resume = ["patch", "gs", "idle", "-n", &space, "--type=merge", "-p", r#"{"spec":{"suspend":false}}"#];
    kube.kubectl(&[&resume[..], &["--as=editer"]].concat()).await;
    let refused = kube.try_kubectl(&[&resume[..], &["--as=viewer"]].concat(), None).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot patch"), "{refused:?}");
}

async fn may(kube: &Kube, who: &str, question: &[&str]) -> bool {
    let output = kube.try_kubectl(&[&["auth", "can-i", who], question].concat(), None).await;
    String::from_utf8_lossy(&output.stdout).trim() == "yes"
}

async fn installed_access(kube: &Kube) {
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", &deploy("access.yaml")])
        .await;
}

fn deploy(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    path.to_str().unwrap().to_owned()
}
