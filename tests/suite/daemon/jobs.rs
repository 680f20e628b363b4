//! Work that ends: the job before a rollout, and jobs by the clock.

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

fn migrating(image: &str, more: Value) -> Value {
    let mut spec = json!({"image": image, "preDeploy": {"args": ["migrate"], "backoffLimit": 0}});
    for (field, value) in more.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    service("a", spec)
}

fn is(service: &Value, kind: &str, status: &str, reason: &str) -> bool {
    let found = condition(service, kind);
    found["status"] == status && found["reason"] == reason
}

async fn image(scene: &Scene) -> Value {
    let deployment = scene.kube.get("Deployment", &scene.namespace, "a").await;
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[tokio::test]
async fn a_first_rollout_waits_for_its_job_which_runs_once() {
    // It takes some seconds.
    let files = [("a.yaml", migrating("example.com/a:slow", json!({})))];
    let Some(scene) = Scene::synced("migrate", json!({}), &files).await else { return };
    let running = |a: &Value| is(a, "PreDeployComplete", "False", "PreDeployRunning");
    let a = scene.service_that("a", "its job runs", running).await;
    assert!(is(&a, "Ready", "False", "PreDeployRunning"), "{:#}", a["status"]);
    let a = scene.ready("a").await;
    assert!(is(&a, "PreDeployComplete", "True", "PreDeploySucceeded"), "{:#}", a["status"]);
    let remembered = a["status"]["preDeploy"]["lastSucceededHash"].clone();
    assert!(remembered.is_string(), "{:#}", a["status"]);
    let jobs = scene.kube.list("Job", &scene.namespace).await;
    let [job] = jobs.as_slice() else { panic!("{jobs:#?}") };
    let deployment = scene.kube.get("Deployment", &scene.namespace, "a").await;
    let done = job["status"]["completionTime"].as_str().unwrap();
    assert!(deployment["metadata"]["creationTimestamp"].as_str().unwrap() >= done, "the Deployment came after {done}");

    // Neither that it is gone nor a change of something else starts it again.
    scene.kube.kubectl(&["delete", "jobs", "--all", "-n", &scene.namespace]).await;
    scene.push(&[("a.yaml", migrating("example.com/a:slow", json!({"replicas": 2})))]).await;
    scene.object_that("Deployment", "a", "it is scaled", |live| live["spec"]["replicas"] == 2).await;
    let a = scene.ready("a").await;
    assert_eq!(a["status"]["preDeploy"]["lastSucceededHash"], remembered);
    assert_eq!(scene.kube.names("Job", &scene.namespace).await, Vec::<String>::new());
    assert_eq!(scene.drift_lines("workload", "Job", job["metadata"]["name"].as_str().unwrap()), Vec::<Value>::new());

    scene.push(&[("a.yaml", migrating("example.com/a:2", json!({"replicas": 2})))]).await;
    eventually("the next version runs it", async || {
        let names = scene.kube.names("Job", &scene.namespace).await;
        holds(names.len() == 1 && names[0] != job["metadata"]["name"].as_str().unwrap(), names)
    })
    .await;
    let a = scene.ready("a").await;
    assert_ne!(a["status"]["preDeploy"]["lastSucceededHash"], remembered);
    assert_eq!(image(&scene).await, "example.com/a:2");
}

#[tokio::test]
async fn a_job_that_fails_stops_the_rollout_while_the_version_before_serves() {
    let files = [("a.yaml", migrating("example.com/a:1", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(scene) = Scene::synced("failing", json!({}), &files).await else { return };
    scene.ready("a").await;
    scene.push(&[("a.yaml", migrating("example.com/a:crash", json!({})))]).await;
    let failed = |a: &Value| is(a, "PreDeployComplete", "False", "PreDeployFailed");
    let a = scene.service_that("a", "its job failed", failed).await;
    assert!(is(&a, "Ready", "False", "PreDeployFailed") && is(&a, "Stalled", "True", "PreDeployFailed"), "{a:#}");
    assert_eq!(condition(&a, "Available")["status"], "True");
    assert_eq!(image(&scene).await, "example.com/a:1");
    scene.event("MicroService", "a", "PreDeployFailed", "the version before goes on").await;
    // Whoever deletes it asks for another try.
    let before = scene.kube.list("Job", &scene.namespace).await;
    scene.kube.kubectl(&["delete", "jobs", "--all", "-n", &scene.namespace]).await;
    eventually("it is tried again", async || {
        let jobs = scene.kube.list("Job", &scene.namespace).await;
        let other = jobs.first().is_some_and(|job| job["metadata"]["uid"] != before.last().unwrap()["metadata"]["uid"]);
        holds(other, jobs)
    })
    .await;
    scene.ready("b").await;
    // Back to what succeeded is a commit, too; then on to what mends it.
    scene.push(&[("a.yaml", migrating("example.com/a:1", json!({})))]).await;
    scene.ready("a").await;
    scene.push(&[("a.yaml", migrating("example.com/a:2", json!({})))]).await;
    scene
        .object_that("Deployment", "a", "it is rolled out", |live| {
            live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/a:2"
        })
        .await;
    scene.ready("a").await;
    assert_eq!(scene.kube.names("Job", &scene.namespace).await.len(), 1, "those before are gone");
}

#[tokio::test]
async fn another_change_supersedes_a_job_that_runs() {
    let files = [("a.yaml", migrating("example.com/a:1", json!({})))];
    let Some(scene) = Scene::synced("supersede", json!({}), &files).await else { return };
    scene.ready("a").await;
    // Its pod runs on for ever.
    scene.push(&[("a.yaml", migrating("example.com/a:unready", json!({})))]).await;
    let running = |a: &Value| is(a, "Ready", "False", "PreDeployRunning");
    scene.service_that("a", "its job runs", running).await;
    eventually("the job's pod runs", async || {
        let pods = scene.kube.list("Pod", &scene.namespace).await;
        let runs = |pod: &Value| {
            pod["spec"]["containers"][0]["image"] == "example.com/a:unready" && pod["status"]["phase"] == "Running"
        };
        holds(pods.iter().any(runs), pods.len())
    })
    .await;
    scene.push(&[("a.yaml", migrating("example.com/a:2", json!({})))]).await;
    scene
        .object_that("Deployment", "a", "it is rolled out", |live| {
            live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/a:2"
        })
        .await;
    scene.ready("a").await;
    let pods = scene.kube.list("Pod", &scene.namespace).await;
    let old = pods.iter().filter(|pod| pod["spec"]["containers"][0]["image"] == "example.com/a:unready");
    assert_eq!(old.count(), 0, "the job before had ended when the next one began");
}

#[tokio::test]
async fn a_cron_job_is_made_changed_run_and_removed() {
    let with = |schedule: &str| {
        let jobs = json!([{"name": "purge", "schedule": schedule, "timeZone": "Etc/UTC", "args": ["purge"]}]);
        service("a", json!({"ports": [{"containerPort": 8080}], "cronJobs": jobs}))
    };
    let Some(scene) = Scene::synced("cron", json!({}), &[("a.yaml", with("0 3 1 1 *"))]).await else { return };
    scene.ready("a").await;
    scene.kube.kubectl(&["create", "job", "now", "--from=cronjob/a-purge", "-n", &scene.namespace]).await;
    let done = |job: &Value| condition(job, "Complete")["status"] == "True";
    scene.object_that("Job", "now", "it is done", done).await;
    let a = scene.ready("a").await;
    assert_eq!(a["status"]["replicasSummary"], "1/1", "its pod is no replica");
    scene.push(&[("a.yaml", with("0 4 1 1 *"))]).await;
    scene
        .object_that("CronJob", "a-purge", "its schedule is changed", |live| live["spec"]["schedule"] == "0 4 1 1 *")
        .await;
    assert_eq!(scene.drift_lines("workload", "CronJob", "a-purge"), Vec::<Value>::new());
    scene.push(&[("a.yaml", service("a", json!({})))]).await;
    eventually("it is gone", async || {
        let left = scene.kube.names("CronJob", &scene.namespace).await;
        holds(left.is_empty(), left)
    })
    .await;
    scene.ready("a").await;
}
