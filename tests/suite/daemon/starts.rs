//! How a daemon starts where not everything is there yet, and what it still says when it ends.

use serde_json::{Value, json};

use super::alone::many;
use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::proxy::{Network, Proxy};
use crate::support::scene::service;
use crate::support::{eventually, holds};

#[tokio::test]
async fn a_daemon_waits_for_an_api_server_that_does_not_answer_and_says_so() {
    let Some(alone) = Alone::new().await else { return };
    let credentials = alone.credentials().await;
    let proxy = Proxy::before(&credentials.kubeconfig(), Network::Refuses).await;
    let daemon = Daemon::start(&proxy.kubeconfig(), &["--leader-elect"]).await;
    let waits =
        |line: &Value| line["message"].as_str().is_some_and(|text| text.starts_with("the API server does not answer"));
    let line = daemon.log.line("it waits for the API server", waits).await;
    assert_eq!(line["reason"], "Unreachable", "{line}");
    let text = line["message"].as_str().unwrap();
    assert!(text.contains("see") || text.contains("See"), "what to do is said, too: {text}");
    assert_eq!(daemon.ops("/healthz").await.0, 200, "it lives");
    let (status, body) = daemon.ops("/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("API server") && body.contains("watch caches"), "{body}");

    proxy.becomes(Network::Works);
    daemon.log.message("the API server answers").await;
    daemon.log.message("leading").await;
    daemon.is_ready().await;
    let Some(scene) = alone.scene(&daemon, "late").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    assert_eq!(daemon.log.lines(waits).len(), 1, "once is enough");
}

#[tokio::test]
async fn a_daemon_that_waits_for_the_api_server_ends_when_it_is_told_to() {
    let Some(alone) = Alone::new().await else { return };
    let credentials = alone.credentials().await;
    let proxy = Proxy::before(&credentials.kubeconfig(), Network::Silent).await;
    let daemon = Daemon::start(&proxy.kubeconfig(), &[]).await;
    let log = daemon.log.clone();
    assert_eq!(daemon.terminate().await.code(), Some(0), "{}", log.tail());
}

#[tokio::test]
async fn a_daemon_without_its_kinds_ends_and_says_how_to_install_them() {
    let Some(alone) = Alone::new().await else { return };
    alone.kube.kubectl(&["delete", "crd", "gitsyncs.gitmoor.dev"]).await;
    let daemon = alone.spawn(&[]);
    let log = daemon.log.clone();
    assert_eq!(daemon.ended().await.code(), Some(2), "{}", log.tail());
    let told = log.line("what is missing", |line| line.to_string().contains("gitmoor crds | kubectl apply")).await;
    assert!(told.to_string().contains("GitSync of gitmoor.dev/v1alpha1"), "{told}");
    assert_eq!((&told["level"], &told["reason"]), (&json!("ERROR"), &json!("KindMissing")), "{told}");
    log.is_well_formed().await;
    alone.kube.install().await;
}

#[tokio::test]
async fn however_a_daemon_ends_by_an_error_the_last_line_of_its_log_says_so() {
    let Some(alone) = Alone::new().await else { return };
    let credentials = alone.credentials().await;
    let folder = tempfile::TempDir::new().unwrap();
    let stranger = folder.path().join("kubeconfig");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(credentials.kubeconfig()).unwrap()).unwrap();
    config["users"][0]["user"] = json!({"token": "nobody's"});
    std::fs::write(&stranger, config.to_string()).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let known = credentials.kubeconfig();
    let nowhere = folder.path().join("nowhere");
    let file = known.join("below-a-file");
    let (file, nothing) = (file.to_str().unwrap(), nowhere.to_str().unwrap());
    let cases: [(&std::path::Path, &[&str], &str); 8] = [
        (&known, &["--typo"], "--typo"),
        (&known, &["--concurrency", "none"], "--concurrency"),
        (&known, &["--log-level", "gitmoor=loud"], "log filter"),
        (&known, &["--context", "nowhere"], "kubeconfig"),
        (&nowhere, &[], "kubeconfig"),
        (&known, &["--watch", nothing], "cannot find the folder"),
        (&known, &["--cache-dir", file], "cache folder"),
        (&stranger, &[], "does not know who asks"),
    ];
    let check = async |daemon: Daemon, words: &str| {
        let log = daemon.log.clone();
        assert_eq!(daemon.ended().await.code(), Some(2), "{words}: {}", log.tail());
        let last = log.line("why it ended", |line| line["message"] == "this process ends by an error").await;
        assert!(last["error"].as_str().is_some_and(|error| error.contains(words)), "{words}: {last}");
        assert_eq!(last["level"], "ERROR", "{last}");
        log.is_well_formed().await;
    };
    for (kubeconfig, flags, words) in cases {
        check(Daemon::spawn(kubeconfig, flags), words).await;
    }
    check(Daemon::spawn(&known, &["--page", &address]), &address).await;
}

#[tokio::test]
async fn the_last_events_of_a_daemon_that_ends_are_written() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "last").await else { return };
    let commit = scene.commit(&[("many.yaml", many(120, 1))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    scene.status("all are seen", |status| status["counts"]["declared"] == 120).await;
    let edits = (0..120).map(|index| {
        let (scene, name) = (&scene, format!("many-{index:03}"));
        async move {
            let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/many:7"}]);
            scene.kube.edit("somebody", "MicroService", &scene.namespace, &name, patch).await
        }
    });
    futures::future::join_all(edits).await;
    let log = daemon.log.clone();
    let drifts = || log.lines(|line| line["message"] == "drift" && line["layer"] == "source").len();
    eventually("all drift is in the log", async || holds(drifts() == 120, drifts())).await;
    assert_eq!(daemon.terminate().await.code(), Some(0), "{}", log.tail());
    let events = scene.kube.list("Event", &scene.namespace).await;
    let told = events.iter().filter(|event| event["reason"] == "SourceDrift").count();
    assert_eq!(told, 120, "each is an Event, too");
}
