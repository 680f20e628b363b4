//! A proxy before the API server that understands what passes: it refuses requests as an API server does, loses answers of
//! writes that were done, and cuts, repeats and ends watches.
//!
//! Towards the daemon it speaks plain HTTP, so that nothing has to be decrypted; towards the API server it passes on what
//! the daemon said of itself.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream::{self, BoxStream, StreamExt};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What it is like between a daemon and its API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything gets through.
    Calm,
    /// So many of a hundred requests meet a fault, and so many of a hundred events of a watch.
    Rough(u8),
    /// Nothing gets through, and nobody is told before it changes.
    Silent,
    /// Connections are closed at once.
    Closed,
}

/// What becomes of one request in rough weather.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Refused with that status before it reached the API server.
    Refused(u16),
    /// It takes that long.
    Slow(Duration),
    /// The connection ends before it reached the API server.
    Dropped,
    /// It is done, and the connection ends instead of an answer.
    Unanswered,
}

/// What becomes of one event of a watch.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// The connection ends amid it.
    Cut,
    /// It comes twice.
    Twice,
    /// The API server says that it has forgotten what came before.
    Gone,
}

/// A proxy; it ends with this.
pub struct Storm {
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
    folder: TempDir,
}

struct Proxy<C> {
    weather: watch::Receiver<Weather>,
    random: Mutex<fastrand::Rng>,
    client: Client<C, Body>,
    origin: String,
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is gone")]
struct Lost;

impl Storm {
    /// Before the API server of a kubeconfig that proves itself by a token.
    pub async fn before(kubeconfig: &Path, seed: u64) -> Self {
        let file = Kubeconfig::read_from(kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::builder(TokioExecutor::new()).build(config.rustls_https_connector().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut own: Value = serde_yaml::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap();
        let cluster = &mut own["clusters"][0]["cluster"];
        let origin = cluster["server"].as_str().unwrap().trim_end_matches('/').to_owned();
        *cluster = json!({"server": format!("http://{}", listener.local_addr().unwrap())});
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), own.to_string()).unwrap();
        let (weather, seen) = watch::channel(Weather::Calm);
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let proxy = Arc::new(Proxy { weather: seen, random, client, origin });
        let task = tokio::spawn(accept(listener, proxy));
        Self { weather, task, folder }
    }

    /// How to reach the API server through it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on it is like that.
    pub fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<C: Connect + Clone + Send + Sync + 'static>(listener: TcpListener, proxy: Arc<Proxy<C>>) {
    // They end with the listener.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let proxy = Arc::clone(&proxy);
        connections.spawn(async move {
            let mut weather = proxy.weather.clone();
            if proxy.through(&mut weather).await.is_err() {
                return;
            }
            let answer = service_fn(|request| proxy.answer(request));
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            let closed = until(&mut weather, |weather| weather == Weather::Closed);
            tokio::select! {
                // Ends by an error where an answer was lost, which is what it is for.
                _ = connection => {}
                _ = closed => {}
            }
        });
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Proxy<C> {
    /// Waits out a silence; what was on its way then is lost.
    async fn through(&self, weather: &mut watch::Receiver<Weather>) -> Result<(), Lost> {
        let silent = *weather.borrow_and_update() == Weather::Silent;
        if silent {
            until(weather, |weather| weather != Weather::Silent).await;
            return Err(Lost);
        }
        if *weather.borrow() == Weather::Closed { Err(Lost) } else { Ok(()) }
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Result<http::Response<Body>, Lost> {
        let mut weather = self.weather.clone();
        self.through(&mut weather).await?;
        let (mut parts, body) = request.into_parts();
        let writes = !matches!(parts.method, http::Method::GET | http::Method::HEAD);
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let watches = path.contains("watch=");
        let fault = self.fault(writes);
        match fault {
            Some(Fault::Dropped) => return Err(Lost),
            Some(Fault::Refused(status)) => return Ok(refusal(status)),
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::Unanswered) | None => {}
        }
        parts.uri = format!("{}{path}", self.origin).parse().map_err(|_| Lost)?;
        parts.headers.remove(http::header::HOST);
        let request = http::Request::from_parts(parts, Body::new(body));
        let asked = self.client.request(request);
        let silent = until(&mut weather, |weather| weather == Weather::Silent);
        let answer = tokio::select! {
            answer = asked => answer.map_err(|_| Lost)?.map(Body::new),
            _ = silent => {
                let mut weather = self.weather.clone();
                return Err(self.through(&mut weather).await.err().unwrap_or(Lost));
            }
        };
        if matches!(fault, Some(Fault::Unanswered)) {
            return Err(Lost);
        }
        let (parts, body) = answer.into_parts();
        let body = if watches && parts.status == 200 { self.disturbed(body) } else { body };
        Ok(http::Response::from_parts(parts, body))
    }

    /// Whether this request meets a fault, and which.
    fn fault(&self, writes: bool) -> Option<Fault> {
        let Weather::Rough(chance) = *self.weather.borrow() else { return None };
        let mut random = self.random.lock().ok()?;
        if random.u8(..100) >= chance {
            return None;
        }
        Some(match random.u8(..10) {
            0 => Fault::Refused(429),
            1 => Fault::Refused(500),
            2 => Fault::Refused(503),
            3 if writes => Fault::Refused(409),
            4 | 5 => Fault::Slow(Duration::from_millis(random.u64(50..1500))),
            6 => Fault::Dropped,
            _ => Fault::Unanswered,
        })
    }

    /// A watch as it comes through the weather, line by line.
    fn disturbed(&self, body: Body) -> Body {
        let seed = self.random.lock().map_or(0, |mut random| random.u64(..));
        let state = Lines {
            from: body.into_data_stream().map(Result::ok).boxed(),
            buffer: Vec::new(),
            weather: self.weather.clone(),
            random: fastrand::Rng::with_seed(seed),
            over: false,
        };
        let lines = stream::unfold(state, async |mut lines| {
            let next = lines.next().await?;
            Some((next, lines))
        });
        Body::from_stream(lines)
    }
}

/// The lines of a watch.
struct Lines {
    from: BoxStream<'static, Option<Bytes>>,
    buffer: Vec<u8>,
    weather: watch::Receiver<Weather>,
    random: fastrand::Rng,
    over: bool,
}

impl Lines {
    /// Whether the next event meets trouble, and which.
    fn trouble(&mut self) -> Option<Trouble> {
        let Weather::Rough(chance) = *self.weather.borrow() else { return None };
        (self.random.u8(..100) < chance).then(|| match self.random.u8(..4) {
            0 => Trouble::Cut,
            1 => Trouble::Gone,
            _ => Trouble::Twice,
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Lost>> {
        if self.over {
            return None;
        }
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(self.through(line));
            }
            let mut weather = self.weather.clone();
            let fallen = until(&mut weather, |weather| matches!(weather, Weather::Silent | Weather::Closed));
            let more = tokio::select! {
                more = self.from.next() => more,
                _ = fallen => {
                    // A half-open connection is told of its end when the network is back.
                    until(&mut self.weather, |weather| weather != Weather::Silent).await;
                    return self.lost();
                }
            };
            match more {
                Some(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(None) => return self.lost(),
                None => return None,
            }
        }
    }

    fn lost(&mut self) -> Option<Result<Bytes, Lost>> {
        self.over = true;
        Some(Err(Lost))
    }

    fn through(&mut self, mut line: Vec<u8>) -> Result<Bytes, Lost> {
        match self.trouble() {
            None => Ok(line.into()),
            Some(Trouble::Twice) => {
                line.extend_from_within(..);
                Ok(line.into())
            }
            Some(Trouble::Cut) => {
                // The rest never comes: the next look ends the connection.
                line.truncate(line.len() / 2);
                self.buffer.clear();
                self.from = stream::once(async { None }).boxed();
                Ok(line.into())
            }
            Some(Trouble::Gone) => {
                self.over = true;
                let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "too old resource version", "reason": "Expired", "code": 410});
                Ok(format!("{}\n", json!({"type": "ERROR", "object": status})).into())
            }
        }
    }
}

/// Waits for a weather; for ever where it will not change any more.
async fn until(weather: &mut watch::Receiver<Weather>, fits: impl Fn(Weather) -> bool) {
    let came = weather.wait_for(|weather| fits(*weather)).await.is_ok();
    if !came {
        std::future::pending::<()>().await;
    }
}

/// What an API server says when it refuses a request in bad times.
fn refusal(code: u16) -> http::Response<Body> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "a fault of the suite", "reason": reason, "code": code});
    let mut answer = http::Response::new(Body::from(status.to_string()));
    *answer.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    if code == 429 {
        headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    answer
}
