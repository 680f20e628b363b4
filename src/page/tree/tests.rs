//! Trees, from values.

use serde_json::json;

use super::*;
use crate::page::book::tests::service;

fn now() -> Timestamp {
    "2026-01-02T01:00:00Z".parse().unwrap()
}

fn orders() -> MicroService {
    let mut orders = service("shop/orders", "CrashLoopBackOff", 0);
    let child = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "name": "orders", "uid": "1"});
    let status = orders.status.as_mut().unwrap();
    status.children = serde_json::from_value(json!([child("Deployment"), child("Service")])).unwrap();
    orders
}

fn pod(name: &str, ready: bool) -> PodSummary {
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}});
    let status = if ready { "True" } else { "False" };
    PodSummary::from_json(&json!({
        "metadata": {"namespace": "shop", "name": name, "labels": {"pod-template-hash": "v2"}},
        "status": {"conditions": [{"type": "Ready", "status": status}], "containerStatuses": [{
            "name": "orders", "restartCount": 5, "state": waiting,
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        }]}
    }))
}

#[test]
fn pods_stand_below_the_deployment_with_what_is_wrong() {
    let deployment = json!({
        "metadata": {"name": "orders", "generation": 1, "creationTimestamp": "2026-01-02T00:00:00Z"},
        "spec": {"replicas": 2, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "conditions": [
            {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "no"}]}
    });
    let family = Family {
        children: vec![("Deployment", deployment), ("ConfigMap", json!({"metadata": {"name": "orders-config"}}))],
        pods: vec![pod("orders-a", true), pod("orders-b", false)],
        job_pods: Vec::new(),
    };
    let tree = serde_json::to_value(tree(&orders(), Some(&family), now())).unwrap();
    assert_eq!((&tree["ready"], &tree["pods"]), (&json!(false), &json!(true)));
    let top = &tree["tree"][0];
    assert_eq!((&top["name"], &top["reason"]), (&json!("shop/orders"), &json!("CrashLoopBackOff")));
    let children = top["children"].as_array().unwrap();
    let kinds: Vec<_> = children.iter().map(|child| child["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Deployment", "Service", "ConfigMap"]);
    assert_eq!(children[0]["ready"], "False");
    assert_eq!(children[0]["conditions"][0]["reason"], "MinimumReplicasUnavailable");
    let pods = children[0]["children"].as_array().unwrap();
    assert_eq!((&pods[0]["name"], &pods[1]["ready"]), (&json!("orders-b"), &json!("True")), "the trouble first");
    assert_eq!((&pods[0]["reason"], &pods[0]["restarts"]), (&json!("OOMKilled"), &json!(5)));
    assert_eq!(pods[0]["version"], "v2");
    assert_eq!(children[1]["reason"], "Missing", "status names it, and it is not there");
    assert_eq!(children[2].get("ready"), None, "a ConfigMap does not say");
}

#[test]
fn where_nobody_watches_children_they_are_those_that_status_names() {
    let tree = serde_json::to_value(tree(&orders(), None, now())).unwrap();
    assert_eq!(tree["pods"], false);
    let children = tree["tree"][0]["children"].as_array().unwrap();
    assert_eq!((children.len(), children[0].get("ready")), (2, None));
}

#[test]
fn of_many_pods_some_are_listed() {
    let deployment = json!({"metadata": {"name": "orders"}, "spec": {"selector": {}, "template": {}}});
    let pods = (0..PODS + 5).map(|number| pod(&format!("p{number}"), true)).collect();
    let family = Family { children: vec![("Deployment", deployment)], pods, job_pods: Vec::new() };
    let tree = serde_json::to_value(tree(&orders(), Some(&family), now())).unwrap();
    let node = &tree["tree"][0]["children"][0];
    assert_eq!((node["children"].as_array().unwrap().len(), &node["more"]), (PODS, &json!(5)));
}
