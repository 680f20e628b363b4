//! Reading the cache: a commit's tree as a snapshot, and the contents of files.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::objs::{Kind, tree::EntryKind};

use super::Attempt;
use super::store::Store;
use crate::model::snapshot::{BlobId, Commit, FileEntry, Revision, Snapshot, Unread, UnreadKind};
use crate::source::SourceError;
use crate::source::paths::{WantedPaths, is_hidden, is_yaml, join};

const MAX_AUTHOR: usize = 100;
const MAX_SUBJECT: usize = 200;
const MAX_DEPTH: usize = 128;
/// A few small trees that name each other many times would otherwise be walked forever.
const MAX_ENTRIES: usize = 2_000_000;
const MAX_FILES: usize = 200_000;

/// The YAML files under the wanted paths at a commit.
pub(super) fn snapshot(
    repo: &gix::Repository,
    attempt: &Attempt,
    branch: &str,
    id: ObjectId,
    wanted: &WantedPaths,
) -> Result<Snapshot, SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let commit = repo.find_commit(id).map_err(explain)?;
    let root = commit.tree_id().map_err(explain)?.detach();
    let mut walk = Walk { repo, attempt, files: Vec::new(), unread: Vec::new(), entries: 0 };
    let mut missing_paths = Vec::new();
    for path in wanted.iter() {
        match walk.lookup(root, &path.normal)? {
            Some((EntryKind::Tree, id)) => walk.folder(id, &path.normal)?,
            Some((EntryKind::Blob | EntryKind::BlobExecutable, id)) => {
                if is_yaml(path.normal.as_bytes()) {
                    walk.file(path.normal.clone(), id)?;
                }
            }
            Some((EntryKind::Link | EntryKind::Commit, _)) | None => missing_paths.push(path.given.clone()),
        }
    }
    let (mut files, unread) = (walk.files, walk.unread);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    let revision = Revision::of_commit(branch, &id.to_string());
    Ok(Snapshot { revision, commit: Some(describe(&commit)), files, missing_paths, unread })
}

/// Odd authors and times are no reason not to read a tree.
fn describe(commit: &gix::Commit<'_>) -> Commit {
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

struct Walk<'a> {
    repo: &'a gix::Repository,
    attempt: &'a Attempt,
    files: Vec<FileEntry>,
    unread: Vec<Unread>,
    entries: usize,
}

impl Walk<'_> {
    /// What is at a path; nothing is behind a symlink.
    fn lookup(&self, root: ObjectId, path: &str) -> Result<Option<(EntryKind, ObjectId)>, SourceError> {
        let mut found = (EntryKind::Tree, root);
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if found.0 != EntryKind::Tree {
                return Ok(None);
            }
            let tree = self.repo.find_tree(found.1).map_err(|error| self.attempt.explain(&error))?;
            let mut next = None;
            for entry in tree.iter() {
                let entry = entry.map_err(|error| self.attempt.explain(&error))?;
                if entry.filename() == part {
                    next = Some((entry.mode().kind(), entry.object_id()));
                    break;
                }
            }
            let Some(next) = next else { return Ok(None) };
            found = next;
        }
        Ok(Some(found))
    }

    /// The YAML files below a folder; its own name may start with a dot, for it was asked for.
    fn folder(&mut self, id: ObjectId, path: &str) -> Result<(), SourceError> {
        let mut rest = vec![(id, path.to_owned(), 0)];
        while let Some((id, path, depth)) = rest.pop() {
            if depth > MAX_DEPTH {
                return Err(self.too_large(format!("its folders are more than {MAX_DEPTH} deep")));
            }
            let tree = self.repo.find_tree(id).map_err(|error| self.attempt.explain(&error))?;
            let inner = rest.len();
            for entry in tree.iter() {
                let entry = entry.map_err(|error| self.attempt.explain(&error))?;
                self.count()?;
                let name = entry.filename();
                match entry.mode().kind() {
                    EntryKind::Tree if !is_hidden(name) => {
                        rest.push((entry.object_id(), join(&path, &name.to_str_lossy()), depth + 1));
                    }
                    EntryKind::Blob | EntryKind::BlobExecutable if is_yaml(name) => {
                        self.file(join(&path, &name.to_str_lossy()), entry.object_id())?;
                    }
                    EntryKind::Link if is_yaml(name) => self.unread(&path, name, UnreadKind::Link),
                    EntryKind::Commit if !is_hidden(name) => self.unread(&path, name, UnreadKind::Submodule),
                    _ => {}
                }
            }
            // The first of them is taken next: files that come in order are soon sorted.
            rest[inner..].reverse();
        }
        Ok(())
    }

    fn file(&mut self, path: String, id: ObjectId) -> Result<(), SourceError> {
        if self.files.len() == MAX_FILES {
            return Err(self.too_large(format!("it has more than {MAX_FILES} YAML files; narrow spec.paths")));
        }
        let ObjectId::Sha1(blob) = id else {
            return Err(self.too_large("its object ids are not SHA-1".into()));
        };
        self.files.push(FileEntry { path: path.into(), blob: BlobId(blob) });
        Ok(())
    }

    fn unread(&mut self, folder: &str, name: &BStr, what: UnreadKind) {
        self.unread.push(Unread { path: join(folder, &name.to_str_lossy()).into(), what });
    }

    fn count(&mut self) -> Result<(), SourceError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(self.too_large(format!("its tree has more than {MAX_ENTRIES} entries; narrow spec.paths")));
        }
        if self.entries.is_multiple_of(4096) && self.attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: self.attempt.url(), why: "while listing its tree".into() });
        }
        Ok(())
    }

    fn too_large(&self, why: String) -> SourceError {
        SourceError::TooLarge { url: self.attempt.url(), why }
    }
}

/// The contents of files, each checked against its id.
pub(super) fn read(
    store: &mut Store,
    attempt: &Attempt,
    blobs: Vec<BlobId>,
    limit: u64,
) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
    let repo = store.open()?;
    let mut contents = Vec::with_capacity(blobs.len());
    for blob in blobs {
        if attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: attempt.url(), why: "while reading its files".into() });
        }
        let content = read_one(&repo, attempt, blob, limit).inspect_err(|error| {
            if !matches!(error, SourceError::BlobTooLarge { .. }) {
                store.doubt();
            }
        })?;
        contents.push((blob, content));
    }
    Ok(contents)
}

fn read_one(repo: &gix::Repository, attempt: &Attempt, blob: BlobId, limit: u64) -> Result<Vec<u8>, SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let id = ObjectId::Sha1(blob.0);
    let Some(header) = repo.try_find_header(id).map_err(explain)? else {
        return Err(SourceError::BlobMissing { url: attempt.url(), blob });
    };
    let bytes = header.size();
    if bytes > limit {
        return Err(SourceError::BlobTooLarge { blob, bytes, limit });
    }
    let mut object = repo.find_blob(id).map_err(explain)?;
    let content = object.take_data();
    let hash = gix::objs::compute_hash(repo.object_hash(), Kind::Blob, &content).map_err(explain)?;
    if hash != id {
        let why = format!("blob {blob} has the content of {hash}");
        return Err(SourceError::Corrupt { url: attempt.url(), why });
    }
    Ok(content)
}
