//! The two listeners of the daemon, and what a push does.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::ownership::operator_namespace;
use crate::support::audit::Audit;
use crate::support::canary::secret;
use crate::support::daemon::OPERATOR;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};
use crate::support::{Daemon, Kube, eventually, holds, http};

pub const PUSH: &str = r#"{"ref":"refs/heads/main"}"#;

/// A scene whose GitSync takes announcements signed with `token`.
pub async fn hooked(server: &GitServer, topic: &str, token: &str) -> Option<(Scene, &'static Daemon)> {
    let kube = Kube::shared().await?;
    let daemon = Daemon::shared(&kube).await;
    let scene = Scene::at(server, kube, daemon.log.clone(), topic).await?;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": scene.namespace, "name": "hook"},
        "stringData": {"token": token}
    });
    scene.kube.create(&secret).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({"webhook": {"secretRef": {"name": "hook"}}})).await;
    scene.applied(&commit).await;
    Some((scene, daemon))
}

pub fn signature(body: &str, token: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()))
}

/// What the daemon answers to a push.
pub async fn push(daemon: &Daemon, path: &str, signature: Option<&str>, body: &str) -> (u16, Value) {
    let mut request = http::client().post(format!("{}/hooks/{path}", daemon.hooks)).body(body.to_owned());
    if let Some(signature) = signature {
        request = request.header("X-Hub-Signature-256", signature);
    }
    // A server that does not want the rest of a body closes while it is being sent.
    let Ok(answer) = request.send().await else { return (413, Value::Null) };
    let (status, said) = http::said("in the answer to a push", answer).await;
    (status, serde_json::from_str(&said).unwrap_or_default())
}

#[tokio::test]
async fn a_push_that_is_announced_is_applied_at_once() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "hook", secret!("token")).await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    // It polls once an hour: nothing else can bring the commit.
    let (status, answer) =
        push(daemon, &format!("{}/main", scene.namespace), Some(&signature(PUSH, secret!("token"))), PUSH).await;
    assert_eq!((status, &answer["result"]), (202, &json!("queued")));
    scene.applied(&commit).await;
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
}

#[tokio::test]
async fn a_hundred_announcements_at_a_time_are_few_fetches() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "hundred", secret!("token")).await else { return };
    scene.settled().await;
    let before = server.stats().await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    let (path, signed) = (format!("{}/main", scene.namespace), signature(PUSH, secret!("token")));
    let answers = futures::future::join_all((0..100).map(|_| push(daemon, &path, Some(&signed), PUSH))).await;
    assert!(answers.iter().all(|(status, _)| *status == 202), "{answers:?}");
    scene.applied(&commit).await;
    scene.settled().await;
    let after = server.stats().await;
    assert_eq!(after.fetch - before.fetch, 1, "one new commit, one fetch");
    assert!(after.ls_refs - before.ls_refs < 20, "a hundred at a time coalesce: {before:?} {after:?}");
}

#[tokio::test]
async fn announcements_that_nobody_signed_change_nothing() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "unsigned", secret!("token")).await else { return };
    scene.settled().await;
    let before = server.stats().await;
    let own = format!("{}/main", scene.namespace);
    let good = signature(PUSH, secret!("token"));
    let refused = [
        ("without a signature", &own, None, 401),
        ("of another token", &own, Some(signature(PUSH, "other")), 403),
        ("of another body", &own, Some(signature("{}", secret!("token"))), 403),
        ("of an empty token", &own, Some(signature(PUSH, "")), 403),
        ("no signature at all", &own, Some("sha256=zz".into()), 401),
        ("for a GitSync that is not there", &format!("{}/other", scene.namespace), Some(good.clone()), 403),
    ];
    for (what, path, signature, expected) in refused {
        let (status, answer) = push(daemon, path, signature.as_deref(), PUSH).await;
        assert_eq!(status, expected, "{what}: {answer}");
    }
    let (status, _) = push(daemon, &own, Some(&good), &"x".repeat(4 << 20)).await;
    assert_eq!(status, 413, "a body beyond the bound");
    let other = r#"{"ref":"refs/heads/other"}"#;
    let (status, answer) = push(daemon, &own, Some(&signature(other, secret!("token"))), other).await;
    assert_eq!((status, &answer["result"]), (202, &json!("ignored")), "a push to another branch");
    assert_eq!(server.stats().await, before, "nobody looked at the repository");
    let leaks = daemon.log.lines(|line| line.to_string().contains(secret!("token")));
    assert!(leaks.is_empty(), "{leaks:?}");
}

#[tokio::test]
async fn a_gitsync_without_a_secret_refuses_announcements() {
    let Some(scene) = Scene::synced("nosecret", json!({}), &[("a.yaml", service("a", json!({})))]).await else {
        return;
    };
    let daemon = Daemon::shared(&scene.kube).await;
    let path = format!("{}/main", scene.namespace);
    for token in ["", "undefined", secret!("token")] {
        assert_eq!(push(daemon, &path, Some(&signature(PUSH, token)), PUSH).await.0, 403, "{token:?}");
    }
    let missing = json!({"spec": {"webhook": {"secretRef": {"name": "missing"}}}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, missing).await;
    scene.settled().await;
    assert_eq!(push(daemon, &path, Some(&signature(PUSH, "")), PUSH).await.0, 403, "a Secret that is not there");
}

#[tokio::test]
async fn a_tenants_gitsync_cannot_have_a_secret_of_the_operators_namespace_read() {
    let Some(scene) = Scene::synced("foreign", json!({}), &[("a.yaml", service("a", json!({})))]).await else {
        return;
    };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    operator_namespace(&scene.kube).await;
    let daemon = Daemon::shared(&scene.kube).await;
    // The name is of no other Secret, and only the operator's namespace has it.
    let name = format!("{}-token", scene.namespace);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": OPERATOR, "name": name},
        "stringData": {"token": secret!("operators")}
    });
    scene.kube.create(&secret).await;
    let since = audit.mark();
    let spec = json!({"spec": {"webhook": {"secretRef": {"name": name}}}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, spec).await;
    scene.settled().await;
    let path = format!("{}/main", scene.namespace);
    for token in [secret!("operators"), ""] {
        assert_eq!(push(daemon, &path, Some(&signature(PUSH, token)), PUSH).await.0, 403, "{token:?}");
    }
    let reads: Vec<_> =
        audit.about(since, &name).into_iter().map(|entry| entry["objectRef"]["namespace"].clone()).collect();
    assert!(!reads.is_empty() && reads.iter().all(|read| *read == scene.namespace), "its own, and no other: {reads:?}");
}

#[tokio::test]
async fn health_readiness_and_metrics_are_served_beside_the_hooks() {
    let Some(scene) = Scene::synced("ops", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    let daemon = Daemon::shared(&scene.kube).await;
    scene.ready("a").await;
    assert_eq!(daemon.ops("/healthz").await.0, 200);
    assert_eq!(daemon.ops("/readyz").await.0, 200);
    assert_eq!(daemon.ops("/hooks/a/b").await.0, 404, "hooks are on their own listener");
    let sync = format!("sync=\"{}/main\"", scene.namespace);
    eventually("the gauges tell", async || {
        let declared = daemon.metric("gitmoor_objects", &[&sync, "state=\"declared\""]).await;
        let ready = daemon.metric("gitmoor_objects", &[&sync, "state=\"ready\""]).await;
        holds((declared, ready) == (1.0, 1.0), (declared, ready))
    })
    .await;
    assert!(daemon.metric("gitmoor_syncs_total", &[&sync, "result=\"applied\""]).await >= 1.0);
    assert_eq!(daemon.metric("gitmoor_commit_to_applied_seconds_count", &[&sync]).await, 1.0);
    assert!(daemon.metric("gitmoor_api_calls", &["verb=\"apply\""]).await >= 1.0);
    let (_, text) = daemon.ops("/metrics").await;
    assert!(text.ends_with("# EOF\n"), "OpenMetrics");
    // What goes takes its series along.
    scene.kube.delete("GitSync", &scene.home, &scene.sync).await;
    eventually("the series of the GitSync are gone", async || {
        let (_, text) = daemon.ops("/metrics").await;
        holds(!text.contains(&sync), "they are there")
    })
    .await;
}

#[tokio::test]
async fn every_log_line_is_an_object_that_can_be_read() {
    let Some(scene) = Scene::synced("log", json!({}), &[("a.yaml", service("a", json!({})))]).await else { return };
    scene.ready("a").await;
    scene.log.is_well_formed().await;
    let lines = scene.log.lines(|line| line["message"] == "revision applied");
    assert!(lines.iter().all(|line| line["level"] == "INFO" && line["timestamp"].is_string()), "{lines:#?}");
}
