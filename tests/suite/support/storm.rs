//! A proxy before the API server that understands what passes: it refuses requests as an API server does, loses answers of
//! writes that were done, cuts, repeats, holds up and ends watches, and kills who asks, before or after it is done.
//!
//! Towards the daemon it speaks plain HTTP, so that nothing has to be decrypted; towards the API server it passes on what
//! the daemon said of itself.

mod aim;
mod answers;
mod copies;
mod lines;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
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

use aim::Aim;
pub use aim::Amid;
use answers::{refusal, trickling};
use copies::Copies;
pub use copies::Lag;
use lines::Lines;

/// Bytes of a Lease.
const LEASE: usize = 1 << 16;

/// What it is like between a daemon and its API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything gets through.
    Calm,
    /// So many of a hundred requests meet a fault, and so many of a hundred events of a watch.
    Rough(u8),
    /// What is written is done at once, and its answer comes so much later: the watch shows it before.
    Late(Duration),
    /// What is written reaches the API server when the weather changes, and not before.
    Held,
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
    /// An admission webhook refuses it.
    Denied,
    /// It takes that long.
    Slow(Duration),
    /// Its answer comes a few bytes at a time.
    Trickles,
    /// The connection ends before it reached the API server.
    Dropped,
    /// It is done, and the connection ends instead of an answer.
    Unanswered,
}

impl Fault {
    /// What it is called where things are counted.
    fn word(self) -> String {
        match self {
            Self::Refused(401) => "401: the token has expired".into(),
            Self::Refused(429) => "429 with Retry-After".into(),
            Self::Refused(status) => format!("{status} to a request"),
            Self::Denied => "403 by an admission webhook".into(),
            Self::Slow(_) => "slow admission: a request that takes long".into(),
            Self::Trickles => "slow bytes".into(),
            Self::Dropped => "connection reset before a request".into(),
            Self::Unanswered => "connection reset after a request, before its answer".into(),
        }
    }
}

/// How often something happened, by what it is called.
pub type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// Counts one more.
pub fn count(counts: &Counts, word: &str) {
    if let Ok(mut counts) = counts.lock() {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
}

/// A proxy; it ends with this.
pub struct Storm {
    weather: watch::Sender<Weather>,
    lag: watch::Sender<Lag>,
    /// How often all watches were told that their place is forgotten.
    expired: watch::Sender<u64>,
    copies: Arc<Copies>,
    aim: Arc<Mutex<Option<Aim>>>,
    task: JoinHandle<()>,
    folder: TempDir,
}

struct Proxy<C> {
    weather: watch::Receiver<Weather>,
    lag: watch::Receiver<Lag>,
    expired: watch::Receiver<u64>,
    copies: Arc<Copies>,
    aim: Arc<Mutex<Option<Aim>>>,
    random: Mutex<fastrand::Rng>,
    client: Client<C, Body>,
    origin: String,
    counts: Counts,
}

/// What counts the writes of services that are held.
pub const HELD: &str = "write of a service that is held";

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is gone")]
struct Lost;

impl Storm {
    /// Before the API server of a kubeconfig that proves itself by a token. What it does is counted.
    pub async fn before(kubeconfig: &Path, seed: u64, counts: Counts) -> Self {
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
        let (lag, lags) = watch::channel(Lag::No);
        let (expired, expires) = watch::channel(0);
        let (random, aim, copies) = (Mutex::new(fastrand::Rng::with_seed(seed)), Arc::default(), Arc::default());
        let proxy = Proxy {
            weather: seen,
            lag: lags,
            expired: expires,
            copies: Arc::clone(&copies),
            aim: Arc::clone(&aim),
            random,
            client,
            origin,
            counts,
        };
        let task = tokio::spawn(accept(listener, Arc::new(proxy)));
        Self { weather, lag, expired, copies, aim, task, folder }
    }

    /// How to reach the API server through it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on it is like that.
    pub fn becomes(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// From now on an API server answers lists that is behind.
    pub fn lags(&self, lag: Lag) {
        self.lag.send_replace(lag);
    }

    /// Every watch is told that its place is forgotten, now.
    pub fn expire(&self) {
        self.expired.send_modify(|times| *times += 1);
    }

    /// Another process comes, which nobody has told anything yet.
    pub fn forget(&self) {
        self.copies.forget();
    }

    /// The next time that a process asks for that, it is killed: before it is done, or after that and before the answer.
    pub fn aim(&self, process: u32, amid: Amid, after: bool) {
        *self.aim.lock().unwrap() = Some(Aim { process, amid, after });
    }

    /// Nobody is killed any more.
    pub fn rest(&self) {
        *self.aim.lock().unwrap() = None;
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
                () = closed => {}
            }
        });
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> Proxy<C> {
    /// Waits out a silence; what was on its way then is lost.
    async fn through(&self, weather: &mut watch::Receiver<Weather>) -> Result<(), Lost> {
        let silent = *weather.borrow_and_update() == Weather::Silent;
        if silent {
            count(&self.counts, "silence: nothing gets through, and nobody is told");
            until(weather, |weather| weather != Weather::Silent).await;
            return Err(Lost);
        }
        if *weather.borrow() == Weather::Closed {
            count(&self.counts, "connection refused");
            return Err(Lost);
        }
        Ok(())
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Result<http::Response<Body>, Lost> {
        let mut weather = self.weather.clone();
        self.through(&mut weather).await?;
        let (mut parts, body) = request.into_parts();
        let writes = !matches!(parts.method, http::Method::GET | http::Method::HEAD);
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let watches = path.contains("watch=");
        let (said, body) = match Amid::reads(&parts.method, parts.uri.path()) {
            true => {
                let said = to_bytes(Body::new(body), LEASE).await.map_err(|_| Lost)?;
                (said.clone(), Body::from(said))
            }
            false => (Bytes::new(), Body::new(body)),
        };
        let aim = self.aimed(&parts.method, parts.uri.path(), &said);
        if let Some(aim) = aim.filter(|aim| !aim.after) {
            aim.kill();
            return Err(Lost);
        }
        let list = copies::listing(&parts.uri);
        if list.is_some() && *self.lag.borrow() == Lag::Paged {
            return Ok(refusal(
                422,
                "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            ));
        }
        if let Some((key, allowed)) = &list
            && let Some(answer) = self.as_it_was(key, *allowed)
        {
            count(&self.counts, "list as it was before");
            return Ok(answer);
        }
        if writes && *weather.borrow() == Weather::Held {
            if Amid::Apply.is(&parts.method, parts.uri.path(), &[]) {
                count(&self.counts, HELD);
            }
            until(&mut weather, |weather| weather != Weather::Held).await;
        }
        let fault = self.fault(writes, watches);
        if let Some(fault) = fault {
            count(&self.counts, &fault.word());
        }
        match fault {
            Some(Fault::Dropped) => return Err(Lost),
            Some(Fault::Refused(status)) => return Ok(refusal(status, "a fault of the suite")),
            Some(Fault::Denied) => {
                return Ok(refusal(403, "admission webhook \"policy.example.com\" denied the request: not now"));
            }
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::Unanswered | Fault::Trickles) | None => {}
        }
        parts.uri = format!("{}{path}", self.origin).parse().map_err(|_| Lost)?;
        parts.headers.remove(http::header::HOST);
        let request = http::Request::from_parts(parts, body);
        let asked = self.client.request(request);
        let silent = until(&mut weather, |weather| weather == Weather::Silent);
        let answer = tokio::select! {
            answer = asked => answer.map_err(|_| Lost)?.map(Body::new),
            () = silent => {
                let mut weather = self.weather.clone();
                return Err(self.through(&mut weather).await.err().unwrap_or(Lost));
            }
        };
        if let Some(aim) = aim {
            aim.kill();
            return Err(Lost);
        }
        if matches!(fault, Some(Fault::Unanswered)) {
            return Err(Lost);
        }
        let late = match *weather.borrow() {
            Weather::Late(late) if writes => Some(late),
            _ => None,
        };
        if let Some(late) = late {
            tokio::time::sleep(late).await;
        }
        let (parts, body) = answer.into_parts();
        let body = match (list, parts.status.is_success()) {
            (Some((key, _)), true) => self.copies.noted(key, body),
            _ => body,
        };
        let body = match fault {
            _ if watches && parts.status == 200 => self.disturbed(body),
            Some(Fault::Trickles) => trickling(body),
            _ => body,
        };
        Ok(http::Response::from_parts(parts, body))
    }

    /// What is aimed at who asks this, which happens once.
    fn aimed(&self, method: &http::Method, path: &str, body: &[u8]) -> Option<Aim> {
        self.aim.lock().ok()?.take_if(|aim| aim.amid.is(method, path, body))
    }

    /// Whether this request meets a fault, and which.
    fn fault(&self, writes: bool, watches: bool) -> Option<Fault> {
        let Weather::Rough(chance) = *self.weather.borrow() else { return None };
        let mut random = self.random.lock().ok()?;
        if random.u8(..100) >= chance {
            return None;
        }
        Some(match random.u8(..13) {
            0 => Fault::Refused(429),
            1 => Fault::Refused(500),
            2 => Fault::Refused(503),
            3 if writes => Fault::Refused(409),
            4 | 5 => Fault::Slow(Duration::from_millis(random.u64(50..1500))),
            6 => Fault::Dropped,
            7 => Fault::Refused(401),
            8 if writes => Fault::Denied,
            9 if !watches => Fault::Trickles,
            _ => Fault::Unanswered,
        })
    }

    /// What a server says that is behind, where one answers. In rough weather now and then one does.
    fn as_it_was(&self, key: &str, allowed: bool) -> Option<http::Response<Body>> {
        let answers = match (*self.lag.borrow(), *self.weather.borrow()) {
            (Lag::Always, _) => true,
            (Lag::WhereAllowed, _) => allowed,
            (Lag::No, Weather::Rough(chance)) => self.random.lock().ok()?.u8(..100) < chance,
            (Lag::No | Lag::Paged, _) => false,
        };
        answers.then(|| self.copies.answer(key))?
    }

    /// A watch as it comes through the weather, line by line.
    fn disturbed(&self, body: Body) -> Body {
        let seed = self.random.lock().map_or(0, |mut random| random.u64(..));
        let (weather, expired) = (self.weather.clone(), self.expired.clone());
        Lines::of(body, weather, expired, seed, Arc::clone(&self.counts)).into_body()
    }
}

/// Waits for a weather; for ever where it will not change any more.
async fn until(weather: &mut watch::Receiver<Weather>, fits: impl Fn(Weather) -> bool) {
    let came = weather.wait_for(|weather| fits(*weather)).await.is_ok();
    if !came {
        std::future::pending::<()>().await;
    }
}
