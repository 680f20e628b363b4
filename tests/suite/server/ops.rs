//! The routes for the cluster's own machinery.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gitmoor::server::{Pulse, ops_router};
use gitmoor::telemetry::Metrics;
use serde_json::json;

use super::client::{Request, Response, Server, patient};

async fn ask(pulse: &Pulse, method: &str, path: &str) -> Response {
    let metrics = Metrics::new("1.2.3");
    let server = Server::start(ops_router(pulse.clone(), move || metrics.encode()), patient()).await;
    server.exchange(&Request::new(method, path).bytes()).await
}

#[tokio::test]
async fn health_fails_with_the_names_of_the_loops_that_stalled() {
    let now = Arc::new(Mutex::new(Instant::now()));
    let clock = Arc::clone(&now);
    let pulse = Pulse::new(Arc::new(move || *clock.lock().unwrap()));
    let (beat, _other) = (pulse.register("sync", Duration::from_secs(10)), pulse.register("lease", Duration::MAX));
    let healthy = ask(&pulse, "GET", "/healthz").await;
    assert_eq!((healthy.status, healthy.json()), (200, json!({"status": "ok"})));

    *now.lock().unwrap() += Duration::from_secs(11);
    let stalled = ask(&pulse, "GET", "/healthz").await;
    let expected = json!({"status": "stalled", "stalled": [{"loop": "sync", "silentSeconds": 11, "panicked": false}]});
    assert_eq!((stalled.status, stalled.json()), (503, expected));

    beat.at_object("applying", "shop/orders");
    assert_eq!(ask(&pulse, "GET", "/healthz").await.status, 200);
    *now.lock().unwrap() += Duration::from_secs(12);
    let stalled = ask(&pulse, "GET", "/livez").await;
    let expected = json!({
        "loop": "sync", "silentSeconds": 12, "panicked": false, "phase": "applying", "object": "shop/orders"
    });
    assert_eq!((stalled.status, &stalled.json()["stalled"]), (503, &json!([expected])));
}

#[tokio::test]
async fn readiness_says_which_part_a_process_plays_among_several() {
    let pulse = Pulse::default();
    let gate = pulse.gate("caches");
    pulse.play("standby");
    let waiting = ask(&pulse, "GET", "/readyz").await;
    let expected = json!({"status": "waiting", "waiting": ["caches"], "role": "standby"});
    assert_eq!((waiting.status, waiting.json()), (503, expected));
    gate.open();
    pulse.play("leader");
    let ready = ask(&pulse, "GET", "/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ready", "role": "leader"})));
}

#[tokio::test]
async fn ready_is_when_every_gate_is_open() {
    let pulse = Pulse::default();
    let (caches, lease) = (pulse.gate("caches"), pulse.gate("lease"));
    lease.open();
    let waiting = ask(&pulse, "GET", "/readyz").await;
    assert_eq!((waiting.status, waiting.json()), (503, json!({"status": "waiting", "waiting": ["caches"]})));
    caches.open();
    let ready = ask(&pulse, "GET", "/readyz").await;
    assert_eq!((ready.status, ready.json()), (200, json!({"status": "ready"})));
}

#[tokio::test]
async fn metrics_are_openmetrics() {
    let response = ask(&Pulse::default(), "GET", "/metrics").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(response.body.contains("gitmoor_build_info{version=\"1.2.3\"} 1\n"), "{}", response.body);
    assert!(response.body.ends_with("# EOF\n"), "{}", response.body);
}

#[tokio::test]
async fn only_reading_is_answered_and_only_here() {
    let pulse = Pulse::default();
    for (method, path, status) in [
        ("HEAD", "/healthz", 200),
        ("HEAD", "/livez", 200),
        ("HEAD", "/readyz", 200),
        ("HEAD", "/metrics", 200),
        ("POST", "/healthz", 405),
        ("OPTIONS", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/hooks/shop/deploy", 404),
    ] {
        let response = ask(&pulse, method, path).await;
        assert_eq!(response.status, status, "{method} {path}");
        assert!(method != "HEAD" || response.body.is_empty(), "{method} {path}");
        assert!(status != 405 || response.headers["allow"] == "GET,HEAD", "{:?}", response.headers);
    }
}
