//! Namespaces that limit what runs in them, and services at the limits of what can be said: what is refused is told in
//! the words of who refuses it, and over when it is mended.
//!
//! A namespace that goes is in `lifetime`, a child or a service that a finalizer holds in `lost_drift`, a quota for
//! MicroServices themselves in `refused`.

use serde_json::{Value, json};

use super::causes::{heals, is_told};
use crate::support::kube::text;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// A scene with a service `a` that is ready, and then with an object that limits its namespace, once it counts.
async fn limited(topic: &str, kind: &str, spec: Value) -> Option<Scene> {
    let scene = Scene::synced(topic, json!({}), &[("a.yaml", service("a", json!({})))]).await?;
    scene.ready("a").await;
    let limit = json!({
        "apiVersion": "v1", "kind": kind, "metadata": {"namespace": scene.namespace, "name": "small"}, "spec": spec
    });
    scene.kube.create(&limit).await;
    Some(scene)
}

#[tokio::test]
async fn a_quota_of_pods_is_told_in_the_servers_words_until_there_is_room() {
    let Some(scene) = limited("room", "ResourceQuota", json!({"hard": {"pods": "1"}})).await else { return };
    scene.object_that("ResourceQuota", "small", "it counts", |quota| quota["status"]["used"]["pods"] == "1").await;
    scene.push(&[("a.yaml", service("a", json!({"replicas": 2})))]).await;
    let a = is_told(&scene, "FailedCreate", &["exceeded quota: small", "requested: pods=1"]).await;
    assert_eq!(a["status"]["replicas"]["available"], 1, "what there was serves: {:#}", a["status"]);
    let more = json!({"spec": {"hard": {"pods": "5"}}});
    scene.kube.merge("somebody", "ResourceQuota", &scene.namespace, "small", more).await;
    heals(&scene).await;
}

#[tokio::test]
async fn a_limit_range_that_a_service_does_not_keep_to_is_told_until_it_does() {
    let limits = json!({"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]});
    let Some(scene) = limited("range", "LimitRange", limits).await else { return };
    let memory =
        |limit: &str| service("a", json!({"resources": {"requests": {"memory": "16Mi"}, "limits": {"memory": limit}}}));
    // Whoever admits pods has heard of it.
    let mut probe = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": scene.namespace, "name": "probe"},
        "spec": {"containers": [{"name": "a", "image": "a"}]}
    });
    probe["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": "128Mi"}});
    eventually("it is in force", async || {
        let answer = scene.kube.dry_run("suite", &probe).await;
        holds(answer.is_err(), answer)
    })
    .await;
    scene.push(&[("a.yaml", memory("128Mi"))]).await;
    is_told(&scene, "FailedCreate", &["maximum memory usage per Container is 64Mi, but limit is 128Mi"]).await;
    scene.push(&[("a.yaml", memory("32Mi"))]).await;
    heals(&scene).await;
}

#[tokio::test]
async fn where_restricted_pods_are_enforced_a_restricted_service_runs_and_a_baseline_one_is_told() {
    let Some(scene) = Scene::new("restricted").await else { return };
    let enforce = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    scene.kube.merge("suite", "Namespace", "", &scene.namespace, enforce).await;
    // Everything that runs containers: the service itself, a job before it, a sidecar and a file.
    let spec = |profile: &str| {
        json!({
            "securityProfile": profile,
            "ports": [{"containerPort": 8080}],
            "configFiles": [{"path": "/etc/app.yaml", "content": "a: b"}],
            "initContainers": [{"name": "prepare", "image": "example.com/prepare:1"}],
            "sidecars": [{"name": "proxy", "image": "example.com/proxy:1"}],
        })
    };
    let mut full = spec("Restricted");
    full["preDeploy"] = json!({"args": ["migrate"]});
    let files = [("a.yaml", service("a", spec("Baseline"))), ("b.yaml", service("b", full))];
    let commit = scene.commit(&files);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("b").await;
    is_told(&scene, "FailedCreate", &["violates PodSecurity \"restricted:latest\"", "securityProfile: Restricted"])
        .await;
    scene.push(&[("a.yaml", service("a", spec("Restricted")))]).await;
    heals(&scene).await;
}

#[tokio::test]
async fn names_at_every_limit_make_children_that_the_api_server_takes() {
    let name = format!("a{}", "x".repeat(51));
    let long = "n".repeat(40);
    let spec = json!({
        "image": "example.com/a:1",
        "ports": [
            {"name": "abcdefghijklmno", "containerPort": 65535, "servicePort": 1},
            {"name": "http", "containerPort": 1, "servicePort": 65535}
        ],
        "metrics": {"port": "abcdefghijklmno"},
        "configFiles": [{"path": format!("/{}", "p".repeat(239)), "content": "a"}],
        "routes": [
            {"name": long, "hostnames": ["a.example.com"], "port": "http", "parentRefs": [{"name": "g".repeat(253)}]},
            {"name": format!("{}o", "n".repeat(39)), "hostnames": ["b.example.com"], "port": "http", "tls": {}}
        ],
        "accessPolicy": {},
        "preDeploy": {"args": ["migrate"]},
        "cronJobs": [{"name": long, "schedule": "0 3 1 1 *", "args": ["purge"]}],
    });
    let files = [("a.yaml", service(&name, spec)), ("b.yaml", service(&format!("{name}x"), json!({})))];
    let Some(scene) = Scene::synced("names", json!({}), &files).await else { return };
    scene.ready(&name).await;
    for (kind, count) in [("CronJob", 1), ("HTTPRoute", 1), ("Ingress", 1), ("ConfigMap", 2), ("ServiceMonitor", 1)] {
        assert_eq!(
            scene.kube.names(kind, &scene.namespace).await.len(),
            count,
            "{kind}; kube-root-ca.crt is a ConfigMap"
        );
    }
    let status = scene.settled().await;
    let found = &status["diagnostics"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "one name is too long: {found:#}");
    assert!(text(&found[0]["place"]).starts_with("b.yaml:") && text(&found[0]["message"]).contains("52"), "{found:#}");
}

#[tokio::test]
async fn a_thousand_variables_are_too_many_and_the_place_is_named() {
    let with = |count: usize| {
        let env: Vec<_> = (0..count).map(|number| json!({"name": format!("V{number}"), "value": "x"})).collect();
        service("a", json!({"env": env}))
    };
    let Some(scene) = Scene::synced("env", json!({}), &[("a.yaml", with(256))]).await else { return };
    scene.ready("a").await;
    let deployment = scene.kube.get("Deployment", &scene.namespace, "a").await;
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(env.as_array().map(Vec::len), Some(256));
    scene.push(&[("a.yaml", with(1_000))]).await;
    let status = scene.settled().await;
    let found = &status["diagnostics"][0];
    assert!(text(&found["place"]).starts_with("a.yaml:"), "{status:#}");
    assert!(text(&found["message"]).contains("256"), "{status:#}");
    scene.ready("a").await;
}

#[tokio::test]
async fn a_mebibyte_of_config_is_too_much_and_the_place_is_named() {
    // Files that are one in Git: a small document that is large once it is read.
    let aliased = |files: usize, bytes: usize| {
        let mut text = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: a}\n".to_owned();
        text += "spec:\n  image: example.com/a:1\n  replicas: 1\n  configFiles:\n";
        for number in 0..files {
            let content = if number == 0 { format!("&content {}", "x".repeat(bytes)) } else { "*content".to_owned() };
            text += &format!("  - path: /etc/f{number}\n    content: {content}\n");
        }
        json!(text)
    };
    // As much as there may be.
    let Some(scene) = Scene::synced("config", json!({}), &[("a.yaml", aliased(4, 65_536))]).await else { return };
    let before = scene.ready("a").await;
    scene.push(&[("a.yaml", aliased(4, 262_144))]).await;
    let status = scene.settled().await;
    let found = &status["diagnostics"][0];
    assert_eq!((&found["code"], &found["place"]), (&json!("GM207"), &json!("a.yaml:7:3")), "{status:#}");
    assert!(text(&found["message"]).contains("262144 characters together"), "{status:#}");
    assert_eq!(scene.ready("a").await["metadata"]["generation"], before["metadata"]["generation"]);
}
