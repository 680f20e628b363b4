//! Reading the cache: a commit's tree as a snapshot, and the contents of files.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::objs::{Kind, tree::EntryKind};

use super::Attempt;
use super::store::Store;
use crate::model::snapshot::{BlobId, Commit, FileEntry, Revision, Snapshot};
use crate::source::SourceError;
use crate::source::listing::{self, Kind as Entry, Listed, MAX_TARGET, Show, Tree};
use crate::source::paths::WantedPaths;

const MAX_AUTHOR: usize = 100;
const MAX_SUBJECT: usize = 200;

/// The YAML files under the wanted paths at a commit, which is that of the revision.
pub(super) fn snapshot(
    repo: &gix::Repository,
    attempt: &Attempt,
    revision: Revision,
    id: ObjectId,
    wanted: &WantedPaths,
) -> Result<Snapshot, SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let commit = repo.find_commit(id).map_err(explain)?;
    is_what_it_says(attempt, repo, Kind::Commit, (id, &commit.data))?;
    let root = commit.tree_id().map_err(explain)?.detach();
    let Listed { files, missing, unread, excluded } = listing::list(&CommitTree { repo, attempt, root }, wanted)?;
    let entry = |(path, id): (String, ObjectId)| match id {
        ObjectId::Sha1(blob) => Ok(FileEntry { path: path.into(), blob: BlobId(blob) }),
        _ => Err(SourceError::Unsupported { url: attempt.url(), why: "its object ids are not SHA-1".into() }),
    };
    let files = files.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Snapshot { revision, commit: Some(describe(&commit)), files, missing_paths: missing, unread, excluded })
}

/// Odd authors and times are no reason not to read a tree.
pub(super) fn describe(commit: &gix::Commit<'_>) -> Commit {
    let text = |text: &BStr, max: usize| -> String {
        text.to_str_lossy().chars().filter(|c| !c.is_control()).take(max).collect()
    };
    let author = commit.author().map(|author| text(author.name, MAX_AUTHOR)).unwrap_or_default();
    let first = commit.message_raw_sloppy().lines().next().unwrap_or_default();
    let seconds = commit.time().map(|time| time.seconds).unwrap_or_default();
    Commit {
        author: if author.is_empty() { "unknown".into() } else { author },
        subject: text(first.trim().as_bstr(), MAX_SUBJECT),
        time: jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
    }
}

/// The tree of a commit.
struct CommitTree<'a> {
    repo: &'a gix::Repository,
    attempt: &'a Attempt,
    root: ObjectId,
}

impl Tree for CommitTree<'_> {
    type Id = ObjectId;
    const MAX_DEPTH: usize = 128;
    const MAX_FILES: usize = 200_000;

    fn root(&self) -> ObjectId {
        self.root
    }

    fn entries(&self, folder: &ObjectId, show: &mut Show<ObjectId>) -> Result<(), SourceError> {
        let tree = self.repo.find_tree(*folder).map_err(|error| self.attempt.explain(&error))?;
        is_what_it_says(self.attempt, self.repo, Kind::Tree, (*folder, &tree.data))?;
        if let Some(why) = malformed(&tree) {
            let why = format!("tree {folder} has {why}");
            return Err(SourceError::Corrupt { url: self.attempt.url(), why });
        }
        for entry in tree.iter() {
            let entry = entry.map_err(|error| self.attempt.explain(&error))?;
            show(entry.filename(), kind(entry.mode().kind()), entry.object_id())?;
        }
        Ok(())
    }

    fn child(&self, folder: &ObjectId, name: &str) -> Result<Option<(Entry, ObjectId)>, SourceError> {
        let mut found = None;
        self.entries(folder, &mut |entry, kind, id| {
            if entry == name.as_bytes() {
                found = Some((kind, id));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn content(&self, file: &ObjectId, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match read_one(self.repo, self.attempt, *file, limit as u64) {
            Ok(content) => Ok(Some(content)),
            Err(SourceError::BlobTooLarge { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn target(&self, link: &ObjectId) -> Result<Option<Vec<u8>>, SourceError> {
        self.content(link, MAX_TARGET)
    }

    fn go_on(&self) -> Result<(), SourceError> {
        if self.attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: self.attempt.url(), why: "while listing its tree".into() });
        }
        Ok(())
    }

    fn too_large(&self, why: String) -> SourceError {
        SourceError::TooLarge { url: self.attempt.url(), why }
    }
}

/// What no git writes: who looks at such a tree elsewhere may be shown something else than what is read here.
fn malformed(tree: &gix::Tree<'_>) -> Option<&'static str> {
    let entries = tree.iter().filter_map(Result::ok);
    let mut names: Vec<&[u8]> = entries.map(|entry| entry.inner.filename.as_bytes()).collect();
    if names.iter().any(|name| name.is_empty() || name.contains(&b'/')) {
        return Some("an entry whose name is none");
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    (names.len() < count).then_some("two entries of one name")
}

fn kind(kind: EntryKind) -> Entry {
    match kind {
        EntryKind::Tree => Entry::Folder,
        EntryKind::Blob | EntryKind::BlobExecutable => Entry::File,
        EntryKind::Link => Entry::Link,
        EntryKind::Commit => Entry::Submodule,
    }
}

/// The contents of files, each checked against its id.
pub(super) fn read(
    repo: &gix::Repository,
    attempt: &Attempt,
    blobs: &[BlobId],
    limit: u64,
) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
    let mut contents = Vec::with_capacity(blobs.len());
    for blob in blobs {
        if attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: attempt.url(), why: "while reading its files".into() });
        }
        contents.push((*blob, read_one(repo, attempt, ObjectId::Sha1(blob.0), limit)?));
    }
    Ok(contents)
}

/// The same, where what cannot be read casts doubt on all of the cache.
pub(super) fn read_or_doubt(
    store: &mut Store,
    attempt: &Attempt,
    blobs: &[BlobId],
    limit: u64,
) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
    let repo = store.open()?;
    read(&repo, attempt, blobs, limit).inspect_err(|error| {
        if !matches!(error, SourceError::BlobTooLarge { .. } | SourceError::Interrupted { .. }) {
            store.doubt();
        }
    })
}

pub(super) fn read_one(
    repo: &gix::Repository,
    attempt: &Attempt,
    id: ObjectId,
    limit: u64,
) -> Result<Vec<u8>, SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let ObjectId::Sha1(blob) = id else {
        return Err(SourceError::Unsupported { url: attempt.url(), why: "its object ids are not SHA-1".into() });
    };
    let blob = BlobId(blob);
    let Some(header) = repo.try_find_header(id).map_err(explain)? else {
        return Err(SourceError::BlobMissing { url: attempt.url(), blob });
    };
    let bytes = header.size();
    if bytes > limit {
        return Err(SourceError::BlobTooLarge { blob, bytes, limit });
    }
    let mut object = repo.find_blob(id).map_err(explain)?;
    let content = object.take_data();
    is_what_it_says(attempt, repo, Kind::Blob, (id, &content))?;
    Ok(content)
}

/// Refuses an object that is not the one that was asked for: an index that is damaged, or of another pack, shows one in the
/// place of another, and nothing below looks.
fn is_what_it_says(
    attempt: &Attempt,
    repo: &gix::Repository,
    kind: Kind,
    (id, content): (ObjectId, &[u8]),
) -> Result<(), SourceError> {
    let hash = gix::objs::compute_hash(repo.object_hash(), kind, content).map_err(|error| attempt.explain(&error))?;
    if hash == id {
        return Ok(());
    }
    let why = format!("{kind} {id} has the content of {hash}");
    Err(SourceError::Corrupt { url: attempt.url(), why })
}
