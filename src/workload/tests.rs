//! Rendering: defaults, names, and what never appears.

use std::collections::HashSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod jobs;

/// A MicroService `shop/orders` with this spec.
fn service(spec: Value) -> MicroService {
    serde_json::from_value(json!({
        "apiVersion": API_VERSION,
        "kind": "MicroService",
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": spec,
    }))
    .unwrap()
}

/// Its children, as they are without a cluster.
fn rendered(service: &MicroService) -> Vec<Child> {
    render(service, &Surroundings::default())
}

fn hashes(service: &MicroService) -> Vec<String> {
    rendered(service).into_iter().map(|child| child.hash).collect()
}

#[test]
fn children_come_in_the_order_of_their_kinds() {
    let children = rendered(&service(json!({"image": "a:1", "ports": [{"containerPort": 80}]})));
    let kinds: Vec<_> = children.iter().map(|child| child.kind.kind).collect();
    assert_eq!(kinds, ["ServiceAccount", "Service", "Deployment", "PodDisruptionBudget"]);
}

#[test]
fn rendering_twice_gives_the_same() {
    let service = service(json!({"image": "a:1", "ports": [{"containerPort": 80}]}));
    assert_eq!(rendered(&service), rendered(&service));
}

#[test]
fn the_order_of_keys_is_irrelevant() {
    let read = |text: &str| hashes(&service(serde_json::from_str(text).unwrap()));
    assert_eq!(
        read(r#"{"image": "a:1", "podMetadata": {"annotations": {"a": "1", "b": "2"}, "labels": {"c": "3"}}}"#),
        read(r#"{"podMetadata": {"labels": {"c": "3"}, "annotations": {"b": "2", "a": "1"}}, "image": "a:1"}"#),
    );
}

#[test]
fn a_hash_is_of_what_is_rendered_and_nothing_else() {
    let offline = service(json!({"image": "a:1"}));
    let mut live = offline.clone();
    live.metadata.uid = Some("1-2-3".into());
    live.metadata.resource_version = Some("7".into());
    live.metadata.labels = Some([("team".to_owned(), "a".to_owned())].into());
    assert_eq!(hashes(&offline), hashes(&live));
    assert_ne!(hashes(&offline), hashes(&service(json!({"image": "a:2"}))));
    for child in rendered(&live) {
        assert_eq!(child.body["metadata"]["annotations"][api_names::RENDERED_HASH], json!(child.hash));
        assert_eq!(child.hash.len(), 32);
    }
}

#[test]
fn an_object_in_a_cluster_owns_its_children() {
    let mut service = service(json!({"image": "a:1"}));
    assert!(rendered(&service).iter().all(|child| child.body["metadata"].get("ownerReferences").is_none()));
    service.metadata.uid = Some("1-2-3".into());
    let owner = json!([{
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "name": "orders", "uid": "1-2-3",
        "controller": true, "blockOwnerDeletion": true,
    }]);
    assert!(rendered(&service).iter().all(|child| child.body["metadata"]["ownerReferences"] == owner));
}

#[test]
fn an_author_cannot_forge_our_marks() {
    let forged = json!({api_names::RENDERED_HASH: "forged"});
    let service = service(json!({
        "image": "a:1",
        "ports": [{"containerPort": 80}],
        "service": {"annotations": forged},
        "podMetadata": {"labels": {"app.kubernetes.io/name": "forged", "app.kubernetes.io/instance": "forged"}},
    }));
    assert!(rendered(&service).iter().all(|child| !child.body["metadata"].to_string().contains("forged")));
    let deployment = deployment_of(&rendered(&service));
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"], "orders");
}

#[test]
fn scaling_restarts_nothing() {
    let template = |replicas: i32| {
        deployment_of(&rendered(&service(json!({"image": "a:1", "replicas": replicas}))))["spec"]["template"].take()
    };
    assert_eq!(template(1), template(5));
}

#[test]
fn a_long_name_fits_where_it_must() {
    let mut service = service(json!({"image": "a:1", "ports": [{"containerPort": 80}]}));
    service.metadata.name = Some("x".repeat(100));
    for child in rendered(&service) {
        assert!(child.name.len() <= 63);
        assert!(child.body["metadata"]["labels"]["app.kubernetes.io/instance"].as_str().unwrap().len() <= 63);
    }
}

#[test]
fn kinds_know_how_they_are_called() {
    let called: Vec<_> = KINDS.iter().map(|kind| format!("{} {}", kind.api_version(), kind.plural)).collect();
    let expected = [
        "v1 serviceaccounts",
        "v1 configmaps",
        "v1 services",
        "networking.k8s.io/v1 networkpolicies",
        "batch/v1 jobs",
        "apps/v1 deployments",
        "autoscaling/v2 horizontalpodautoscalers",
        "policy/v1 poddisruptionbudgets",
        "networking.k8s.io/v1 ingresses",
        "gateway.networking.k8s.io/v1 httproutes",
        "monitoring.coreos.com/v1 servicemonitors",
        "batch/v1 cronjobs",
    ];
    assert_eq!(called, expected);
}

fn deployment_of(children: &[Child]) -> Value {
    children.iter().find(|child| child.kind.kind == "Deployment").unwrap().body.clone()
}

fn assert_no_null(value: &Value, at: &str) {
    match value {
        Value::Null => panic!("null at {at}"),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| assert_no_null(value, &format!("{at}/{name}"))),
        Value::Array(items) => items.iter().for_each(|item| assert_no_null(item, &format!("{at}/*"))),
        _ => {}
    }
}

fn strings(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A field that Kubernetes does not have, or has elsewhere, is lost on the way through its types.
fn through_its_type(child: &Child) -> Value {
    fn through<T: serde::Serialize + serde::de::DeserializeOwned>(body: &Value) -> Value {
        serde_json::to_value(serde_json::from_value::<T>(body.clone()).unwrap()).unwrap()
    }
    match child.kind.kind {
        "ServiceAccount" => through::<ServiceAccount>(&child.body),
        "Service" => through::<Service>(&child.body),
        "Deployment" => through::<Deployment>(&child.body),
        "PodDisruptionBudget" => through::<PodDisruptionBudget>(&child.body),
        "ConfigMap" => through::<ConfigMap>(&child.body),
        "HorizontalPodAutoscaler" => through::<HorizontalPodAutoscaler>(&child.body),
        "NetworkPolicy" => through::<NetworkPolicy>(&child.body),
        "Ingress" => through::<Ingress>(&child.body),
        "Job" => through::<Job>(&child.body),
        "CronJob" => through::<CronJob>(&child.body),
        // No crate has their types; a strict dry run against their definitions sees to them.
        "HTTPRoute" | "ServiceMonitor" => child.body.clone(),
        kind => panic!("no type for {kind}"),
    }
}

/// What must hold of every rendering.
fn assert_sound(service: &MicroService) {
    let children = rendered(service);
    let deployment = deployment_of(&children);
    let pod = &deployment["spec"]["template"];
    let pod_labels = strings(&pod["metadata"]["labels"]);
    let container = &pod["spec"]["containers"][0];
    let names = |ports: &Value, field: &str| -> Vec<String> {
        ports.as_array().into_iter().flatten().map(|port| port[field].as_str().unwrap().to_owned()).collect()
    };
    let container_ports = names(&container["ports"], "name");
    assert_eq!(container_ports.iter().collect::<HashSet<_>>().len(), container_ports.len(), "port names are unique");

    for child in &children {
        let body = &child.body;
        assert_no_null(body, child.kind.kind);
        assert_eq!(&through_its_type(child), body);
        assert_eq!(body["apiVersion"], child.kind.api_version());
        assert_eq!(body["kind"], child.kind.kind);
        assert_eq!(body["metadata"]["name"], child.name);
        assert_eq!(body["metadata"]["namespace"], "shop");
        assert_eq!(body["metadata"]["labels"][api_names::LABEL_MANAGED_BY], "gitmoor");
        let selector = match child.kind.kind {
            "Service" => &body["spec"]["selector"],
            "NetworkPolicy" => &body["spec"]["podSelector"]["matchLabels"],
            "ServiceAccount"
            | "ConfigMap"
            | "HorizontalPodAutoscaler"
            | "Job"
            | "CronJob"
            | "Ingress"
            | "HTTPRoute" => continue,
            _ => &body["spec"]["selector"]["matchLabels"],
        };
        let selector = strings(selector);
        assert_eq!(selector.len(), 2);
        assert!(selector.iter().all(|(label, value)| pod_labels.get(label) == Some(value)), "{selector:?}");
        if child.kind.kind == "Service" {
            assert_eq!(names(&body["spec"]["ports"], "targetPort"), container_ports);
        }
    }
    let volumes = names(&pod["spec"]["volumes"], "name");
    assert_eq!(volumes.iter().collect::<HashSet<_>>().len(), volumes.len(), "names of volumes are unique");
    for container in
        ["containers", "initContainers"].into_iter().filter_map(|list| pod["spec"][list].as_array()).flatten()
    {
        let mounts = names(&container["volumeMounts"], "name");
        assert!(mounts.iter().all(|mount| volumes.contains(mount)), "every mount has its volume: {mounts:?}");
        let paths = names(&container["volumeMounts"], "mountPath");
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), paths.len(), "paths of mounts are unique");
    }
}

fn choice(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    proptest::sample::select(values).prop_map(Value::from)
}

fn amount() -> impl Strategy<Value = Value> {
    prop_oneof![(0..100).prop_map(Value::from), (0..=100).prop_map(|percent| json!(format!("{percent}%")))]
}

fn texts() -> impl Strategy<Value = Value> {
    btree_map("[a-z]{1,8}(/[a-z]{1,8})?", "[a-zA-Z0-9]{0,8}", 0..4).prop_map(|map| json!(map))
}

/// A map of the fields that were drawn.
fn fields<const N: usize>(fields: [(&'static str, BoxedStrategy<Value>); N]) -> BoxedStrategy<Value> {
    fields
        .into_iter()
        .fold(Just(serde_json::Map::new()).boxed(), |map, (name, value)| {
            (map, option::of(value))
                .prop_map(move |(mut map, value)| {
                    map.extend(value.map(|value| (name.to_owned(), value)));
                    map
                })
                .boxed()
        })
        .prop_map(Value::Object)
        .boxed()
}

fn ports() -> impl Strategy<Value = Value> {
    let optional = fields([
        ("servicePort", (1..65536).prop_map(Value::from).boxed()),
        ("protocol", choice(&["TCP", "UDP", "SCTP"]).boxed()),
        ("appProtocol", choice(&["http", "kubernetes.io/h2c"]).boxed()),
    ]);
    btree_map(1..65536, ("[a-z]{1,10}", optional), 0..5).prop_map(|ports| {
        let port = |(index, (number, (name, mut port))): (usize, (i32, (String, Value)))| {
            port["containerPort"] = json!(number);
            port["name"] = json!(format!("{name}{index}"));
            port
        };
        ports.into_iter().enumerate().map(port).collect()
    })
}

fn probe() -> impl Strategy<Value = Value> {
    (0..3, fields([("periodSeconds", (0..60).prop_map(Value::from).boxed())])).prop_map(|(action, mut probe)| {
        match action {
            0 => probe["tcpSocket"] = json!({"port": 80}),
            1 => probe["httpGet"] = json!({"path": "", "port": "http"}),
            _ => probe["exec"] = json!({"command": ["true"]}),
        }
        probe
    })
}

fn files(contents: Vec<String>) -> Value {
    let file = |(index, content)| json!({"path": format!("/etc/{index}/app.yaml"), "content": content});
    contents.into_iter().enumerate().map(file).collect()
}

fn container(name: &'static str) -> impl Strategy<Value = Value> {
    let context = fields([
        ("readOnlyRootFilesystem", any::<bool>().prop_map(Value::from).boxed()),
        ("runAsUser", (1..9).prop_map(Value::from).boxed()),
    ]);
    let one = fields([("securityContext", context), ("env", Just(json!([{"name": "A", "value": ""}])).boxed())]);
    one.prop_map(move |mut one| {
        one["name"] = json!(name);
        one["image"] = json!("a:1");
        json!([one])
    })
}

pub(super) fn specs() -> impl Strategy<Value = Value> {
    let list = || vec("[a-z]{0,6}", 0..3).prop_map(|list| json!(list)).boxed();
    let resources = || btree_map("cpu|memory", "[1-9][0-9]{0,3}(m|Mi|Gi|)", 0..3).prop_map(|map| json!(map)).boxed();
    let env = btree_map("[A-Z]{1,5}", "[a-z]{0,5}", 0..4)
        .prop_map(|env| env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Value>());
    let account = fields([
        ("create", any::<bool>().prop_map(Value::from).boxed()),
        ("name", choice(&["a", "shared.account"]).boxed()),
        ("annotations", texts().boxed()),
        ("automountServiceAccountToken", any::<bool>().prop_map(Value::from).boxed()),
    ]);
    let options = fields([
        ("type", choice(&["ClusterIP", "NodePort", "LoadBalancer"]).boxed()),
        ("annotations", texts().boxed()),
        ("sessionAffinity", choice(&["None", "ClientIP"]).boxed()),
        ("headless", any::<bool>().prop_map(Value::from).boxed()),
    ]);
    let strategy = fields([
        ("type", choice(&["RollingUpdate", "Recreate"]).boxed()),
        ("rollingUpdate", fields([("maxSurge", amount().boxed()), ("maxUnavailable", amount().boxed())])),
    ]);
    fields([
        ("imagePullPolicy", choice(&["Always", "IfNotPresent", "Never"]).boxed()),
        ("imagePullSecrets", Just(json!([{"name": "s"}])).boxed()),
        ("command", list()),
        ("args", list()),
        ("suspend", any::<bool>().prop_map(Value::from).boxed()),
        ("replicas", (0..5).prop_map(Value::from).boxed()),
        ("ports", ports().boxed()),
        ("service", options),
        ("env", env.boxed()),
        ("envFrom", Just(json!([{"prefix": "", "secretRef": {"name": "s"}}])).boxed()),
        ("resources", fields([("requests", resources()), ("limits", resources())])),
        ("startupProbe", probe().boxed()),
        ("readinessProbe", probe().boxed()),
        ("livenessProbe", probe().boxed()),
        ("serviceAccount", account),
        ("podDisruptionBudget", amount().prop_map(|amount| json!({"minAvailable": amount})).boxed()),
        ("strategy", strategy),
        (
            "autoscaling",
            (1..9).prop_map(|max| json!({"maxReplicas": max, "targetCPUUtilizationPercentage": 50})).boxed(),
        ),
        ("configFiles", vec("[a-z]{0,5}", 1..4).prop_map(files).boxed()),
        ("volumes", Just(json!([{"name": "tmp", "emptyDir": {}}])).boxed()),
        (
            "volumeMounts",
            choice(&["/tmp", "/tmp/", "/data"]).prop_map(|path| json!([{"name": "tmp", "mountPath": path}])).boxed(),
        ),
        ("initContainers", container("init").boxed()),
        ("sidecars", container("side").boxed()),
        ("terminationGracePeriodSeconds", (0..100).prop_map(Value::from).boxed()),
        ("securityProfile", choice(&["Restricted", "Baseline"]).boxed()),
        ("podMetadata", fields([("labels", texts().boxed()), ("annotations", texts().boxed())])),
    ])
    .prop_map(|mut spec| {
        // What the CRD refuses is not asked of rendering.
        if spec.get("volumes").is_none()
            && let Some(fields) = spec.as_object_mut()
        {
            fields.remove("volumeMounts");
        }
        spec["image"] = json!("ghcr.io/acme/orders:1");
        spec
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rendering_is_sound(spec in specs()) {
        assert_sound(&service(spec));
    }
}
