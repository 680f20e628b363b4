//! The cache of one repository on disk: opened with a strict, isolated configuration, replaced as a whole.
//! It can be lost or damaged at any time; it is then made anew.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::odb::store::init::Slots;
use gix::open::Options;
use gix::sec::Trust;
use gix::{Repository, ThreadSafeRepository};
use sha2::{Digest, Sha256};

use crate::source::{SourceError, SourceOptions};

/// How many sources of one process or machine may read the same branch into the same cache folder.
const MAX_SLOTS: usize = 64;
/// How many packs gix can hold at once; more than may gather.
const MAX_INDICES: u16 = 512;

/// The repository for those who only read what is there, and do not wait until a fetch has ended. Objects are never changed,
/// so a reader beside a writer sees what it saw before, or something new, or that there is nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Reader(Arc<Mutex<Option<ThreadSafeRepository>>>);

impl Reader {
    /// The repository, where it was opened in this process.
    pub fn get(&self) -> Option<Repository> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ThreadSafeRepository::to_thread_local)
    }

    fn set(&self, repo: Option<ThreadSafeRepository>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = repo;
    }
}

/// The cache of one repository.
#[derive(Debug)]
pub(super) struct Store {
    base: PathBuf,
    max_object_bytes: u64,
    slot: Option<Slot>,
    repo: Option<ThreadSafeRepository>,
    reader: Reader,
    doubted: bool,
}

/// A folder that is ours alone for as long as the lock is held.
#[derive(Debug)]
struct Slot {
    dir: PathBuf,
    _lock: File,
}

impl Store {
    /// Touches nothing yet. What tells caches apart gives the folder its name.
    pub fn new(options: &SourceOptions, identity: &[&str]) -> Self {
        let hash = Sha256::digest(identity.join("\0").trim_end_matches('\0'));
        let name = data_encoding::HEXLOWER.encode(&hash[..16]);
        Self {
            base: options.cache_dir.join(name),
            max_object_bytes: options.max_object_bytes,
            slot: None,
            repo: None,
            reader: Reader::default(),
            doubted: false,
        }
    }

    /// What reads beside the one who has the store.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Notes that contents could not be read: the next fetch makes the cache anew.
    pub fn doubt(&mut self) {
        self.doubted = true;
    }

    /// Whether the cache has to be made anew.
    pub fn is_doubted(&self) -> bool {
        self.doubted
    }

    /// The repository; a new and empty one if there is none that can be opened.
    pub fn open(&mut self) -> Result<Repository, SourceError> {
        if let Some(repo) = &self.repo {
            return Ok(repo.to_thread_local());
        }
        let dir = self.dir()?;
        let repo = match open(&dir, self.max_object_bytes) {
            Ok(repo) => repo,
            Err(error) => {
                if dir.exists() {
                    tracing::warn!(error = %error, "the cache cannot be opened and is made anew");
                }
                create(&dir, self.max_object_bytes)?
            }
        };
        self.reader.set(Some(repo.clone()));
        Ok(self.repo.insert(repo).to_thread_local())
    }

    /// The repository as it is, where there is one that can be opened.
    pub fn present(&mut self) -> Option<Repository> {
        let dir = self.dir().ok()?;
        open(&dir, self.max_object_bytes).ok().map(|repo| repo.to_thread_local())
    }

    /// A new and empty repository beside the present one.
    pub fn fresh(&mut self) -> Result<Repository, SourceError> {
        let dir = beside(&self.dir()?, ".new");
        Ok(create(&dir, self.max_object_bytes)?.to_thread_local())
    }

    /// Puts the repository from [`Store::fresh`] in the place of the present one.
    pub fn adopt(&mut self) -> Result<(), SourceError> {
        let dir = self.dir()?;
        let (new, old) = (beside(&dir, ".new"), beside(&dir, ".old"));
        self.repo = None;
        remove(&old)?;
        let moved = |error: io::Error| SourceError::store(format!("replace the cache {}", dir.display()), &error);
        if dir.exists() {
            fs::rename(&dir, &old).map_err(moved)?;
        }
        fs::rename(&new, &dir).map_err(moved)?;
        self.doubted = false;
        self.reader.set(open(&dir, self.max_object_bytes).ok());
        remove(&old)
    }

    /// How many packs have gathered.
    pub fn packs(&mut self) -> Result<usize, SourceError> {
        let dir = self.dir()?.join("objects/pack");
        let failed = |error: io::Error| SourceError::store(format!("list {}", dir.display()), &error);
        let mut packs = 0;
        for entry in fs::read_dir(&dir).map_err(failed)? {
            packs += usize::from(entry.map_err(failed)?.path().extension().is_some_and(|end| end == "pack"));
        }
        Ok(packs)
    }

    /// Removes what is on disk, but for the empty lock file.
    pub fn remove(&mut self) -> Result<(), SourceError> {
        let dir = self.dir()?;
        self.repo = None;
        self.reader.set(None);
        remove(&beside(&dir, ".new"))?;
        remove(&beside(&dir, ".old"))?;
        remove(&dir)
    }

    /// Our folder: the first whose lock nobody else holds.
    fn dir(&mut self) -> Result<PathBuf, SourceError> {
        if let Some(slot) = &self.slot {
            return Ok(slot.dir.clone());
        }
        let failed = |error: io::Error| SourceError::store(format!("lock the cache {}", self.base.display()), &error);
        if let Some(parent) = self.base.parent() {
            // Others on this machine have no business with private repositories.
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        for number in 0..MAX_SLOTS {
            let dir = if number == 0 { self.base.clone() } else { beside(&self.base, &format!("-{number}")) };
            let lock = File::create(beside(&dir, ".lock")).map_err(failed)?;
            match lock.try_lock() {
                Ok(()) => {
                    self.slot = Some(Slot { dir: dir.clone(), _lock: lock });
                    return Ok(dir);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(failed(io::Error::other("too many sources read this branch into this folder")))
    }
}

fn options(max_object_bytes: u64) -> Options {
    let options = Options::isolated().with(Trust::Full).open_path_as_is(true).strict_config(true);
    // Each pack takes a slot, and gix makes too few for the packs of a day.
    options.object_store_slots(Slots::Given(MAX_INDICES)).config_overrides([
        format!("gitoxide.objects.allocLimit={max_object_bytes}"),
        // Indexing a pack is short; it should not take the whole machine.
        "pack.threads=2".to_owned(),
        "gitoxide.userAgent=gitmoor".to_owned(),
    ])
}

fn open(dir: &Path, max_object_bytes: u64) -> gix::Result<ThreadSafeRepository> {
    ThreadSafeRepository::open_opts(dir, options(max_object_bytes))
}

fn create(dir: &Path, max_object_bytes: u64) -> Result<ThreadSafeRepository, SourceError> {
    remove(dir)?;
    let kind = gix::create::Kind::Bare;
    ThreadSafeRepository::init_opts(dir, kind, gix::create::Options::default(), options(max_object_bytes))
        .map_err(|error| SourceError::store(format!("create the cache {}", dir.display()), &io::Error::other(error)))
}

fn remove(dir: &Path) -> Result<(), SourceError> {
    let removed = match fs::symlink_metadata(dir) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(dir),
        Ok(_) => fs::remove_file(dir),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SourceError::store(format!("remove {}", dir.display()), &error))
        }
        _ => Ok(()),
    }
}

fn beside(dir: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(dir);
    name.push(end);
    name.into()
}
