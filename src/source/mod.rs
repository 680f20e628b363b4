//! Sources: Git repositories by gix, and local folders for development.
//! They say what there is and hand out contents; they decide nothing, print nothing and write nowhere but into
//! their cache.
//!
//! A poll that finds nothing new costs one ref listing. What is received is bounded in time, in bytes and in the
//! number of files, because whoever can push to a repository can make it as odd as they like.

mod access;
mod error;
mod exclude;
mod folder;
mod git;
mod listing;
mod paths;
mod url;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::narrowing::Narrowing;
use crate::model::reference::Follow;
use crate::model::snapshot::{Ancestry, BlobId, Commit, CommitId, Revision, Snapshot};

use access::Access;
pub use access::{Of, SecretData, SecretFault, Secrets, Told};
pub use error::{HostKey, SourceError};
pub use exclude::Excludes;
pub use folder::FolderSource;
pub use git::{GitSource, News, Slowest};
pub use url::{SourceUrl, parse_url, same_server};
pub use watch::{FolderWatch, watch};

/// The largest file that is read, unless a caller wants less.
pub const MAX_BLOB_BYTES: u64 = 20 << 20;

/// What the operator allows and where caches are kept.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// Folder for the repositories' caches. They can be lost at any time.
    pub cache_dir: PathBuf,
    /// Whether `file://` is read.
    pub allow_file: bool,
    /// Under which folder `dir://` is read.
    pub allow_dir: Option<PathBuf>,
    /// The SSH client and its first arguments.
    pub ssh_command: Vec<String>,
    /// How many bytes one fetch may receive.
    pub max_fetch_bytes: u64,
    /// How many bytes may be received to find out whether a revision descends from another.
    pub max_deepen_bytes: u64,
    /// How large one object of a repository may be, wanted or not.
    pub max_object_bytes: u64,
    /// How slowly a pack may come in.
    pub slowest: Slowest,
}

impl SourceOptions {
    /// The defaults: caches there, nothing local is read.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            allow_file: false,
            allow_dir: None,
            ssh_command: vec!["ssh".into()],
            max_fetch_bytes: 2 << 30,
            max_deepen_bytes: 256 << 20,
            max_object_bytes: 512 << 20,
            slowest: Slowest::default(),
        }
    }
}

/// Opens sources that share options and an HTTP connection pool. Cheap to clone.
///
/// Of the environment, HTTP reads the proxy variables and `SSL_CERT_FILE`; ssh its own files, but no `GIT_` variable.
#[derive(Debug, Clone)]
pub struct Sources {
    shared: Arc<Shared>,
}

/// A source to open.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Where it is.
    pub url: &'a str,
    /// What of it is followed.
    pub follow: Follow,
    /// How long one fetch may take.
    pub timeout: Duration,
    /// The Secrets that it is reached with, empty for none. What was received with some is never shown to who has others.
    pub keys: &'a str,
    /// Who reads: commits are kept in this name. What is read by others with the same keys is read once for all.
    pub who: &'a str,
}

/// What the sources of one [`Sources`] have in common.
#[derive(Debug)]
struct Shared {
    options: SourceOptions,
    http: OnceLock<reqwest::Client>,
    commons: git::Commons,
}

impl Sources {
    /// Nothing is touched until the first fetch.
    pub fn new(options: SourceOptions) -> Self {
        Self { shared: Arc::new(Shared { options, http: OnceLock::new(), commons: git::Commons::default() }) }
    }

    /// Removes the caches that nobody has open, and had not for so long, and says how many. It touches the disk.
    pub fn sweep(&self, unused: Duration) -> std::io::Result<usize> {
        git::sweep(&self.shared.options.cache_dir, unused)
    }

    /// The source that a URL and a branch name; `timeout` bounds each fetch. Nobody is asked for a Secret.
    pub fn open(&self, url: &str, branch: &str, timeout: Duration) -> Result<Source, SourceError> {
        self.open_wanted(Wanted { url, follow: Follow::Branch(branch.to_owned()), timeout, keys: "", who: "" })
    }

    /// The source that is wanted. A folder has no refs.
    pub fn open_wanted(&self, wanted: Wanted<'_>) -> Result<Source, SourceError> {
        let Wanted { url, timeout, .. } = wanted;
        let options = &self.shared.options;
        let url = parse_url(url, options.allow_file, options.allow_dir.as_deref())?;
        if let url::Place::Folder(path) = &url.place {
            let allowed = options.allow_dir.clone().unwrap_or_else(|| path.clone());
            return Ok(Source::Folder(FolderSource::new(path.clone(), allowed, timeout)));
        }
        Ok(Source::Git(GitSource::new(url, wanted, self.shared.clone())?))
    }
}

impl Shared {
    /// The client, made when it is first needed.
    fn http(&self) -> Result<reqwest::Client, reqwest::Error> {
        if let Some(client) = self.http.get() {
            return Ok(client.clone());
        }
        let client = git::http_client()?;
        Ok(self.http.get_or_init(|| client).clone())
    }
}

/// Where declarations come from.
#[derive(Debug)]
pub enum Source {
    /// A ref of a Git repository.
    Git(GitSource),
    /// A local folder, in development.
    Folder(FolderSource),
}

/// What a fetch found.
#[derive(Debug, Clone)]
pub enum Fetch {
    /// The source is where the caller knows it to be; this cost one ref listing.
    Unchanged,
    /// What there is now.
    Changed(Arc<Snapshot>),
}

/// A commit that another may descend from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestor {
    /// The commit.
    pub commit: CommitId,
    /// Its committer's time, where that is known: the cache may have lost it.
    pub time: Option<jiff::Timestamp>,
}

/// Some lines of a file at a commit, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lines {
    /// The commit.
    pub commit: CommitId,
    /// The file.
    pub path: Arc<str>,
    /// The first line.
    pub first: u32,
    /// The last line.
    pub last: u32,
}

/// The newest commit that touched one of some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The commit.
    pub commit: CommitId,
    /// Who, what and when.
    pub about: Commit,
    /// Whether what came before it is not at hand: then it was that commit, or an earlier one.
    pub or_earlier: bool,
    /// Whether another try may find more.
    pub retry: bool,
}

impl Source {
    /// Looks for a revision other than `known` and lists the YAML files there, as far as they are wanted.
    /// With no known revision a snapshot always comes back, and nothing is received that is in the cache: so ask
    /// without one when others are wanted than before.
    pub async fn fetch(&self, known: Option<&Revision>, narrowing: &Narrowing) -> Result<Fetch, SourceError> {
        self.fetch_since(known, narrowing, Instant::now()).await
    }

    /// The same, where what another reader of the same was told no longer ago than `since` will do: it costs no request.
    pub async fn fetch_since(
        &self,
        known: Option<&Revision>,
        narrowing: &Narrowing,
        since: Instant,
    ) -> Result<Fetch, SourceError> {
        match self {
            Self::Git(source) => source.fetch(known, narrowing, since).await,
            Self::Folder(source) => source.fetch(known, narrowing).await,
        }
    }

    /// When the server was asked for what this source was told last, by whomever of those who share that. A folder is always
    /// looked at.
    pub fn asked_at(&self) -> Option<Instant> {
        match self {
            Self::Git(source) => source.asked_at(),
            Self::Folder(_) => None,
        }
    }

    /// Tells when another reader of the same found something new. Nobody shares a folder.
    pub fn news(&self) -> Option<News> {
        match self {
            Self::Git(source) => Some(source.news()),
            Self::Folder(_) => None,
        }
    }

    /// From now on it is reached with what these Secrets say. A folder is not reached.
    pub fn reach_by(&self, secrets: Secrets<'_>) -> Result<Told, (Of, SecretFault)> {
        let Self::Git(source) = self else { return Ok(Told::Nothing) };
        let access = Access::of(source.url(), secrets)?;
        let told = if access.is_told_in_clear(source.url()) { Told::InClear } else { Told::Nothing };
        let of = if secrets.secret.is_some() { Of::Secret } else { Of::Proxy };
        source.reach_by(access).map(|()| told).map_err(|fault| (of, fault))
    }

    /// The contents of files of the last snapshot, in the order asked for; none larger than `max_bytes`.
    pub async fn read(&self, blobs: Vec<BlobId>, max_bytes: u64) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
        match self {
            Self::Git(source) => source.read(blobs, max_bytes).await,
            Self::Folder(source) => source.read(blobs, max_bytes),
        }
    }

    /// Whether a commit is another one or descends from it. This costs nothing where the commits at hand tell, as they do
    /// after an ordinary push; else the history since that other commit is received, within bounds. A folder has no
    /// history that could be rewritten.
    pub async fn descends(&self, from: Ancestor, to: CommitId) -> Result<Ancestry, SourceError> {
        self.descends_at(None, from, to).await
    }

    /// The same, where the newer commit is what another reference than the branch points to, as [`Source::peek`] has it.
    pub async fn descends_at(
        &self,
        reference: Option<&str>,
        from: Ancestor,
        to: CommitId,
    ) -> Result<Ancestry, SourceError> {
        match self {
            Self::Git(source) => source.descends(from, to, reference).await,
            Self::Folder(_) => Ok(Ancestry::Yes),
        }
    }

    /// Keeps these commits in the cache, and no others, so that [`Source::at`] reads them whatever becomes of the
    /// server. The cache itself can be lost.
    pub async fn keep(&self, commits: Vec<CommitId>) -> Result<(), SourceError> {
        match self {
            Self::Git(source) => source.keep(commits).await,
            Self::Folder(_) => Ok(()),
        }
    }

    /// What there was at a commit: a kept one costs no request; of others the server is asked.
    pub async fn at(&self, commit: CommitId, narrowing: &Narrowing) -> Result<Arc<Snapshot>, SourceError> {
        match self {
            Self::Git(source) => source.at(commit, narrowing).await,
            Self::Folder(source) => Err(source.no_commits()),
        }
    }

    /// What there is at a branch, a full ref (`refs/pull/1/head`) or a commit of the same repository.
    pub async fn peek(&self, reference: &str, narrowing: &Narrowing) -> Result<Arc<Snapshot>, SourceError> {
        match self {
            Self::Git(source) => source.peek(reference, narrowing).await,
            Self::Folder(source) => Err(source.no_commits()),
        }
    }

    /// A commit of the last snapshot, as it is stored: what was signed of it, and the signature.
    pub async fn raw_commit(&self, commit: CommitId) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Git(source) => source.raw_commit(commit).await,
            Self::Folder(source) => Err(source.no_commits()),
        }
    }

    /// A tag of that commit, as the server has it now. None: it is a name and nothing else, so nobody signed it.
    pub async fn raw_tag(&self, tag: &str, commit: CommitId) -> Result<Option<Vec<u8>>, SourceError> {
        match self {
            Self::Git(source) => source.raw_tag(tag, commit).await,
            Self::Folder(source) => Err(source.no_commits()),
        }
    }

    /// A file's content by its id, where it is at hand and no larger than `limit`; it waits for nobody, so it may also be asked
    /// while the source is being read.
    pub fn glance(&self, blob: BlobId, limit: u64) -> Option<Vec<u8>> {
        match self {
            Self::Git(source) => source.glance(blob, limit),
            Self::Folder(source) => source.read(vec![blob], limit).ok()?.pop().map(|(_, content)| content),
        }
    }

    /// The content's id of a file at a commit, where both are at hand; it waits for nobody.
    pub fn file_at(&self, commit: CommitId, path: &str) -> Option<BlobId> {
        match self {
            Self::Git(source) => source.file_at(commit, path),
            Self::Folder(_) => None,
        }
    }

    /// The newest commit that touched one of these lines, as `git blame` has it: through merges and renames. It costs
    /// nothing where the commits at hand tell; else history is received, within bounds, and no further back than it
    /// takes. While the server is away, what is at hand is the answer. A folder has no history.
    pub async fn last_touched(&self, lines: Lines) -> Result<Option<Touched>, SourceError> {
        match self {
            Self::Git(source) => source.last_touched(lines).await,
            Self::Folder(_) => Ok(None),
        }
    }

    /// Removes the cache, for a source that is not read again; it stays as long as others read it.
    pub async fn forget(&self) -> Result<(), SourceError> {
        match self {
            Self::Git(source) => source.forget().await,
            Self::Folder(_) => Ok(()),
        }
    }
}
