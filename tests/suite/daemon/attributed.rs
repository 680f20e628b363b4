//! Where deploy/attribution.yaml is installed, the user who drifted a field is told: who it was, not what they say.

use serde_json::{Value, json};

use super::told::{manifest, orders};
use crate::cli::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::plane::root;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

/// A merge patch by a user. Everybody calls themselves the same.
async fn patch(scene: &Scene, user: &str, object: &str, patch: Value) -> String {
    let user = format!("--as={user}");
    let patch = patch.to_string();
    let arguments =
        ["patch", "-n", &scene.namespace, object, "--type=merge", "-p", &patch, &user, "--as-group=system:masters"];
    scene.kube.kubectl(&arguments).await
}

/// The user of the drift of a field, once it is told.
async fn user(scene: &Scene, kind: &str, path: &str, live: &Value) -> String {
    let (object, live) = (format!("{}/orders", scene.namespace), live.to_string());
    let line = scene
        .log
        .line(&format!("drift of {kind} {path}"), |line| {
            line["message"] == "drift"
                && line["object"] == *object
                && line["kind"] == kind
                && line["path"] == path
                && line["live"] == *live
        })
        .await;
    line["user"].as_str().unwrap_or_else(|| panic!("no user in {line:#}")).to_owned()
}

/// Installs the policy, and waits until the API server acts by it and the daemon has seen it.
async fn install(scene: &Scene) {
    let file = root().join("deploy/attribution.yaml");
    scene.kube.kubectl(&["apply", "--server-side", "-f", file.to_str().unwrap()]).await;
    scene.log.line("the policy is seen", |line| line["installed"] == true).await;
    let probe = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": scene.namespace, "name": "probe", "labels": {"app.kubernetes.io/managed-by": "gitmoor"}}
    });
    scene.kube.create(&probe).await;
    eventually("the API server stamps", async || {
        let tick = fastrand::u32(..).to_string();
        let data = json!({"data": {"tick": tick}});
        let probe = scene.kube.merge("somebody", "ConfigMap", &scene.namespace, "probe", data).await;
        holds(probe["metadata"]["annotations"]["gitmoor.dev/changed-by"].is_string(), probe)
    })
    .await;
    scene.kube.delete("ConfigMap", &scene.namespace, "probe").await;
}

#[tokio::test]
async fn each_user_is_told_for_what_they_changed_and_nobody_can_be_somebody_else() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "users").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    let before = scene.ready("orders").await;

    // Without the policy, whoever writes a stamp proves nothing by it.
    let from = before["metadata"]["resourceVersion"].clone();
    let stamp = |more: Value| {
        let mut patch =
            json!({"metadata": {"annotations": {"gitmoor.dev/changed-by": "boss", "gitmoor.dev/changed-from": from}}});
        patch["spec"] = more;
        patch
    };
    patch(&scene, "mallory", "ms/orders", stamp(json!({"terminationGracePeriodSeconds": 5}))).await;
    assert_eq!(user(&scene, "MicroService", "/spec/terminationGracePeriodSeconds", &json!(5)).await, "unknown");

    install(&scene).await;
    patch(&scene, "ann", "ms/orders", json!({"spec": {"image": "example.com/orders:7"}})).await;
    patch(&scene, "ben", "ms/orders", json!({"spec": {"replicas": 3}})).await;
    assert_eq!(user(&scene, "MicroService", "/spec/image", &json!("example.com/orders:7")).await, "ann");
    assert_eq!(user(&scene, "MicroService", "/spec/replicas", &json!(3)).await, "ben");
    patch(&scene, "mallory", "ms/orders", stamp(json!({"args": ["x"]}))).await;
    assert_eq!(user(&scene, "MicroService", "/spec/args", &json!(["x"])).await, "mallory");

    patch(&scene, "carl", "deployment/orders", json!({"spec": {"revisionHistoryLimit": 3}})).await;
    assert_eq!(user(&scene, "Deployment", "/spec/revisionHistoryLimit", &json!(3)).await, "carl");
    patch(&scene, "dora", "service/orders", json!({"spec": {"sessionAffinity": "ClientIP"}})).await;
    assert_eq!(user(&scene, "Service", "/spec/sessionAffinity", &json!("ClientIP")).await, "dora");
    // No stamp is made for a scale, and the one that is there is not its.
    let scale =
        ["scale", "-n", &scene.namespace, "deployment/orders", "--replicas=7", "--as=eve", "--as-group=system:masters"];
    scene.kube.kubectl(&scale).await;
    assert_eq!(user(&scene, "Deployment", "/spec/replicas", &json!(7)).await, "unknown");

    // What changes nothing is not stamped, and writes nothing. kubectl calls it a change, too, if the status is written meanwhile.
    eventually("nothing is changed", async || {
        let printed = patch(&scene, "frank", "ms/orders", json!({"spec": {"replicas": 3}})).await;
        holds(printed.contains("no change"), printed)
    })
    .await;
    scene.settled().await;
    let orders =
        scene.service_that("orders", "status names them", |orders| orders["status"]["sourceDrift"]["count"] == 4).await;
    assert_eq!(orders["metadata"]["annotations"]["gitmoor.dev/changed-by"], "mallory");
    let fields = orders["status"]["sourceDrift"]["fields"].as_array().unwrap();
    let users: Vec<_> = fields.iter().map(|field| (field["path"].as_str().unwrap(), field["user"].as_str())).collect();
    let expected = [
        ("/spec/args", Some("mallory")),
        ("/spec/image", Some("ann")),
        ("/spec/replicas", Some("ben")),
        ("/spec/terminationGracePeriodSeconds", None),
    ];
    assert_eq!(users, expected);
    let name = format!("{}/orders", scene.namespace);
    let shown = gitmoor_on(scene.kube.plane, &["drift", &name]).await.exits(1);
    for said in ["by ann with kubectl-patch, Update", "by ben with", "by carl with", "by dora with"] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    // A stamp is drift at neither level.
    let stamps = scene.log.lines(|line| line["path"].as_str().is_some_and(|path| path.contains("changed-")));
    assert_eq!(stamps, Vec::<Value>::new());
}

#[tokio::test]
async fn a_stamp_stays_through_a_correction_and_starts_none() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "stamp").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({"drift": {"policy": "Correct"}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    install(&scene).await;
    for (by, object, kind, path) in [
        ("ann", "ms/orders", "MicroService", "/spec/replicas"),
        ("ben", "deployment/orders", "Deployment", "/spec/replicas"),
    ] {
        patch(&scene, by, object, json!({"spec": {"replicas": 5}})).await;
        assert_eq!(user(&scene, kind, path, &json!(5)).await, by);
        let live = scene.object_that(kind, "orders", "it is put back", |live| live["spec"]["replicas"] == 2).await;
        assert_eq!(live["metadata"]["annotations"]["gitmoor.dev/changed-by"], by);
        // The Deployment has followed, there and back: the next edit changes something.
        scene.ready("orders").await;
    }
    scene.settled().await;
    let drifts = scene.log.lines(|line| line["message"] == "drift");
    let paths: Vec<_> = drifts.iter().map(|line| (&line["kind"], &line["path"])).collect();
    let expected =
        [(&json!("MicroService"), &json!("/spec/replicas")), (&json!("Deployment"), &json!("/spec/replicas"))];
    // A MicroService with other replicas is rendered before it is put back: that is no drift of its Deployment.
    assert_eq!(paths, expected, "{drifts:#?}");
    // The policy goes, and with it the names.
    scene.kube.kubectl(&["delete", "mutatingadmissionpolicybinding", "gitmoor-attribution"]).await;
    scene.log.line("its end is seen", |line| line["installed"] == false).await;
    let theirs = json!({"metadata": {"annotations": {"gitmoor.dev/changed-by": "boss"}}, "spec": {"replicas": 6}});
    patch(&scene, "ann", "ms/orders", theirs).await;
    assert_eq!(user(&scene, "MicroService", "/spec/replicas", &json!(6)).await, "unknown");
}

/// What Kubernetes records tells several field managers apart without any policy; of what it does not record it is unknown.
#[tokio::test]
async fn several_managers_on_one_object_are_told_apart() {
    let Some(scene) = orders("hands", "Report").await else { return };
    let edit = async |manager: &str, patch: Value| {
        scene.kube.edit(manager, "MicroService", &scene.namespace, "orders", patch).await;
    };
    edit("ann", json!([{"op": "replace", "path": "/spec/image", "value": "example.com/orders:7"}])).await;
    edit("ben", json!([{"op": "replace", "path": "/spec/replicas", "value": 5}])).await;
    edit("carl", json!([{"op": "remove", "path": "/spec/env/1"}])).await;
    let orders =
        scene.service_that("orders", "all of it is seen", |orders| orders["status"]["sourceDrift"]["count"] == 3).await;
    let fields = orders["status"]["sourceDrift"]["fields"].as_array().unwrap();
    let hands: Vec<_> =
        fields.iter().map(|field| (field["path"].as_str().unwrap(), field["manager"].as_str())).collect();
    assert_eq!(hands, [("/spec/env/1", None), ("/spec/image", Some("ann")), ("/spec/replicas", Some("ben"))]);
    for field in fields {
        assert!(field["observed"].is_string(), "{field:#}");
        assert_eq!(field["time"].is_string(), field["manager"].is_string(), "{field:#}");
        assert_eq!(field.get("user"), None, "nobody recorded it: {field:#}");
    }
}
