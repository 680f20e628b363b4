//! What becomes of a commit, from the look that found it until the services that it changed are ready: spans of one trace.
//!
//! A trace is known by its commit and its GitSync, so whoever has seen both adds to it without being told: the sync that
//! reads and applies, the controller that makes a service ready, and the process that follows after a restart. A span is
//! told once it is over, and nothing waits for that. No values of manifests are in it.

mod collector;
mod otlp;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

pub use collector::{Collector, ENDPOINT};

/// What may wait to be sent; what comes beyond is dropped, and that is told.
const WAITING: usize = 4096;

/// Where spans go: to a collector, or nowhere.
#[derive(Debug, Clone, Default)]
pub struct Spans(Option<mpsc::Sender<Span>>);

/// What a span says beside its name and its times.
pub type Attributes = Vec<(&'static str, Said)>;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A name, a revision.
    Text(String),
    /// A number of objects.
    Count(usize),
}

/// Something that took time, and is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    trace: [u8; 16],
    id: [u8; 8],
    /// The span that this is a part of; the whole has none.
    parent: Option<[u8; 8]>,
    name: &'static str,
    begin: Timestamp,
    end: Timestamp,
    attributes: Attributes,
    /// What went wrong.
    error: Option<String>,
}

/// One commit as one GitSync brings it to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journey {
    trace: [u8; 16],
    whole: [u8; 8],
}

impl Spans {
    /// Spans, and what takes them to a collector.
    pub fn to(collector: Collector) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(Some(sender)), collector.run(receiver))
    }

    /// The journey of a commit; none where nobody wants to hear of it.
    pub fn journey(&self, sync_uid: &str, commit: &str) -> Option<Journey> {
        self.0.as_ref().map(|_| Journey::of(sync_uid, commit))
    }

    /// Tells a span, if there is room.
    pub fn tell(&self, span: Span) {
        if let Some(sender) = &self.0
            && let Err(mpsc::error::TrySendError::Full(span)) = sender.try_send(span)
        {
            tracing::debug!(span = span.name, "a span is dropped: the collector does not keep up");
        }
    }
}

impl Journey {
    /// The same for everybody who knows the two.
    fn of(sync_uid: &str, commit: &str) -> Self {
        let hash = Sha256::new().chain_update("gitmoor journey\0").chain_update(sync_uid).chain_update("\0");
        let hash: [u8; 32] = hash.chain_update(commit).finalize().into();
        let (mut trace, mut whole) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&hash[..16]);
        whole.copy_from_slice(&hash[16..24]);
        Self { trace, whole }
    }

    /// All of it: from the look that found the commit until it was applied.
    pub fn whole(&self, begin: Timestamp, end: Timestamp, attributes: Attributes) -> Span {
        let Self { trace, whole } = *self;
        Span { trace, id: whole, parent: None, name: "sync", begin, end: end.max(begin), attributes, error: None }
    }

    /// A part of it.
    pub fn part(&self, name: &'static str, begin: Timestamp, end: Timestamp, attributes: Attributes) -> Span {
        let (trace, id) = (self.trace, fastrand::u64(1..).to_be_bytes());
        Span { trace, id, parent: Some(self.whole), name, begin, end: end.max(begin), attributes, error: None }
    }
}

impl Span {
    /// It did not go well.
    pub fn failed(self, why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..self }
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Said {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_knows_the_commit_and_the_gitsync_adds_to_one_trace() {
        let (sync, controller) = (Journey::of("uid-1", "4b825dc"), Journey::of("uid-1", "4b825dc"));
        assert_eq!(sync, controller);
        let now = Timestamp::UNIX_EPOCH;
        let (whole, part) = (sync.whole(now, now, vec![]), controller.part("ready", now, now, vec![]));
        assert_eq!((whole.trace, Some(whole.id)), (part.trace, part.parent));
        assert_eq!(whole.parent, None);
        for other in [Journey::of("uid-2", "4b825dc"), Journey::of("uid-1", "4b825dd"), Journey::of("uid-14", "b825dc")]
        {
            assert_ne!(other.trace, sync.trace);
        }
    }

    #[test]
    fn a_span_never_ends_before_it_begins() {
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(9).unwrap());
        let span = Journey::of("a", "b").part("ready", late, early, vec![]);
        assert_eq!((span.begin, span.end), (late, late));
    }

    #[test]
    fn nobody_is_asked_to_remember_what_nobody_wants_to_hear() {
        assert_eq!(Spans::default().journey("a", "b"), None);
        Spans::default().tell(Journey::of("a", "b").whole(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, vec![]));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_nobody_waits() {
        let (sender, mut receiver) = mpsc::channel(1);
        let spans = Spans(Some(sender));
        let journey = spans.journey("a", "b").unwrap();
        for _ in 0..3 {
            spans.tell(journey.whole(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, vec![]));
        }
        drop(spans);
        assert!(receiver.recv().await.is_some());
        assert!(receiver.recv().await.is_none());
    }
}
