//! The webhook listener's one route, `POST /hooks/{namespace}/{gitsync}`.
//!
//! The order of the checks is the order of their cost, and all that tells one GitSync from another comes last: a
//! sender without the token cannot learn which GitSyncs exist, neither from the answer nor from the time it takes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::Method;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{Answer, Refusal};
use super::payload::{self, Encoding, Event};
use super::signature::{Signature, Token};
use crate::model::{Follow, ObjectKey};

/// What the listener asks, and whom it tells.
pub trait Hooks: Send + Sync + 'static {
    /// The GitSync's tokens and what it follows, or why there are none. It is asked before the signature is checked, so it
    /// should answer from memory.
    fn lookup(&self, key: &ObjectKey) -> impl Future<Output = Result<HookTarget, Refusal>> + Send;

    /// A genuine delivery says: look now. Called once per delivery, and must not block; coalescing is the callee's.
    fn announce(&self, key: &ObjectKey);

    /// A request was answered; the key is missing where the path names none. The place to count.
    fn answered(&self, key: Option<&ObjectKey>, answer: &Answer);
}

/// What is needed to judge a delivery.
#[derive(Debug, Clone)]
pub struct HookTarget {
    /// The tokens that may sign; several while one is being replaced.
    pub tokens: Vec<Token>,
    /// What the GitSync follows; where that is not known, every push may concern it.
    pub follow: Option<Follow>,
}

/// How much a delivery may cost.
#[derive(Debug, Clone, Copy)]
pub struct HookLimits {
    /// Bytes of one body.
    pub body: usize,
    /// Bytes of all bodies that are being read.
    pub all_bodies: usize,
    /// From the end of the head to the end of the body.
    pub read: Duration,
    /// For [`Hooks::lookup`].
    pub lookup: Duration,
    /// Refusals take this long, so that their time does not tell what was looked up.
    pub refusal: Duration,
}

impl Default for HookLimits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            all_bodies: 32 << 20,
            read: Duration::from_secs(10),
            lookup: Duration::from_secs(5),
            refusal: Duration::from_millis(250),
        }
    }
}

/// The routes of the webhook listener.
pub fn router<H: Hooks>(hooks: Arc<H>, limits: HookLimits) -> Router {
    let bodies = Semaphore::new(limits.all_bodies.min(Semaphore::MAX_PERMITS));
    let desk = Arc::new(Desk { hooks, limits, bodies, decoy: Token::decoy() });
    Router::new().fallback(move |request: Request| {
        let desk = Arc::clone(&desk);
        async move { desk.respond(request).await }
    })
}

/// Where deliveries are handed in.
struct Desk<H> {
    hooks: Arc<H>,
    limits: HookLimits,
    /// One permit per byte that is being read.
    bodies: Semaphore,
    decoy: Token,
}

/// A body, and its share of the memory for bodies.
struct ReadBody<'a> {
    bytes: Vec<u8>,
    share: Option<SemaphorePermit<'a>>,
}

impl<H: Hooks> Desk<H> {
    async fn respond(&self, request: Request) -> Response {
        let key = key_of(request.uri().path());
        let answer = match &key {
            Some(key) => self.judge(key, request).await.unwrap_or_else(|refused| refused),
            None => Answer::NotFound,
        };
        self.hooks.answered(key.as_ref(), &answer);
        answer.response()
    }

    /// Everything that ends a delivery early is an `Err`.
    async fn judge(&self, key: &ObjectKey, request: Request) -> Result<Answer, Answer> {
        if request.method() != Method::POST {
            return Err(Answer::MethodNotAllowed);
        }
        let encoding = Encoding::of(request.headers()).ok_or(Answer::UnsupportedMediaType)?;
        if request.body().size_hint().lower() > self.limits.body as u64 {
            return Err(Answer::TooLarge);
        }
        let signature = Signature::of(request.headers()).ok_or(Answer::Unauthorized)?;
        let (head, body) = request.into_parts();
        let body = timeout(self.limits.read, self.read(body)).await.map_err(|_| Answer::TimedOut)??;
        let target = self.verified(key, &signature, body.bytes.as_slice()).await.map_err(Answer::Forbidden)?;
        let event = payload::event(&head.headers, encoding, &body.bytes);
        drop(body.share);
        Ok(self.act(key, &target, event))
    }

    async fn read(&self, body: Body) -> Result<ReadBody<'_>, Answer> {
        let mut read = ReadBody { bytes: Vec::new(), share: None };
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Answer::BadRequest)?;
            if chunk.len() > self.limits.body - read.bytes.len() {
                return Err(Answer::TooLarge);
            }
            let size = u32::try_from(chunk.len()).map_err(|_| Answer::TooLarge)?;
            let share = self.bodies.try_acquire_many(size).map_err(|_| Answer::Busy)?;
            match &mut read.share {
                Some(sum) => sum.merge(share),
                none => *none = Some(share),
            }
            read.bytes.extend_from_slice(&chunk);
        }
        Ok(read)
    }

    /// The target, if the signature is of one of its tokens. Every refusal costs one comparison and the same time.
    async fn verified(&self, key: &ObjectKey, signature: &Signature, body: &[u8]) -> Result<HookTarget, Refusal> {
        let due = Instant::now() + self.limits.refusal;
        let found = timeout(self.limits.lookup, self.hooks.lookup(key)).await.unwrap_or(Err(Refusal::Unavailable));
        let refusal = match found {
            Ok(target) if signature.is_of(body, &target.tokens) => return Ok(target),
            Ok(target) if !target.tokens.is_empty() => Refusal::WrongSignature,
            other => {
                std::hint::black_box(signature.is_of(body, std::slice::from_ref(&self.decoy)));
                other.err().unwrap_or(Refusal::NoToken)
            }
        };
        tracing::debug!(gitsync = %key, reason = refusal.as_str(), "webhook delivery refused");
        sleep_until(due).await;
        Err(refusal)
    }

    fn announce(&self, key: &ObjectKey) -> Answer {
        self.hooks.announce(key);
        Answer::Queued
    }

    fn act(&self, key: &ObjectKey, target: &HookTarget, event: Event) -> Answer {
        match event {
            Event::Ping => Answer::Pong,
            Event::Push(pushed) => match target.follow.as_ref().filter(|follow| !follow.concerns(&pushed)) {
                Some(follow) => Answer::Ignored { pushed: payload::printable(&pushed), follows: follow.to_string() },
                None => self.announce(key),
            },
            Event::Unknown => self.announce(key),
        }
    }
}

/// The GitSync that the path names; none where the path is another one or no object can have that name.
fn key_of(path: &str) -> Option<ObjectKey> {
    let key = ObjectKey::parse(path.strip_prefix("/hooks/")?)?;
    let plain = |text: &str, longest: usize, others: &[u8]| {
        text.len() <= longest
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || others.contains(&byte))
    };
    (plain(&key.namespace, 63, b"-") && plain(&key.name, 253, b"-.")).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_gitsync_or_nothing() {
        let long = format!("/hooks/{}/a", "n".repeat(64));
        for (path, expected) in [
            ("/hooks/shop/deploy", Some("shop/deploy")),
            ("/hooks/shop-1/deploy.v2", Some("shop-1/deploy.v2")),
            ("/hooks/shop/deploy/", None),
            ("/hooks/shop/", None),
            ("/hooks//deploy", None),
            ("/hooks/shop", None),
            ("/hooks/Shop/deploy", None),
            ("/hooks/shop/de%70loy", None),
            ("/hooks/../deploy", None),
            ("/shop/deploy", None),
            ("/", None),
            ("", None),
            ("*", None),
            (long.as_str(), None),
        ] {
            assert_eq!(key_of(path).map(|key| key.to_string()).as_deref(), expected, "{path}");
        }
    }
}
