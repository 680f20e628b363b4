//! Somebody changes a MicroService that Git declares.

use serde_json::{Value, json};

use super::alone::many;
use super::told::{Drift, manifest, orders};
use crate::support::kube::condition;
use crate::support::scene::Scene;

const KIND: &str = "MicroService";

/// Each policy, and what it does: corrected or left.
async fn under_both(topic: &str, edit: impl AsyncFn(&Scene), drift: Drift, left: impl Fn(&Value) -> bool) {
    let Some(scene) = orders(topic, "Correct").await else { return };
    edit(&scene).await;
    let after = drift.is_told_and_corrected(&scene).await;
    assert_eq!(after["spec"], manifest(1)["spec"], "as Git says");
    assert_eq!(after["metadata"]["labels"].get("team"), None);

    let Some(scene) = orders(topic, "Report").await else { return };
    edit(&scene).await;
    let after = drift.is_told_and_left(&scene).await;
    assert!(left(&after), "left as somebody wrote it: {:#}", after["spec"]);
    scene.settled().await;
    let after = scene.service("orders").await.unwrap();
    assert!(left(&after), "after another sync, too: {:#}", after["spec"]);
}

#[tokio::test]
async fn an_edit_by_kubectl_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        scene
            .kube
            .kubectl_edit(&scene.namespace, "ms/orders", "s|image: example.com/orders:1|image: example.com/orders:7|")
            .await;
    };
    let drift = Drift {
        kind: KIND,
        path: "/spec/image",
        change: "Modified",
        declared: json!("example.com/orders:1"),
        live: json!("example.com/orders:7"),
        by: Some(("kubectl-edit", "Update")),
    };
    under_both("edit", edit, drift, |orders| orders["spec"]["image"] == "example.com/orders:7").await;
}

#[tokio::test]
async fn an_apply_of_another_manager_is_told_and_corrected_or_left() {
    let edit = async |scene: &Scene| {
        let theirs = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": KIND,
            "metadata": {"name": "orders", "namespace": scene.namespace}, "spec": {"replicas": 5}
        });
        let arguments =
            ["apply", "--server-side", "--force-conflicts", "--field-manager", "mesh", "--validate=false", "-f", "-"];
        scene.kube.kubectl_with(&arguments, &theirs.to_string()).await;
    };
    let drift = Drift {
        kind: KIND,
        path: "/spec/replicas",
        change: "Modified",
        declared: json!(2),
        live: json!(5),
        by: Some(("mesh", "Apply")),
    };
    under_both("mesh", edit, drift, |orders| orders["spec"]["replicas"] == 5).await;
}

#[tokio::test]
async fn an_added_variable_is_told_and_removed_or_left() {
    let edit = async |scene: &Scene| {
        let patch = json!([{"op": "add", "path": "/spec/env/-", "value": {"name": "DEBUG", "value": "1"}}]);
        scene.kube.edit("somebody", KIND, &scene.namespace, "orders", patch).await;
    };
    let drift = Drift {
        kind: KIND,
        path: "/spec/env/2",
        change: "Added",
        declared: Value::Null,
        live: json!({"name": "DEBUG", "value": "1"}),
        by: Some(("somebody", "Update")),
    };
    under_both("variable", edit, drift, |orders| orders["spec"]["env"][2]["name"] == "DEBUG").await;
}

#[tokio::test]
async fn an_added_label_is_told_and_removed_or_left() {
    let edit = async |scene: &Scene| {
        scene.kube.kubectl(&["label", "-n", &scene.namespace, "ms/orders", "team=x"]).await;
    };
    let drift = Drift {
        kind: KIND,
        path: "/metadata/labels/team",
        change: "Added",
        declared: Value::Null,
        live: json!("x"),
        by: Some(("kubectl-label", "Update")),
    };
    under_both("label", edit, drift, |orders| orders["metadata"]["labels"]["team"] == "x").await;
}

#[tokio::test]
async fn a_removed_field_is_told_and_put_back_or_left() {
    let edit = async |scene: &Scene| {
        scene
            .kube
            .edit("somebody", KIND, &scene.namespace, "orders", json!([{"op": "remove", "path": "/spec/replicas"}]))
            .await;
    };
    let drift = Drift {
        kind: KIND,
        path: "/spec/replicas",
        change: "Removed",
        declared: json!(2),
        live: Value::Null,
        by: None,
    };
    under_both("removed", edit, drift, |orders| orders["spec"].get("replicas").is_none()).await;
}

#[tokio::test]
async fn a_service_deleted_by_hand_is_told_and_made_anew() {
    let Some(scene) = orders("deleted", "Correct").await else { return };
    let before = scene.service("orders").await.unwrap();
    scene.kube.delete(KIND, &scene.namespace, "orders").await;
    let again = scene.service_that("orders", "it is another object", |orders| {
        orders["metadata"]["uid"] != before["metadata"]["uid"]
    });
    assert_eq!(again.await["spec"], manifest(1)["spec"]);
    deletion_is_told(&scene, "Correct").await;
    scene.ready("orders").await;
}

#[tokio::test]
async fn a_service_deleted_by_hand_stays_deleted_under_report() {
    let Some(scene) = orders("deleted", "Report").await else { return };
    scene.kube.delete(KIND, &scene.namespace, "orders").await;
    deletion_is_told(&scene, "Report").await;
    let status = scene.settled().await;
    assert!(scene.service("orders").await.is_none(), "left as somebody wanted it");
    assert_eq!(
        (&status["drift"][0]["change"], &status["counts"]["drifted"]),
        (&json!("Deleted"), &json!(1)),
        "{status:#}"
    );
    // A commit that changes its manifest says anew that it should be there.
    scene.push(&[("orders.yaml", manifest(2))]).await;
    scene.ready("orders").await;
    scene.condition("Drifted", "False", "AsDeclared").await;
}

async fn deletion_is_told(scene: &Scene, policy: &str) {
    let object = format!("{}/orders", scene.namespace);
    let line = scene.log.line("the deletion", |line| line["change"] == "Deleted" && line["object"] == *object).await;
    assert_eq!((&line["layer"], &line["kind"], &line["policy"]), (&json!("source"), &json!(KIND), &json!(policy)));
    assert_eq!((&line["manager"], &line["operation"]), (&json!("unknown"), &json!("unknown")), "recorded nowhere");
    scene.event(KIND, "orders", "SourceDrift", "was deleted").await;
}

#[tokio::test]
async fn a_field_left_as_it_is_stays_so_through_commits_that_change_others() {
    let Some(scene) = orders("stays", "Report").await else { return };
    scene.kube.kubectl_edit(&scene.namespace, "ms/orders", "s|value: info|value: debug|").await;
    scene.service_that("orders", "it drifted", |orders| condition(orders, "SourceDrifted")["status"] == "True").await;
    for version in [2, 3] {
        scene.push(&[("orders.yaml", manifest(version))]).await;
        let orders = scene.ready("orders").await;
        assert_eq!(orders["spec"]["image"], format!("example.com/orders:{version}"));
        assert_eq!(orders["spec"]["env"][0]["value"], "debug", "version {version}");
        assert_eq!(condition(&orders, "SourceDrifted")["status"], "True", "version {version}");
    }
    let lines = scene.drift_lines("source", KIND, "orders");
    assert_eq!(lines.len(), 1, "told once: {lines:#?}");
    // The commit that changes the field itself ends it.
    let mut other = manifest(4);
    other["spec"]["env"][0]["value"] = json!("warn");
    scene.push(&[("orders.yaml", other)]).await;
    let seen = scene
        .service_that("orders", "the newest image", |orders| orders["spec"]["image"] == "example.com/orders:4")
        .await;
    assert!(
        ["debug", "warn"].contains(&seen["spec"]["env"][0]["value"].as_str().unwrap()),
        "{:#}",
        seen["spec"]["env"]
    );
}

#[tokio::test]
async fn a_drift_that_somebody_takes_back_is_over_and_the_value_is_ours_again() {
    let Some(scene) = orders("back", "Report").await else { return };
    let set = async |image: &str| {
        let patch = json!([{"op": "replace", "path": "/spec/image", "value": image}]);
        scene.kube.edit("somebody", KIND, &scene.namespace, "orders", patch).await;
    };
    set("example.com/orders:7").await;
    scene.condition("Drifted", "True", "FieldsDiffer").await;
    set("example.com/orders:1").await;
    let orders = scene
        .service_that("orders", "no drift", |orders| condition(orders, "SourceDrifted")["status"] == "False")
        .await;
    assert_eq!(orders["status"]["sourceDrift"]["count"], 0);
    scene.condition("Drifted", "False", "AsDeclared").await;
    let reverted = |line: &Value| line["message"] == "drift ended" && line["ended"] == "Reverted";
    scene.log.line("how it ended is told", reverted).await;
    let ours = |live: &Value| {
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        let ours = entries.iter().find(|one| one["manager"] == "gitmoor" && one["operation"] == "Apply");
        ours.is_some_and(|ours| ours["fieldsV1"]["f:spec"].get("f:image").is_some())
    };
    scene.service_that("orders", "the image is ours again", ours).await;
}

#[tokio::test]
async fn the_policy_of_an_object_wins_over_its_gitsyncs() {
    let mut kept = manifest(1);
    kept["metadata"]["annotations"] = json!({"gitmoor.dev/drift-policy": "Report"});
    let Some(scene) = Scene::synced("policy", json!({"drift": {"policy": "Correct"}}), &[("a.yaml", kept)]).await
    else {
        return;
    };
    scene.ready("orders").await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    scene.kube.edit("somebody", KIND, &scene.namespace, "orders", patch).await;
    scene.service_that("orders", "it drifted", |orders| condition(orders, "SourceDrifted")["status"] == "True").await;
    scene.settled().await;
    assert_eq!(scene.service("orders").await.unwrap()["spec"]["replicas"], 3);
}

#[tokio::test]
async fn keys_of_gitmoors_own_that_git_does_not_declare_are_never_drift() {
    let Some(scene) = orders("own", "Correct").await else { return };
    let pause = "gitmoor.dev/pause-reason=lunch";
    scene.kube.kubectl(&["annotate", "-n", &scene.namespace, "ms/orders", pause]).await;
    // A drift after it, which is corrected: the annotation had its chance.
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    scene.kube.edit("somebody", KIND, &scene.namespace, "orders", patch).await;
    scene
        .service_that("orders", "it is put back", |orders| condition(orders, "SourceDrifted")["reason"] == "Corrected")
        .await;
    let orders = scene.service("orders").await.unwrap();
    assert_eq!(orders["metadata"]["annotations"]["gitmoor.dev/pause-reason"], "lunch");
    let paths: Vec<_> = scene.drift_lines("source", KIND, "orders").iter().map(|line| line["path"].clone()).collect();
    assert_eq!(paths, ["/spec/replicas"]);
}

#[tokio::test]
async fn what_is_changed_while_one_revision_gives_way_to_the_next_is_put_back_all_the_same() {
    const MANY: usize = 150;
    let files = |version| [("orders.yaml", manifest(1)), ("many.yaml", many(MANY, version))];
    let Some(scene) = Scene::synced("between", json!({}), &files(1)).await else { return };
    // A revision that takes a while; the object of the edit is as it says already.
    scene.commit(&files(2));
    scene.request().await;
    let newer = json!("example.com/many:2");
    scene.service_that("many-000", "the revision is being applied", |one| one["spec"]["image"] == newer).await;
    // Nothing follows from it that would have the object looked at again.
    let patch = json!([{"op": "add", "path": "/metadata/labels/team", "value": "x"}]);
    scene.kube.edit("somebody", KIND, &scene.namespace, "orders", patch).await;
    scene.push(&files(3)).await;
    scene.service_that("orders", "it is put back", |orders| orders["metadata"]["labels"].get("team").is_none()).await;
    assert_eq!(scene.drift_lines("source", KIND, "orders").len(), 1, "and told");
}
