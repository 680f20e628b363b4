//! What a right is needed for: services with a child of every kind, what is no longer declared of them, and what stands in
//! the way.

use gitmoor::workload::{self, Surroundings};
use serde_json::{Value, json};

use crate::support::scene::service;

/// Services of the first commit that stay. What must succeed before a rollout, and the autoscaler, have a service each: the
/// children beside them would wait for them.
pub const SERVICES: [&str; 3] = ["a", "job", "scaled"];

fn account() -> Value {
    json!({"create": false, "name": "default"})
}

/// One of them.
fn full(name: &str) -> Value {
    match name {
        "job" => service(name, json!({"serviceAccount": account(), "preDeploy": {"args": ["migrate"]}})),
        "scaled" => {
            let scaling = json!({"maxReplicas": 4, "targetCPUUtilizationPercentage": 50});
            let resources = json!({"requests": {"cpu": "100m"}});
            let spec = json!({"serviceAccount": account(), "resources": resources, "autoscaling": scaling});
            let mut scaled = service(name, spec);
            scaled["spec"].as_object_mut().unwrap().remove("replicas");
            scaled
        }
        _ => service(
            name,
            json!({
                "replicas": 2,
                "ports": [{"containerPort": 8080}],
                "metrics": {"port": "http"},
                "configFiles": [{"path": "/etc/a", "content": "a"}],
                "revisionHistoryLimit": 0,
                "accessPolicy": {},
                "routes": [
                    {"name": "r", "hostnames": ["a.example.com"], "ingressClassName": "x"},
                    {"name": "g", "hostnames": ["b.example.com"], "parentRefs": [{"name": "edge"}]}
                ],
                "cronJobs": [{"name": "c", "schedule": "@yearly", "args": ["c"]}]
            }),
        ),
    }
}

/// A GitSync, these services, one more, and one in a namespace that has to be made.
pub fn first(namespace: &str) -> Vec<(&'static str, Value)> {
    let mut elsewhere = service("c", json!({"replicas": 0}));
    elsewhere["metadata"]["namespace"] = json!(format!("{namespace}-new"));
    let team = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"name": "team"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true}
    });
    vec![
        ("team.yaml", team),
        ("a.yaml", full("a")),
        ("job.yaml", full("job")),
        ("scaled.yaml", full("scaled")),
        ("b.yaml", service("b", json!({"replicas": 0}))),
        ("c.yaml", elsewhere),
    ]
}

/// One service and the GitSync go, and of the others all children that they can do without. One has a port, so that a child
/// is made beside what goes.
pub fn second() -> Vec<(&'static str, Value)> {
    let bare = |name| service(name, json!({"replicas": 1, "serviceAccount": account(), "revisionHistoryLimit": 0}));
    let mut scaled = bare("scaled");
    scaled["spec"]["ports"] = json!([{"containerPort": 8080}]);
    vec![
        ("a.yaml", bare("a")),
        ("job.yaml", bare("job")),
        ("scaled.yaml", scaled),
        ("b.yaml", Value::Null),
        ("team.yaml", Value::Null),
    ]
}

/// Somebody else's object, as a child of that resource is to be called.
pub fn foreign(namespace: &str, resource: &str) -> Value {
    let of = |name: &&str| {
        let service = serde_json::from_value(full(name)).unwrap();
        workload::render(&service, &Surroundings::default()).into_iter().find(|child| child.kind.plural == resource)
    };
    let child = SERVICES.iter().find_map(of).unwrap_or_else(|| panic!("no service has {resource}"));
    let mut object = child.body;
    // Without labels a Job would get those of its pods, which are ours.
    object["metadata"] = json!({"namespace": namespace, "name": child.name, "labels": {"whose": "somebody"}});
    object
}

/// A Deployment as an earlier Gitmoor might have called it, which it does no longer.
pub fn former(owner: &Value) -> Value {
    let metadata = &owner["metadata"];
    let reference = json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"],
        "controller": true
    });
    let labels = json!({"app.kubernetes.io/managed-by": "gitmoor", "app.kubernetes.io/instance": metadata["name"]});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "namespace": metadata["namespace"], "name": "former", "labels": labels, "ownerReferences": [reference]
        },
        "spec": {"replicas": 0, "selector": {"matchLabels": {"former": "a"}}, "template": {
            "metadata": {"labels": {"former": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}
        }}
    })
}
