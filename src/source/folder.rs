//! A local folder as a source, for development: the same rules as for a repository, without commits.
//! Contents are kept from the moment they were listed, so that what is read fits the snapshot.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::paths::{WantedPaths, is_hidden, is_yaml, join};
use super::{Fetch, MAX_BLOB_BYTES, SourceError};
use crate::model::snapshot::{BlobId, FileEntry, Revision, Snapshot, Unread, UnreadKind};

const MAX_DEPTH: usize = 64;
const MAX_FILES: usize = 20_000;
const MAX_TOTAL_BYTES: u64 = 256 << 20;

type Contents = HashMap<BlobId, Vec<u8>>;

/// A folder; its revision is a hash of what is in it.
#[derive(Debug)]
pub struct FolderSource {
    path: PathBuf,
    allowed: PathBuf,
    timeout: Duration,
    contents: Mutex<Arc<Contents>>,
}

impl FolderSource {
    pub(super) fn new(path: PathBuf, allowed: PathBuf, timeout: Duration) -> Self {
        Self { path, allowed, timeout, contents: Mutex::default() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn fetch(&self, known: Option<&Revision>, paths: &[String]) -> Result<Fetch, SourceError> {
        let wanted = WantedPaths::parse(paths)?;
        let (root, allowed) = (self.path.clone(), self.allowed.clone());
        let work = tokio::task::spawn_blocking(move || Listing::of(&root, &allowed, &wanted));
        let listing = match tokio::time::timeout(self.timeout, work).await {
            Ok(Ok(listing)) => listing?,
            Ok(Err(broken)) => return Err(SourceError::Interrupted { url: self.shown(), why: broken.to_string() }),
            Err(_) => return Err(SourceError::Timeout { url: self.shown(), after: self.timeout }),
        };
        let (snapshot, contents) = listing.finish();
        *self.contents.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(contents);
        if known == Some(&snapshot.revision) {
            return Ok(Fetch::Unchanged);
        }
        Ok(Fetch::Changed(Arc::new(snapshot)))
    }

    pub(super) fn read(&self, blobs: Vec<BlobId>, limit: u64) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let one = |blob: BlobId| {
            let content =
                contents.get(&blob).ok_or_else(|| SourceError::BlobMissing { url: self.shown(), blob })?.clone();
            let bytes = content.len() as u64;
            if bytes > limit { Err(SourceError::BlobTooLarge { blob, bytes, limit }) } else { Ok((blob, content)) }
        };
        blobs.into_iter().map(one).collect()
    }

    fn shown(&self) -> String {
        format!("dir://{}", self.path.display())
    }
}

/// What was found so far.
struct Listing {
    root: PathBuf,
    files: Vec<FileEntry>,
    missing: Vec<String>,
    unread: Vec<Unread>,
    contents: Contents,
    bytes: u64,
}

impl Listing {
    fn of(path: &Path, allowed: &Path, wanted: &WantedPaths) -> Result<Self, SourceError> {
        let refused = |why: &str| SourceError::NotADirectory { path: path.display().to_string(), why: why.into() };
        let real = |path: &Path| path.canonicalize().map_err(|error| refused(&error.to_string()));
        let root = real(path)?;
        if !root.starts_with(real(allowed)?) {
            return Err(refused("it leads out of the folder that the operator allows (--watch)"));
        }
        if !root.is_dir() {
            return Err(refused("it is a file"));
        }
        let mut listing =
            Self { root, files: vec![], missing: vec![], unread: vec![], contents: Contents::new(), bytes: 0 };
        for path in wanted.iter() {
            let place = listing.root.join(&path.normal);
            match listing.kind(&path.normal)? {
                Some(kind) if kind.is_dir() => listing.folder(&place, &path.normal, 0)?,
                Some(kind) if kind.is_file() => {
                    if is_yaml(path.normal.as_bytes()) {
                        listing.file(&place, path.normal.clone())?;
                    }
                }
                _ => listing.missing.push(path.given.clone()),
            }
        }
        Ok(listing)
    }

    /// What a path is, with no symlink below the root followed; none where nothing is.
    fn kind(&self, path: &str) -> Result<Option<fs::FileType>, SourceError> {
        let mut place = self.root.clone();
        let mut kind = fs::symlink_metadata(&place).map_err(|error| failed(&place, &error))?.file_type();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if !kind.is_dir() {
                return Ok(None);
            }
            place.push(part);
            kind = match fs::symlink_metadata(&place) {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(failed(&place, &error)),
            };
        }
        Ok(Some(kind))
    }

    fn folder(&mut self, place: &Path, path: &str, depth: usize) -> Result<(), SourceError> {
        if depth > MAX_DEPTH {
            return Err(self.too_large(format!("its folders are more than {MAX_DEPTH} deep")));
        }
        for entry in fs::read_dir(place).map_err(|error| failed(place, &error))? {
            let entry = entry.map_err(|error| failed(place, &error))?;
            let (name, place) = (entry.file_name(), entry.path());
            let inner = join(path, &name.to_string_lossy());
            let kind = entry.file_type().map_err(|error| failed(&place, &error))?;
            if kind.is_dir() && !is_hidden(name.as_encoded_bytes()) {
                self.folder(&place, &inner, depth + 1)?;
            } else if kind.is_symlink() && is_yaml(name.as_encoded_bytes()) {
                self.unread.push(Unread { path: inner.into(), what: UnreadKind::Link });
            } else if kind.is_file() && is_yaml(name.as_encoded_bytes()) {
                self.file(&place, inner)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, place: &Path, path: String) -> Result<(), SourceError> {
        let file = match fs::File::open(place) {
            // It went while the folder was listed, as editors' temporary files do.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| failed(place, &error))?,
        };
        let mut content = Vec::new();
        file.take(MAX_BLOB_BYTES + 1).read_to_end(&mut content).map_err(|error| failed(place, &error))?;
        if content.len() as u64 > MAX_BLOB_BYTES {
            return Err(self.too_large(format!("{path} is larger than {MAX_BLOB_BYTES} bytes")));
        }
        self.bytes += content.len() as u64;
        if self.files.len() == MAX_FILES || self.bytes > MAX_TOTAL_BYTES {
            return Err(self.too_large(format!("more than {MAX_FILES} YAML files or {MAX_TOTAL_BYTES} bytes in them")));
        }
        let hash = Sha256::digest(&content);
        let mut blob = BlobId([0; 20]);
        blob.0.copy_from_slice(&hash[..20]);
        self.files.push(FileEntry { path: path.into(), blob });
        self.contents.insert(blob, content);
        Ok(())
    }

    fn finish(mut self) -> (Snapshot, Contents) {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.files.dedup_by(|a, b| a.path == b.path);
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update((file.path.len() as u64).to_be_bytes());
            hash.update(file.path.as_bytes());
            hash.update(file.blob.0);
        }
        let hex = data_encoding::HEXLOWER.encode(&hash.finalize());
        let revision = Revision(format!("folder@sha256:{hex}").into());
        (
            Snapshot { revision, commit: None, files: self.files, missing_paths: self.missing, unread: self.unread },
            self.contents,
        )
    }

    fn too_large(&self, why: String) -> SourceError {
        SourceError::TooLarge { url: format!("dir://{}", self.root.display()), why }
    }
}

fn failed(place: &Path, error: &io::Error) -> SourceError {
    SourceError::store(format!("read {}", place.display()), error)
}
