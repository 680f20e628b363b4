//! What a source had at one moment: a revision and its files, by content id. No contents.

use std::fmt;
use std::sync::Arc;

/// Identity of a file's content: Git's object id, or the same kind of hash for a folder's files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 20]);

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What was read, printed as `main@sha1:<commit>` (`folder@sha256:<hash>` for a local folder).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(pub Arc<str>);

impl Revision {
    /// The revision of a commit that a branch pointed to.
    pub fn of_commit(branch: &str, hex: &str) -> Self {
        Self(format!("{branch}@sha1:{hex}").into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `@` and seven digits of the id, for people.
    pub fn short(&self) -> String {
        let Some((name, id)) = self.0.rsplit_once(':') else { return self.0.to_string() };
        let name = name.split_once('@').map_or(name, |(before, _)| before);
        format!("{name}@{}", id.get(..7).unwrap_or(id))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who committed a revision, what and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Author's name, without address.
    pub author: String,
    /// First line of the message, cut to 200 characters.
    pub subject: String,
    /// Committer's time.
    pub time: jiff::Timestamp,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Path from the root, with `/`.
    pub path: Arc<str>,
    /// Its content's id.
    pub blob: BlobId,
}

/// What a source had at one moment. Only regular YAML files under the wanted paths are listed;
/// folders whose name starts with a dot are skipped.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was read.
    pub revision: Revision,
    /// The commit; none for a local folder.
    pub commit: Option<Commit>,
    /// The files, sorted by path.
    pub files: Vec<FileEntry>,
    /// Wanted paths that the tree does not have.
    pub missing_paths: Vec<String>,
    /// What is under the wanted paths, may hold manifests, and is not read.
    pub unread: Vec<Unread>,
}

/// Something that may hold manifests and is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Path from the root, with `/`.
    pub path: Arc<str>,
    /// What it is.
    pub what: UnreadKind,
}

/// What is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadKind {
    /// A symbolic link with a manifest's name.
    Link,
    /// A submodule.
    Submodule,
}
