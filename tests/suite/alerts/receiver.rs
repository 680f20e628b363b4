//! A server that takes alerts, notes all of them, and answers as a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{canary, eventually};

/// Headers that are for who one is.
const PROOFS: [&str; 2] = ["authorization", "private-token"];

/// How it answers.
#[derive(Debug, Clone)]
pub enum Manner {
    /// With that status, and headers.
    Says(u16, Vec<(&'static str, String)>),
    /// Not at all.
    Hangs,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub at: Instant,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The alerts of Gitmoor's own form.
    pub fn alerts(&self) -> Vec<Value> {
        self.json()["alerts"].as_array().cloned().unwrap_or_default()
    }

    /// Whether it is signed with that key.
    pub fn is_signed(&self, key: &str) -> bool {
        let header = |name: &str| self.headers.get(name).map(String::as_str).unwrap_or_default();
        let signed = [header("x-gitmoor-timestamp").as_bytes(), b".", &self.body].concat();
        let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap().chain_update(signed).finalize().into_bytes();
        header("x-gitmoor-signature-256") == format!("sha256={}", data_encoding::HEXLOWER.encode(&mac))
    }
}

struct Inner {
    heard: Mutex<Vec<Heard>>,
    manner: Mutex<Manner>,
}

/// A running receiver. It ends when this is dropped.
pub struct Receiver {
    pub url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let manner = Mutex::new(Manner::Says(200, Vec::new()));
        let inner = Arc::new(Inner { heard: Mutex::default(), manner });
        let notes = Arc::clone(&inner);
        let router = Router::new().fallback(move |request: Request| answer(Arc::clone(&notes), request));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner, task }
    }

    /// From now on it answers so.
    pub fn becomes(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }

    /// What came to a path so far.
    pub fn heard(&self, path: &str) -> Vec<Heard> {
        self.inner.heard.lock().unwrap().iter().filter(|heard| heard.path.starts_with(path)).cloned().collect()
    }

    /// Waits for a request to a path that fits.
    pub async fn hears(&self, path: &str, what: &str, fits: impl Fn(&Heard) -> bool) -> Heard {
        eventually(what, async || {
            let heard = self.heard(path);
            let show = |heard: &Heard| format!("{} {}", heard.path, String::from_utf8_lossy(&heard.body));
            heard
                .iter()
                .find(|heard| fits(heard))
                .cloned()
                .ok_or_else(|| heard.iter().map(show).collect::<Vec<_>>().join("\n"))
        })
        .await
    }

    /// Waits for an alert of that kind and state.
    pub async fn hears_alert(&self, path: &str, kind: &str, state: &str) -> (Heard, Value) {
        let find =
            |heard: &Heard| heard.alerts().into_iter().find(|alert| alert["kind"] == kind && alert["state"] == state);
        let heard = self.hears(path, &format!("{kind} {state}"), |heard| find(heard).is_some()).await;
        let alert = find(&heard).unwrap();
        (heard, alert)
    }
}

/// What came is searched: a secret may be where a receiver looks for it, and nowhere else.
impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
        // A test that fails says so itself, and nothing may fail beside that.
        if std::thread::panicking() {
            return;
        }
        let heard = std::mem::take(&mut *self.inner.heard.lock().unwrap());
        let said = heard.into_iter().map(|mut heard| {
            PROOFS.iter().for_each(|name| drop(heard.headers.remove(*name)));
            format!("{:?}\n{}\n", heard.headers, String::from_utf8_lossy(&heard.body))
        });
        canary::search("in what was told to a receiver", &said.collect::<String>());
    }
}

async fn answer(inner: Arc<Inner>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let heard = Heard {
        at: Instant::now(),
        path: head.uri.path().to_owned(),
        headers: headers.collect(),
        body: to_bytes(body, 1 << 22).await.unwrap(),
    };
    inner.heard.lock().unwrap().push(heard);
    let manner = inner.manner.lock().unwrap().clone();
    match manner {
        Manner::Says(status, headers) => {
            let mut response = Response::new(Body::from("taken"));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Manner::Hangs => std::future::pending().await,
    }
}
