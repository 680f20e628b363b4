//! deploy/protection.yaml: what is refused by hand, what is let through, and what people read.
//!
//! On the shared control plane it is bound to namespaces with a label, so that other tests may delete as they like.

use gitmoor::cluster::{CallError, Cluster, microservices};
use gitmoor::model::ObjectKey;
use gitmoor::telemetry::Metrics;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::support::files::documents;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, eventually, holds};

const POLICY: &str = "gitmoor-protection";
const LABEL: &str = "suite.gitmoor.dev/protected";

/// Installs the policy for namespaces with a label.
async fn install(kube: &Kube) {
    for mut object in documents(&root().join("deploy/protection.yaml")) {
        if object["kind"] == "ValidatingAdmissionPolicyBinding" {
            object["spec"]["matchResources"] = json!({"namespaceSelector": {"matchLabels": {LABEL: "true"}}});
        }
        kube.apply("suite", &object).await.unwrap();
    }
    eventually("the policy is read and its expressions fit their types", async || {
        let live = kube.get("ValidatingAdmissionPolicy", "", POLICY).await;
        let read = live["status"]["observedGeneration"] == live["metadata"]["generation"];
        assert_eq!(live["status"]["typeChecking"].get("expressionWarnings"), None, "{live:#}");
        holds(read, &live["status"])
    })
    .await;
}

/// Puts a namespace under the policy, and waits until it is in force there.
async fn protect(kube: &Kube, namespace: &str) {
    install(kube).await;
    kube.merge("suite", "Namespace", "", namespace, json!({"metadata": {"labels": {LABEL: "true"}}})).await;
    let mut probe = service("probe", json!({"replicas": 0}));
    probe["metadata"]["namespace"] = json!(namespace);
    probe["metadata"]["annotations"] = json!({"gitmoor.dev/allow-delete": "false"});
    kube.create(&probe).await;
    let ask = ["delete", "ms", "probe", "-n", namespace, "--dry-run=server"];
    eventually("the policy is in force", async || {
        let refused = !kube.try_kubectl(&ask, None).await.status.success();
        holds(refused, "the deletion would be let through")
    })
    .await;
    allow(kube, namespace, "probe").await;
    kube.kubectl(&["delete", "ms", "probe", "-n", namespace]).await;
}

/// What the message tells people to do.
async fn allow(kube: &Kube, namespace: &str, name: &str) {
    let object = format!("microservices.gitmoor.dev/{name}");
    kube.kubectl(&["annotate", "-n", namespace, &object, "--overwrite", "gitmoor.dev/allow-delete=true"]).await;
}

/// Runs kubectl, which must be refused by the policy, and returns what it says.
async fn refused(kube: &Kube, arguments: &[&str]) -> String {
    let output = kube.try_kubectl(arguments, None).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} went through: {said}");
    assert!(said.contains(POLICY) && said.contains("Forbidden"), "{arguments:?}: {said}");
    said
}

/// Takes the command that a message tells, and runs it.
async fn does_what_it_says(kube: &Kube, said: &str) {
    let (_, command) = said.trim().rsplit_once("kubectl ").unwrap_or_else(|| panic!("no command in {said}"));
    assert!(command.ends_with(" gitmoor.dev/allow-delete=true"), "{said}");
    kube.kubectl(&command.split(' ').collect::<Vec<_>>()).await;
}

/// A protected namespace with a MicroService and a GitSync that nobody follows.
async fn namespace(kube: &Kube) -> String {
    let namespace = kube.namespace("guarded").await;
    let mut a = service("a", json!({"replicas": 0}));
    a["metadata"]["namespace"] = json!(namespace);
    kube.create(&a).await;
    let sync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": namespace, "name": "idle"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true}
    });
    kube.create(&sync).await;
    protect(kube, &namespace).await;
    namespace
}

#[tokio::test]
async fn a_deletion_by_hand_is_refused_and_says_how_it_is_meant() {
    let Some(kube) = Kube::shared().await else { return };
    let space = namespace(&kube).await;
    for (plural, name, loss) in [("ms", "a", "its workload"), ("gs", "idle", "as Git declares them")] {
        let said = refused(&kube, &["delete", plural, name, "-n", &space]).await;
        assert!(said.contains(loss) && said.contains(&format!("{space}/{name}")), "{said}");
        // A collection is no way around it, and neither is a look at what would be deleted.
        refused(&kube, &["delete", plural, "--all", "-n", &space]).await;
        let path = format!("/apis/gitmoor.dev/v1alpha1/namespaces/{space}/{}", resource(plural));
        refused(&kube, &["delete", "--raw", &path]).await;
        refused(&kube, &["delete", plural, name, "-n", &space, "--dry-run=server"]).await;
        does_what_it_says(&kube, &said).await;
        kube.kubectl(&["delete", plural, name, "-n", &space]).await;
    }
    assert_eq!(kube.names("MicroService", &space).await, Vec::<String>::new());
    assert_eq!(kube.names("GitSync", &space).await, Vec::<String>::new());
}

#[tokio::test]
async fn our_crds_are_not_deleted_by_hand_and_others_are() {
    let Some(kube) = Kube::shared().await else { return };
    namespace(&kube).await;
    for crd in ["gitsyncs.gitmoor.dev", "microservices.gitmoor.dev"] {
        let said = refused(&kube, &["delete", "crd", crd]).await;
        assert!(said.contains("every object of the kind"), "{said}");
        // Only as a rehearsal: everybody needs them.
        does_what_it_says(&kube, &said).await;
        kube.kubectl(&["delete", "crd", crd, "--dry-run=server"]).await;
        kube.kubectl(&["annotate", "crd", crd, "gitmoor.dev/allow-delete-"]).await;
    }
    refused(&kube, &["delete", "--raw", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]).await;
    // That a deletion is exact is not enough here.
    let live = kube.get("CustomResourceDefinition", "", "gitsyncs.gitmoor.dev").await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitsyncs.gitmoor.dev";
    let output = kube.try_kubectl(&["delete", "--raw", path, "-f", "-"], Some(exactly(&live))).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains(POLICY), "{output:?}");
    let other = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "others.suite.example.com"},
        "spec": {
            "group": "suite.example.com", "scope": "Namespaced",
            "names": {"plural": "others", "singular": "other", "kind": "Other"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]
        }
    });
    kube.create(&other).await;
    kube.kubectl(&["delete", "crd", "others.suite.example.com"]).await;
}

#[tokio::test]
async fn a_namespace_goes_with_all_that_is_in_it() {
    let Some(scene) = Scene::synced("goes", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    protect(&scene.kube, &scene.namespace).await;
    refused(&scene.kube, &["delete", "ms", "a", "-n", &scene.namespace]).await;
    scene.kube.kubectl(&["delete", "namespace", &scene.namespace, "--timeout=60s"]).await;
    assert_eq!(scene.kube.find("Namespace", "", &scene.namespace).await, None);
}

#[tokio::test]
async fn what_a_commit_removes_goes_all_the_same() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("prunes", json!({}), &files).await else { return };
    protect(&scene.kube, &scene.namespace).await;
    refused(&scene.kube, &["delete", "ms", "b", "-n", &scene.namespace]).await;
    scene.push(&[("b.yaml", Value::Null)]).await;
    assert_eq!(scene.services().await, ["a"]);
}

/// Gitmoor acts as accounts of teams; what it does as one of them must not be open to that account by hand.
#[tokio::test]
async fn an_account_that_gitmoor_acts_as_may_delete_nothing_by_hand() {
    let Some(kube) = Kube::shared().await else { return };
    let space = namespace(&kube).await;
    let account = format!("system:serviceaccount:{space}:deployer");
    let role =
        ["create", "role", "deployer", "-n", &space, "--verb=get,patch,delete", "--resource=microservices.gitmoor.dev"];
    kube.kubectl(&role).await;
    let subject = format!("--serviceaccount={space}:deployer");
    kube.kubectl(&["create", "rolebinding", "deployer", "-n", &space, "--role=deployer", &subject]).await;
    refused(&kube, &["delete", "ms", "a", "-n", &space, "--as", &account]).await;
    refused(
        &kube,
        &[
            "delete",
            "ms",
            "a",
            "-n",
            &space,
            "--as=system:serviceaccount:gitmoor-system:gitmoor",
            "--as-group=system:masters",
        ],
    )
    .await;

    let cluster = acting_as(&kube, &account).await;
    let key = ObjectKey::new(space.as_str(), "a");
    let seen = cluster.get(&microservices(), &key).await.unwrap().unwrap();
    // What is exact is refused when it is no longer true.
    kube.merge("somebody", "MicroService", &space, "a", json!({"spec": {"replicas": 1}})).await;
    let late = cluster.delete(&microservices(), &key, &seen.uid, Some(seen.resource_version)).await;
    assert!(matches!(late, Err(CallError::Conflict(_))), "{late:?}");
    // And naming the object alone is not exact.
    let vague = cluster.delete(&microservices(), &key, &seen.uid, None).await;
    assert!(matches!(&vague, Err(CallError::Forbidden(said)) if said.contains(POLICY)), "{vague:?}");
    eventually("it is deleted as it is now", async || {
        let seen = cluster.get(&microservices(), &key).await.unwrap().unwrap();
        let deleted = cluster.delete(&microservices(), &key, &seen.uid, Some(seen.resource_version)).await;
        holds(deleted.is_ok(), deleted)
    })
    .await;
    assert_eq!(kube.find("MicroService", &space, "a").await, None);
}

#[tokio::test]
async fn garbage_collection_takes_what_no_gitsync_applied_and_nothing_else() {
    let Some(scene) = Scene::synced("owned", json!({}), &[("ours.yaml", service("ours", json!({})))]).await else {
        return;
    };
    let (kube, space) = (&scene.kube, scene.namespace.as_str());
    protect(kube, space).await;
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": space, "name": "owner"}});
    let owner = kube.create(&owner).await;
    let reference =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}]);
    let mut theirs = service("theirs", json!({"replicas": 0}));
    theirs["metadata"]["namespace"] = json!(space);
    theirs["metadata"]["ownerReferences"] = reference;
    kube.create(&theirs).await;
    kube.delete("ConfigMap", space, "owner").await;
    eventually("garbage collection takes it", async || {
        let there = scene.services().await;
        holds(there == ["ours"], there)
    })
    .await;
    let collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    let ours = scene.service("ours").await.unwrap();
    let path = format!("/apis/gitmoor.dev/v1alpha1/namespaces/{space}/microservices/ours");
    let arguments = ["delete", "--raw", &path, "-f", "-", "--as", collector, "--as-group", "system:masters"];
    let output = kube.try_kubectl(&arguments, Some(exactly(&ours))).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains(POLICY), "{output:?}");
    assert_eq!(scene.services().await, ["ours"]);
}

/// The options of a deletion that names just this object as it is.
fn exactly(object: &Value) -> String {
    let metadata = &object["metadata"];
    let preconditions = json!({"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]});
    json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}).to_string()
}

fn resource(short: &str) -> &str {
    if short == "ms" { "microservices" } else { "gitsyncs" }
}

/// Our own calls, as another user.
async fn acting_as(kube: &Kube, user: &str) -> Cluster {
    let file = Kubeconfig::read_from(&kube.plane.kubeconfig).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    config.auth_info.impersonate = Some(user.to_owned());
    let client = Client::try_from(config).unwrap();
    Cluster::new(client, Metrics::new("test"), std::time::Duration::from_secs(15))
}
