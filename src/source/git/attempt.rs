//! One piece of work at a Git source that can be stopped from outside: by its deadline, by a caller that lost
//! interest, or by having received too much. It keeps the first cause of a failure, because gix only repeats
//! causes as text.

use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::flow::{Flow, Slowest};
use super::heard::Heard;
use crate::source::SourceError;
use crate::source::error::has_no_room;

/// State shared between the async caller and the blocking worker.
#[derive(Debug)]
pub(super) struct Attempt {
    url: String,
    interrupted: AtomicBool,
    stopped: CancellationToken,
    child: Mutex<Option<Child>>,
    cause: Mutex<Option<SourceError>>,
    received: AtomicU64,
    limit: u64,
    /// How many bytes may have come in while refs are listed.
    listing: AtomicU64,
    heard: Mutex<Heard>,
    flow: Mutex<Flow>,
}

/// A list of refs is held in memory as a whole, so it has a bound of its own.
const MAX_LISTING: u64 = 64 << 20;
/// And each ref of it takes several times its bytes.
const MAX_REFS: usize = 250_000;

/// Stops an attempt when it goes out of scope, so that no worker outlives the interest in it.
pub(super) struct StopOnDrop(pub Arc<Attempt>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Whatever happens, even a panic, no child is left behind.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.end_child();
    }
}

impl Attempt {
    /// `limit` is in received bytes.
    pub fn new(url: String, limit: u64, slowest: Slowest) -> Self {
        Self {
            url,
            interrupted: AtomicBool::new(false),
            stopped: CancellationToken::new(),
            child: Mutex::default(),
            cause: Mutex::default(),
            received: AtomicU64::new(0),
            limit,
            listing: AtomicU64::new(u64::MAX),
            heard: Mutex::default(),
            flow: Mutex::new(Flow::new(slowest)),
        }
    }

    /// Refs are listed from here on.
    pub fn lists(&self) {
        let limit = MAX_LISTING.min(self.limit);
        self.listing.store(self.received().saturating_add(limit), Ordering::Relaxed);
        lock(&self.heard).packets = 0;
    }

    /// They are; a listing that failed never is.
    pub fn has_listed(&self) {
        self.listing.store(u64::MAX, Ordering::Relaxed);
    }

    /// The repository's printable name.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The flag that gix looks at.
    pub fn interrupt(&self) -> &AtomicBool {
        &self.interrupted
    }

    /// Whether [`Attempt::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Waits for [`Attempt::stop`].
    pub async fn stopped(&self) {
        self.stopped.cancelled().await;
    }

    /// Ends waiting and running of every kind.
    pub fn stop(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        self.stopped.cancel();
        if let Some(child) = lock(&self.child).as_mut() {
            // It fails for a child that ended by itself.
            child.kill().ok();
        }
    }

    /// Puts a child under the deadline.
    pub fn adopt(&self, child: Child) {
        *lock(&self.child) = Some(child);
        if self.is_stopped() {
            self.stop();
        }
    }

    /// Ends the child, if there is one.
    pub fn end_child(&self) {
        let Some(mut child) = lock(&self.child).take() else { return };
        child.kill().ok();
        child.wait().ok();
    }

    /// How many bytes came in.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// A conversation begins.
    pub fn begins(&self) {
        *lock(&self.heard) = Heard::default();
        lock(&self.flow).begins();
    }

    /// Another answer of the server begins.
    pub fn turn(&self) {
        lock(&self.heard).turn();
    }

    /// From now on the server is waited for.
    pub fn waits(&self) {
        lock(&self.flow).waits(Instant::now());
    }

    /// The rule for how slowly a pack may come in.
    pub fn slowest(&self) -> Slowest {
        lock(&self.flow).slowest()
    }

    /// Why it is given up before its deadline, where a pack has all but stopped coming.
    pub fn too_slow(&self) -> Option<SourceError> {
        let flow = lock(&self.flow);
        let Slowest { bytes, within } = flow.slowest();
        flow.is_too_slow(Instant::now()).then(|| SourceError::TooSlow { url: self.url(), bytes, within })
    }

    /// Counts received bytes against the bounds, and notices what they say.
    pub fn count(&self, bytes: &[u8]) -> io::Result<()> {
        let (packets, pack) = {
            let mut heard = lock(&self.heard);
            heard.hear(bytes);
            (heard.packets, heard.pack)
        };
        lock(&self.flow).came(Instant::now(), bytes.len(), pack);
        let before = self.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let now = before.saturating_add(bytes.len() as u64);
        let listing = self.listing.load(Ordering::Relaxed);
        if now > listing {
            let why = format!("its list of refs has more than {} bytes", MAX_LISTING.min(self.limit));
            return Err(self.fail(SourceError::TooLarge { url: self.url(), why }));
        }
        if listing < u64::MAX && packets > MAX_REFS {
            return Err(self.fail(SourceError::TooManyRefs { url: self.url(), limit: MAX_REFS }));
        }
        if now <= self.limit {
            return Ok(());
        }
        let why = format!("more than {} bytes were sent in one fetch", self.limit);
        Err(self.fail(SourceError::TooLarge { url: self.url(), why }))
    }

    /// Notes the cause of a failure, if it is the first one, and gives back what to hand to gix.
    pub fn fail(&self, cause: SourceError) -> io::Error {
        let words = cause.to_string();
        lock(&self.cause).get_or_insert(cause);
        io::Error::other(words)
    }

    /// What to hand to gix after a stop.
    pub fn fail_stopped(&self) -> io::Error {
        self.fail(SourceError::Interrupted { url: self.url(), why: "nobody waits for it any more".into() })
    }

    /// The best account of a conversation that failed: what the server said counts for more than what gix makes of it.
    pub fn explain_talk(&self, error: &gix::Error) -> SourceError {
        let explained = self.explain(error);
        let (SourceError::Corrupt { url, why } | SourceError::Unsupported { url, why }) = &explained else {
            return explained;
        };
        let (url, heard) = (url.clone(), lock(&self.heard));
        if heard.sha256 {
            let why =
                "it names its objects by SHA-256, and only SHA-1 is read; mirror it to a repository that has that";
            return SourceError::Unsupported { url, why: why.into() };
        }
        if let Some(said) = &heard.refusal {
            return SourceError::ServerRefused { url, said: said.clone() };
        }
        // Nothing of the cache is looked at while refs are listed, so nothing of it is damaged.
        if matches!(explained, SourceError::Corrupt { .. }) && self.listing.load(Ordering::Relaxed) < u64::MAX {
            return SourceError::NotGit { url, why: format!("its list of refs cannot be read: {why}") };
        }
        explained
    }

    /// The best account of a failure that gix reports. What nothing explains is put down to damaged data.
    pub fn explain(&self, error: &gix::Error) -> SourceError {
        if let Some(cause) = lock(&self.cause).take() {
            return cause;
        }
        let url = self.url();
        let why = printable(&error.iter_errors().map(ToString::to_string).collect::<Vec<_>>().join(": "));
        if self.is_stopped() {
            SourceError::Interrupted { url, why }
        } else if has_no_room(&io::Error::other(why.as_str())) {
            SourceError::StoreFull { what: format!("keep what {url} sends"), why }
        } else if error.is_unsupported() {
            SourceError::Unsupported { url, why }
        } else if error.is_resource_exhausted() {
            SourceError::TooLarge { url, why }
        } else {
            SourceError::Corrupt { url, why }
        }
    }
}

/// One bounded line of what a stranger said.
pub(super) fn printable(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(400).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
