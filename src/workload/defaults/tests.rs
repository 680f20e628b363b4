//! Who wins, field by field.

use serde_json::{Value, json};

use super::*;
use crate::workload::{Surroundings, render};

fn service(spec: Value) -> Value {
    let mut spec = spec;
    spec["image"] = json!("a:1");
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec
    })
}

/// The spec that is rendered, less the image.
fn completed(defaults: &Value, spec: Value) -> Value {
    let service = service(spec);
    let completed = Defaults::from_json(defaults).complete(&service);
    let mut spec = completed.map_or(service, |completed| completed.service)["spec"].take();
    spec.as_object_mut().unwrap().remove("image");
    spec
}

#[track_caller]
fn check(defaults: Value, spec: Value, expected: Value) {
    assert_eq!(completed(&defaults, spec), expected, "{defaults}");
}

#[test]
fn what_a_service_says_goes_before_its_profile_and_that_before_the_operator() {
    let all = json!({
        "defaults": {"replicas": 1, "priorityClassName": "low", "securityProfile": "Baseline"},
        "profiles": [{"name": "shops", "namespaces": ["shop"], "replicas": 3, "priorityClassName": "high"}]
    });
    check(all.clone(), json!({}), json!({"replicas": 3, "priorityClassName": "high", "securityProfile": "Baseline"}));
    let own = json!({"replicas": 5, "securityProfile": "Restricted"});
    check(all, own, json!({"replicas": 5, "priorityClassName": "high", "securityProfile": "Restricted"}));
    check(json!({}), json!({"replicas": 5}), json!({"replicas": 5}));
}

#[test]
fn the_first_profile_that_fits_is_the_namespace_s_and_no_other() {
    let profile =
        |name: &str, pattern: &str, replicas: i32| json!({"name": name, "namespaces": [pattern], "replicas": replicas});
    let of = |profiles: Value| {
        let all = json!({"defaults": {"replicas": 1}, "profiles": profiles});
        let profile = Defaults::from_json(&all).profile("shop").map(str::to_owned);
        (profile, completed(&all, json!({}))["replicas"].clone())
    };
    assert_eq!(of(json!([])), (None, json!(1)));
    assert_eq!(of(json!([profile("a", "pay", 2)])), (None, json!(1)));
    assert_eq!(of(json!([profile("a", "s*p", 2), profile("b", "shop", 3)])), (Some("a".into()), json!(2)));
    assert_eq!(of(json!([profile("a", "shop-*", 2), profile("b", "*", 3)])), (Some("b".into()), json!(3)));
}

#[test]
fn an_empty_list_is_something_that_was_said() {
    let all = json!({"defaults": {
        "tolerations": [{"key": "a", "operator": "Exists"}], "topologySpreadConstraints": [],
        "imagePullSecrets": [{"name": "registry"}], "nodeSelector": {"pool": "general", "disk": "ssd"}
    }});
    check(
        all.clone(),
        json!({"tolerations": [], "nodeSelector": {"pool": "gpu"}, "imagePullSecrets": [{"name": "own"}]}),
        json!({
            "tolerations": [], "nodeSelector": {"pool": "gpu"}, "imagePullSecrets": [{"name": "own"}],
            "topologySpreadConstraints": []
        }),
    );
    check(all.clone(), json!({}), all["defaults"].clone());
}

#[test]
fn an_autoscaler_s_replicas_are_nobody_s_to_say() {
    let scaling = json!({"autoscaling": {"maxReplicas": 3}});
    check(json!({"defaults": {"replicas": 7}}), scaling.clone(), scaling);
}

#[test]
fn without_an_access_policy_the_nearest_word_decides() {
    let of = |everywhere: &str, own: Value| {
        let mut profile = json!({"name": "a", "namespaces": ["shop"]});
        if own.is_string() {
            profile["accessPolicy"] = own;
        }
        json!({"defaults": {"accessPolicy": everywhere}, "profiles": [profile]})
    };
    check(of(OPEN, Value::Null), json!({}), json!({}));
    check(of(DENIED, Value::Null), json!({}), json!({"accessPolicy": {}}));
    check(of(DENIED, json!(OPEN)), json!({}), json!({}));
    check(of(OPEN, json!(DENIED)), json!({}), json!({"accessPolicy": {}}));
    let own = json!({"accessPolicy": {"outbound": {}}});
    check(of(DENIED, json!(DENIED)), own.clone(), own);
}

#[test]
fn a_limit_never_meets_the_request_of_another_layer() {
    let all = json!({
        "defaults": {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}},
        "profiles": [{"name": "a", "namespaces": ["shop"], "resources": {"requests": {"memory": "1Gi"}}}]
    });
    check(all.clone(), json!({}), json!({"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}}}));
    let own = json!({"resources": {"limits": {"cpu": "2"}}});
    check(all, own, json!({"resources": {"limits": {"cpu": "2"}, "requests": {"memory": "1Gi"}}}));
}

#[test]
fn labels_and_annotations_are_decided_one_by_one_and_gitmoor_s_own_win() {
    let all = json!({"defaults": {
        "podMetadata": {"labels": {"team": "none", "tier": "web"}, "annotations": {"a": "1"}},
        "childMetadata": {"labels": {"cost": "7", "app.kubernetes.io/name": "x"}, "annotations": {"lb": "off", "who": "us"}}
    }});
    let raw = service(json!({
        "podMetadata": {"labels": {"team": "shop"}}, "ports": [{"containerPort": 80}],
        "service": {"annotations": {"lb": "on"}}
    }));
    let typed = serde_json::from_value(raw.clone()).unwrap();
    let (service, metadata) = Defaults::from_json(&all).apply(&raw, &typed).unwrap();
    let children = render(&service, &Surroundings { metadata, ..Surroundings::default() });
    let of = |kind: &str| children.iter().find(|child| child.kind.kind == kind).unwrap().body.clone();
    let pod = &of("Deployment")["spec"]["template"]["metadata"];
    assert_eq!((&pod["labels"]["team"], &pod["labels"]["tier"]), (&json!("shop"), &json!("web")));
    assert_eq!(pod["labels"].get("cost"), None, "a child's label is no pod's");
    assert_eq!(pod["annotations"]["a"], "1");
    for child in &children {
        let metadata = &child.body["metadata"];
        assert_eq!((&metadata["labels"]["cost"], &metadata["annotations"]["who"]), (&json!("7"), &json!("us")));
        assert_eq!(metadata["labels"]["app.kubernetes.io/name"], "orders");
    }
    assert_eq!(of("Service")["metadata"]["annotations"]["lb"], "on");
    assert_eq!(of("Deployment")["metadata"]["annotations"]["lb"], "off");
}

#[test]
fn what_is_decided_is_in_the_hash_and_not_in_the_service() {
    let raw = service(json!({}));
    let typed: MicroService = serde_json::from_value(raw.clone()).unwrap();
    let hashes = |defaults: Value| {
        let (service, metadata) = Defaults::from_json(&defaults).apply(&raw, &typed).unwrap();
        let surroundings = Surroundings { metadata, ..Surroundings::default() };
        let deployment = render(&service, &surroundings).into_iter().find(|child| child.kind.kind == "Deployment");
        deployment.unwrap().hash
    };
    assert_eq!(hashes(json!({})), hashes(json!({"defaults": {"replicas": 2}})), "two is what is built in");
    assert_ne!(hashes(json!({})), hashes(json!({"defaults": {"replicas": 3}})));
    assert_ne!(hashes(json!({})), hashes(json!({"defaults": {"childMetadata": {"labels": {"a": "b"}}}})));
    assert_eq!(typed.spec.replicas, None);
}

#[test]
fn defaults_differ_where_a_namespace_is_rendered_otherwise() {
    let of = |name: &str, replicas: i32| {
        Defaults::from_json(&json!({"profiles": [{"name": name, "namespaces": ["shop"], "replicas": replicas}]}))
    };
    assert!(of("a", 1).differ(&of("a", 2), "shop"));
    assert!(!of("a", 1).differ(&of("a", 2), "pay"), "it is another's profile");
    assert!(!of("a", 1).differ(&of("b", 1), "shop"), "a name renders nothing");
    assert!(of("a", 1).differ(&Defaults::default(), "shop"));
    assert!(Defaults::from_json(&json!({"defaults": {"replicas": 1}})).differ(&Defaults::default(), "pay"));
}

#[test]
fn each_field_that_was_decided_leads_to_where_that_stands() {
    let all = json!({
        "defaults": {"podMetadata": {"labels": {"a/b": "c"}}},
        "profiles": [{"name": "x", "namespaces": ["y"]}, {"name": "shops", "namespaces": ["*"], "replicas": 3}]
    });
    let taken = Defaults::from_json(&all).complete(&service(json!({}))).unwrap().taken;
    let told: Vec<_> = taken.iter().map(|one| format!("{} {:?} {}", one.field, one.layer, one.declared)).collect();
    assert_eq!(
        told,
        [
            "/spec/replicas Profile(\"shops\") /profiles/1/replicas",
            "/spec/podMetadata/labels/a~1b Operator /defaults/podMetadata/labels/a~1b",
        ]
    );
    for one in &taken {
        assert!(one.declared.get(&all).is_some(), "{}", one.declared);
    }
}
