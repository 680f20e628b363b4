//! One request and its answer. kube's own way of asking drops the head of a refusal, and with it how long the API server wants
//! to be left alone: it says so there and nowhere else where it refuses by priority and fairness.

use http::header::RETRY_AFTER;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;

use super::error::CallError;
use crate::model::retry_after;

/// Asks once. `namespace` is the one that is written to.
pub(super) async fn ask<T: DeserializeOwned>(
    client: &Client,
    request: http::Request<Vec<u8>>,
    namespace: &str,
) -> Result<T, CallError> {
    let broken = |error| CallError::from_kube(error, namespace);
    let (head, body) = client.send(request.map(Body::from)).await.map_err(broken)?.into_parts();
    let body = body.collect_bytes().await.map_err(broken)?;
    if !head.status.is_client_error() && !head.status.is_server_error() {
        return serde_json::from_slice(&body).map_err(|error| CallError::Unexpected(error.to_string()));
    }
    let advice = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let advice = advice.and_then(|value| retry_after(value, Timestamp::now()));
    // Whoever stands before the API server answers in words of its own.
    let status = serde_json::from_slice(&body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&body);
        Status::failure(text.trim(), "").with_code(head.status.as_u16())
    });
    Err(CallError::from_answer(&status, advice, namespace))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use http::{Request, Response};
    use kube::core::ApiResource;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;
    use crate::cluster::{Cluster, microservices};
    use crate::model::ObjectKey;
    use crate::telemetry::Metrics;

    /// An answer: its code, what it says in `Retry-After`, its body.
    type Answer = (u16, Option<&'static str>, String);

    /// A server that gives these answers in turn, and how long each request came after the first.
    fn server(answers: Vec<Answer>) -> (Client, Arc<Mutex<Vec<Duration>>>) {
        let (answers, began) = (Arc::new(Mutex::new(VecDeque::from(answers))), Instant::now());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let service = tower::service_fn(move |_: Request<Body>| {
            log.lock().unwrap().push(began.elapsed());
            let (code, advice, body) = answers.lock().unwrap().pop_front().expect("more requests than answers");
            let mut answer = Response::builder().status(code);
            if let Some(advice) = advice {
                answer = answer.header(RETRY_AFTER, advice);
            }
            let answer = answer.body(Body::from(body.into_bytes())).unwrap();
            async move { Ok::<_, Infallible>(answer) }
        });
        (Client::new(service, "default"), asked)
    }

    fn status(code: u16, message: &str) -> String {
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}).to_string()
    }

    /// What became of a deletion before such a server, and when it was asked, in milliseconds.
    async fn deleted(answers: Vec<Answer>) -> (Result<(), CallError>, Vec<u128>) {
        let (client, asked) = server(answers);
        let cluster = Cluster::new(client, Metrics::new("1"), Duration::from_secs(30));
        let kind: ApiResource = microservices();
        let result = cluster.delete(&kind, &ObjectKey::new("shop", "web"), "uid", None).await;
        let asked = asked.lock().unwrap().iter().map(Duration::as_millis).collect();
        (result, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_asks_for_is_kept_wherever_it_says_it() {
        let check = async |first: Answer, expected: u128| {
            let (result, asked) = deleted(vec![first.clone(), (200, None, "{}".into())]).await;
            assert!(result.is_ok(), "{result:?}");
            assert_eq!(asked.len(), 2, "{first:?}");
            assert_eq!(asked[1] - asked[0], expected, "{first:?}");
        };
        // As priority and fairness says it: there is no Status.
        check((429, Some("3"), "Too many requests, please try again later.\n".into()), 3_000).await;
        check((429, Some("2"), status(429, "slow down")), 2_000).await;
        check((503, Some("5"), "starting".into()), 5_000).await;
        let within = json!({"kind": "Status", "code": 429, "message": "", "details": {"retryAfterSeconds": 4}});
        check((429, None, within.to_string()), 4_000).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_for_longer_than_a_call_may_take_is_left_alone() {
        let (result, asked) = deleted(vec![(429, Some("60"), String::new())]).await;
        let error = result.unwrap_err();
        assert!(
            matches!(error, CallError::Throttled { retry_after: Some(asked), .. } if asked.as_secs() == 60),
            "{error:?}"
        );
        assert_eq!(asked.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn where_a_try_may_have_been_carried_out_a_later_refusal_does_not_hide_that() {
        let check = async |answers: Vec<Answer>, expected: &str| {
            let (result, _) = deleted(answers).await;
            assert_eq!(result.as_ref().map_or_else(CallError::reason, |()| "done"), expected);
        };
        let broken = || (500, None, status(500, "etcd went away"));
        let busy = || (429, Some("1"), String::new());
        check(vec![broken(), busy(), busy()], "ServerError").await;
        check(vec![busy(), busy(), busy()], "Throttled").await;
        check(vec![broken(), (403, None, status(403, "no"))], "ServerError").await;
        // These looked at the object: it is gone, or it is another by now.
        let gone =
            json!({"kind": "Status", "code": 404, "message": "", "details": {"name": "web", "kind": "microservices"}});
        check(vec![broken(), (404, None, gone.to_string())], "done").await;
        check(vec![broken(), (409, None, status(409, "the UID differs"))], "Conflict").await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_none_is_told_by_what_it_is() {
        let check = async |answer: Answer, expected: &str| {
            let (client, _) = server(vec![answer]);
            let error = ask::<Value>(&client, Request::new(Vec::new()), "shop").await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check((502, None, "<html>bad gateway</html>".into()), "the API server failed: <html>bad gateway</html>").await;
        check((418, None, "tea".into()), "the API server sent something unexpected: 418 tea").await;
        let said = "the API server sent something unexpected: expected value at line 1 column 1";
        check((200, None, "<html>".into()), said).await;
    }
}
