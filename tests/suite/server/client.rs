//! A listener under test, hooks that take notes, and requests as bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use data_encoding::HEXLOWER;
use gitmoor::model::{Follow, ObjectKey};
use gitmoor::server::{Answer, HookLimits, HookTarget, Hooks, Limits, Listener, Refusal, hooks_router, serve};
use gitmoor::webhook::{Network, Token};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::canary::{self, secret};

/// What no test may take: a guard against hanging, not a measure.
pub const GUARD: Duration = Duration::from_secs(30);
/// A deadline that a test waits for.
pub const SOON: Duration = Duration::from_millis(40);
/// A deadline that a test waits for, after something that even a busy machine has done by then.
pub const WHILE: Duration = Duration::from_millis(500);
/// A deadline that a test does not wait for.
pub const LATE: Duration = Duration::from_secs(600);

/// The token of most of its GitSyncs.
pub const TOKEN: &str = secret!("hook");
/// A token that GitLab calls a signing token.
pub const STANDARD_TOKEN: &str = "whsec_YzRuYXJ5LXN0YW5kYXJkLXdlYmhvb2tz";

/// Limits that no test meets by accident.
pub fn patient() -> Limits {
    Limits { connections: 256, head: LATE, connection: LATE, drain: LATE, taking: LATE }
}

/// Limits that no test meets by accident, and refusals without delay.
pub fn lenient() -> HookLimits {
    HookLimits { read: LATE, lookup: LATE, refusal: Duration::ZERO, per_minute: 1_000_000, ..HookLimits::default() }
}

/// Knows a few GitSyncs by name and notes what it is told.
#[derive(Default)]
pub struct Notes {
    announced: Mutex<Vec<String>>,
    answered: Mutex<Vec<(Option<String>, Answer)>>,
    /// Lookups of `shop/slow` wait for a permit.
    pub gate: Option<Semaphore>,
}

impl Notes {
    /// Notes whose lookups of `shop/slow` wait for a permit.
    pub fn gated() -> Self {
        Self { gate: Some(Semaphore::new(0)), ..Self::default() }
    }

    pub fn announced(&self) -> Vec<String> {
        self.announced.lock().unwrap().clone()
    }

    pub fn answered(&self) -> Vec<(Option<String>, Answer)> {
        self.answered.lock().unwrap().clone()
    }
}

impl Hooks for Notes {
    async fn lookup(&self, key: &ObjectKey) -> Result<HookTarget, Refusal> {
        let tokens = match key.to_string().as_str() {
            "shop/deploy" => vec![Token::new(TOKEN).unwrap()],
            "shop/slow" => {
                match &self.gate {
                    Some(gate) => gate.acquire().await.unwrap().forget(),
                    None => std::future::pending().await,
                }
                vec![Token::new(TOKEN).unwrap()]
            }
            "shop/signing" => vec![Token::new(STANDARD_TOKEN).unwrap()],
            "shop/rotating" => {
                vec![Token::new(secret!("old")).unwrap(), Token::new(concat!(secret!("hook"), "\n")).unwrap()]
            }
            "shop/tokenless" => vec![],
            "shop/sick" => panic!("as a test wants"),
            "shop/hookless" => return Err(Refusal::NoWebhook),
            "shop/secretless" => return Err(Refusal::NoToken),
            _ => return Err(Refusal::UnknownGitSync),
        };
        Ok(HookTarget { tokens, follow: Some(Follow::Branch("main".to_owned())) })
    }

    fn announce(&self, key: &ObjectKey) {
        self.announced.lock().unwrap().push(key.to_string());
    }

    fn answered(&self, key: Option<&ObjectKey>, answer: &Answer) {
        self.answered.lock().unwrap().push((key.map(ToString::to_string), answer.clone()));
    }
}

/// A running listener.
pub struct Server {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Server {
    pub async fn start(router: Router, limits: Limits) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap().into(), router, limits)
    }

    pub fn on(listener: Listener, router: Router, limits: Limits) -> Self {
        let address = listener.address().unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        Self { address, shutdown, task }
    }

    pub async fn of_hooks(limits: HookLimits) -> (Self, Arc<Notes>) {
        Self::of_notes(Notes::default(), limits, patient()).await
    }

    pub async fn of_notes(notes: Notes, hook_limits: HookLimits, limits: Limits) -> (Self, Arc<Notes>) {
        let notes = Arc::new(notes);
        (Self::start(hooks_router(Arc::clone(&notes), hook_limits, Vec::new()), limits).await, notes)
    }

    /// Hooks behind these proxies.
    pub async fn behind(proxies: &[&str], hook_limits: HookLimits) -> Self {
        let proxies: Vec<Network> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Self::start(hooks_router(Arc::new(Notes::default()), hook_limits, proxies), patient()).await
    }

    /// Sends these bytes and keeps the connection.
    pub async fn send(&self, bytes: &[u8]) -> Client {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        Client(stream)
    }

    /// Sends these bytes and reads everything that comes until the connection ends.
    pub async fn exchange(&self, bytes: &[u8]) -> Response {
        Response::parse(&self.send(bytes).await.rest().await)
    }
}

/// One connection.
pub struct Client(pub TcpStream);

impl Client {
    /// Everything that comes until the connection ends. It tells no secret.
    pub async fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        // A reset ends a connection, too.
        let _ = timeout(GUARD, self.0.read_to_end(&mut bytes)).await.unwrap();
        let said = String::from_utf8(bytes).unwrap();
        canary::search("in an answer of a listener", &said);
        said
    }

    /// What comes up to and including this text.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(timeout(GUARD, self.0.read_u8()).await.unwrap().unwrap());
        }
        let said = String::from_utf8(bytes).unwrap();
        canary::search("in an answer of a listener", &said);
        said
    }
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Response {
    /// The first response in the text; the date is left out.
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.filter(|(name, _)| *name != "date").map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A request to be written as bytes.
#[derive(Clone)]
pub struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Host".into(), "hooks".into()), ("Connection".into(), "close".into())];
        Self { line: format!("{method} {path} HTTP/1.1"), headers, body: Vec::new() }
    }

    /// A delivery to `shop/deploy` as GitHub would make it.
    pub fn delivery(body: &str) -> Self {
        Self::post("shop/deploy", body).signed(TOKEN)
    }

    /// An unsigned delivery.
    pub fn post(key: &str, body: &str) -> Self {
        Self::new("POST", &format!("/hooks/{key}")).with("Content-Type", "application/json").body(body)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(there, _)| there != name);
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.without("Content-Length").with("Content-Length", &length)
    }

    pub fn signed(self, token: &str) -> Self {
        let signature = signature(&self.body, token);
        self.with("X-Hub-Signature-256", &signature)
    }

    /// Everything before the body.
    pub fn head(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}\r\n{headers}\r\n", self.line).into_bytes()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}

/// `sha256=<hex>`.
pub fn signature(body: &[u8], token: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}
