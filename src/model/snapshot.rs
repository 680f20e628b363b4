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

/// Identity of a commit, printed in full.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(pub [u8; 20]);

impl CommitId {
    /// Reads all 40 digits, in lower case or upper case; nothing shorter names one commit for sure.
    pub fn parse(hex: &str) -> Option<Self> {
        let mut id = [0; 20];
        data_encoding::HEXLOWER_PERMISSIVE.decode_mut(hex.as_bytes().get(..40)?, &mut id).ok()?;
        (hex.len() == 40).then_some(Self(id))
    }

    /// Seven digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(7);
        hex
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&BlobId(self.0), f)
    }
}

impl fmt::Debug for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a commit descends from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// It does, or is the same.
    Yes,
    /// It does not: history was rewritten.
    No,
    /// It could not be told within the bounds.
    Unknown,
}

/// What was read, printed as `main@sha1:<commit>`; `sha1:<commit>` where a commit is followed and no ref, and
/// `folder@sha256:<hash>` for a local folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(pub Arc<str>);

impl Revision {
    /// The revision of a commit that a branch pointed to.
    pub fn of_commit(branch: &str, hex: &str) -> Self {
        Self(format!("{branch}@sha1:{hex}").into())
    }

    /// The commit; none for a local folder.
    pub fn commit(&self) -> Option<CommitId> {
        let hex = self.0.rsplit_once("@sha1:").map(|(_, hex)| hex).or_else(|| self.0.strip_prefix("sha1:"));
        hex.and_then(CommitId::parse)
    }

    /// The branch or other name that pointed to the commit; none for a local folder and for a commit without one.
    pub fn name(&self) -> Option<&str> {
        self.0.rsplit_once("@sha1:").map(|(name, _)| name)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before `@` and seven digits of the id, for people.
    pub fn short(&self) -> String {
        let Some((name, id)) = self.0.rsplit_once(':') else { return self.0.to_string() };
        let id = id.get(..7).unwrap_or(id);
        if name == "sha1" {
            return id.to_owned();
        }
        let name = name.split_once('@').map_or(name, |(before, _)| before);
        format!("{name}@{id}")
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

/// What a source had at one moment. Only YAML files under the wanted paths are listed, with those that a symbolic link
/// within the tree leads to; folders whose name starts with a dot are skipped.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was read.
    pub revision: Revision,
    /// The commit; none for a local folder.
    pub commit: Option<Commit>,
    /// The files, sorted by path.
    pub files: Vec<FileEntry>,
    /// Wanted paths that the tree does not have, with what is there instead in brackets.
    pub missing_paths: Vec<String>,
    /// What is under the wanted paths, may hold manifests, and is not read.
    pub unread: Vec<Unread>,
    /// YAML files under the wanted paths that `spec.exclude` or a `.gitmoorignore` leaves out.
    pub excluded: u32,
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
    /// A symbolic link that leads out of the tree.
    LinkOutside,
    /// A symbolic link to what the tree does not have.
    LinkDangling,
    /// A symbolic link to itself, or to a folder that it is in.
    LinkLoop,
    /// A symbolic link that leads through another one.
    LinkChained,
    /// A submodule.
    Submodule,
}

impl UnreadKind {
    /// What it is, as in "a submodule".
    pub fn words(self) -> &'static str {
        match self {
            Self::LinkOutside => "a symbolic link that leads out of the repository",
            Self::LinkDangling => "a symbolic link that leads to no folder and no manifest",
            Self::LinkLoop => "a symbolic link that leads back to itself",
            Self::LinkChained => "a symbolic link that leads through another one",
            Self::Submodule => "a submodule",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read_in_full() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        let check = |text: &str, expected: Option<&str>| {
            let found = Revision(text.into()).commit().map(|commit| commit.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(&format!("main@sha1:{hex}"), Some(hex));
        check(&format!("a@sha1:b@sha1:{}", hex.to_uppercase()), Some(hex));
        check(&format!("main@sha1:{hex}0"), None);
        check(&format!("main@sha1:{}", &hex[1..]), None);
        check(&format!("main@sha1:{}é", &hex[..38]), None);
        check(&format!("sha1:{hex}"), Some(hex));
        check("folder@sha256:00", None);
        check("main", None);
        assert_eq!(Revision(format!("sha1:{hex}").into()).name(), None);
        assert_eq!(Revision(format!("sha1:{hex}").into()).short(), "0123456");
        assert_eq!(Revision(format!("a@b@sha1:{hex}").into()).name(), Some("a@b"));
        assert_eq!(CommitId::parse(hex).unwrap().short(), "0123456");
    }
}
