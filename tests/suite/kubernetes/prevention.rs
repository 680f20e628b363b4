//! deploy/prevention.yaml: what is refused by hand, what is let through, and what people read. With a daemon under its own
//! account, which must not be stopped by it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::daemon::told::manifest;
use crate::support::alone::Alone;
use crate::support::files::documents;
use crate::support::kube::condition;
use crate::support::plane::root;
use crate::support::scene::Scene;
use crate::support::{Kube, eventually, holds};

const LABEL: &str = "suite.gitmoor.dev/prevented";

/// Installs the policies for namespaces with a label.
async fn install(kube: &Kube) {
    for mut object in documents(&root().join("deploy/prevention.yaml")) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if object["kind"] == "ValidatingAdmissionPolicyBinding" {
            object["spec"]["matchResources"] = json!({"namespaceSelector": {"matchLabels": {LABEL: "true"}}});
            kube.apply("suite", &object).await.unwrap();
            continue;
        }
        kube.apply("suite", &object).await.unwrap();
        eventually("the policy is read and its expressions fit their types", async || {
            let live = kube.get("ValidatingAdmissionPolicy", "", &name).await;
            let read = live["status"]["observedGeneration"] == live["metadata"]["generation"];
            assert_eq!(live["status"]["typeChecking"].get("expressionWarnings"), None, "{live:#}");
            holds(read, &live["status"])
        })
        .await;
    }
}

/// A person with every right, and what kubectl is told to be one.
fn somebody<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--as=somebody", "--as-group=system:masters"]].concat()
}

struct Guarded {
    scene: Scene,
    _alone: Alone,
    _daemon: crate::support::daemon::Daemon,
}

impl Guarded {
    /// A ready service in a namespace that is under the policies, which are in force.
    async fn new(topic: &str) -> Option<Self> {
        let alone = Alone::new().await?;
        let daemon = alone.daemon(&[]).await;
        let scene = alone.scene(&daemon, topic).await?;
        let commit = scene.commit(&[("apps/orders.yaml", manifest(1))]);
        scene.create_sync(json!({})).await;
        scene.applied(&commit).await;
        scene.ready("orders").await;
        install(&scene.kube).await;
        let labels = json!({"metadata": {"labels": {LABEL: "true"}}});
        scene.kube.merge("suite", "Namespace", "", &scene.namespace, labels).await;
        let guarded = Self { scene, _alone: alone, _daemon: daemon };
        for object in ["ms/orders", "deployment/orders"] {
            eventually("the policy is in force", async || {
                let ran = guarded.tries(&["label", object, "probe=x", "--dry-run=server"]).await;
                holds(ran.is_err(), "the edit would be let through")
            })
            .await;
        }
        Some(guarded)
    }

    /// What kubectl says to somebody.
    async fn tries(&self, arguments: &[&str]) -> Result<String, String> {
        let arguments = [&somebody(arguments)[..], &["-n", &self.scene.namespace]].concat();
        let output = self.scene.kube.try_kubectl(&arguments, None).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(out.into_owned()) } else { Err(err.into_owned()) }
    }

    /// It is refused, and the words name the file and the way out.
    async fn refused(&self, arguments: &[&str]) {
        let said = self.tries(arguments).await.unwrap_err();
        let namespace = &self.scene.namespace;
        for words in [
            "gitmoor-prevention".to_owned(),
            "change apps/orders.yaml:1".to_owned(),
            format!("(sync={namespace}/main)"),
            format!("gitmoor pause {namespace}/orders --for 1h"),
        ] {
            assert!(said.contains(&words), "{words}: {said}");
        }
    }

    async fn passes(&self, arguments: &[&str]) {
        let ran = self.tries(arguments).await;
        assert!(ran.is_ok(), "{arguments:?}: {ran:?}");
    }

    async fn pause(&self, seconds: i64) {
        let until = Timestamp::now() + SignedDuration::from_secs(seconds);
        let until = format!("gitmoor.dev/pause-until={}", Timestamp::from_second(until.as_second()).unwrap());
        self.passes(&["annotate", "ms", "orders", "--overwrite", &until]).await;
    }
}

const IMAGE: [&str; 6] =
    ["patch", "ms", "orders", "--type=merge", "-p", r#"{"spec":{"image":"example.com/orders:9"}}"#];
const SET: [&str; 4] = ["set", "image", "deployment/orders", "orders=example.com/orders:9"];

#[tokio::test]
async fn hand_edits_are_refused_and_name_the_file_and_all_else_goes_on() {
    let Some(guarded) = Guarded::new("prevent").await else { return };
    let scene = &guarded.scene;
    guarded.refused(&IMAGE).await;
    guarded.refused(&["label", "ms", "orders", "team=x"]).await;
    guarded.refused(&["annotate", "ms", "orders", "team=x"]).await;
    guarded.refused(&["annotate", "ms", "orders", "gitmoor.dev/source-"]).await;
    for object in ["deployment/orders", "service/orders", "serviceaccount/orders", "pdb/orders"] {
        guarded.refused(&["label", object, "team=x"]).await;
        guarded.refused(&["label", object, "app.kubernetes.io/managed-by-"]).await;
        guarded.refused(&["annotate", object, "team=x"]).await;
    }
    let container = scene.kube.get("Deployment", &scene.namespace, "orders").await;
    let container = &container["spec"]["template"]["spec"]["containers"][0]["name"];
    assert_eq!(container, "orders");
    guarded.refused(&SET).await;
    let ports = r#"{"spec":{"sessionAffinity":"ClientIP"}}"#;
    guarded.refused(&["patch", "service", "orders", "--type=merge", "-p", ports]).await;
    let token = r#"{"automountServiceAccountToken":true}"#;
    guarded.refused(&["patch", "serviceaccount", "orders", "--type=merge", "-p", token]).await;

    // What is no hand edit of what Git declares.
    guarded.passes(&["rollout", "restart", "deployment/orders"]).await;
    guarded.passes(&["rollout", "status", "deployment/orders", "--timeout=60s"]).await;
    for finalizers in [r#"{"metadata":{"finalizers":["example.com/x"]}}"#, r#"{"metadata":{"finalizers":null}}"#] {
        guarded.passes(&["patch", "ms", "orders", "--type=merge", "-p", finalizers]).await;
        guarded.passes(&["patch", "deployment", "orders", "--type=merge", "-p", finalizers]).await;
    }
    let status = r#"{"status":{"replicasSummary":"x"}}"#;
    guarded.passes(&["patch", "ms", "orders", "--subresource=status", "--type=merge", "-p", status]).await;
    guarded.passes(&["scale", "deployment", "orders", "--replicas=4"]).await;
    let scaled_back = |live: &Value| live["spec"]["replicas"] == 2;
    scene.object_that("Deployment", "orders", "it is put back by the daemon", scaled_back).await;

    // Who is named may.
    let hand = [&IMAGE[..], &["--as-group=gitmoor:hands"]].concat();
    guarded.passes(&hand).await;
    let put_back = |orders: &Value| condition(orders, "SourceDrifted")["reason"] == "Corrected";
    scene.service_that("orders", "it is put back", put_back).await;
    // The accounts that Gitmoor acts as, where they write like it.
    let account = format!("--as=system:serviceaccount:{}:deployer", scene.namespace);
    let kubectl = async |more: &[&str]| {
        let arguments = [&IMAGE[..], &["-n", &scene.namespace, &account, "--as-group=system:masters"], more].concat();
        scene.kube.try_kubectl(&arguments, None).await.status.success()
    };
    assert!(!kubectl(&["--dry-run=server"]).await);
    assert!(kubectl(&["--dry-run=server", "--field-manager=gitmoor"]).await);
    guarded.refused(&[&IMAGE[..], &["--field-manager=gitmoor"]].concat()).await;

    // Commits are applied, and what is not declared any more goes.
    scene.push(&[("apps/orders.yaml", manifest(2))]).await;
    let orders = scene.ready("orders").await;
    assert_eq!(orders["spec"]["image"], "example.com/orders:2");
    let namespace = scene.namespace.as_str();
    scene.kube.kubectl(&["delete", "namespace", namespace, "--timeout=60s"]).await;
    assert_eq!(scene.kube.find("Namespace", "", namespace).await, None);
}

#[tokio::test]
async fn a_pause_opens_it_and_its_end_closes_it() {
    let Some(guarded) = Guarded::new("glass").await else { return };
    let scene = &guarded.scene;
    guarded
        .passes(&["annotate", "ms", "orders", "gitmoor.dev/pause-until=tomorrow", "gitmoor.dev/pause-reason=x"])
        .await;
    guarded.refused(&IMAGE).await;
    guarded.pause(24 * 3600 * 30).await;
    guarded.refused(&IMAGE).await;
    guarded.pause(3600).await;
    guarded.passes(&IMAGE).await;
    eventually("its children may be edited, too", async || {
        let ran = guarded.tries(&SET).await;
        holds(ran.is_ok(), ran)
    })
    .await;
    guarded.pause(3).await;
    let over = |orders: &Value| condition(orders, "Paused")["reason"] == "PauseEnded";
    scene.service_that("orders", "the pause is over", over).await;
    let declared = |orders: &Value| orders["spec"]["image"] == "example.com/orders:1";
    scene.service_that("orders", "it is put back", declared).await;
    guarded.refused(&IMAGE).await;
    // What only takes away leaves no time behind: that the pause is over is said in status.
    guarded.refused(&["patch", "ms", "orders", "--type=json", "-p", r#"[{"op":"remove","path":"/spec/env"}]"#]).await;
    eventually("and its children not any more", async || {
        let ran = guarded.tries(&[&SET[..], &["--dry-run=server"]].concat()).await;
        holds(ran.is_err(), ran)
    })
    .await;
    guarded.passes(&["annotate", "ms", "orders", "gitmoor.dev/pause-until-", "gitmoor.dev/pause-reason-"]).await;
}
