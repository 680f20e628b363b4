//! Webhooks of forges at the real daemon: what a Secret says counts, and what a person is told who tries it out.

use serde_json::{Value, json};

use super::listeners::{hooked, push, signature};
use crate::cli::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::daemon::Daemon;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds, http};

/// What the daemon answers to a delivery with these headers.
async fn deliver(daemon: &Daemon, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let request = http::client().post(format!("{}/hooks/{path}", daemon.hooks)).body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let (status, said) = http::said("in the answer to a delivery", answer).await;
    (status, serde_json::from_str(&said).unwrap())
}

async fn token(scene: &Scene, data: Value) {
    let patch = json!({"stringData": data});
    scene.kube.merge("suite", "Secret", &scene.namespace, "hook", patch).await;
}

#[tokio::test]
async fn a_forge_that_sends_the_token_itself_is_heard_and_a_repeated_delivery_counts_once() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "gitlab", secret!("token")).await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    let path = format!("{}/main", scene.namespace);
    let gitlab = [("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", secret!("token")), ("Idempotency-Key", "e-1")];
    let body = include_str!("../../payloads/gitlab-push.json");
    assert_eq!(deliver(daemon, &path, &gitlab, body).await.1["result"], "queued");
    scene.applied(&commit).await;
    assert_eq!(deliver(daemon, &path, &gitlab, body).await.1["result"], "duplicate");
    // gitmoor:c4nary-token, as Azure DevOps sends it.
    let azure =
        [("Authorization", "Basic Z2l0bW9vcjpjNG5hcnktdG9rZW4="), ("Content-Type", "application/json; charset=utf-8")];
    let body = include_str!("../../payloads/azure-devops-push.json");
    assert_eq!(deliver(daemon, &path, &azure, body).await.1["result"], "queued");
    let merge = [("X-Gitlab-Event", "Merge Request Hook"), ("X-Gitlab-Token", secret!("token"))];
    let (status, answer) = deliver(daemon, &path, &merge, "{}").await;
    assert_eq!((status, &answer["result"]), (202, &json!("no_push")), "{answer}");
    let leaks = daemon.log.lines(|line| line.to_string().contains(secret!("token")));
    assert!(leaks.is_empty(), "{leaks:?}");
}

#[tokio::test]
async fn while_a_token_is_replaced_both_count() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "rotated", secret!("new")).await else { return };
    token(&scene, json!({"token.previous": secret!("old")})).await;
    let path = format!("{}/main", scene.namespace);
    let body = r#"{"ref":"refs/heads/main"}"#;
    for (token, expected) in [(secret!("new"), 202), (secret!("old"), 202), (secret!("older"), 403), ("", 403)] {
        assert_eq!(push(daemon, &path, Some(&signature(body, token)), body).await.0, expected, "{token:?}");
    }
    // What is taken out of the Secret counts no more, once what was read is no longer believed.
    let gone = json!({"data": {"token.previous": null}});
    scene.kube.merge("suite", "Secret", &scene.namespace, "hook", gone).await;
    eventually("the old token is refused", async || {
        let (status, _) = push(daemon, &path, Some(&signature(body, secret!("old"))), body).await;
        holds(status == 403, status)
    })
    .await;
    assert_eq!(push(daemon, &path, Some(&signature(body, secret!("new"))), body).await.0, 202);
}

#[tokio::test]
async fn a_set_up_is_tried_out_from_the_command_line() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some((scene, daemon)) = hooked(&server, "tried", secret!("token")).await else { return };
    let name = format!("{}/main", scene.namespace);
    let on = async |arguments: &[&str]| {
        let ran = gitmoor_on(scene.kube.plane, &[&["webhook", "test", &name], arguments].concat()).await;
        assert!(!ran.out.contains(secret!("token")) && !ran.err.contains(secret!("token")), "{}{}", ran.out, ran.err);
        ran
    };
    for forge in
        ["github", "gitlab", "gitea", "forgejo", "bitbucket-cloud", "bitbucket-server", "azure-devops", "generic"]
    {
        let json = on(&["--forge", forge, "--url", &daemon.hooks, "-o", "json"]).await.exits(0).json();
        let expected = (json!(true), json!(202), json!("queued"), json!("refs/heads/main"));
        let found = (json["taken"].clone(), json["status"].clone(), json["result"].clone(), json["ref"].clone());
        assert_eq!(found, expected, "{forge}: {json:#}");
    }
    let ran = on(&["--url", &daemon.hooks]).await.exits(0);
    assert!(ran.out.contains("the token is right, and Gitmoor looks at the source now"), "{}", ran.out);
    let ran = on(&["--url", &daemon.hooks, "--ref", "topic"]).await.exits(1);
    assert!(ran.out.contains("it said: push to refs/heads/topic; this GitSync follows refs/heads/main"), "{}", ran.out);

    let ran = on(&["--forge", "gitea"]).await.exits(0);
    let secret = format!("kubectl -n {} get secret hook", scene.namespace);
    for words in [&format!("/hooks/{name}"), &secret, "in Gitea:", "Trigger On: Push Events"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "other\n").unwrap();
    let path = file.path().to_str().unwrap();
    let ran = on(&["--url", &daemon.hooks, "--token-file", path]).await.exits(1);
    assert!(ran.out.contains("403 forbidden") && ran.out.contains("or another token"), "{}", ran.out);
    // The ops listener is no webhook listener.
    let ran = on(&["--url", &daemon.ops]).await.exits(1);
    assert!(ran.out.contains("no rule leads /hooks/ to Gitmoor"), "{}", ran.out);
    let ran = on(&["--url", "http://127.0.0.1:1"]).await.exits(2);
    assert!(ran.err.contains("cannot be reached"), "{}", ran.err);

    let gone = json!({"spec": {"webhook": null}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, gone).await;
    let ran = on(&["--url", &daemon.hooks]).await.exits(2);
    assert!(ran.err.contains("has no spec.webhook"), "{}", ran.err);
}

#[tokio::test]
async fn a_source_that_sends_too_much_is_told_when_to_come_back() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--hooks-rate", "2"]).await;
    let url = format!("{}/hooks/a/b", daemon.hooks);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = http::client().get(&url).send().await.unwrap();
        let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        statuses.push((answer.status().as_u16(), wait.is_some_and(|wait| (1..=31).contains(&wait))));
    }
    assert_eq!(statuses, [(405, false), (405, false), (429, true)]);
    assert_eq!(daemon.metric("gitmoor_webhook_requests_total", &["result=\"too_many\""]).await, 1.0);
}
