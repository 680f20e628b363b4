//! The page's listener: files, JSON and a stream of events, for whoever may see them.
//!
//! Every request is refused, or answered from what the daemon has in memory: nothing that comes in here reaches the API
//! server but the question who is asking. What an answer says is thought out by `page`; this module carries it.

mod events;
mod headers;

use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answer::json_response;
use crate::model::ObjectKey;
use crate::page::access::{Access, Identity, Namespaces, Rights};
use crate::page::asked::{self, Proof, ProxyHeaders};
use crate::page::book::Book;
use crate::page::query::{DriftQuery, ServiceQuery, TimelineQuery};
use crate::page::route::Route;
use crate::page::{Refusal, assets};
use events::Stream;

/// Bytes of a login, which is a token and little else.
const LOGIN: usize = 2 * asked::TOKEN;

/// What the listener asks of the daemon.
pub trait Pages: Send + Sync + 'static {
    /// The rows.
    fn book(&self) -> &RwLock<Book>;

    /// The newest version of the book, as it grows.
    fn versions(&self) -> watch::Receiver<u64>;

    /// A GitSync with all that is known of it.
    fn gitsync(&self, key: &ObjectKey) -> Option<Value>;

    /// A MicroService with all that is known of it.
    fn service(&self, key: &ObjectKey) -> Option<Value>;

    /// A MicroService with what is below it.
    fn tree(&self, key: &ObjectKey) -> Option<Value>;

    /// What differs, of what a viewer may see.
    fn drift(&self, query: &DriftQuery, rights: &Rights) -> Value;

    /// What the proxy proves itself with.
    fn proof(&self) -> Proof;

    /// Whose token that is.
    fn identify(&self, token: &str) -> impl Future<Output = Result<Identity, Refusal>> + Send;

    /// What somebody may see.
    fn rights(&self, identity: &Identity) -> impl Future<Output = Result<Rights, Refusal>> + Send;
}

/// How the page is served.
#[derive(Debug, Clone)]
pub struct PageRules {
    /// How it knows who is looking.
    pub access: Access,
    /// How a proxy says so.
    pub proxy: ProxyHeaders,
    /// Streams of events at once.
    pub streams: usize,
    /// How often a stream is asked again what its viewer may see.
    pub renew: Duration,
    /// For the body of a login.
    pub read: Duration,
}

impl Default for PageRules {
    fn default() -> Self {
        Self {
            access: Access::Open,
            proxy: ProxyHeaders::default(),
            streams: 256,
            renew: Duration::from_secs(60),
            read: Duration::from_secs(10),
        }
    }
}

/// The routes of the page. Streams end with `shutdown`.
pub fn router<P: Pages>(pages: Arc<P>, rules: PageRules, shutdown: CancellationToken) -> Router {
    let streams = Arc::new(Semaphore::new(rules.streams.min(Semaphore::MAX_PERMITS)));
    let desk = Arc::new(Desk { pages, rules, streams, shutdown });
    Router::new().fallback(move |request: Request| {
        let desk = Arc::clone(&desk);
        async move { desk.respond(request).await }
    })
}

/// Where requests are handed in.
struct Desk<P> {
    pages: Arc<P>,
    rules: PageRules,
    streams: Arc<Semaphore>,
    shutdown: CancellationToken,
}

/// Who is looking.
#[derive(Clone)]
struct Viewer {
    /// None where nobody is asked.
    identity: Option<Identity>,
    rights: Rights,
}

impl<P: Pages> Desk<P> {
    async fn respond(self: Arc<Self>, request: Request) -> Response {
        let bodiless = request.method() == Method::HEAD;
        let mut response = match self.answer(request).await {
            Ok(response) => response,
            Err(refusal) => refused(&refusal),
        };
        headers::harden(response.headers_mut());
        if bodiless {
            *response.body_mut() = Body::empty();
        }
        response
    }

    async fn answer(self: &Arc<Self>, request: Request) -> Result<Response, Refusal> {
        if self.rules.access == Access::Open && !asked::is_for_loopback(request.headers()) {
            return Err(Refusal::HostRefused);
        }
        let route = Route::of(request.uri().path()).ok_or(Refusal::NotFound)?;
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match route {
            Route::Session if self.rules.access == Access::Token && !reads => self.log_in_or_out(request).await,
            _ if !reads => Err(Refusal::MethodNotAllowed),
            Route::Index => headers::asset(assets::INDEX, request.headers(), None),
            Route::Asset(name) => headers::asset(&name, request.headers(), request.uri().query()),
            Route::Session => self.session(request.headers()).await,
            route => {
                let viewer = self.viewer(request.headers()).await?;
                self.read(route, request, viewer)
            }
        }
    }

    fn read(self: &Arc<Self>, route: Route, request: Request, viewer: Viewer) -> Result<Response, Refusal> {
        let query = request.uri().query().unwrap_or_default();
        let rights = &viewer.rights;
        let value = |found: Option<Value>| found.map(|value| value.to_string()).ok_or(Refusal::NotFound);
        let may = |namespaces: &Namespaces, key: &ObjectKey| {
            if namespaces.has(&key.namespace) { Ok(()) } else { Err(Refusal::NotFound) }
        };
        let text = match route {
            Route::Overview => serde_json::to_string(&self.book().overview(rights)).map_err(|_| Refusal::NotFound)?,
            Route::GitSyncs => self.book().list_gitsyncs(rights),
            Route::GitSync(key) => {
                may(&rights.gitsyncs, &key)?;
                value(self.pages.gitsync(&key))?
            }
            Route::Services => self.book().list_services(&ServiceQuery::parse(query)?, rights),
            Route::Service(key) => {
                may(&rights.services, &key)?;
                value(self.pages.service(&key))?
            }
            Route::Tree(key) => {
                may(&rights.services, &key)?;
                value(self.pages.tree(&key))?
            }
            Route::Drift => self.pages.drift(&DriftQuery::parse(query)?, rights).to_string(),
            Route::Timeline => self.book().list_timeline(&TimelineQuery::parse(query)?, rights),
            Route::Events => return Stream::open(self, &request, viewer),
            Route::Index | Route::Asset(_) | Route::Session => return Err(Refusal::NotFound),
        };
        Ok(headers::json(text, request.headers()))
    }

    /// A panic while the lock is held is a bug; what is in the book is whole after each step.
    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.pages.book().read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Refusal> {
        let identity = match self.rules.access {
            Access::Open => return Ok(Viewer { identity: None, rights: Rights::ALL }),
            Access::Token => self.pages.identify(&asked::token(headers)?).await?,
            Access::Proxy => self.rules.proxy.identity(headers, &self.pages.proof())?,
        };
        let rights = self.pages.rights(&identity).await?;
        Ok(Viewer { identity: Some(identity), rights })
    }

    async fn session(&self, headers: &HeaderMap) -> Result<Response, Refusal> {
        let viewer = match self.viewer(headers).await {
            Err(Refusal::ReviewFailed) => return Err(Refusal::ReviewFailed),
            viewer => viewer.ok(),
        };
        let user = viewer.as_ref().and_then(|viewer| viewer.identity.as_ref()).map(|identity| identity.user.as_str());
        Ok(self.told(viewer.is_some(), user))
    }

    /// The only thing that a request changes is a cookie of its own browser.
    async fn log_in_or_out(&self, request: Request) -> Result<Response, Refusal> {
        let (head, body) = request.into_parts();
        if !asked::is_from_here(&head.headers) {
            return Err(Refusal::MethodNotAllowed);
        }
        let secure = !asked::is_for_loopback(&head.headers);
        let (cookie, mut response) = if head.method == Method::POST {
            let invalid =
                |_| Refusal::QueryInvalid("the body of a login is too large, or did not arrive in time".into());
            let body = timeout(self.rules.read, to_bytes(body, LOGIN)).await;
            let body = body.map_err(|_| Refusal::QueryInvalid("the login did not arrive in time".into()))?;
            let token = asked::login(&head.headers, &body.map_err(invalid)?)?;
            let identity = self.pages.identify(&token).await?;
            let cookie = asked::set_cookie(&token, secure).ok_or(Refusal::TokenRefused)?;
            (cookie, self.told(true, Some(&identity.user)))
        } else if head.method == Method::DELETE {
            let cookie = asked::clear_cookie(secure).ok_or(Refusal::TokenRefused)?;
            (cookie, self.told(false, None))
        } else {
            return Err(Refusal::MethodNotAllowed);
        };
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(response)
    }

    fn told(&self, authenticated: bool, user: Option<&str>) -> Response {
        let mut body = json!({"access": self.rules.access, "authenticated": authenticated});
        if let Some(user) = user {
            body["user"] = json!(user);
        }
        let mut response = json_response(StatusCode::OK, &body);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = json_response(refusal.status(), &refusal.body());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match refusal.status() {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gitmoor\""));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            // Whatever its body is, it is not read.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    response
}
