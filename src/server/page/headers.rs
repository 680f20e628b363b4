//! What every answer of the page says to a browser: run nothing that is not ours, guess nothing, keep nothing of others.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::page::{Refusal, assets};

/// Nothing is loaded from anywhere else, nothing runs that is not a file of ours, nobody frames the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Puts what every answer has.
pub(super) fn harden(headers: &mut HeaderMap) {
    let all = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in all {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// JSON that is there, or word that the browser has it already.
pub(super) fn json(text: String, asked: &HeaderMap) -> Response {
    let tag = assets::tag(text.as_bytes());
    let mut response = tagged(&tag, asked, Body::from(text), "application/json");
    // What one viewer sees is nobody else's.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
    response
}

/// A file of the page. One that is asked for by its digest never changes.
pub(super) fn asset(name: &str, asked: &HeaderMap, query: Option<&str>) -> Result<Response, Refusal> {
    let (asset, tag) = assets::find(name).ok_or(Refusal::NotFound)?;
    let mut response = tagged(tag, asked, Body::from(asset.bytes), asset.kind());
    let by_digest = query.and_then(|query| query.strip_prefix("v=")) == Some(tag);
    let kept = if by_digest { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}

fn tagged(tag: &str, asked: &HeaderMap, body: Body, kind: &'static str) -> Response {
    let tag = format!("\"{tag}\"");
    let same = |known: &str| known.split(',').map(str::trim).any(|one| one.trim_start_matches("W/") == tag);
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(same) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
