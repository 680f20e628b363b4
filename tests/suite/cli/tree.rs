//! `gitmoor tree`, with a daemon.

use serde_json::json;

use super::gitmoor_on;
use crate::support::kube::text;
use crate::support::scene::{Scene, service};

#[tokio::test]
async fn it_shows_what_stands_below_what() {
    let broken = service("broken", json!({"image": "example.com/broken:does-not-exist"}));
    let orders = service("orders", json!({"ports": [{"containerPort": 8080}]}));
    let files = [("a.yaml", orders), ("b.yaml", broken)];
    let Some(scene) = Scene::synced("tree", json!({"drift": {"policy": "Report"}}), &files).await else { return };
    scene.ready("orders").await;
    scene
        .service_that("broken", "it cannot pull", |live| live["status"]["conditions"].to_string().contains("ImagePull"))
        .await;
    scene.kube.kubectl(&["-n", &scene.namespace, "scale", "deployment/orders", "--replicas=3"]).await;
    scene.service_that("orders", "drift is seen", |live| live["status"]["workloadDrift"]["count"] == 1).await;
    let name = format!("{}/main", scene.namespace);
    let on = async |arguments: &[&str]| gitmoor_on(scene.kube.plane, arguments).await;

    let ran = on(&["tree", &name]).await.exits(1);
    let lines: Vec<&str> = ran.out.lines().collect();
    let expected = format!("GitSync {name}  ");
    assert!(lines[0].starts_with(&expected), "{}", ran.out);
    assert!(lines[1].starts_with(&format!("  MicroService {}/broken  Ready=False ", scene.namespace)), "{}", ran.out);
    let orders = lines.iter().position(|line| line.contains("/orders ")).unwrap();
    assert!(lines[orders].contains("[1 field drifted]"), "{}", ran.out);
    for kind in ["Deployment orders  [1 field drifted]", "Service orders", "ServiceAccount orders"] {
        assert!(lines[orders..].contains(&format!("    {kind}").as_str()), "{kind} in {}", ran.out);
    }
    assert!(!ran.out.contains('\x1b') && !ran.out.contains('├'), "a pipe has neither colours nor lines");

    let ran = on(&["tree", "-n", &scene.namespace, "--depth", "1"]).await.exits(1);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    let ran = on(&["tree", &name, "--not-ready"]).await.exits(1);
    assert!(ran.out.contains("/broken") && !ran.out.contains("orders"), "{}", ran.out);
    let ran = on(&["tree", &name, "--limit", "1"]).await.exits(1);
    assert!(ran.out.contains("/broken") && ran.out.contains("  and 1 more object, all ready"), "{}", ran.out);
    let json = on(&["tree", &name, "-o", "json"]).await.exits(1).json();
    let orders = &json["tree"][0]["children"][1];
    assert_eq!(
        (&json["ready"], &orders["ready"], &orders["driftedFields"]),
        (&json!(false), &json!("True"), &json!(1))
    );
    let kinds: Vec<_> = orders["children"].as_array().unwrap().iter().map(|child| text(&child["kind"])).collect();
    assert!(kinds.len() == 3 && kinds.contains(&"Deployment"), "{json:#}");
    let ran = on(&["tree", &format!("{}/mainn", scene.namespace)]).await.exits(2);
    assert!(ran.err.contains(&format!("there is {name}")), "{}", ran.err);
}
