//! GitSyncs that are declared in Git: how an installation bootstraps itself.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::daemon::OPERATOR;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// A scene whose GitSync will be in the operator's namespace, with the scene's own as its target.
async fn at_home(topic: &str) -> Option<(Scene, Value)> {
    let mut scene = Scene::new(topic).await?;
    operator_namespace(&scene.kube).await;
    (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
    let spec = json!({
        "paths": ["root"], "targetNamespace": scene.namespace,
        "allowedNamespaces": [scene.namespace, OPERATOR]
    });
    Some((scene, spec))
}

/// A GitSync of the scene's repository that reads a folder.
fn team(scene: &Scene, name: &str, folder: &str) -> Value {
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"name": name},
        "spec": {"url": scene.url, "interval": "1h", "paths": [folder]}
    })
}

#[tokio::test]
async fn a_gitsync_in_git_is_applied_kept_and_pruned_like_anything_else() {
    let Some((scene, spec)) = at_home("nested").await else { return };
    let files = [
        ("root/team.yaml", team(&scene, "team", "team")),
        ("root/other.yaml", team(&scene, "other", "other")),
        ("root/web.yaml", service("web", json!({}))),
        ("team/orders.yaml", service("orders", json!({}))),
        ("other/pay.yaml", service("pay", json!({}))),
    ];
    let commit = scene.commit(&files);
    scene.create_sync(spec).await;
    let status = scene.applied(&commit).await;
    assert_eq!(status["counts"]["declared"], 3, "{status:#}");
    // What it declares is synced in its turn.
    for name in ["web", "orders", "pay"] {
        scene.ready(name).await;
    }

    // Drift of a GitSync is corrected, and told by whoever declares it.
    let patch = json!({"spec": {"interval": "2h"}});
    scene.kube.merge("somebody", "GitSync", &scene.namespace, "team", patch).await;
    scene.object_that("GitSync", "team", "its interval is as in Git", |sync| sync["spec"]["interval"] == "1h").await;
    assert_eq!(scene.drift_lines("source", "GitSync", "team").len(), 1);

    // A person's wish to suspend it is none, while Git says nothing about it.
    let patch = json!({"spec": {"suspend": true}});
    scene.kube.merge("somebody", "GitSync", &scene.namespace, "other", patch).await;
    scene
        .object_that("GitSync", "other", "it is suspended", |sync| {
            sync["status"]["conditions"].to_string().contains("Suspended")
        })
        .await;
    scene.settled().await;
    let other = scene.kube.get("GitSync", &scene.namespace, "other").await;
    assert_eq!(other["spec"]["suspend"], true);
    assert_eq!(scene.drift_lines("source", "GitSync", "other").len(), 0);

    // A commit changes it, and its labels as an ApplySet's parent stay.
    let mut changed = team(&scene, "team", "team");
    changed["spec"]["interval"] = json!("3h");
    scene.push(&[("root/team.yaml", changed)]).await;
    let sync = scene.kube.get("GitSync", &scene.namespace, "team").await;
    assert_eq!(sync["spec"]["interval"], "3h");
    assert!(sync["metadata"]["labels"].get("applyset.kubernetes.io/id").is_some(), "{sync:#}");

    // Pruned, it leaves its MicroServices.
    scene.push(&[("root/other.yaml", Value::Null)]).await;
    eventually("the GitSync is gone", async || {
        holds(scene.kube.find("GitSync", &scene.namespace, "other").await.is_none(), "it is there")
    })
    .await;
    assert!(scene.service("pay").await.is_some());
}

#[tokio::test]
async fn a_gitsync_may_declare_itself_and_never_deletes_itself() {
    let Some((scene, spec)) = at_home("itself").await else { return };
    let itself = |interval: &str| {
        let mut spec = spec.clone();
        spec["url"] = json!(scene.url);
        spec["interval"] = json!(interval);
        json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"name": scene.sync, "namespace": OPERATOR}, "spec": spec
        })
    };
    let files = [("root/itself.yaml", itself("30m")), ("root/web.yaml", service("web", json!({})))];
    let commit = scene.commit(&files);
    scene.create_sync(spec.clone()).await;
    let status = scene.applied(&commit).await;
    assert_eq!(status["problems"], Value::Null, "{status:#}");
    assert_eq!(scene.get_sync().await["spec"]["interval"], "30m");
    scene.push(&[("root/itself.yaml", itself("45m"))]).await;
    assert_eq!(scene.get_sync().await["spec"]["interval"], "45m");

    scene.push(&[("root/itself.yaml", Value::Null)]).await;
    let status = scene.settled().await;
    assert_eq!(status["problems"][0]["reason"], "Itself", "{status:#}");
    assert_eq!(scene.get_sync().await["metadata"].get("deletionTimestamp"), None);
}

#[tokio::test]
async fn a_gitsync_outside_of_the_operators_namespace_declares_none() {
    let Some(scene) = Scene::new("tenant").await else { return };
    let commit = scene.commit(&[("team.yaml", team(&scene, "team", "x")), ("web.yaml", service("web", json!({})))]);
    scene.create_sync(json!({})).await;
    let status = scene.applied(&commit).await;
    assert_eq!(status["diagnostics"][0]["code"], "GM304", "{status:#}");
    assert!(scene.kube.find("GitSync", &scene.namespace, "team").await.is_none());
    scene.ready("web").await;
}
