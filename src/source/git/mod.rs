//! A ref of a Git repository as a source: a bare, shallow cache per URL and ref, without a checkout, shared by all that
//! read it by the same Secrets.
//! gix blocks, so its work runs on blocking threads; each piece of work has a deadline that really ends it.

mod ancestry;
mod attempt;
mod blame;
mod choose;
mod common;
mod fetch;
mod flow;
mod heard;
mod http;
mod kept;
mod papers;
mod process;
mod reference;
mod signed;
mod store;
mod tree;
mod watched;
mod way;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use self::attempt::{Attempt, StopOnDrop};
use self::common::Seat;
use self::fetch::Asked;
use self::reference::{Reference, check};
use self::store::Store;
use self::watched::until_too_slow;
use self::way::Way;
use super::paths::WantedPaths;
use super::{Access, Ancestor, Fetch, Lines, SecretFault, Shared, SourceError, SourceUrl, Touched, Wanted};
use crate::model::narrowing::Narrowing;
use crate::model::reference::Follow;
use crate::model::snapshot::{Ancestry, BlobId, CommitId, Revision, Snapshot};

pub(super) use self::common::Commons;
pub use self::common::News;
pub use self::flow::Slowest;
pub(super) use self::store::sweep;
pub(super) use self::way::client as http_client;

/// A ref of a Git repository.
#[derive(Debug)]
pub struct GitSource {
    target: Arc<Target>,
    timeout: Duration,
    seat: Seat,
    /// In whose name commits are kept.
    who: String,
    /// When the server was asked for what this source was told last.
    asked_at: Arc<Mutex<Option<Instant>>>,
}

/// What is fetched, and how.
#[derive(Debug)]
struct Target {
    url: SourceUrl,
    follow: Follow,
    timeout: Duration,
    shared: Arc<Shared>,
    way: Way,
}

impl GitSource {
    /// `keys` names who else may read what is received: only those who reach it by the same Secrets share a cache. Those who
    /// wait no longer for it than others do not have to wait for those.
    pub(super) fn new(
        url: SourceUrl,
        Wanted { follow, timeout, keys, who, .. }: Wanted<'_>,
        shared: Arc<Shared>,
    ) -> Result<Self, SourceError> {
        check(&follow)?;
        let within = format!("{}ms", timeout.as_millis());
        let identity = [&url.identity(), &follow.identity(), &within, keys];
        let seat = shared.commons.seat(&identity.join("\0"), || Store::new(&shared.options, &identity));
        let target = Target { url, follow, timeout, shared, way: Way::default() };
        Ok(Self { target: Arc::new(target), timeout, seat, who: who.to_owned(), asked_at: Arc::default() })
    }

    /// From now on it is reached with this.
    pub(super) fn reach_by(&self, access: Access) -> Result<(), SecretFault> {
        self.target.way.take(access)
    }

    /// Its checked URL.
    pub(super) fn url(&self) -> &SourceUrl {
        &self.target.url
    }

    /// What the server said no longer ago than `since` is as good as what it says now: of all that share the cache, one asks.
    pub(super) async fn fetch(
        &self,
        known: Option<&Revision>,
        narrowing: &Narrowing,
        since: Instant,
    ) -> Result<Fetch, SourceError> {
        let asked = Asked { known: known.cloned(), wanted: Arc::new(WantedPaths::parse(narrowing)?) };
        let access = self.target.way.current().access;
        if let Some(heard) = self.heard(&asked, &access, since).await {
            return heard;
        }
        let (url, follow) = (&self.target.url, &self.target.follow);
        let span =
            tracing::info_span!("fetch", %url, %follow, received_bytes = Empty, revision = Empty, reason = Empty);
        let began = Arc::new(OnceLock::new());
        let work = {
            let (target, common, teller) = (self.target.clone(), self.seat.common().clone(), self.seat.teller());
            let (access, began, asked_at) = (access.clone(), began.clone(), self.asked_at.clone());
            self.work(move |store, attempt| {
                // Somebody may have asked while this waited for the store.
                if let Some((at, said)) = common.heard(since, &access) {
                    note(&asked_at, at);
                    let tip = said?;
                    if target.is_known(&asked, &tip) {
                        return Ok(Fetch::Unchanged);
                    }
                    if let Some(snapshot) = fetch::at_hand(&target, &store.open()?, attempt, &asked, &tip) {
                        return Ok(Fetch::Changed(Arc::new(snapshot)));
                    }
                }
                let began = *began.get_or_init(Instant::now);
                note(&asked_at, began);
                let mut tip = None;
                let fetched = fetch::fetch(&target, store, attempt, &asked, &mut tip);
                match (&tip, &fetched) {
                    (Some(tip), _) => teller.tell(began, &access, Ok(tip)),
                    // What was broken off from here says nothing of the server.
                    (None, Err(error)) if !attempt.is_stopped() => teller.tell(began, &access, Err(error)),
                    (None, _) => {}
                }
                tracing::Span::current().record("received_bytes", attempt.received());
                fetched
            })
        };
        let fetched = work.instrument(span.clone()).await;
        match &fetched {
            Ok(Fetch::Changed(snapshot)) => span.record("revision", snapshot.revision.as_str()),
            Ok(Fetch::Unchanged) => &span,
            Err(error) => span.record("reason", error.reason()),
        };
        // Those who wait as long would wait for nothing, too.
        if let (Err(error @ (SourceError::Timeout { .. } | SourceError::TooSlow { .. })), Some(began)) =
            (&fetched, began.get())
        {
            self.seat.teller().tell(*began, &access, Err(error));
        }
        fetched
    }

    /// What another one heard, where that is good enough; it costs no request and waits for nobody.
    async fn heard(&self, asked: &Asked, access: &Access, since: Instant) -> Option<Result<Fetch, SourceError>> {
        let (at, said) = self.seat.common().heard(since, access)?;
        note(&self.asked_at, at);
        let tip = match said {
            Ok(tip) => tip,
            Err(error) => return Some(Err(error)),
        };
        if self.target.is_known(asked, &tip) {
            return Some(Ok(Fetch::Unchanged));
        }
        let (target, asked) = (self.target.clone(), asked.clone());
        let listed = self.beside(move |repo, attempt| Ok(fetch::at_hand(&target, repo, attempt, &asked, &tip))).await;
        listed.map(|snapshot| Ok(Fetch::Changed(Arc::new(snapshot))))
    }

    /// When the server was asked for what this source was told last, by whomever of those who share that.
    pub(super) fn asked_at(&self) -> Option<Instant> {
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What others find who share the cache.
    pub(super) fn news(&self) -> News {
        self.seat.news()
    }

    pub(super) async fn read(&self, blobs: Vec<BlobId>, limit: u64) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
        let blobs = Arc::new(blobs);
        let wanted = blobs.clone();
        let read = self.beside(move |repo, attempt| tree::read(repo, attempt, &wanted, limit).map(Some)).await;
        match read {
            Some(read) => Ok(read),
            None => self.work(move |store, attempt| tree::read_or_doubt(store, attempt, &blobs, limit)).await,
        }
    }

    /// Whether a commit descends from another. What cannot be told within the bounds is unknown.
    pub(super) async fn descends(
        &self,
        from: Ancestor,
        to: CommitId,
        reference: Option<&str>,
    ) -> Result<Ancestry, SourceError> {
        if from.commit == to {
            return Ok(Ancestry::Yes);
        }
        let (old, new) = (ObjectId::Sha1(from.commit.0), ObjectId::Sha1(to.0));
        if let Some(told) = self.beside(move |repo, attempt| ancestry::at_hand(repo, attempt, old, new)).await {
            return Ok(told);
        }
        let reference = reference.map(Reference::parse).transpose()?;
        let target = self.target.clone();
        let options = &self.target.shared.options;
        let limit = options.max_deepen_bytes.min(options.max_fetch_bytes);
        let span = tracing::info_span!("ancestry", url = %self.target.url, from = %from.commit, %to);
        let work = self.work_within(limit, move |store, attempt| {
            ancestry::descends(&target, store, attempt, from, (reference.as_ref(), new))
        });
        match work.instrument(span).await {
            Err(SourceError::Timeout { .. } | SourceError::TooSlow { .. }) => Ok(Ancestry::Unknown),
            other => other,
        }
    }

    pub(super) async fn keep(&self, commits: Vec<CommitId>) -> Result<(), SourceError> {
        let who = self.who.clone();
        self.work(move |store, attempt| kept::keep(store, attempt, &who, &commits)).await
    }

    pub(super) async fn at(&self, commit: CommitId, narrowing: &Narrowing) -> Result<Arc<Snapshot>, SourceError> {
        let wanted = WantedPaths::parse(narrowing)?;
        let target = self.target.clone();
        self.work(move |store, attempt| kept::at(&target, store, attempt, commit, &wanted)).await.map(Arc::new)
    }

    pub(super) async fn peek(&self, reference: &str, narrowing: &Narrowing) -> Result<Arc<Snapshot>, SourceError> {
        let wanted = WantedPaths::parse(narrowing)?;
        let reference = Reference::parse(reference)?;
        let target = self.target.clone();
        self.work(move |store, attempt| kept::peek(&target, store, attempt, &reference, &wanted)).await.map(Arc::new)
    }

    pub(super) async fn raw_commit(&self, commit: CommitId) -> Result<Vec<u8>, SourceError> {
        let read = self.beside(move |repo, attempt| signed::commit(repo, attempt, commit).map(Some)).await;
        match read {
            Some(raw) => Ok(raw),
            None => self.work(move |store, attempt| signed::commit(&store.open()?, attempt, commit)).await,
        }
    }

    pub(super) async fn raw_tag(&self, tag: &str, commit: CommitId) -> Result<Option<Vec<u8>>, SourceError> {
        let (target, tag) = (self.target.clone(), tag.to_owned());
        self.work(move |store, attempt| signed::tag(&target, store, attempt, &tag, commit)).await
    }

    /// A file's content, where it is at hand; it waits for nobody.
    pub(super) fn glance(&self, blob: BlobId, limit: u64) -> Option<Vec<u8>> {
        let attempt = self.attempt(0);
        tree::read_one(&self.seat.common().reader.get()?, &attempt, ObjectId::Sha1(blob.0), limit).ok()
    }

    /// The content's id of a file at a commit, where both are at hand; it waits for nobody.
    pub(super) fn file_at(&self, commit: CommitId, path: &str) -> Option<BlobId> {
        match blame::file_at(&self.seat.common().reader.get()?, ObjectId::Sha1(commit.0), path.as_bytes()).ok()?? {
            ObjectId::Sha1(id) => Some(BlobId(id)),
            _ => None,
        }
    }

    /// The commit that last touched some lines. What is at hand is looked through first, beside whoever has the store;
    /// then history is received, as far as it is needed and allowed.
    pub(super) async fn last_touched(&self, lines: Lines) -> Result<Option<Touched>, SourceError> {
        let span = tracing::debug_span!("blame", url = %self.target.url, commit = %lines.commit, path = &*lines.path);
        let (reader, options) = (self.seat.common().reader.clone(), &self.target.shared.options);
        let limit = options.max_deepen_bytes.min(options.max_fetch_bytes);
        let attempt = Arc::new(self.attempt(limit));
        let _stop = StopOnDrop(Arc::clone(&attempt));
        let (there, wanted) = (Arc::clone(&attempt), lines.clone());
        let at_hand = tokio::task::spawn_blocking(move || match reader.get() {
            Some(repo) => blame::walk(&repo, &there, &wanted).map(Some),
            None => Ok(None),
        });
        let known = match tokio::time::timeout(self.timeout, at_hand).await {
            Ok(Ok(walked)) => walked?,
            Ok(Err(_)) | Err(_) => return Ok(None),
        };
        let cut = match known {
            None => return Ok(None),
            Some(blame::Walked::Touched(touched)) => return Ok(Some(touched)),
            Some(blame::Walked::Missing) => return Ok(None),
            Some(blame::Walked::Cut(touched)) => touched,
        };
        let target = self.target.clone();
        let work = self.work_within(limit, move |store, attempt| blame::deepen(&target, store, attempt, &lines));
        match work.instrument(span).await {
            Ok(touched) => Ok(touched.or(Some(cut))),
            // Whatever keeps history away, what is at hand is an answer.
            Err(error) => {
                tracing::debug!(reason = error.reason(), %error, "history is not received, and blame ends where it is cut");
                Ok(Some(Touched { retry: true, ..cut }))
            }
        }
    }

    /// Removes the cache; where others read it, what was kept in it in this one's name alone.
    pub(super) async fn forget(&self) -> Result<(), SourceError> {
        let (last, who) = (self.seat.leave(), self.who.clone());
        self.work(move |store, attempt| if last { store.remove() } else { kept::keep(store, attempt, &who, &[]) }).await
    }

    /// Looks at what is at hand, beside whoever has the store. None where that does not tell; then whoever has the store has to
    /// be waited for, and finds out what is wrong, if something is.
    async fn beside<T: Send + 'static>(
        &self,
        look: impl FnOnce(&gix::Repository, &Attempt) -> Result<Option<T>, SourceError> + Send + 'static,
    ) -> Option<T> {
        let repo = self.seat.common().reader.get()?.into_sync();
        let attempt = Arc::new(self.attempt(0));
        let _stop = StopOnDrop(attempt.clone());
        let looking = tokio::task::spawn_blocking(move || look(&repo.to_thread_local(), &attempt));
        tokio::time::timeout(self.timeout, looking).await.ok()?.ok()?.ok()?
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store, &Arc<Attempt>) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        self.work_within(self.target.shared.options.max_fetch_bytes, work).await
    }

    /// Runs blocking work under the deadline, alone on the store, with a bound for the bytes that it receives.
    async fn work_within<T: Send + 'static>(
        &self,
        limit: u64,
        work: impl FnOnce(&mut Store, &Arc<Attempt>) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let attempt = Arc::new(self.attempt(limit));
        let _stop = StopOnDrop(attempt.clone());
        let span = tracing::Span::current();
        let (store, worker) = (self.seat.common().store.clone(), attempt.clone());
        let job = async move {
            let mut store = store.lock_owned().await;
            tokio::task::spawn_blocking(move || span.in_scope(|| work(&mut store, &worker))).await
        };
        let job = async {
            tokio::select! {
                done = job => Ok(done),
                slow = until_too_slow(&attempt) => Err(slow),
            }
        };
        match tokio::time::timeout(self.timeout, job).await {
            Ok(Ok(Ok(result))) => result,
            // A panic is told by its place, where it happens; its message may hold what was read.
            Ok(Ok(Err(_))) => {
                self.seat.common().store.lock().await.doubt();
                Err(SourceError::Interrupted { url: attempt.url(), why: "its work ended in a panic".into() })
            }
            Ok(Err(slow)) => Err(slow),
            Err(_) => Err(SourceError::Timeout {
                url: attempt.url(),
                after: self.timeout,
                received: Some(attempt.received()),
            }),
        }
    }

    fn attempt(&self, limit: u64) -> Attempt {
        Attempt::new(self.target.url.to_string(), limit, self.target.shared.options.slowest)
    }
}

fn note(asked_at: &Mutex<Option<Instant>>, at: Instant) {
    *asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failed_fetch() {
        let dir = tempfile::TempDir::new().unwrap();
        let options = crate::source::SourceOptions::new(dir.path());
        let sources = crate::source::Sources::new(options);
        let opened = sources.open("http://127.0.0.1:1/x.git", "main", Duration::from_secs(60)).unwrap();
        let crate::source::Source::Git(source) = opened else { panic!("not Git") };
        let error = source.work::<()>(|_, _| panic!("odd bytes")).await.unwrap_err();
        assert_eq!((error.reason(), error.is_transient()), ("Interrupted", true), "{error}");
        assert!(!format!("{error} {error:?}").contains("odd"), "what it says may be a value: {error}");
        assert!(source.work(|store, _| Ok(store.is_doubted())).await.unwrap());
    }
}
