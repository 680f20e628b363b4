//! What Gitmoor says of a service is what other tools conclude: kstatus at every step, and kubectl.

use serde_json::{Value, json};

use crate::support::chronicle::{Chronicle, Happened};
use crate::support::kstatus::{self, Verdict};
use crate::support::kube::{condition, text};
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Ready, by the one condition and for the spec as it is: what `kubectl wait` waits for.
fn is_ready(service: &Value) -> bool {
    let ready = condition(service, "Ready");
    ready["status"] == "True" && ready["observedGeneration"] == service["metadata"]["generation"]
}

/// What happened to both, in the order in which the API server wrote it down: both are in one store.
fn together(services: &Chronicle, deployments: &Chronicle) -> Vec<Happened> {
    let version = |one: &Happened| text(&one.object["metadata"]["resourceVersion"]).parse::<u64>().unwrap();
    let mut all: Vec<_> = services.all().into_iter().chain(deployments.all()).collect();
    all.retain(|one| one.name() == "a");
    all.sort_by_key(version);
    all
}

/// The verdicts of kstatus on the service, as they follow each other, after checking that we never disagree.
fn verdicts(happened: &[Happened]) -> Vec<Verdict> {
    let (mut service, mut deployment) = (Value::Null, Value::Null);
    let mut verdicts = Vec::new();
    for one in happened {
        let object = if one.what == "deleted" { Value::Null } else { one.object.clone() };
        if one.object["kind"] == "Deployment" {
            deployment = object;
        } else {
            service = object;
        }
        if service.is_null() {
            continue;
        }
        let verdict = kstatus::generic(&service);
        let both = ["Reconciling", "Stalled"].iter().all(|kind| !condition(&service, kind).is_null());
        assert!(!both, "it either goes on or waits for a person: {service:#}");
        if verdict == Verdict::Terminating {
            continue;
        }
        assert_eq!(is_ready(&service), verdict == Verdict::Current, "{verdict:?}: {service:#}");
        if verdict == Verdict::Current {
            let of_child = kstatus::deployment(&deployment);
            assert_eq!(of_child, Verdict::Current, "the service is ready: {:#}\n{deployment:#}", service["status"]);
        }
        if verdicts.last() != Some(&verdict) {
            verdicts.push(verdict);
        }
    }
    verdicts
}

#[tokio::test]
async fn kstatus_and_kubectl_agree_at_every_step_of_a_services_life() {
    let version = |tag: &str, more: Value| {
        let mut spec = json!({
            "image": format!("example.com/a:{tag}"), "replicas": 2,
            "ports": [{"containerPort": 8080}]
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        service("a", spec)
    };
    let Some(scene) = Scene::new("agree").await else { return };
    let space = scene.namespace.as_str();
    let services = Chronicle::begin(&scene.kube, "MicroService", space).await;
    let deployments = Chronicle::begin(&scene.kube, "Deployment", space).await;
    let commit = scene.commit(&[("a.yaml", version("1", json!({}))), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let agrees = async || {
        scene.kube.kubectl(&["wait", "-n", space, "ms/a", "--for=condition=Ready", "--timeout=60s"]).await;
        let said = scene.kube.kubectl(&["rollout", "status", "-n", space, "deployment/a", "--timeout=10s"]).await;
        assert!(said.contains("successfully rolled out"), "{said}");
    };
    agrees().await;
    scene.push(&[("a.yaml", version("2", json!({})))]).await;
    agrees().await;

    scene.push(&[("a.yaml", version("does-not-exist", json!({"progressDeadlineSeconds": 2})))]).await;
    let failed = |a: &Value| condition(a, "Stalled")["reason"] == "ProgressDeadlineExceeded";
    scene.service_that("a", "its rollout failed", failed).await;
    let said = scene.kube.try_kubectl(&["rollout", "status", "-n", space, "deployment/a"], None).await;
    let said = (said.status.success(), String::from_utf8_lossy(&said.stderr).into_owned());
    assert!(!said.0 && said.1.contains("exceeded its progress deadline"), "{said:?}");
    let wait = ["wait", "-n", space, "ms/a", "--for=condition=Ready", "--timeout=1s"];
    assert!(!scene.kube.try_kubectl(&wait, None).await.status.success());
    scene.push(&[("a.yaml", version("3", json!({})))]).await;
    agrees().await;

    scene.push(&[("a.yaml", version("3", json!({"suspend": true})))]).await;
    scene.service_that("a", "it is suspended", |a| condition(a, "Ready")["reason"] == "Suspended").await;
    agrees().await;
    scene.push(&[("a.yaml", version("3", json!({"replicas": 3})))]).await;
    agrees().await;

    scene.push(&[("a.yaml", Value::Null)]).await;
    scene.kube.kubectl(&["wait", "-n", space, "deployment/a", "--for=delete", "--timeout=60s"]).await;
    eventually("both are seen to go", async || {
        let gone = [&services, &deployments].map(|all| all.all().iter().filter(|one| one.what == "deleted").count());
        holds(gone == [1, 1], gone)
    })
    .await;
    let seen = verdicts(&together(&services, &deployments));
    let failures = seen.iter().filter(|verdict| **verdict == Verdict::Failed).count();
    let (first, last) = (seen.first(), seen.last());
    assert_eq!((first, failures, last), (Some(&Verdict::InProgress), 1, Some(&Verdict::Current)), "{seen:?}");
    // Created, three rollouts of which one failed, suspended and scaled: it was never current all the while.
    assert!(seen.iter().filter(|verdict| **verdict == Verdict::Current).count() >= 4, "{seen:?}");
}

#[tokio::test]
async fn the_table_of_kubectl_says_what_is_and_why() {
    let files = [
        ("apps/good.yaml", service("good", json!({"replicas": 2}))),
        ("apps/bad.yaml", service("bad", json!({"image": "example.com/bad:does-not-exist"}))),
    ];
    let Some(scene) = Scene::synced("table", json!({}), &files).await else { return };
    scene.ready("good").await;
    let pulls = |bad: &Value| condition(bad, "Ready")["reason"] == "ImagePullFailed";
    scene.service_that("bad", "it cannot pull", pulls).await;
    let get = async |more: &[&str]| {
        let arguments = [&["get", "ms", "-n", scene.namespace.as_str()], more].concat();
        let table = scene.kube.kubectl(&arguments).await;
        table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let rows = get(&[]).await;
    assert_eq!(rows[0], ["NAME", "READY", "REASON", "REPLICAS", "IMAGE", "URL", "DRIFT", "AGE"]);
    // What is empty (the URL) is not there at all.
    assert_eq!(rows[1][..6], ["bad", "False", "ImagePullFailed", "0/1", "example.com/bad:does-not-exist", "False"]);
    assert_eq!(rows[2][..6], ["good", "True", "Ready", "2/2", "example.com/good:1", "False"]);
    let wide = get(&["-o", "wide"]).await;
    assert_eq!(wide[0][8..], ["REVISION", "FILE"]);
    let revision = format!("main@sha1:{}", scene.repository.git(&["rev-parse", "HEAD"]));
    for (row, file) in [(1, "apps/bad.yaml"), (2, "apps/good.yaml")] {
        assert_eq!(wide[row][wide[row].len() - 2..], [revision.clone(), file.to_owned()]);
    }
}
