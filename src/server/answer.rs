//! What a delivery can be answered: one closed enum, from which the status, the body and the metric label follow.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::webhook::Unproven;

/// Why a well-formed delivery is refused. The sender is told none of it: all refusals look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No GitSync of that name.
    UnknownGitSync,
    /// The GitSync has no `spec.webhook`.
    NoWebhook,
    /// Its Secret is missing, or has no usable token.
    NoToken,
    /// The token could not be looked up in time.
    Unavailable,
    /// The signature is of another token or another body.
    WrongSignature,
    /// The signature is genuine, and its time is another than ours.
    Stale,
}

impl Refusal {
    /// One word, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownGitSync => "unknown_gitsync",
            Self::NoWebhook => "no_webhook",
            Self::NoToken => "no_token",
            Self::Unavailable => "unavailable",
            Self::WrongSignature => "wrong_signature",
            Self::Stale => "stale",
        }
    }
}

/// What a delivery is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The GitSync was told to look now.
    Queued,
    /// The same delivery was taken a short while ago.
    Duplicate,
    /// A push to other refs.
    Ignored {
        /// One of the pushed refs, cut to a printable length.
        pushed: String,
        /// How many others were pushed with it.
        more: usize,
        /// What the GitSync follows.
        follows: String,
    },
    /// Something else than a push, by the sender's word for it.
    NoPush {
        /// The word, cut to a printable length.
        event: String,
    },
    /// The sender only wanted to know whether we are here.
    Pong {
        /// Whether it showed that it knows the token.
        genuine: bool,
    },
    /// The body could not be read to its end.
    BadRequest,
    /// No signature, or one that cannot be one.
    Unauthorized(Unproven),
    /// Refused, for a reason that the sender is not told.
    Forbidden(Refusal),
    /// No such path.
    NotFound,
    /// Another method than POST.
    MethodNotAllowed,
    /// The body did not arrive in time.
    TimedOut,
    /// The body is larger than is read.
    TooLarge,
    /// Neither JSON nor a form.
    UnsupportedMediaType,
    /// The source sends more than it may.
    TooMany {
        /// How long it has to wait.
        wait: Duration,
    },
    /// Too many bodies are being read at once.
    Busy,
}

impl Answer {
    /// The word in the body's `result`, and the metric label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Duplicate => "duplicate",
            Self::Ignored { .. } => "ignored",
            Self::NoPush { .. } => "no_push",
            Self::Pong { .. } => "pong",
            Self::BadRequest => "bad_request",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::TooMany { .. } => "too_many",
            Self::Busy => "busy",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Queued | Self::Duplicate | Self::Ignored { .. } | Self::NoPush { .. } => StatusCode::ACCEPTED,
            Self::Pong { .. } => StatusCode::OK,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A sentence for the person who reads the sender's delivery log.
    fn reason(&self) -> Option<String> {
        let sentence = match self {
            Self::Queued | Self::Pong { genuine: true } => return None,
            Self::Duplicate => "this delivery was taken already, and the source is looked at for it",
            Self::Ignored { pushed, more, follows } => {
                let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
                return Some(format!("push to {pushed}{more}; this GitSync follows {follows}"));
            }
            Self::NoPush { event } => return Some(format!("the event {event} is no push; only pushes count")),
            Self::Pong { genuine: false } => {
                "the listener is reached; this test is not signed, so nothing else of the webhook was checked"
            }
            Self::BadRequest => "the body could not be read to its end",
            Self::Unauthorized(unproven) => return Some(unproven.sentence()),
            Self::Forbidden(_) => {
                "no GitSync with a webhook and a token at this path, or the token of the webhook is another one"
            }
            Self::NotFound => "webhooks are at /hooks/{namespace}/{gitsync}",
            Self::MethodNotAllowed => "a webhook is a POST",
            Self::TimedOut => "the body did not arrive in time",
            Self::TooLarge => "the body is too large",
            Self::UnsupportedMediaType => "the content type must be application/json",
            Self::TooMany { .. } => "too many deliveries from this source; deliver again later",
            Self::Busy => "too many deliveries at once; deliver again later",
        };
        Some(sentence.to_owned())
    }

    /// Whether the rest of the connection is not worth reading.
    fn ends_connection(&self) -> bool {
        matches!(self, Self::BadRequest | Self::TimedOut | Self::TooLarge | Self::TooMany { .. } | Self::Busy)
    }

    /// As a response with a small JSON body.
    pub(super) fn response(&self) -> Response {
        let mut body = json!({"result": self.as_str()});
        if let Some(reason) = self.reason() {
            body["reason"] = Value::String(reason);
        }
        let mut response = json_response(self.status(), &body);
        if self.ends_connection() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        match self {
            Self::MethodNotAllowed => {
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            // Some senders of Basic authentication wait to be asked for it.
            Self::Unauthorized(_) => {
                let challenge = HeaderValue::from_static("Basic realm=\"webhook\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::TooMany { wait } => {
                let seconds = wait.as_secs() + 1;
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response
    }
}

/// A response with that JSON body.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
