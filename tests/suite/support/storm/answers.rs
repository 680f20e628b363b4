//! Answers as an API server gives them in bad times.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream::{self, StreamExt};
use serde_json::json;

/// Bytes of an answer that come at once, where they come slowly, and how long the next ones take.
const SIP: usize = 512;
const PAUSE: Duration = Duration::from_millis(15);
/// So much of an answer is slow: the rest comes as usual, or a list would take minutes.
const SLOW: usize = 64;

/// What an API server says when it refuses a request.
pub fn refusal(code: u16, message: &str) -> http::Response<Body> {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        409 => "Conflict",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code});
    let mut answer = http::Response::new(Body::from(status.to_string()));
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if code == 429 {
        headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    answer
}

/// An answer that comes a few bytes at a time.
pub fn trickling(body: Body) -> Body {
    let sips = body.into_data_stream().flat_map(|part| {
        let sips: Vec<_> = match part {
            Ok(bytes) => bytes.chunks(SIP).map(|sip| Ok(Bytes::copy_from_slice(sip))).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(sips)
    });
    Body::from_stream(sips.enumerate().then(async |(index, sip)| {
        if index < SLOW {
            tokio::time::sleep(PAUSE).await;
        }
        sip
    }))
}
