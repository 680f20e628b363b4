//! What happens to a GitSync and to what it applied over their lives: made anew, restored from a backup, and without the
//! ground that they stand on.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::alone::Alone;
use crate::support::daemon::OPERATOR;
use crate::support::files::documents;
use crate::support::kube::condition;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, eventually, holds};

fn three() -> Vec<(&'static str, Value)> {
    ["a", "b", "c"].into_iter().zip(["a.yaml", "b.yaml", "c.yaml"]).map(|(name, file)| (file, small(name))).collect()
}

/// A service without pods.
fn small(name: &str) -> Value {
    service(name, json!({"replicas": 0}))
}

fn uid(object: &Value) -> Value {
    object["metadata"]["uid"].clone()
}

#[tokio::test]
async fn a_gitsync_made_anew_prunes_what_it_applied_itself_and_nothing_else() {
    let Some(scene) = Scene::synced("anew", json!({}), &three()).await else { return };
    let before = scene.kube.list("MicroService", &scene.namespace).await;
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    // Meanwhile c is taken out of Git: nobody saw it being applied who could prune it.
    let commit = scene.commit(&[("c.yaml", Value::Null)]);
    scene.create_sync(json!({"prune": {"budget": "100%"}})).await;
    let status = scene.applied(&commit).await;
    let after = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(after.iter().map(uid).collect::<Vec<_>>(), before.iter().map(uid).collect::<Vec<_>>());
    let sync = uid(&scene.get_sync().await);
    let marked = |one: &Value| one["metadata"]["annotations"]["gitmoor.dev/source"].to_string();
    for (service, ours) in after.iter().zip([true, true, false]) {
        assert_eq!(marked(service).contains(sync.as_str().unwrap()), ours, "{service:#}");
    }
    let problem = &status["problems"][0];
    assert_eq!(problem["object"], format!("{}/c", scene.namespace), "{status:#}");
    assert_eq!(problem["reason"], "OwnershipUnproven", "{status:#}");
    // b is its own by now.
    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.has_services(&["a", "c"]).await;
}

/// What a backup has of an object: all but what the server gave it.
fn backup(object: &Value) -> Value {
    let mut saved = object.clone();
    let metadata = saved["metadata"].as_object_mut().unwrap();
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
        metadata.remove(field);
    }
    saved.as_object_mut().unwrap().remove("status");
    saved
}

/// Every UID is another afterwards. Some tools put the managed fields back, too; without them, whose the marks are cannot
/// be proven any more.
async fn restored_from_a_backup(with_managed_fields: bool) {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "backup").await else { return };
    let commit = scene.commit(&three());
    scene.create_sync(json!({"prune": {"budget": "100%"}})).await;
    scene.applied(&commit).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));

    let mut saved = vec![scene.get_sync().await];
    saved.extend(scene.kube.list("MicroService", &scene.namespace).await);
    for object in &saved {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        scene.kube.delete(kind, &scene.namespace, name).await;
        eventually("it is gone", async || {
            let found = scene.kube.find(kind, &scene.namespace, name).await;
            holds(found.is_none(), found)
        })
        .await;
    }
    let mut restored = Vec::new();
    for object in &saved {
        let mut made = scene.kube.create(&backup(object)).await;
        assert_ne!(uid(&made), uid(object));
        if with_managed_fields {
            let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            let fields = json!({"metadata": {"managedFields": object["metadata"]["managedFields"]}});
            made = scene.kube.merge("velero", kind, &scene.namespace, name, fields).await;
            assert!(made["metadata"]["managedFields"].to_string().contains(r#""manager":"gitmoor""#), "{made:#}");
        }
        if object["kind"] == "MicroService" {
            restored.push(uid(&made));
        }
    }
    // What was in the backup and is in Git no longer.
    let commit = scene.commit(&[("c.yaml", Value::Null)]);

    let since = alone.audit.mark();
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    let status = scene.applied(&commit).await;
    let problem = &status["problems"][0];
    assert_eq!(problem["object"], format!("{}/c", scene.namespace), "what stays is reported: {status:#}");
    assert_eq!(problem["reason"], "OwnershipUnproven", "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
    scene.ready("a").await;
    let live = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(live.iter().map(uid).collect::<Vec<_>>(), restored, "nothing was deleted or made anew");
    let sync = uid(&scene.get_sync().await);
    for adopted in &live[..2] {
        let mark = adopted["metadata"]["annotations"]["gitmoor.dev/source"].as_str().unwrap();
        assert!(mark.contains(sync.as_str().unwrap()), "{mark}");
    }
    for kind in ["microservices", "gitsyncs", "deployments", "services"] {
        assert_eq!(alone.audit.count(since, "delete", kind), 0, "{kind}");
    }
    // From here on it is as if nothing had been.
    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.has_services(&["a", "c"]).await;
}

#[tokio::test]
async fn a_cluster_from_a_backup_is_adopted_and_loses_nothing() {
    restored_from_a_backup(false).await;
    restored_from_a_backup(true).await;
}

#[tokio::test]
async fn a_namespace_that_goes_is_waited_for_and_filled_when_it_is_back() {
    let Some(mut scene) = Scene::new("leaving").await else { return };
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    let commit = scene.commit(&three());
    scene.create_sync(json!({"targetNamespace": scene.namespace, "allowedNamespaces": [scene.namespace]})).await;
    scene.applied(&commit).await;
    let (kube, space) = (&scene.kube, &scene.namespace);
    // Something keeps it from going at once.
    let anchor = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": space, "name": "anchor", "finalizers": ["example.com/anchor"]}
    });
    kube.create(&anchor).await;
    kube.delete("Namespace", "", space).await;
    eventually("the services went with it", async || {
        let left = scene.services().await;
        holds(left.is_empty(), left)
    })
    .await;
    let waits = |status: &Value| {
        let ready = condition(&json!({"status": status}), "Ready");
        ready["status"] == "False" && ready["reason"] == "Progressing"
    };
    let status = scene.status("it waits, and nothing failed", waits).await;
    assert_eq!(status["problems"], Value::Null, "{status:#}");
    assert!(!status["conditions"].to_string().contains("Stalled"), "{status:#}");

    kube.merge("suite", "ConfigMap", space, "anchor", json!({"metadata": {"finalizers": null}})).await;
    eventually("the namespace is gone", async || {
        let found = kube.find("Namespace", "", space).await;
        holds(found.is_none(), found)
    })
    .await;
    kube.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})).await;
    eventually("everything is there again", async || {
        let names = scene.services().await;
        holds(names == ["a", "b", "c"], names)
    })
    .await;
    scene.condition("Ready", "True", "Applied").await;
}

/// Installs the protection as people do.
async fn protect(kube: &Kube) {
    for object in documents(&root().join("deploy/protection.yaml")) {
        kube.apply("suite", &object).await.unwrap();
    }
    let probe = ["delete", "crd", "microservices.gitmoor.dev", "--dry-run=server"];
    eventually("the policy is in force", async || {
        let refused = !kube.try_kubectl(&probe, None).await.status.success();
        holds(refused, "the deletion would be let through")
    })
    .await;
}

/// Deletes a CRD, as the policy says how.
async fn delete_crd(kube: &Kube, crd: &str) {
    kube.kubectl(&["annotate", "crd", crd, "gitmoor.dev/allow-delete=true"]).await;
    kube.kubectl(&["delete", "crd", crd, "--timeout=60s"]).await;
}

#[tokio::test]
async fn without_its_crds_the_daemon_waits_and_with_them_everything_comes_back() {
    let Some(alone) = Alone::new().await else { return };
    protect(&alone.kube).await;
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "crds").await else { return };
    let commit = scene.commit(&three());
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let before = scene.kube.list("MicroService", &scene.namespace).await;
    delete_crd(&scene.kube, "microservices.gitmoor.dev").await;
    let missing = |line: &Value| {
        line["message"] == "watch interrupted; will list again" && line["error"].to_string().contains("gitmoor crds")
    };
    scene.log.line("it says what is missing and how to install it", missing).await;
    assert_eq!(daemon.ops("/healthz").await.0, 200);
    scene.kube.install().await;
    let after = eventually("everything is there again", async || {
        let all = scene.kube.list("MicroService", &scene.namespace).await;
        holds(all.len() == 3, all.len()).map(|()| all.clone())
    })
    .await;
    assert!(
        after.iter().zip(&before).all(|(after, before)| uid(after) != uid(before)),
        "they went, and were made anew"
    );
    scene.condition("Ready", "True", "Applied").await;

    // Without GitSyncs nobody wants anything: what runs stays.
    delete_crd(&scene.kube, "gitsyncs.gitmoor.dev").await;
    scene.log.line("the loop ended", |line| line["message"].to_string().contains("GitSync is gone")).await;
    assert_eq!(
        scene.kube.list("MicroService", &scene.namespace).await.iter().map(uid).collect::<Vec<_>>(),
        after.iter().map(uid).collect::<Vec<_>>()
    );
    scene.kube.install().await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0, "image": "example.com/a:2"})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    assert_eq!(daemon.ops("/healthz").await.0, 200);
    let tries = scene.log.lines(missing).len();
    assert!(tries < 30, "it backs off: {tries} tries");
    scene.log.is_well_formed().await;
}

#[tokio::test]
async fn a_service_deleted_by_hand_comes_back_protected() {
    let Some(alone) = Alone::new().await else { return };
    protect(&alone.kube).await;
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "hand").await else { return };
    let commit = scene.commit(&three());
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let before = uid(&scene.service("b").await.unwrap());
    let (space, object) = (scene.namespace.as_str(), "microservices.gitmoor.dev/b");
    let delete = ["delete", "-n", space, object];
    assert!(!scene.kube.try_kubectl(&delete, None).await.status.success());
    scene.kube.kubectl(&["annotate", "-n", space, object, "gitmoor.dev/allow-delete=true"]).await;
    scene.kube.kubectl(&delete).await;
    scene.service_that("b", "it is another one", |b| uid(b) != before).await;
    assert_eq!(scene.drift_lines("source", "MicroService", "b").len(), 1, "and that it went was told");
    assert!(
        !scene.kube.try_kubectl(&delete, None).await.status.success(),
        "the next time somebody has to say so again"
    );
    // The daemon itself, with its own account and nothing said beforehand, prunes.
    scene.push(&[("c.yaml", Value::Null)]).await;
    scene.has_services(&["a", "b"]).await;
}
