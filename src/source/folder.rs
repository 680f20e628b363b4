//! A local folder as a source, for development: the same rules as for a repository, without commits.
//! Contents are kept from the moment they were listed, so that what is read fits the snapshot.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::listing::{self, Kind, Listed, MAX_TARGET, Show, Tree};
use super::paths::WantedPaths;
use super::{Fetch, MAX_BLOB_BYTES, SourceError};
use crate::model::narrowing::Narrowing;
use crate::model::snapshot::{BlobId, FileEntry, Revision, Snapshot};

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

    pub(super) async fn fetch(&self, known: Option<&Revision>, narrowing: &Narrowing) -> Result<Fetch, SourceError> {
        let wanted = WantedPaths::parse(narrowing)?;
        let (root, allowed) = (self.path.clone(), self.allowed.clone());
        let work = tokio::task::spawn_blocking(move || read(&root, &allowed, &wanted));
        let (snapshot, contents) = match tokio::time::timeout(self.timeout, work).await {
            Ok(Ok(read)) => read?,
            Ok(Err(broken)) => return Err(SourceError::Interrupted { url: self.shown(), why: broken.to_string() }),
            Err(_) => return Err(SourceError::Timeout { url: self.shown(), after: self.timeout, received: None }),
        };
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

    /// A folder is only what it is now.
    pub(super) fn no_commits(&self) -> SourceError {
        SourceError::Unsupported { url: self.shown(), why: "a local folder has no commits and no refs".into() }
    }

    fn shown(&self) -> String {
        format!("dir://{}", self.path.display())
    }
}

/// The folder, below its real path.
struct FolderTree {
    root: PathBuf,
}

impl Tree for FolderTree {
    type Id = PathBuf;
    const MAX_DEPTH: usize = 64;
    const MAX_FILES: usize = 20_000;

    fn root(&self) -> PathBuf {
        self.root.clone()
    }

    fn entries(&self, folder: &PathBuf, show: &mut Show<PathBuf>) -> Result<(), SourceError> {
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let entry = entry.map_err(|error| failed(folder, &error))?;
            let place = entry.path();
            let kind = kind(entry.file_type().map_err(|error| failed(&place, &error))?);
            show(entry.file_name().as_encoded_bytes(), kind, place)?;
        }
        Ok(())
    }

    fn child(&self, folder: &PathBuf, name: &str) -> Result<Option<(Kind, PathBuf)>, SourceError> {
        let place = folder.join(name);
        match fs::symlink_metadata(&place) {
            Ok(metadata) => Ok(Some((kind(metadata.file_type()), place))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&place, &error)),
        }
    }

    fn content(&self, file: &PathBuf, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        let opened = fs::File::open(file).map_err(|error| failed(file, &error))?;
        let mut content = Vec::new();
        opened.take(limit as u64 + 1).read_to_end(&mut content).map_err(|error| failed(file, &error))?;
        Ok((content.len() <= limit).then_some(content))
    }

    fn target(&self, link: &PathBuf) -> Result<Option<Vec<u8>>, SourceError> {
        let target = fs::read_link(link).map_err(|error| failed(link, &error))?.into_os_string().into_encoded_bytes();
        Ok((target.len() <= MAX_TARGET).then_some(target))
    }

    fn go_on(&self) -> Result<(), SourceError> {
        Ok(())
    }

    fn too_large(&self, why: String) -> SourceError {
        SourceError::TooLarge { url: format!("dir://{}", self.root.display()), why }
    }
}

fn kind(kind: fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Folder
    } else if kind.is_file() {
        Kind::File
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::Other
    }
}

/// What is wanted of a folder, with its contents.
fn read(path: &Path, allowed: &Path, wanted: &WantedPaths) -> Result<(Snapshot, Contents), SourceError> {
    let refused = |why: &str| SourceError::NotADirectory { path: path.display().to_string(), why: why.into() };
    let real = |path: &Path| path.canonicalize().map_err(|error| refused(&error.to_string()));
    let tree = FolderTree { root: real(path)? };
    if !tree.root.starts_with(real(allowed)?) {
        return Err(refused("it leads out of the folder that the operator allows (--watch)"));
    }
    if !tree.root.is_dir() {
        return Err(refused("it is a file"));
    }
    let Listed { files: listed, missing, unread, excluded } = listing::list(&tree, wanted)?;
    let (mut files, mut contents, mut bytes) = (Vec::with_capacity(listed.len()), Contents::new(), 0);
    let mut hash = Sha256::new();
    for (path, place) in listed {
        let Some(content) = content(&tree, &path, &place)? else { continue };
        bytes += content.len() as u64;
        if bytes > MAX_TOTAL_BYTES {
            return Err(tree.too_large(format!("its YAML files have more than {MAX_TOTAL_BYTES} bytes")));
        }
        let digest = Sha256::digest(&content);
        let mut blob = BlobId([0; 20]);
        blob.0.copy_from_slice(&digest[..20]);
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update(blob.0);
        files.push(FileEntry { path: path.into(), blob });
        contents.insert(blob, content);
    }
    // A link that comes to lead elsewhere is a change, too.
    for one in &unread {
        hash.update(one.path.as_bytes());
        hash.update(one.what.words());
    }
    let hex = data_encoding::HEXLOWER.encode(&hash.finalize());
    let revision = Revision(format!("folder@sha256:{hex}").into());
    Ok((Snapshot { revision, commit: None, files, missing_paths: missing, unread, excluded }, contents))
}

/// A file's content; none where it went while the folder was listed, as editors' temporary files do.
fn content(tree: &FolderTree, path: &str, place: &Path) -> Result<Option<Vec<u8>>, SourceError> {
    let file = match fs::File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed(place, &error))?,
    };
    let mut content = Vec::new();
    file.take(MAX_BLOB_BYTES + 1).read_to_end(&mut content).map_err(|error| failed(place, &error))?;
    if content.len() as u64 > MAX_BLOB_BYTES {
        return Err(tree.too_large(format!("{path} is larger than {MAX_BLOB_BYTES} bytes")));
    }
    Ok(Some(content))
}

fn failed(place: &Path, error: &io::Error) -> SourceError {
    SourceError::store(format!("read {}", place.display()), error)
}
