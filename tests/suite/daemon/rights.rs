//! A right that is missing is named where a person looks, with what to do about it. Each right of deploy/access.yaml is
//! taken away alone, or with those that the same play shows.

mod table;

use gitmoor::workload;
use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::files::documents;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, eventually, holds, http};
use table::Play::{Announced, Elect, Foreign, Later, Left, New, Restored, Standby, Start};
use table::{KEEPS_OTHERS, Play, RIGHTS, UNSEEN};

/// What a message must tell to do.
const ADVICE: &str =
    "grant it by RBAC (all that Gitmoor itself needs: kubectl apply --server-side -f deploy/access.yaml)";
const ACCOUNT: &str = "--as=system:serviceaccount:gitmoor-system:gitmoor";

#[tokio::test]
async fn each_right_that_is_missing_is_named_with_what_to_do_about_it() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    // It has listed what it watches before the first right goes.
    daemon.is_ready().await;
    for (verb, resources, play) in together() {
        let Some(mut scene) = alone.scene(&daemon, "right").await else { return };
        (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
        prepare(&scene, play, &resources).await;
        let leader = matches!(play, Standby).then(|| alone.spawn(&["--leader-elect"]));
        if let Some(leader) = &leader {
            leader.log.message("leading").await;
        }
        take(&alone.kube, verb, &resources).await;
        let other = match play {
            Start => Some(alone.spawn(&[])),
            Elect | Standby => Some(alone.spawn(&["--leader-elect"])),
            _ => None,
        };
        act(&scene, play, &daemon).await;
        let log = other.as_ref().map_or(&daemon.log, |other| &other.log);
        for resource in resources {
            let wanted = format!("cannot {verb} resource \"{resource}\"");
            let told = eventually(&format!("it is told that Gitmoor {wanted}"), async || {
                let told = said(&scene, log).await;
                told.iter().find(|text| text.contains(&wanted)).cloned().ok_or_else(|| told.join("\n"))
            })
            .await;
            assert!(told.contains(ADVICE), "what to do is said, too: {told}");
        }
        drop((other, leader));
        give_back(&alone.kube).await;
        if !matches!(play, Start | Elect | Standby | Left) {
            scene.kube.delete("GitSync", OPERATOR, &scene.sync).await;
        }
    }
}

/// The rights, with those together that one play shows: rights to children of one verb, as one child that fails keeps
/// none of the others from being tried.
fn together() -> Vec<(&'static str, Vec<&'static str>, Play)> {
    let mut all: Vec<(&str, Vec<&str>, Play)> = Vec::new();
    for (verb, resource, play) in RIGHTS {
        let goes_with = |resource: &str| {
            let ours = ["gitsyncs", "microservices", "events", "namespaces", "secrets", "leases"];
            !ours.contains(&resource.split('/').next().unwrap()) && !KEEPS_OTHERS.contains(&(verb, resource))
        };
        let same = |one: &&mut (&str, Vec<&str>, Play)| {
            one.0 == verb && one.2 == play && one.1.iter().all(|resource| goes_with(resource))
        };
        match all.iter_mut().find(same).filter(|_| goes_with(resource)) {
            Some((_, resources, _)) => resources.push(resource),
            None => all.push((verb, vec![resource], play)),
        }
    }
    all
}

#[test]
fn every_right_is_shown_or_says_why_it_cannot_be() {
    let known = |verb: &str, resource: &str| {
        RIGHTS.iter().any(|right| (right.0, right.1) == (verb, resource))
            || UNSEEN.iter().any(|right| (right.0, right.1) == (verb, resource))
    };
    let granted: Vec<_> = roles().iter().flat_map(rights).collect();
    for (resource, verb) in &granted {
        assert!(known(verb, resource), "deploy/access.yaml lets Gitmoor {verb} {resource}: show what happens without");
    }
    for (verb, resource, _) in UNSEEN {
        let is_granted = granted.iter().any(|right| (&*right.0, &*right.1) == (resource, verb));
        assert!(is_granted, "deploy/access.yaml does not let Gitmoor {verb} {resource} any more");
    }
}

/// What must be there before the right is taken away.
async fn prepare(scene: &Scene, play: Play, resources: &[&str]) {
    match play {
        Start if resources == ["secrets"] => {
            // As it is installed: whoever starts next makes a key.
            scene.kube.merge("suite", "Secret", OPERATOR, "gitmoor-redaction", json!({"data": null})).await;
        }
        Start | New => {}
        Elect | Standby => {
            // Who led before is gone and may have been unable to say so.
            scene.kube.kubectl(&["delete", "leases", "--all", "-n", OPERATOR, "--ignore-not-found"]).await;
        }
        Foreign => {
            for resource in resources {
                scene.kube.create(&foreign(scene, resource)).await;
            }
        }
        Restored | Later | Announced | Left => {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": OPERATOR, "name": scene.sync},
                "stringData": {"token": secret!("token")}
            });
            scene.kube.create(&secret).await;
            let commit = scene.commit(&files(scene));
            create(scene).await;
            scene.applied(&commit).await;
            scene.ready("a").await;
        }
    }
}

/// Somebody else's object, of a name that a child is to have.
fn foreign(scene: &Scene, resource: &str) -> Value {
    let (kind, version, spec) = match resource {
        "deployments" => (
            "Deployment",
            "apps/v1",
            json!({"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}
            }}),
        ),
        "services" => ("Service", "v1", json!({"ports": [{"port": 1}]})),
        "poddisruptionbudgets" => ("PodDisruptionBudget", "policy/v1", json!({"minAvailable": 1})),
        "horizontalpodautoscalers" => (
            "HorizontalPodAutoscaler",
            "autoscaling/v2",
            json!({"maxReplicas": 1, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "b"}}),
        ),
        "configmaps" => ("ConfigMap", "v1", Value::Null),
        _ => ("ServiceAccount", "v1", Value::Null),
    };
    let name = if resource == "configmaps" { config_map() } else { "a".to_owned() };
    let mut object = json!({
        "apiVersion": version, "kind": kind, "metadata": {"namespace": scene.namespace, "name": name}, "spec": spec
    });
    if spec.is_null() {
        object.as_object_mut().unwrap().remove("spec");
    }
    object
}

/// What needs the right.
async fn act(scene: &Scene, play: Play, daemon: &Daemon) {
    match play {
        Start | Elect | Standby => {}
        New | Foreign => {
            scene.commit(&files(scene));
            create(scene).await;
        }
        Restored => scene.kube.delete("Deployment", &scene.namespace, "a").await,
        Later => {
            // One goes, and of the other all children that it can do without.
            let account = json!({"create": false, "name": "default"});
            let bare = service("a", json!({"replicas": 1, "serviceAccount": account, "revisionHistoryLimit": 0}));
            scene.commit(&[("a.yaml", bare), ("b.yaml", Value::Null), ("team.yaml", Value::Null)]);
            scene.request().await;
        }
        Left => scene.kube.delete("GitSync", OPERATOR, &scene.sync).await,
        Announced => {
            let url = format!("{}/hooks/{OPERATOR}/{}", daemon.hooks, scene.sync);
            let signature = format!("sha256={}", "0".repeat(64));
            let push = http::client().post(url).header("X-Hub-Signature-256", signature).body("{}");
            assert_eq!(push.send().await.unwrap().status().as_u16(), 403);
        }
    }
}

/// A service with a child of every kind of Kubernetes.
fn full() -> Value {
    let mut full = service(
        "a",
        json!({
            "ports": [{"containerPort": 8080}],
            "resources": {"requests": {"cpu": "100m"}},
            "autoscaling": {"maxReplicas": 4, "targetCPUUtilizationPercentage": 50},
            "configFiles": [{"path": "/etc/a", "content": "a"}],
            "revisionHistoryLimit": 0,
            "accessPolicy": {},
            "preDeploy": {"args": ["migrate"]},
            "routes": [{"name": "r", "hostnames": ["a.example.com"], "ingressClassName": "x"}],
            "cronJobs": [{"name": "c", "schedule": "@yearly", "args": ["c"]}]
        }),
    );
    full["spec"].as_object_mut().unwrap().remove("replicas");
    full
}

/// Name of its ConfigMap.
fn config_map() -> String {
    let service = serde_json::from_value(full()).unwrap();
    let children = workload::render(&service, &workload::Surroundings::default());
    children.into_iter().find(|child| child.kind.kind == "ConfigMap").unwrap().name
}

/// A GitSync, two services, and one in a namespace that has to be made.
fn files(scene: &Scene) -> Vec<(&'static str, Value)> {
    let mut elsewhere = service("c", json!({"replicas": 0}));
    elsewhere["metadata"]["namespace"] = json!(format!("{}-new", scene.namespace));
    let team = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"name": "team"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true}
    });
    vec![
        ("team.yaml", team),
        ("a.yaml", full()),
        ("b.yaml", service("b", json!({"replicas": 0}))),
        ("c.yaml", elsewhere),
    ]
}

async fn create(scene: &Scene) {
    let spec = json!({
        "targetNamespace": scene.namespace, "allowedNamespaces": ["*"], "createNamespaces": true,
        "deletionPolicy": "Delete", "prune": {"budget": "100%"}, "webhook": {"secretRef": {"name": scene.sync}}
    });
    scene.create_sync(spec).await;
}

/// Everything that a person can read of it.
async fn said(scene: &Scene, log: &crate::support::log::Log) -> Vec<String> {
    let mut told = log.lines(|_| true);
    told.extend(scene.kube.find("GitSync", &scene.home, &scene.sync).await);
    told.extend(scene.kube.list("MicroService", &scene.namespace).await);
    told.iter().map(|value| value.to_string().replace("\\\"", "\"")).collect()
}

/// Gitmoor's own roles.
fn roles() -> Vec<Value> {
    let mut all = documents(&root().join("deploy/access.yaml"));
    // Those of people; and two that have words of their own: see tenancy, and restarts.
    let others = ["gitmoor-view", "gitmoor-operate", "gitmoor-admin", "gitmoor-impersonation", "gitmoor-restarts"];
    all.retain(|one| {
        let role = one["kind"] == "ClusterRole" || one["kind"] == "Role";
        role && !others.iter().any(|name| one["metadata"]["name"] == *name)
    });
    assert!(all.len() >= 2, "Gitmoor has a ClusterRole and a Role: {all:#?}");
    all
}

/// Resource and verb of each right of a role.
fn rights(role: &Value) -> Vec<(String, String)> {
    let texts = |value: &Value| {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let rules = role["rules"].as_array().unwrap().iter();
    rules
        .flat_map(|rule| {
            let verbs = texts(&rule["verbs"]);
            let pairs = texts(&rule["resources"]).into_iter();
            pairs.flat_map(move |resource| verbs.clone().into_iter().map(move |verb| (resource.clone(), verb)))
        })
        .collect()
}

/// Takes rights away, and waits until they are gone.
async fn take(kube: &Kube, verb: &str, resources: &[&str]) {
    let mut taken = 0;
    for mut role in roles() {
        let mut less = Vec::new();
        for rule in role["rules"].as_array().unwrap() {
            for one in rule["resources"].as_array().unwrap() {
                let mut rule = rule.clone();
                rule["resources"] = json!([one]);
                let verbs = rule["verbs"].as_array_mut().unwrap();
                let before = verbs.len();
                verbs.retain(|known| known != verb || !resources.iter().any(|resource| one == resource));
                taken += before - verbs.len();
                if !verbs.is_empty() {
                    less.push(rule);
                }
            }
        }
        role["rules"] = json!(less);
        kube.apply("kubectl", &role).await.unwrap();
    }
    assert_eq!(taken, resources.len(), "the right to {verb} {resources:?} is given once");
    for resource in resources {
        may(kube, verb, resource, false).await;
    }
}

async fn give_back(kube: &Kube) {
    for role in roles() {
        kube.apply("kubectl", &role).await.unwrap();
    }
    may(kube, "list", "gitsyncs", true).await;
}

async fn may(kube: &Kube, verb: &str, resource: &str, expected: bool) {
    // Where a right is to one object, its name is part of it.
    let named = match (verb, resource) {
        ("patch", "secrets") => Some("secrets/gitmoor-redaction"),
        (verb, "leases") if verb != "create" => Some("leases/gitmoor"),
        (_, "mutatingadmissionpolicies") => Some("mutatingadmissionpolicies/gitmoor-attribution"),
        (_, "mutatingadmissionpolicybindings") => Some("mutatingadmissionpolicybindings/gitmoor-attribution"),
        _ => None,
    };
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let resource = match resource {
        "customresourcedefinitions" => "customresourcedefinitions/servicemonitors.monitoring.coreos.com",
        other => named.unwrap_or(other),
    };
    let subresource = format!("--subresource={subresource}");
    let question = ["auth", "can-i", ACCOUNT, verb, resource, &subresource, "-n", OPERATOR];
    eventually("RBAC has heard of it", async || {
        let output = kube.try_kubectl(&question, None).await;
        let answer = String::from_utf8_lossy(&output.stdout).trim() == "yes";
        holds(answer == expected, output)
    })
    .await;
}
