//! A ref of a Git repository as a source: a bare, shallow cache per URL and ref, without a checkout.
//! gix blocks, so its work runs on blocking threads; each piece of work has a deadline that really ends it.

mod ancestry;
mod attempt;
mod blame;
mod choose;
mod fetch;
mod http;
mod kept;
mod papers;
mod process;
mod reference;
mod signed;
mod store;
mod tree;
mod way;

use std::sync::Arc;
use std::time::Duration;

use gix::ObjectId;
use tokio::sync::Mutex;
use tracing::Instrument;
use tracing::field::Empty;

use self::attempt::{Attempt, StopOnDrop, printable};
use self::reference::{Reference, check};
use self::store::{Reader, Store};
use self::way::Way;
use super::paths::WantedPaths;
use super::{Access, Ancestor, Fetch, Lines, SecretFault, Shared, SourceError, SourceUrl, Touched, Wanted};
use crate::model::narrowing::Narrowing;
use crate::model::reference::Follow;
use crate::model::snapshot::{Ancestry, BlobId, CommitId, Revision, Snapshot};

pub(super) use self::way::client as http_client;

/// A ref of a Git repository.
#[derive(Debug)]
pub struct GitSource {
    target: Arc<Target>,
    timeout: Duration,
    store: Arc<Mutex<Store>>,
    reader: Reader,
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
    /// `keys` names who else may read what is received: only those who reach it by the same Secret share a cache.
    pub(super) fn new(
        url: SourceUrl,
        Wanted { follow, timeout, keys, .. }: Wanted<'_>,
        shared: Arc<Shared>,
    ) -> Result<Self, SourceError> {
        check(&follow)?;
        let store = Store::new(&shared.options, &[&url.identity(), &follow.identity(), keys]);
        let reader = store.reader();
        let target = Target { url, follow, timeout, shared, way: Way::default() };
        Ok(Self { target: Arc::new(target), timeout, store: Arc::new(Mutex::new(store)), reader })
    }

    /// From now on it is reached with this.
    pub(super) fn reach_by(&self, access: Access) -> Result<(), SecretFault> {
        self.target.way.take(access)
    }

    /// Its checked URL.
    pub(super) fn url(&self) -> &SourceUrl {
        &self.target.url
    }

    pub(super) async fn fetch(&self, known: Option<&Revision>, narrowing: &Narrowing) -> Result<Fetch, SourceError> {
        let wanted = WantedPaths::parse(narrowing)?;
        let known = known.cloned();
        let (url, follow) = (&self.target.url, &self.target.follow);
        let span =
            tracing::info_span!("fetch", %url, %follow, received_bytes = Empty, revision = Empty, reason = Empty);
        let target = self.target.clone();
        let work = self.work(move |store, attempt| {
            let fetched = fetch::fetch(&target, store, attempt, known.as_ref(), &wanted);
            tracing::Span::current().record("received_bytes", attempt.received());
            fetched
        });
        let fetched = work.instrument(span.clone()).await;
        match &fetched {
            Ok(Fetch::Changed(snapshot)) => span.record("revision", snapshot.revision.as_str()),
            Ok(Fetch::Unchanged) => &span,
            Err(error) => span.record("reason", error.reason()),
        };
        fetched
    }

    pub(super) async fn read(&self, blobs: Vec<BlobId>, limit: u64) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
        self.work(move |store, attempt| tree::read(store, attempt, blobs, limit)).await
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
        let reference = reference.map(Reference::parse).transpose()?;
        let target = self.target.clone();
        let options = &self.target.shared.options;
        let limit = options.max_deepen_bytes.min(options.max_fetch_bytes);
        let span = tracing::info_span!("ancestry", url = %self.target.url, from = %from.commit, %to);
        let work = self.work_within(limit, move |store, attempt| {
            ancestry::descends(&target, store, attempt, from, (reference.as_ref(), ObjectId::Sha1(to.0)))
        });
        match work.instrument(span).await {
            Err(SourceError::Timeout { .. }) => Ok(Ancestry::Unknown),
            other => other,
        }
    }

    pub(super) async fn keep(&self, commits: Vec<CommitId>) -> Result<(), SourceError> {
        self.work(move |store, attempt| kept::keep(store, attempt, &commits)).await
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
        self.work(move |store, attempt| signed::commit(store, attempt, commit)).await
    }

    pub(super) async fn raw_tag(&self, tag: &str, commit: CommitId) -> Result<Option<Vec<u8>>, SourceError> {
        let (target, tag) = (self.target.clone(), tag.to_owned());
        self.work(move |store, attempt| signed::tag(&target, store, attempt, &tag, commit)).await
    }

    /// A file's content, where it is at hand; it waits for nobody.
    pub(super) fn glance(&self, blob: BlobId, limit: u64) -> Option<Vec<u8>> {
        let attempt = Attempt::new(self.target.url.to_string(), 0);
        tree::read_one(&self.reader.get()?, &attempt, ObjectId::Sha1(blob.0), limit).ok()
    }

    /// The content's id of a file at a commit, where both are at hand; it waits for nobody.
    pub(super) fn file_at(&self, commit: CommitId, path: &str) -> Option<BlobId> {
        match blame::file_at(&self.reader.get()?, ObjectId::Sha1(commit.0), path.as_bytes()).ok()?? {
            ObjectId::Sha1(id) => Some(BlobId(id)),
            _ => None,
        }
    }

    /// The commit that last touched some lines. What is at hand is looked through first, beside whoever has the store;
    /// then history is received, as far as it is needed and allowed.
    pub(super) async fn last_touched(&self, lines: Lines) -> Result<Option<Touched>, SourceError> {
        let span = tracing::debug_span!("blame", url = %self.target.url, commit = %lines.commit, path = &*lines.path);
        let (reader, options) = (self.reader.clone(), &self.target.shared.options);
        let limit = options.max_deepen_bytes.min(options.max_fetch_bytes);
        let attempt = Arc::new(Attempt::new(self.target.url.to_string(), limit));
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

    pub(super) async fn forget(&self) -> Result<(), SourceError> {
        self.work(|store, _| store.remove()).await
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
        let attempt = Arc::new(Attempt::new(self.target.url.to_string(), limit));
        let _stop = StopOnDrop(attempt.clone());
        let span = tracing::Span::current();
        let store = self.store.clone();
        let job = async move {
            let mut store = store.lock_owned().await;
            tokio::task::spawn_blocking(move || span.in_scope(|| work(&mut store, &attempt))).await
        };
        match tokio::time::timeout(self.timeout, job).await {
            Ok(Ok(result)) => result,
            Ok(Err(broken)) => {
                self.store.lock().await.doubt();
                Err(SourceError::Interrupted { url: self.target.url.to_string(), why: printable(&broken.to_string()) })
            }
            Err(_) => Err(SourceError::Timeout { url: self.target.url.to_string(), after: self.timeout }),
        }
    }
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
        assert!(source.work(|store, _| Ok(store.is_doubted())).await.unwrap());
    }
}
