//! How requests reach a service, and whom it may talk to.

use serde_json::{Value, json};

use super::causes::is_told;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

fn routed(route: Value) -> Value {
    let mut route = route;
    route["name"] = json!("public");
    route["hostnames"] = json!(["a.example.com"]);
    service("a", json!({"ports": [{"containerPort": 8080, "servicePort": 80}], "routes": [route]}))
}

fn is(service: &Value, kind: &str, status: &str, reason: &str) -> bool {
    let found = condition(service, kind);
    found["status"] == status && found["reason"] == reason
}

#[tokio::test]
async fn an_ingress_leads_to_the_service_and_its_url_is_known_once_it_has_an_address() {
    let files = [("a.yaml", routed(json!({"tls": {"secretName": "a-tls"}})))];
    let Some(scene) = Scene::synced("ingress", json!({}), &files).await else { return };
    let a = scene.ready("a").await;
    assert!(is(&a, "RoutesAccepted", "Unknown", "RouteNotObserved"), "{:#}", a["status"]);
    assert_eq!(a["status"].get("url"), None, "nobody has said that it is reached");
    let ingress = scene.kube.get("Ingress", &scene.namespace, "a-public").await;
    assert_eq!(ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"], "a");
    let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    scene.kube.merge_status("Ingress", &scene.namespace, "a-public", address).await;
    let accepted = |a: &Value| is(a, "RoutesAccepted", "True", "RouteAccepted");
    let a = scene.service_that("a", "its route is accepted", accepted).await;
    assert_eq!(a["status"]["url"], "https://a.example.com");
    // What somebody edits is put back, and what is no longer declared goes.
    let edit = json!([{"op": "replace", "path": "/spec/rules/0/host", "value": "b.example.com"}]);
    scene.kube.edit("somebody", "Ingress", &scene.namespace, "a-public", edit).await;
    let back = |ingress: &Value| ingress["spec"]["rules"][0]["host"] == "a.example.com";
    scene.object_that("Ingress", "a-public", "its host is put back", back).await;
    assert_eq!(scene.drift_lines("workload", "Ingress", "a-public").len(), 1);
    scene.push(&[("a.yaml", service("a", json!({"ports": [{"containerPort": 8080}]})))]).await;
    let bare = |a: &Value| condition(a, "RoutesAccepted").is_null() && a["status"].get("url").is_none();
    scene.service_that("a", "it has no route", bare).await;
    assert!(scene.kube.find("Ingress", &scene.namespace, "a-public").await.is_none());
}

#[tokio::test]
async fn a_route_that_a_gateway_refuses_is_told_in_its_words_until_it_takes_it() {
    let files = [("a.yaml", routed(json!({"parentRefs": [{"name": "edge", "namespace": "infra"}]})))];
    let Some(scene) = Scene::synced("route", json!({}), &files).await else { return };
    let a = scene.ready("a").await;
    assert!(is(&a, "RoutesAccepted", "Unknown", "RouteNotObserved"), "{:#}", a["status"]);
    let says = async |status: &str, reason: &str, message: &str| {
        let route = scene.kube.get("HTTPRoute", &scene.namespace, "a-public").await;
        let said = json!({"parents": [{
            "parentRef": route["spec"]["parentRefs"][0], "controllerName": "example.com/gateway",
            "conditions": [{
                "type": "Accepted", "status": status, "reason": reason, "message": message,
                "observedGeneration": route["metadata"]["generation"], "lastTransitionTime": "2026-01-01T00:00:00Z"
            }]
        }]});
        scene.kube.merge_status("HTTPRoute", &scene.namespace, "a-public", said).await;
    };
    says("False", "NoMatchingListenerHostname", "no listener takes this hostname").await;
    let refused = |a: &Value| is(a, "Ready", "False", "RouteNotAccepted");
    let a = scene.service_that("a", "it says that it is not reached", refused).await;
    let message = condition(&a, "RoutesAccepted")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("Gateway infra/edge: no listener takes this hostname (NoMatching"), "{message}");
    assert_eq!(condition(&a, "Stalled")["reason"], "RouteNotAccepted");
    assert_eq!(condition(&a, "Available")["status"], "True", "its pods serve all the same");
    is_told(&scene, "RouteNotAccepted", &["no listener takes this hostname"]).await;
    says("True", "Accepted", "").await;
    let a = scene.ready("a").await;
    assert!(is(&a, "RoutesAccepted", "True", "RouteAccepted"), "{:#}", a["status"]);
    assert_eq!(a["status"]["url"], "https://a.example.com");
    assert_eq!(scene.drift_lines("workload", "HTTPRoute", "a-public"), Vec::<Value>::new());
}

#[tokio::test]
async fn an_access_policy_denies_what_it_does_not_name_and_goes_with_its_field() {
    let policy = json!({"inbound": {"rules": [{"microService": "b", "namespace": "shop"}]}});
    let files = [("a.yaml", service("a", json!({"accessPolicy": policy})))];
    let Some(scene) = Scene::synced("policy", json!({}), &files).await else { return };
    scene.ready("a").await;
    let live = scene.kube.get("NetworkPolicy", &scene.namespace, "a").await;
    assert_eq!(live["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(live["spec"]["ingress"].as_array().map(Vec::len), Some(1));
    scene.push(&[("a.yaml", service("a", json!({"accessPolicy": {}})))]).await;
    let closed =
        |live: &Value| live["spec"].get("ingress").is_none() && live["spec"]["egress"][0]["ports"][0]["port"] == 53;
    scene.object_that("NetworkPolicy", "a", "nobody may talk to it", closed).await;
    scene.kube.kubectl(&["delete", "networkpolicy", "a", "-n", &scene.namespace]).await;
    scene.object_that("NetworkPolicy", "a", "it is made anew", closed).await;
    scene.push(&[("a.yaml", service("a", json!({})))]).await;
    scene
        .service_that("a", "it has no policy", |a| {
            let children = a["status"]["children"].as_array();
            children.is_some_and(|all| !all.is_empty() && all.iter().all(|child| child["kind"] != "NetworkPolicy"))
        })
        .await;
    assert!(scene.kube.find("NetworkPolicy", &scene.namespace, "a").await.is_none());
}
