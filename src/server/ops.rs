//! The routes for the cluster's own machinery: `/livez`, which is `/healthz`, `/readyz` and `/metrics`. GET and HEAD only.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::answer::json_response;
use super::health::{At, Pulse};

/// The content type of OpenMetrics text.
const OPENMETRICS: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The routes of the ops listener; `metrics` is called once per scrape and returns OpenMetrics text.
pub fn router<F>(pulse: Pulse, metrics: F) -> Router
where
    F: Fn() -> String + Clone + Send + Sync + 'static,
{
    let (liveness, readiness) = (pulse.clone(), pulse.clone());
    Router::new()
        .route("/healthz", get(async move || healthz(&pulse)))
        .route("/livez", get(async move || healthz(&liveness)))
        .route("/readyz", get(async move || readyz(&readiness)))
        .route("/metrics", get(async move || exposition(metrics())))
        .fallback(async || json_response(StatusCode::NOT_FOUND, &json!({"status": "not_found"})))
}

fn healthz(pulse: &Pulse) -> Response {
    let stalled: Vec<Value> = pulse
        .stalled()
        .iter()
        .map(|it| {
            let mut told = json!({"loop": *it.name, "silentSeconds": it.silent.as_secs(), "panicked": it.panicked});
            if let Some(At { phase, object }) = &it.at {
                told["phase"] = json!(phase);
                object.iter().for_each(|object| told["object"] = json!(**object));
            }
            told
        })
        .collect();
    if stalled.is_empty() {
        return json_response(StatusCode::OK, &json!({"status": "ok"}));
    }
    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "stalled", "stalled": stalled}))
}

fn readyz(pulse: &Pulse) -> Response {
    let waiting: Vec<Value> = pulse.waiting().iter().map(|name| json!(**name)).collect();
    let ready = waiting.is_empty();
    let mut body = if ready { json!({"status": "ready"}) } else { json!({"status": "waiting", "waiting": waiting}) };
    if let Some(role) = pulse.role() {
        body["role"] = json!(role);
    }
    json_response(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}

fn exposition(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, OPENMETRICS);
    response
}
