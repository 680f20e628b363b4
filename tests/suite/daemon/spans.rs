//! What becomes of a commit, as one trace at a collector: from the look that found it until its services are ready.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::canary::{self, secret};
use crate::support::eventually;
use crate::support::scene::service;

/// A collector that takes OTLP over HTTP in JSON.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Heard>>);

/// All that was exported.
#[derive(Default)]
struct Heard {
    spans: Vec<Value>,
    /// The requests as they came, with their headers.
    raw: String,
}

impl Collector {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::clone(&self.0);
        let take = post(move |headers: HeaderMap, body: String| async move {
            let request: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(request["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "gitmoor");
            let told = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
            let mut heard = heard.lock().unwrap();
            heard.spans.extend(told);
            heard.raw.push_str(&format!("{headers:?}\n{body}\n"));
            "{}"
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/traces", take)).await });
        format!("http://{address}")
    }

    /// The spans of the trace of a revision, once there is one of each of these names.
    async fn trace(&self, commit: &str, names: &[&str]) -> Vec<Value> {
        eventually(&format!("{names:?} of {commit}"), async || {
            let all = self.0.lock().unwrap().spans.clone();
            let of_commit = |span: &&Value| span["name"] == "fetch" && span.to_string().contains(commit);
            let Some(trace) = all.iter().find(of_commit).map(|span| span["traceId"].clone()) else {
                return Err(format!("{all:#?}"));
            };
            let spans: Vec<_> = all.into_iter().filter(|span| span["traceId"] == trace).collect();
            let complete = names.iter().all(|name| spans.iter().any(|span| span["name"] == *name));
            if complete { Ok(spans) } else { Err(format!("{spans:#?}")) }
        })
        .await
    }
}

fn time(span: &Value, at: &str) -> u64 {
    span[at].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_commit_is_one_trace_from_its_fetch_until_its_services_are_ready() {
    let Some(alone) = Alone::new().await else { return };
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let daemon = alone.daemon(&["--otlp-endpoint", &endpoint]).await;
    let Some(scene) = alone.scene(&daemon, "spans").await else { return };
    let password = json!({"env": [{"name": "PASSWORD", "value": secret!("of-spans")}]});
    let first = scene.commit(&[("a.yaml", service("a", password)), ("b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&first).await;
    scene.ready("a").await;
    scene.ready("b").await;
    let names = ["fetch", "parse", "look", "apply", "sync", "ready"];
    let spans = collector.trace(&first, &names).await;
    let whole = spans.iter().find(|span| span["name"] == "sync").unwrap();
    assert!(whole.get("parentSpanId").is_none(), "{whole}");
    for span in spans.iter().filter(|span| span["name"] != "sync") {
        assert_eq!(span["parentSpanId"], whole["spanId"], "{span}");
        assert!(time(span, "startTimeUnixNano") <= time(span, "endTimeUnixNano"), "{span}");
    }
    for part in ["parse", "look", "apply"] {
        let span = spans.iter().find(|span| span["name"] == part).unwrap();
        assert!(time(whole, "startTimeUnixNano") <= time(span, "startTimeUnixNano"), "{span}{whole}");
        assert!(time(span, "endTimeUnixNano") <= time(whole, "endTimeUnixNano"), "{span}{whole}");
    }

    // The next commit is a trace of its own, with the service that it changed.
    let second = scene.commit(&[("b.yaml", service("b", json!({"replicas": 2})))]);
    scene.request().await;
    scene.applied(&second).await;
    let later = collector.trace(&second, &names).await;
    assert_ne!(later[0]["traceId"], spans[0]["traceId"]);
    let ready: Vec<_> = later.iter().filter(|span| span["name"] == "ready").map(Value::to_string).collect();
    assert!(ready.iter().all(|span| span.contains(&format!("{}/b", scene.namespace))), "{ready:?}");
    daemon.terminate().await;
    // Until its end, no value of a manifest was exported.
    let heard = collector.0.lock().unwrap();
    assert!(heard.raw.contains("\"fetch\""), "{}", heard.raw);
    canary::search("in an exported trace", &heard.raw);
}
