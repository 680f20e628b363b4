//! The webhook listener's one route, `POST /hooks/{namespace}/{gitsync}`.
//!
//! The order of the checks is the order of their cost, and all that tells one GitSync from another comes last: a
//! sender without the token cannot learn which GitSyncs exist, neither from the answer nor from the time it takes. What
//! a delivery says is read by `webhook`; this module decides nothing about it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::Method;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{Answer, Refusal};
use super::listener::Peer;
use crate::model::{Follow, ObjectKey};
use crate::webhook::{
    Delivery, Encoding, Event, Network, Proof, Rates, Seen, Token, Verdict, fingerprint, is_unsigned_test, printable,
    sender,
};

/// Bytes of a token that nobody knows.
const DECOY: usize = 32;

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
    /// Requests a minute of one source, and as many at once.
    pub per_minute: u32,
}

impl Default for HookLimits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            all_bodies: 32 << 20,
            read: Duration::from_secs(10),
            lookup: Duration::from_secs(5),
            refusal: Duration::from_millis(250),
            per_minute: 600,
        }
    }
}

/// The routes of the webhook listener. A source is whoever connects, or whom one of these proxies names.
pub fn router<H: Hooks>(hooks: Arc<H>, limits: HookLimits, proxies: Vec<Network>) -> Router {
    let bodies = Semaphore::new(limits.all_bodies.min(Semaphore::MAX_PERMITS));
    let memory = Mutex::new(Memory { rates: Rates::new(limits.per_minute), seen: Seen::default() });
    let decoy = Token::new(std::array::from_fn::<u8, DECOY, _>(|_| fastrand::u8(1..)));
    let born = Instant::now();
    let desk = Arc::new(Desk { hooks, limits, proxies, bodies, memory, born, decoy });
    Router::new().fallback(move |request: Request| {
        let desk = Arc::clone(&desk);
        async move { desk.respond(request).await }
    })
}

/// Where deliveries are handed in.
struct Desk<H> {
    hooks: Arc<H>,
    limits: HookLimits,
    proxies: Vec<Network>,
    /// One permit per byte that is being read.
    bodies: Semaphore,
    memory: Mutex<Memory>,
    /// What [`Memory`] counts time from.
    born: Instant,
    /// A token that nobody knows, to spend the same work on a GitSync that has none.
    decoy: Option<Token>,
}

/// What is remembered of requests, bounded.
struct Memory {
    rates: Rates<IpAddr>,
    seen: Seen,
}

/// A body, and its share of the memory for bodies.
struct ReadBody<'a> {
    bytes: Vec<u8>,
    share: Option<SemaphorePermit<'a>>,
}

impl<H: Hooks> Desk<H> {
    async fn respond(&self, request: Request) -> Response {
        let key = key_of(request.uri().path());
        let answer = match (self.admit(&request), &key) {
            (Err(refused), _) => refused,
            (Ok(()), Some(key)) => self.judge(key, request).await.unwrap_or_else(|refused| refused),
            (Ok(()), None) => Answer::NotFound,
        };
        self.hooks.answered(key.as_ref(), &answer);
        answer.response()
    }

    /// Whether the source may send one more.
    fn admit(&self, request: &Request) -> Result<(), Answer> {
        // Without an address all are one source.
        let peer = request.extensions().get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| *address);
        let source = sender(peer, request.headers(), &self.proxies);
        self.remember(|memory, now| memory.rates.take(&source, now)).map_err(|wait| Answer::TooMany { wait })
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
        let proof = Proof::of(request.headers()).map_err(|unproven| match unproven {
            // It is answered alike whatever the path names, and nothing is done.
            _ if is_unsigned_test(request.headers()) => Answer::Pong { genuine: false },
            unproven => Answer::Unauthorized(unproven),
        })?;
        let (head, body) = request.into_parts();
        let body = timeout(self.limits.read, self.read(body)).await.map_err(|_| Answer::TimedOut)??;
        let target = self.verified(key, &proof, body.bytes.as_slice()).await.map_err(Answer::Forbidden)?;
        let delivery = Delivery::of(&head.headers, encoding, &body.bytes);
        Ok(self.act(key, &target, delivery, &body.bytes))
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

    /// The target, if the proof is by one of its tokens. Every refusal costs one comparison and the same time.
    async fn verified(&self, key: &ObjectKey, proof: &Proof, body: &[u8]) -> Result<HookTarget, Refusal> {
        let due = Instant::now() + self.limits.refusal;
        let found = timeout(self.limits.lookup, self.hooks.lookup(key)).await.unwrap_or(Err(Refusal::Unavailable));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs().cast_signed());
        let refusal = match found {
            Ok(target) if !target.tokens.is_empty() => match proof.verify(body, &target.tokens, now) {
                Verdict::Genuine => return Ok(target),
                Verdict::Wrong => Refusal::WrongSignature,
                Verdict::Stale => Refusal::Stale,
            },
            other => {
                std::hint::black_box(proof.verify(body, self.decoy.as_slice(), now));
                other.err().unwrap_or(Refusal::NoToken)
            }
        };
        tracing::debug!(gitsync = %key, reason = refusal.as_str(), "webhook delivery refused");
        sleep_until(due).await;
        Err(refusal)
    }

    fn act(&self, key: &ObjectKey, target: &HookTarget, delivery: Delivery, body: &[u8]) -> Answer {
        let refs = match delivery.event {
            Event::Ping => return Answer::Pong { genuine: true },
            Event::Other(event) => return Answer::NoPush { event: printable(&event) },
            Event::Push(refs) => refs,
        };
        let follow = target.follow.as_ref();
        if let Some(first) = refs.first()
            && let Some(follow) = follow.filter(|follow| !refs.iter().any(|pushed| follow.concerns(pushed)))
        {
            let follows = follow.full_name().unwrap_or_else(|| follow.to_string());
            return Answer::Ignored { pushed: printable(first), more: refs.len() - 1, follows };
        }
        let print = delivery.id.map(|id| fingerprint(key, &id, body));
        if print.is_some_and(|print| !self.remember(|memory, now| memory.seen.is_new(print, now))) {
            return Answer::Duplicate;
        }
        self.hooks.announce(key);
        Answer::Queued
    }

    fn remember<T>(&self, look: impl FnOnce(&mut Memory, Duration) -> T) -> T {
        let now = self.born.elapsed();
        look(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner), now)
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
