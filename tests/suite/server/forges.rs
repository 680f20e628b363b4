//! Each forge as it sends: the payloads of its documentation, under its headers, signed as it signs.

use data_encoding::BASE64;
use gitmoor::server::{Answer, HookLimits};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::client::{Request, STANDARD_TOKEN, Server, TOKEN, lenient, signature};

/// The payload of a forge's documentation, cut to what matters here.
macro_rules! payload {
    ($name:literal) => {
        include_str!(concat!("../../payloads/", $name, ".json"))
    };
}

/// A delivery of one forge, to be signed.
struct Sent {
    forge: &'static str,
    event: Option<(&'static str, &'static str)>,
    id: Option<&'static str>,
    body: &'static str,
    sign: fn(Request, &str) -> Request,
}

fn github(request: Request, body: &str) -> Request {
    let sha256 = signature(body.as_bytes(), TOKEN);
    // It sends the weak one, too.
    request
        .with("X-Hub-Signature", "sha1=0123456789012345678901234567890123456789")
        .with("X-Hub-Signature-256", &sha256)
}

fn forgejo(request: Request, body: &str) -> Request {
    let hex = signature(body.as_bytes(), TOKEN).replace("sha256=", "");
    ["X-Forgejo-Signature", "X-Gitea-Signature", "X-Gogs-Signature"]
        .into_iter()
        .fold(github(request, body), |request, header| request.with(header, &hex))
}

fn gitea(request: Request, body: &str) -> Request {
    request.with("X-Gitea-Signature", &signature(body.as_bytes(), TOKEN).replace("sha256=", ""))
}

fn bitbucket(request: Request, body: &str) -> Request {
    request.with("X-Hub-Signature", &signature(body.as_bytes(), TOKEN))
}

fn gitlab(request: Request, _: &str) -> Request {
    request.with("X-Gitlab-Token", TOKEN)
}

fn azure(request: Request, _: &str) -> Request {
    request.with("Authorization", &format!("Basic {}", BASE64.encode(format!("gitmoor:{TOKEN}").as_bytes())))
}

fn generic(request: Request, body: &str) -> Request {
    request.with("X-Signature", &signature(body.as_bytes(), TOKEN))
}

impl Sent {
    fn unsigned(&self) -> Request {
        let request = Request::post("shop/deploy", self.body);
        let request = self.event.iter().fold(request, |request, (name, value)| request.with(name, value));
        self.id.iter().fold(request, |request, id| request.with(id, "one of a kind"))
    }

    fn request(&self) -> Request {
        (self.sign)(self.unsigned(), self.body)
    }
}

/// A push to the branch that is followed, of each forge.
fn pushes() -> Vec<Sent> {
    let sent = |forge, event, id, body, sign| Sent { forge, event, id, body, sign };
    let github_event = Some(("X-GitHub-Event", "push"));
    vec![
        sent("github", github_event, Some("X-GitHub-Delivery"), payload!("github-push"), github),
        sent("gitlab", Some(("X-Gitlab-Event", "Push Hook")), Some("Idempotency-Key"), payload!("gitlab-push"), gitlab),
        sent("gitea", Some(("X-Gitea-Event", "push")), Some("X-Gitea-Delivery"), payload!("gitea-push"), gitea),
        sent(
            "forgejo",
            Some(("X-Forgejo-Event", "push")),
            Some("X-Forgejo-Delivery"),
            payload!("forgejo-push"),
            forgejo,
        ),
        sent(
            "bitbucket cloud",
            Some(("X-Event-Key", "repo:push")),
            Some("X-Request-UUID"),
            payload!("bitbucket-cloud-push"),
            bitbucket,
        ),
        sent(
            "bitbucket server",
            Some(("X-Event-Key", "repo:refs_changed")),
            Some("X-Request-Id"),
            payload!("bitbucket-server-refs-changed"),
            bitbucket,
        ),
        sent("azure devops", None, None, payload!("azure-devops-push"), azure),
        sent("generic", None, Some("Idempotency-Key"), r#"{"ref":"refs/heads/main"}"#, generic),
    ]
}

#[tokio::test]
async fn a_push_of_each_forge_means_look_now_and_once() {
    for sent in pushes() {
        let (server, notes) = Server::of_hooks(lenient()).await;
        let mut answers = Vec::new();
        for _ in 0..2 {
            let response = server.exchange(&sent.request().bytes()).await;
            answers.push((response.status, response.json()["result"].clone()));
        }
        assert_eq!(answers, [(202, json!("queued")), (202, json!("duplicate"))], "{}", sent.forge);
        assert_eq!(notes.announced(), ["shop/deploy"], "{}", sent.forge);
    }
}

#[tokio::test]
async fn a_delivery_of_each_forge_that_is_not_signed_or_wrongly_is_refused() {
    for sent in pushes() {
        let (server, notes) = Server::of_hooks(lenient()).await;
        let missing = server.exchange(&sent.unsigned().bytes()).await;
        assert_eq!((missing.status, missing.headers["www-authenticate"].as_str()), (401, "Basic realm=\"webhook\""));
        // What was signed for one path does not open another with another token, nor one that is not there.
        let signed = String::from_utf8(sent.request().bytes()).unwrap();
        for path in ["shop/signing", "shop/nothing"] {
            let response =
                server.exchange(signed.replace("/hooks/shop/deploy", &format!("/hooks/{path}")).as_bytes()).await;
            assert_eq!(response.status, 403, "{} at {path}", sent.forge);
        }
        assert!(notes.announced().is_empty(), "{}", sent.forge);
    }
}

#[tokio::test]
async fn a_delivery_of_each_forge_whose_body_was_changed_is_refused() {
    for sent in pushes().into_iter().filter(|sent| !matches!(sent.forge, "gitlab" | "azure devops")) {
        let (server, notes) = Server::of_hooks(lenient()).await;
        let signed = String::from_utf8(sent.request().bytes()).unwrap();
        let response = server.exchange(signed.replace("main", "niam").as_bytes()).await;
        assert_eq!(response.status, 403, "{}", sent.forge);
        assert!(notes.announced().is_empty(), "{}", sent.forge);
    }
}

#[tokio::test]
async fn gitlabs_signing_token_signs_with_its_id_and_its_time() {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let body = payload!("gitlab-push");
    let now = jiff::Timestamp::now().as_second();
    let delivery = |time: i64, id: &str| {
        let key = BASE64.decode(&STANDARD_TOKEN.as_bytes()[6..]).unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(format!("a.{time}.{body}"));
        Request::post("shop/signing", body)
            .with("X-Gitlab-Event", "Push Hook")
            .with("webhook-id", id)
            .with("webhook-timestamp", &time.to_string())
            .with("webhook-signature", &format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
    };
    for (what, request, status) in [
        ("as it is", delivery(now, "a"), 202),
        ("of another id", delivery(now, "b"), 403),
        ("of an hour ago", delivery(now - 3600, "a"), 403),
        ("from the future", delivery(now + 3600, "a"), 403),
        ("without an id", delivery(now, "a").without("webhook-id"), 401),
    ] {
        assert_eq!(server.exchange(&request.bytes()).await.status, status, "{what}");
    }
    assert_eq!(notes.announced(), ["shop/signing"]);
}

#[tokio::test]
async fn greetings_are_answered_and_other_events_are_named() {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let ping = github(Request::post("shop/deploy", payload!("github-ping")), payload!("github-ping"));
    let merge = r#"{"object_kind":"merge_request"}"#;
    let azure_merge = r#"{"id":"1","eventType":"git.pullrequest.created","resource":{}}"#;
    let tag = payload!("gitlab-tag-push");
    for (what, request, status, result, reason) in [
        ("a ping of GitHub", ping.with("X-GitHub-Event", "ping"), 200, "pong", None),
        (
            "a merge request",
            gitlab(Request::post("shop/deploy", merge), merge).with("X-Gitlab-Event", "Merge Request Hook"),
            202,
            "no_push",
            Some("the event Merge Request Hook is no push; only pushes count"),
        ),
        (
            "a pull request of Azure DevOps",
            azure(Request::post("shop/deploy", azure_merge), azure_merge),
            202,
            "no_push",
            Some("the event git.pullrequest.created is no push; only pushes count"),
        ),
        (
            "a tag",
            gitlab(Request::post("shop/deploy", tag), tag).with("X-Gitlab-Event", "Tag Push Hook"),
            202,
            "ignored",
            Some("push to refs/tags/v1.0.0; this GitSync follows refs/heads/main"),
        ),
    ] {
        let response = server.exchange(&request.bytes()).await;
        let body = response.json();
        assert_eq!((response.status, body["result"].as_str()), (status, Some(result)), "{what}");
        assert_eq!(body["reason"].as_str(), reason, "{what}");
    }
    assert!(notes.announced().is_empty());
}

#[tokio::test]
async fn bitbuckets_test_of_a_connection_is_not_signed_and_tells_a_stranger_nothing() {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let mut seen = Vec::new();
    for path in ["shop/deploy", "shop/hookless", "shop/nothing"] {
        let test = Request::post(path, r#"{"test":true}"#).with("X-Event-Key", "diagnostics:ping");
        seen.push(server.exchange(&test.bytes()).await);
        // With a proof it is one like any other.
        let wrong = Request::post(path, r#"{"test":true}"#).with("X-Event-Key", "diagnostics:ping").signed("guess");
        assert_eq!(server.exchange(&wrong.bytes()).await.status, 403);
    }
    assert_eq!(seen[0].status, 200);
    assert!(seen[0].json()["reason"].as_str().unwrap().contains("not signed"));
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(notes.announced().is_empty());
    assert!(notes.answered().contains(&(Some("shop/deploy".to_owned()), Answer::Pong { genuine: false })));
}

#[tokio::test]
async fn a_source_that_sends_too_much_waits_and_another_does_not() {
    let limits = HookLimits { per_minute: 3, ..lenient() };
    let server = Server::behind(&["127.0.0.0/8"], limits).await;
    let from = |source: &str| Request::delivery("{}").with("X-Forwarded-For", source);
    for expected in [202, 202, 202, 429] {
        assert_eq!(server.exchange(&from("192.0.2.1").bytes()).await.status, expected);
    }
    let late = server.exchange(&Request::new("GET", "/").with("X-Forwarded-For", "192.0.2.1").bytes()).await;
    assert_eq!((late.status, late.json()["result"].as_str()), (429, Some("too_many")), "whatever it asks for");
    assert!((1..=21).contains(&late.headers["retry-after"].parse::<u64>().unwrap()), "{late:?}");
    assert_eq!(server.exchange(&from("192.0.2.2").bytes()).await.status, 202);

    // Without a proxy that is trusted, what a sender says of itself counts for nothing.
    let (server, _) = Server::of_hooks(limits).await;
    for (number, expected) in [202, 202, 202, 429].into_iter().enumerate() {
        assert_eq!(server.exchange(&from(&format!("192.0.2.{number}")).bytes()).await.status, expected);
    }
}
