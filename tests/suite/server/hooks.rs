//! What a delivery is answered, and what the hooks are told.

use std::sync::Arc;
use std::time::Instant;

use gitmoor::server::{Answer, HookLimits, Refusal};

use super::client::{LATE, Notes, Request, Response, SOON, Server, TOKEN, lenient, patient, signature};
use crate::support::canary::secret;

const PUSH: &str = r#"{"ref":"refs/heads/main","after":"1"}"#;
const FORM: &str = "application/x-www-form-urlencoded";
const OTHER: &str = r#"{"ref":"refs/heads/topic"}"#;

/// One request to fresh hooks: what it is answered, and how often a push was announced.
async fn answer(request: &Request) -> (Response, usize) {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let response = server.exchange(&request.bytes()).await;
    (response, notes.announced().len())
}

/// Checks the answer to each request: status, `result`, and whether a push was announced.
async fn check(cases: impl IntoIterator<Item = (&'static str, Request, u16, &'static str)>) {
    for (name, request, status, result) in cases {
        let (response, announced) = answer(&request).await;
        assert_eq!((response.status, response.json()["result"].as_str().unwrap()), (status, result), "{name}");
        assert_eq!(announced, usize::from(result == "queued"), "{name}");
        assert_eq!(response.headers["content-type"], "application/json", "{name}");
    }
}

#[tokio::test]
async fn a_genuine_delivery_means_look_now() {
    let upper = signature(PUSH.as_bytes(), TOKEN).to_uppercase().replace("SHA256", "sha256");
    let form = |body| Request::delivery(body).without("Content-Type").with("Content-Type", FORM);
    let other_form = "payload=%7B%22ref%22%3A%22refs%2Fheads%2Ftopic%22%7D";
    check([
        ("a push", Request::delivery(PUSH), 202, "queued"),
        ("a push as GitHub says it", Request::delivery(PUSH).with("X-GitHub-Event", "push"), 202, "queued"),
        ("a push to another branch", Request::delivery(OTHER), 202, "ignored"),
        ("a push of a tag", Request::delivery(r#"{"ref":"refs/tags/main"}"#), 202, "ignored"),
        ("another event with a ref", Request::delivery(PUSH).with("X-Gitea-Event", "create"), 202, "no_push"),
        ("a ping", Request::delivery(PUSH).with("X-GitHub-Event", "ping"), 200, "pong"),
        ("no ref", Request::delivery("{}"), 202, "queued"),
        ("no JSON", Request::delivery("look!"), 202, "queued"),
        ("deep JSON", Request::delivery(&"[".repeat(200_000)), 202, "queued"),
        ("an empty body", Request::delivery(""), 202, "queued"),
        ("an empty body without content type", Request::delivery("").without("Content-Type"), 202, "queued"),
        ("a form", form("payload=%7B%7D"), 202, "queued"),
        ("a form for another branch", form(other_form), 202, "ignored"),
        ("the second of two tokens", Request::post("shop/rotating", PUSH).signed(TOKEN), 202, "queued"),
        ("the first of two tokens", Request::post("shop/rotating", PUSH).signed(secret!("old")), 202, "queued"),
        (
            "a signature in capitals",
            Request::post("shop/deploy", PUSH).with("X-Hub-Signature-256", &upper),
            202,
            "queued",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_delivery_is_refused_before_anything_is_looked_up() {
    let with_signature = |value: &str| Request::post("shop/deploy", PUSH).with("X-Hub-Signature-256", value);
    let genuine = signature(PUSH.as_bytes(), TOKEN);
    let text = Request::delivery(PUSH).without("Content-Type").with("Content-Type", "text/plain");
    check([
        ("no signature", Request::post("shop/deploy", PUSH), 401, "unauthorized"),
        ("no signature, no GitSync", Request::post("shop/nothing", PUSH), 401, "unauthorized"),
        ("no prefix", with_signature(&genuine[7..]), 401, "unauthorized"),
        ("another prefix", with_signature(&genuine.replace("sha256", "sha1")), 401, "unauthorized"),
        ("too short", with_signature(&genuine[..70]), 401, "unauthorized"),
        ("no hex", with_signature(&genuine.replace(&genuine[8..9], "x")), 401, "unauthorized"),
        ("two signatures", with_signature(&genuine).with("X-Hub-Signature-256", &genuine), 401, "unauthorized"),
        ("plain text", text, 415, "unsupported_media_type"),
        ("another path", Request::new("POST", "/"), 404, "not_found"),
        ("a path with more", Request::post("shop/deploy/x", PUSH).signed(TOKEN), 404, "not_found"),
        ("a path that no object can have", Request::post("shop/De%70loy", PUSH).signed(TOKEN), 404, "not_found"),
        ("GET", Request::new("GET", "/hooks/shop/deploy"), 405, "method_not_allowed"),
        ("PUT", Request::new("PUT", "/hooks/shop/deploy").body(PUSH).signed(TOKEN), 405, "method_not_allowed"),
        ("OPTIONS", Request::new("OPTIONS", "/hooks/shop/deploy"), 405, "method_not_allowed"),
    ])
    .await;
}

#[tokio::test]
async fn another_method_is_told_which_one_it_is() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "BREW"] {
        let (response, _) = answer(&Request::new(method, "/hooks/shop/deploy")).await;
        assert_eq!((response.status, response.headers["allow"].as_str()), (405, "POST"), "{method}");
        assert_eq!(response.body.is_empty(), method == "HEAD", "{method}");
    }
}

#[tokio::test]
async fn an_ignored_push_says_why() {
    let (response, _) = answer(&Request::delivery(OTHER)).await;
    let expected = serde_json::json!({
        "result": "ignored",
        "reason": "push to refs/heads/topic; this GitSync follows refs/heads/main",
    });
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn every_refusal_looks_like_a_wrong_signature_and_takes_its_time() {
    let hook_limits = HookLimits { refusal: SOON, lookup: SOON, ..lenient() };
    let mut seen = Vec::new();
    for (key, token, refusal) in [
        ("shop/deploy", "guess", Refusal::WrongSignature),
        ("shop/rotating", "guess", Refusal::WrongSignature),
        ("shop/nothing", TOKEN, Refusal::UnknownGitSync),
        ("shop/hookless", TOKEN, Refusal::NoWebhook),
        ("shop/secretless", TOKEN, Refusal::NoToken),
        ("shop/tokenless", "", Refusal::NoToken),
        ("shop/slow", TOKEN, Refusal::Unavailable),
    ] {
        let (server, notes) = Server::of_hooks(hook_limits).await;
        let start = Instant::now();
        let response = server.exchange(&Request::post(key, PUSH).signed(token).bytes()).await;
        assert!(start.elapsed() >= SOON, "{key}");
        assert_eq!(response.status, 403, "{key}");
        assert_eq!(notes.answered(), [(Some(key.to_owned()), Answer::Forbidden(refusal))]);
        assert!(notes.announced().is_empty(), "{key}");
        seen.push(response);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_body_is_bounded_before_it_is_read() {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let largest = Request::delivery(&"x".repeat(1 << 20));
    assert_eq!(server.exchange(&largest.bytes()).await.status, 202);

    let too_large = Request::delivery(&"x".repeat((1 << 20) + 1));
    assert_eq!(server.exchange(&too_large.head()).await.status, 413, "the head alone is enough");

    let asks_first = too_large.with("Expect", "100-continue");
    let response = server.send(&asks_first.head()).await.rest().await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert_eq!(notes.announced().len(), 1);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_at_the_bound() {
    let hook_limits = HookLimits { body: 10, ..lenient() };
    let chunked = |body: &str, chunks: &str| {
        let request = Request::delivery(body).without("Content-Length").with("Transfer-Encoding", "chunked");
        [request.head(), chunks.as_bytes().to_vec()].concat()
    };
    for (chunks, status) in [
        ("5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 202),
        ("5\r\n01234\r\n6\r\n56789a\r\n", 413),
        ("b\r\n0123456789a\r\n", 413),
        ("5\r\n01234\r\nnonsense\r\n", 400),
        ("fffffffffffffffff\r\n", 400),
    ] {
        let (server, _) = Server::of_hooks(hook_limits).await;
        assert_eq!(server.exchange(&chunked("0123456789", chunks)).await.status, status, "{chunks:?}");
    }
}

#[tokio::test]
async fn an_endless_body_is_not_read_without_a_proof_and_with_a_wrong_one_only_to_the_bound() {
    let limits = HookLimits { body: 10, ..lenient() };
    let endless = |request: Request| request.without("Content-Length").with("Transfer-Encoding", "chunked");
    let chunk = b"10\r\n0123456789abcdef\r\n";
    // Nothing of it is awaited: the head alone is answered.
    let (server, notes) = Server::of_hooks(limits).await;
    let unsigned = server.exchange(&endless(Request::post("shop/deploy", "")).head()).await;
    assert_eq!(unsigned.status, 401);
    for key in ["shop/deploy", "shop/nothing", "shop/hookless"] {
        let forged = endless(Request::post(key, "").signed("guess"));
        let answer = server.exchange(&[&forged.head()[..], chunk].concat()).await;
        assert_eq!(answer.status, 413, "{key}");
    }
    let tokens = notes.answered();
    assert!(tokens.iter().all(|(_, answer)| *answer != Answer::Queued) && notes.announced().is_empty(), "{tokens:?}");
}

#[tokio::test]
async fn all_bodies_together_are_bounded_and_give_their_share_back() {
    let (server, _) = Server::of_hooks(HookLimits { all_bodies: 40, ..lenient() }).await;
    let small = Request::delivery(PUSH).bytes();
    let large = Request::delivery(&"x".repeat(41)).bytes();
    for (bytes, status) in [(&small, 202), (&large, 503), (&small, 202), (&small, 202)] {
        assert_eq!(server.exchange(bytes).await.status, status);
    }
}

#[tokio::test]
async fn a_body_that_hangs_is_given_up() {
    let (server, notes) = Server::of_hooks(HookLimits { read: SOON, ..lenient() }).await;
    let request = Request::delivery(PUSH);
    let half = [request.head(), PUSH.as_bytes()[..5].to_vec()].concat();
    let response = server.exchange(&half).await;
    assert_eq!((response.status, response.headers["connection"].as_str()), (408, "close"));
    assert_eq!(notes.answered(), [(Some("shop/deploy".to_owned()), Answer::TimedOut)]);
    assert!(notes.announced().is_empty());
}

#[tokio::test]
async fn each_of_a_hundred_deliveries_at_once_is_announced() {
    let (server, notes) = Server::of_hooks(HookLimits { read: LATE, ..lenient() }).await;
    let server = Arc::new(server);
    let deliveries = (0..100).map(|number| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let body = format!(r#"{{"ref":"refs/heads/main","number":{number}}}"#);
            server.exchange(&Request::delivery(&body).bytes()).await.status
        })
    });
    let statuses = futures::future::join_all(deliveries).await;
    assert!(statuses.into_iter().all(|status| status.unwrap() == 202));
    assert_eq!(notes.announced(), vec!["shop/deploy"; 100]);
}

#[tokio::test]
async fn every_answer_is_told_with_the_key_that_the_path_named() {
    let (server, notes) = Server::of_notes(Notes::default(), lenient(), patient()).await;
    for request in [Request::delivery(PUSH), Request::new("GET", "/hooks/a/b"), Request::new("GET", "/favicon.ico")] {
        server.exchange(&request.bytes()).await;
    }
    let expected = [
        (Some("shop/deploy".to_owned()), Answer::Queued),
        (Some("a/b".to_owned()), Answer::MethodNotAllowed),
        (None, Answer::NotFound),
    ];
    assert_eq!(notes.answered(), expected);
}
