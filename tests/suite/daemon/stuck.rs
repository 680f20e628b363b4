//! Work that does not go on: liveness fails, the log says where it stands, and both are over once it goes on. The servers
//! here never answer, and what ends their calls comes much later than the daemon's patience.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};
use crate::support::storm::{Counts, Storm, Weather};
use crate::support::{eventually, holds};

/// Waits until liveness names a loop that begins so.
async fn stuck(daemon: &Daemon, begins: &str) -> Value {
    eventually(&format!("{begins} is stuck"), async || {
        let (status, body) = daemon.ops("/livez").await;
        let told: Value = serde_json::from_str(&body).unwrap();
        let of = |one: &&Value| one["loop"].as_str().unwrap().starts_with(begins);
        let found = told["stalled"].as_array().into_iter().flatten().find(of).cloned();
        found.filter(|_| status == 503).ok_or(body)
    })
    .await
}

async fn lives(daemon: &Daemon) {
    eventually("it lives again", async || {
        let answer = daemon.ops("/livez").await;
        holds(answer.0 == 200, answer)
    })
    .await;
    eventually("and the metric says so", async || {
        let stalled = daemon.metric("gitmoor_stalled_loops", &[]).await;
        holds(stalled == 0.0, stalled)
    })
    .await;
}

fn is_about(line: &Value, message: &str, begins: &str) -> bool {
    line["message"] == message && line["loop"].as_str().is_some_and(|name| name.starts_with(begins))
}

#[tokio::test]
async fn a_git_server_that_never_answers_is_seen_long_before_the_deadline_and_others_are_not_blamed() {
    let (Some(silent), Some(alone)) = (GitServer::start(&[]), Alone::new().await) else { return };
    let daemon = alone.daemon(&["--stalled-after", "2s"]).await;
    let Some(well) = alone.scene(&daemon, "well").await else { return };
    let Some(scene) = Scene::at(&silent, alone.kube.clone(), daemon.log.clone(), "silent").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    silent.faults(json!({"hang_after_bytes": 0})).await;
    scene.create_sync(json!({"timeout": "60s"})).await;
    let name = format!("fetch of {}/main", scene.namespace);
    let told = stuck(&daemon, &name).await;
    assert_eq!((&told["phase"], &told["panicked"]), (&json!("reading"), &json!(false)), "{told}");
    assert!(told["silentSeconds"].as_u64().unwrap() >= 2, "{told}");
    let line = daemon.log.line("it is told", |line| is_about(line, "a loop is stuck", &name)).await;
    assert_eq!((&line["code"], &line["phase"]), (&json!("GM551"), &json!("reading")), "{line}");
    assert!(daemon.metric("gitmoor_stalled_loops", &[]).await >= 1.0);
    // Another GitSync is synced meanwhile, and is not among those that stand still.
    let other = well.commit(&[("b.yaml", service("b", json!({"replicas": 0})))]);
    well.create_sync(json!({})).await;
    well.applied(&other).await;
    let (_, body) = daemon.ops("/livez").await;
    assert!(!body.contains(&well.namespace), "{body}");
    // It answers again, and the fetch that hangs is given up for another.
    silent.fault(None, 0).await;
    let patch = json!({"spec": {"timeout": "30s"}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
    scene.applied(&commit).await;
    lives(&daemon).await;
    daemon.log.line("it is over", |line| is_about(line, "a loop goes on", &name)).await;
}

#[tokio::test]
async fn an_api_server_that_never_answers_is_seen_with_the_object_that_waits_for_it() {
    let Some(alone) = Alone::new().await else { return };
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, Counts::default()).await;
    let daemon = Daemon::start(&storm.kubeconfig(), &["--stalled-after", "2s"]).await;
    let Some(scene) = alone.scene(&daemon, "silent").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({"interval": "1s"})).await;
    scene.applied(&commit).await;
    scene.condition("Ready", "True", "Applied").await;
    storm.becomes(Weather::Silent);
    // It polls: the commit is found, and cannot be applied.
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0, "args": ["new"]})))]);
    let name = format!("apply of {}/main", scene.namespace);
    let told = stuck(&daemon, &name).await;
    let object = format!("{}/a", scene.namespace);
    assert_eq!((&told["phase"], &told["object"]), (&json!("applying"), &json!(object)), "{told}");
    let line = daemon.log.line("it is told", |line| is_about(line, "a loop is stuck", &name)).await;
    assert_eq!(line["object"], json!(object), "{line}");
    storm.becomes(Weather::Calm);
    scene.applied(&commit).await;
    lives(&daemon).await;
}
