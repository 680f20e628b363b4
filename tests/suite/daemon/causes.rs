//! What keeps a new version from serving: told in the pods' own words, in the middle of a rollout, everywhere where a
//! person may look; and over as soon as it is over.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::gitmoor_on;
use crate::support::kube::condition;
use crate::support::kubelet::played;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// From what a kubelet reports until status says it.
const SOON: Duration = Duration::from_secs(5);

/// The service `a` is not ready for this reason, with these words, in status, Events, the log and the CLI.
pub async fn is_told(scene: &Scene, reason: &str, words: &[&str]) -> Value {
    let says = |text: &Value| words.iter().all(|word| text.as_str().is_some_and(|text| text.contains(word)));
    let a = scene
        .service_that("a", reason, |a| {
            let ready = condition(a, "Ready");
            ready["status"] == "False" && ready["reason"] == reason && says(&ready["message"])
        })
        .await;
    let progress = ["Reconciling", "Stalled"].map(|kind| condition(&a, kind));
    assert!(progress.iter().any(|one| one["status"] == "True" && one["reason"] == reason), "{:#}", a["status"]);
    let event = scene.event("MicroService", "a", reason, words[0]).await;
    assert_eq!(event["type"], "Warning", "{event:#}");
    is_logged(scene, "service is not ready", reason, words[0]).await;
    assert!(gitmoor::model::codes::code_of(reason).is_some(), "{reason} has no code");
    is_printed(scene, 1, reason, words).await;
    a
}

/// One line of the log, as a warning.
pub async fn is_logged(scene: &Scene, message: &str, reason: &str, words: &str) {
    let service = format!("{}/a", scene.namespace);
    let about = |line: &Value| line["message"] == message && line["service"] == *service && line["reason"] == reason;
    let line = scene.log.line(&format!("{message}: {reason}"), about).await;
    assert!(line["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{line:#}");
    assert_eq!((&line["level"], line["code"].is_string()), (&json!("WARN"), true), "{line:#}");
    assert_eq!(scene.log.lines(about).len(), 1, "told once");
}

/// `gitmoor status` and `gitmoor tree` say it. The tree has the words where they say why it is not ready.
pub async fn is_printed(scene: &Scene, exit: i32, reason: &str, words: &[&str]) {
    let name = format!("{}/main", scene.namespace);
    for command in ["status", "tree"] {
        let ran = gitmoor_on(scene.kube.plane, &[command, &name]).await.exits(exit);
        assert!(ran.out.contains(reason), "{reason} in gitmoor {command}:\n{}", ran.out);
        let told = command == "tree" && exit == 0 || words.iter().all(|word| ran.out.contains(word));
        assert!(told, "{words:?} in gitmoor {command}:\n{}", ran.out);
    }
}

/// It is ready, nothing is left of what was wrong, and an Event says so.
pub async fn heals(scene: &Scene) -> Value {
    let a = scene.ready("a").await;
    for kind in ["Reconciling", "Stalled"] {
        assert_eq!(condition(&a, kind), Value::Null, "{:#}", a["status"]);
    }
    scene.event("MicroService", "a", "Ready", "replicas are ready").await;
    let service = format!("{}/a", scene.namespace);
    eventually("the log says so", async || {
        let turns = scene
            .log
            .lines(|line| line["service"] == *service && line["message"].to_string().starts_with("\"service is "));
        let last = turns.last().cloned().unwrap_or_default();
        holds(last["message"] == "service is ready", &last)
    })
    .await;
    a
}

/// A service whose second version is being rolled out, with the one pod of it; the first version serves.
async fn rolling(topic: &str, spec: Value) -> Option<(Scene, Value)> {
    let scene = Scene::synced(topic, json!({}), &[("a.yaml", played("a", spec.clone()))]).await?;
    scene.report(&scene.pod("example.com/a:1").await, &json!({})).await;
    scene.ready("a").await;
    let mut spec = spec;
    spec["image"] = json!("example.com/a:2");
    scene.push(&[("a.yaml", played("a", spec))]).await;
    let pod = scene.pod("example.com/a:2").await;
    Some((scene, pod))
}

/// What a kubelet reports of the new version's containers is told, while the old version serves; then it serves, too.
async fn check(topic: &str, spec: Value, states: Value, reason: &str, words: &[&str]) {
    let Some((scene, pod)) = rolling(topic, spec).await else { return };
    let reported = Instant::now();
    scene.report(&pod, &states).await;
    scene.service_that("a", reason, |a| condition(a, "Ready")["reason"] == reason).await;
    assert!(reported.elapsed() < SOON, "told after {:?}", reported.elapsed());
    let a = is_told(&scene, reason, words).await;
    assert_eq!(condition(&a, "Available")["status"], "True", "the old version serves: {:#}", a["status"]);
    assert_eq!(a["status"]["image"]["running"], "example.com/a:1");
    scene.report(&pod, &json!({})).await;
    let a = heals(&scene).await;
    assert_eq!(a["status"]["image"]["running"], "example.com/a:2");
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"state": {"waiting": {"reason": reason, "message": message}}})
}

/// A container in the back-off after it ended so.
fn ended(code: u32, reason: &str, restarts: u32) -> Value {
    let mut state = waiting("CrashLoopBackOff", "back-off 40s restarting failed container");
    state["restartCount"] = json!(restarts);
    state["lastState"] = json!({"terminated": {"exitCode": code, "reason": reason}});
    state
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled() {
    let error = "failed to pull and unpack image \"example.com/a:2\": not found";
    check("pull", json!({}), json!({"a": waiting("ErrImagePull", error)}), "ImagePullFailed", &[error]).await;
}

#[tokio::test]
async fn a_crash_loop_with_its_exit_code_and_where_its_log_is() {
    let words = ["exited with code 3, 4 restarts so far", "kubectl logs -n crash-", "-c a --previous"];
    check("crash", json!({}), json!({"a": ended(3, "Error", 4)}), "CrashLoopBackOff", &words).await;
}

#[tokio::test]
async fn a_container_that_needs_more_memory_than_it_may_have() {
    let words = ["exited with code 137 (OOMKilled), 2 restarts so far", "more memory"];
    check("memory", json!({}), json!({"a": ended(137, "OOMKilled", 2)}), "OOMKilled", &words).await;
}

#[tokio::test]
async fn a_secret_that_is_missing() {
    let states = json!({"a": waiting("CreateContainerConfigError", "secret \"a-db\" not found")});
    check("config", json!({}), states, "CreateContainerConfigError", &["secret \"a-db\" not found"]).await;
}

#[tokio::test]
async fn an_image_that_runs_as_root_where_that_is_forbidden() {
    let words = "container has runAsNonRoot and image will run as root";
    let states = json!({"a": waiting("CreateContainerConfigError", words)});
    check("root", json!({}), states, "CreateContainerConfigError", &[words, "securityProfile: Baseline"]).await;
}

#[tokio::test]
async fn an_init_container_that_fails() {
    let spec = json!({"initContainers": [{"name": "prepare", "image": "example.com/prepare:1"}]});
    let states = json!({"prepare": ended(2, "Error", 1), "a": waiting("PodInitializing", "")});
    check("init", spec, states, "CrashLoopBackOff", &["init container prepare of pod a-", "exited with code 2"]).await;
}

#[tokio::test]
async fn a_sidecar_that_fails() {
    let spec = json!({"sidecars": [{"name": "proxy", "image": "example.com/proxy:1"}]});
    let states = json!({"proxy": ended(0, "Completed", 1), "a": waiting("PodInitializing", "")});
    check("sidecar", spec, states, "CrashLoopBackOff", &["sidecar proxy of pod a-", "exited with code 0"]).await;
}

#[tokio::test]
async fn a_probe_that_fails_once_it_has_had_its_time() {
    let probe = json!({"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1});
    let spec = json!({"ports": [{"containerPort": 8080}], "readinessProbe": probe});
    let Some((scene, pod)) = rolling("probe", spec).await else { return };
    // It has just started: nothing is wrong yet, and nobody reports anything new until something is.
    let started = json!({"running": {"startedAt": jiff::Timestamp::now()}});
    scene.report(&pod, &json!({"a": {"state": started}})).await;
    let words = ["runs, but its readiness probe does not succeed", "kubectl describe pod -n probe-"];
    is_told(&scene, "NotReady", &words).await;
    scene.report(&pod, &json!({})).await;
    heals(&scene).await;
}

#[tokio::test]
async fn a_pod_that_its_node_evicts() {
    let Some((scene, pod)) = rolling("evicted", json!({})).await else { return };
    scene.lose(&pod, "Evicted", "The node was low on resource: memory.").await;
    is_told(&scene, "Evicted", &["was evicted by its node: The node was low on resource: memory."]).await;
    scene.report(&scene.pod("example.com/a:2").await, &json!({})).await;
    heals(&scene).await;
}

#[tokio::test]
async fn a_rollout_that_misses_its_deadline() {
    let Some((scene, pod)) = rolling("stuck", json!({})).await else { return };
    let short = json!({"image": "example.com/a:2", "progressDeadlineSeconds": 1});
    scene.push(&[("a.yaml", played("a", short))]).await;
    scene.report(&pod, &json!({"a": waiting("ErrImagePull", "no such image")})).await;
    let words = ["did not get on before its deadline", "no such image"];
    let a = is_told(&scene, "ProgressDeadlineExceeded", &words).await;
    assert_eq!(condition(&a, "Stalled")["status"], "True", "{:#}", a["status"]);
    assert_eq!(condition(&a, "Available")["status"], "True", "{:#}", a["status"]);
    scene.report(&pod, &json!({})).await;
    heals(&scene).await;
}

#[tokio::test]
async fn a_job_before_the_rollout_that_cannot_begin() {
    let version =
        |tag: &str| service("a", json!({"image": format!("example.com/a:{tag}"), "preDeploy": {"args": ["x"]}}));
    let Some(scene) = Scene::synced("job", json!({}), &[("a.yaml", version("1"))]).await else { return };
    scene.ready("a").await;
    scene.push(&[("a.yaml", version("does-not-exist"))]).await;
    let a = is_told(&scene, "ImagePullFailed", &["Job a-pre-deploy-", "example.com/a:does-not-exist"]).await;
    assert_eq!(condition(&a, "PreDeployComplete")["reason"], "ImagePullFailed", "{:#}", a["status"]);
    assert_eq!(condition(&a, "Available")["status"], "True", "the old version serves: {:#}", a["status"]);
    scene.push(&[("a.yaml", version("2"))]).await;
    heals(&scene).await;
}

#[tokio::test]
async fn no_node_that_will_do() {
    let Some(scene) = Scene::synced("nodes", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    let label = format!("suite/{}", scene.namespace);
    let picky = service("a", json!({"image": "example.com/a:2", "nodeSelector": {&label: "here"}}));
    scene.push(&[("a.yaml", picky)]).await;
    let a =
        is_told(&scene, "Unschedulable", &["nodes are available", "didn't match Pod's node affinity/selector"]).await;
    assert_eq!(condition(&a, "Available")["status"], "True", "the old version serves: {:#}", a["status"]);
    let nodes = scene.kube.kubectl(&["get", "nodes", "-o", "name"]).await;
    scene.kube.kubectl(&["label", nodes.lines().next().unwrap(), &format!("{label}=here")]).await;
    heals(&scene).await;
}

#[tokio::test]
async fn an_autoscaler_without_metrics_is_told_although_the_service_is_ready() {
    let spec = json!({
        "resources": {"requests": {"cpu": "100m"}},
        "autoscaling": {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    });
    let mut manifest = service("a", spec);
    manifest["spec"].as_object_mut().unwrap().remove("replicas");
    let Some(scene) = Scene::synced("metrics", json!({}), &[("a.yaml", manifest)]).await else { return };
    let inactive = |a: &Value| condition(a, "ScalingActive")["reason"] == "AutoscalerInactive";
    let a = scene.service_that("a", "it has no metrics", inactive).await;
    let words = "unable to get metrics for resource cpu";
    assert!(condition(&a, "ScalingActive")["message"].as_str().unwrap().contains(words), "{:#}", a["status"]);
    scene.ready("a").await;
    assert_eq!(scene.event("MicroService", "a", "AutoscalerInactive", words).await["type"], "Warning");
    is_logged(&scene, "service is not as it should be", "AutoscalerInactive", words).await;
    is_printed(&scene, 0, "AutoscalerInactive", &[words]).await;
    // As if there were metrics, until the autoscaler looks again.
    let now = jiff::Timestamp::now();
    let active = json!({"conditions": [
        {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "lastTransitionTime": now}
    ]});
    scene.kube.merge_status("HorizontalPodAutoscaler", &scene.namespace, "a", active).await;
    scene.event("MicroService", "a", "Autoscaling", "knows how many replicas").await;
}

#[tokio::test]
async fn what_is_told_once_is_not_told_again_by_a_new_round_of_the_same() {
    // Its probe gives it far longer than any machine takes.
    let probe = json!({"httpGet": {"path": "/ready", "port": 8080}, "failureThreshold": 90});
    let spec = json!({"ports": [{"containerPort": 8080}], "readinessProbe": probe});
    let Some((scene, pod)) = rolling("rounds", spec).await else { return };
    let told =
        |restarts: &'static str| move |a: &Value| condition(a, "Ready")["message"].to_string().contains(restarts);
    scene.report(&pod, &json!({"a": ended(1, "Error", 1)})).await;
    scene.service_that("a", "it crashed", told("1 restart so far")).await;
    // It runs for a moment, and ends again.
    let mut runs = ended(1, "Error", 2);
    runs["state"] = json!({"running": {"startedAt": jiff::Timestamp::now()}});
    scene.report(&pod, &json!({"a": runs})).await;
    scene.service_that("a", "it is in its loop still", told("2 restarts so far")).await;
    scene.report(&pod, &json!({"a": ended(1, "Error", 3)})).await;
    let a = scene.service_that("a", "it crashed again", told("3 restarts so far")).await;
    assert_eq!(condition(&a, "Ready")["reason"], "CrashLoopBackOff");
    is_told(&scene, "CrashLoopBackOff", &["exited with code 1"]).await;
    let service = format!("{}/a", scene.namespace);
    let steps = scene.log.lines(|line| line["message"] == "service is not ready" && line["service"] == *service);
    let reasons: Vec<_> = steps.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == "CrashLoopBackOff").count(), 1, "{reasons:?}");
    eventually("one Event", async || {
        let events = scene.kube.list("Event", &scene.namespace).await;
        let crashes = events
            .iter()
            .filter(|event| event["regarding"]["kind"] == "MicroService" && event["reason"] == "CrashLoopBackOff");
        let counts: Vec<_> = crashes.map(|event| event["series"].clone()).collect();
        holds(counts == [Value::Null], counts)
    })
    .await;
    scene.report(&pod, &json!({})).await;
    heals(&scene).await;
}
