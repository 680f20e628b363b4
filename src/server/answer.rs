//! What a delivery can be answered: one closed enum, from which the status, the body and the metric label follow.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

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
        }
    }
}

/// What a delivery is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The GitSync was told to look now.
    Queued,
    /// A push to another ref.
    Ignored {
        /// The pushed ref, cut to a printable length.
        pushed: String,
        /// What the GitSync follows.
        follows: String,
    },
    /// The sender only wanted to know whether we are here.
    Pong,
    /// The body could not be read to its end.
    BadRequest,
    /// No signature, or one that cannot be one.
    Unauthorized,
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
    /// Too many bodies are being read at once.
    Busy,
}

impl Answer {
    /// The word in the body's `result`, and the metric label.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ignored { .. } => "ignored",
            Self::Pong => "pong",
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Busy => "busy",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Queued | Self::Ignored { .. } => StatusCode::ACCEPTED,
            Self::Pong => StatusCode::OK,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A sentence for the person who reads the sender's delivery log.
    fn reason(&self) -> Option<String> {
        let sentence = match self {
            Self::Queued | Self::Pong => return None,
            Self::Ignored { pushed, follows } => {
                return Some(format!("push to {pushed}; this GitSync follows {follows}"));
            }
            Self::BadRequest => "the body could not be read to its end",
            Self::Unauthorized => "the header X-Hub-Signature-256 must be there once, as sha256=<64 hex digits>",
            Self::Forbidden(_) => {
                "no GitSync with a webhook and a token at this path, or the signature is of another token"
            }
            Self::NotFound => "webhooks are at /hooks/{namespace}/{gitsync}",
            Self::MethodNotAllowed => "a webhook is a POST",
            Self::TimedOut => "the body did not arrive in time",
            Self::TooLarge => "the body is too large",
            Self::UnsupportedMediaType => "the content type must be application/json",
            Self::Busy => "too many deliveries at once; deliver again later",
        };
        Some(sentence.to_owned())
    }

    /// Whether the rest of the connection is not worth reading.
    fn ends_connection(&self) -> bool {
        matches!(self, Self::BadRequest | Self::TimedOut | Self::TooLarge | Self::Busy)
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
        if *self == Self::MethodNotAllowed {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
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
