//! Commands that look at a cluster, and write nothing.

use serde_json::{Value, json};

use super::{Done, gitmoor};
use crate::daemon::told::{manifest, orders};
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

async fn run(scene: &Scene, arguments: &[&str]) -> Done {
    gitmoor(Some(&scene.kube.plane.kubeconfig), arguments).await
}

#[tokio::test]
async fn diff_tells_what_a_commit_would_change_and_writes_nothing() {
    let Some(scene) = orders("diff", "Correct").await else { return };
    let before = scene.service("orders").await.unwrap();
    let work = scene.repository.work.path().to_str().unwrap().to_owned();
    let sync = format!("{}/main", scene.namespace);
    let with_sync = ["diff", &work, "--sync", &sync];
    let plain = ["diff", &work, "-n", &scene.namespace];
    for arguments in [&with_sync[..], &plain[..]] {
        let same = run(&scene, arguments).await;
        assert_eq!(same.code, 0, "{arguments:?}: {}{}", same.out, same.err);
    }

    scene.repository.write("orders.yaml", &serde_yaml::to_string(&manifest(2)).unwrap());
    scene.repository.write("new.yaml", &serde_yaml::to_string(&service("new", json!({}))).unwrap());
    for arguments in [&with_sync[..], &plain[..]] {
        let differs = run(&scene, arguments).await;
        assert_eq!(differs.code, 1, "{arguments:?}: {}{}", differs.out, differs.err);
        for said in ["orders", "/spec/image", "example.com/orders:1", "example.com/orders:2", "new"] {
            assert!(differs.out.contains(said), "{arguments:?}: {said}: {}", differs.out);
        }
        let json = run(&scene, &[arguments, &["--output", "json"][..]].concat()).await;
        assert_eq!(json.code, 1);
        assert!(json.json().to_string().contains("example.com/orders:2"), "{}", json.out);
    }

    scene
        .repository
        .write("orders.yaml", "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: orders}\n");
    assert_eq!(run(&scene, &with_sync).await.code, 2, "an invalid manifest is an error");
    std::fs::remove_file(scene.repository.work.path().join("orders.yaml")).unwrap();
    let removed = run(&scene, &with_sync).await;
    assert_eq!(removed.code, 1);
    assert!(removed.out.to_lowercase().contains("delete"), "{}", removed.out);
    assert_eq!(scene.service("orders").await.unwrap(), before, "nothing was written");
    assert_eq!(scene.services().await, ["orders"]);
}

#[tokio::test]
async fn status_tells_what_is_ready_and_what_is_not() {
    let Some(scene) = Scene::synced("status", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    scene.status("it is counted as ready", |status| status["counts"]["ready"] == 1).await;
    let arguments = ["status", "-n", &scene.namespace];
    let ready = run(&scene, &arguments).await;
    assert_eq!(ready.code, 0, "{}{}", ready.out, ready.err);
    for said in ["main", "a", "example.com/a:1", "1/1"] {
        assert!(ready.out.contains(said), "{said}: {}", ready.out);
    }
    let json = run(&scene, &["status", "-n", &scene.namespace, "--output", "json"]).await.json();
    assert_eq!((&json["ready"], &json["microServices"][0]["ready"]), (&json!(true), &json!("True")), "{json:#}");

    let broken = json!({"image": "example.com/a:does-not-exist"});
    scene.push(&[("a.yaml", service("a", broken))]).await;
    scene
        .service_that("a", "the pull error is told", |a| condition(a, "Ready")["message"].to_string().contains("mage"))
        .await;
    let failing = run(&scene, &arguments).await;
    assert_eq!(failing.code, 1, "{}{}", failing.out, failing.err);
    let missing = run(&scene, &["status", "nothing", "-n", &scene.namespace]).await;
    assert_eq!(missing.code, 2, "{}", missing.err);
}

#[tokio::test]
async fn drift_tells_who_changed_what_and_where_it_is_declared() {
    let Some(scene) = orders("drifts", "Report").await else { return };
    let arguments = ["drift", "-n", &scene.namespace];
    let none = run(&scene, &arguments).await;
    assert_eq!(none.code, 0, "{}{}", none.out, none.err);
    scene.kube.kubectl_edit(&scene.namespace, "ms/orders", "s|orders:1|orders:7|").await;
    scene
        .service_that("orders", "the edited image runs", |orders| {
            orders["status"]["image"]["running"] == "example.com/orders:7"
        })
        .await;
    let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    scene.kube.edit("somebody", "Deployment", &scene.namespace, "orders", patch).await;
    let both = |orders: &Value| {
        orders["status"]["sourceDrift"]["count"] == 1 && orders["status"]["workloadDrift"]["count"] == 1
    };
    scene.service_that("orders", "both are told", both).await;
    let drift = run(&scene, &arguments).await;
    assert_eq!(drift.code, 1, "{}{}", drift.out, drift.err);
    for said in ["/spec/image", "kubectl-edit", "/spec/replicas", "somebody", "orders.yaml", "example.com/orders:7"] {
        assert!(drift.out.contains(said), "{said}: {}", drift.out);
    }
    let json = run(&scene, &["drift", "orders", "-n", &scene.namespace, "--output", "json"]).await.json();
    assert_eq!(json["standing"], 2, "{json:#}");
    let levels: Vec<_> = json["drift"].as_array().unwrap().iter().map(|one| one["level"].clone()).collect();
    assert!(levels.contains(&json!("source")) && levels.contains(&json!("workload")), "{json:#}");
}
