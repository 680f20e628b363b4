//! The cache of one repository on disk: opened with a strict, isolated configuration, replaced as a whole.
//! It can be lost or damaged at any time; it is then made anew.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

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
/// Each fetch that receives something adds a pack, and gix joins none.
const MAX_PACKS: usize = 50;
/// How many bytes may gather beside twice the largest pack, which most often is the first.
const MAX_SURPLUS: u64 = 256 << 20;

/// The repository for those who only read what is there, and do not wait until a fetch has ended. Objects are never changed,
/// so a reader beside a writer sees what it saw before, or something new, or that there is nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Reader {
    repo: Arc<Mutex<Option<ThreadSafeRepository>>>,
    doubted: Arc<AtomicBool>,
}

impl Reader {
    /// The repository, where it was opened in this process.
    pub fn get(&self) -> Option<Repository> {
        self.repo.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ThreadSafeRepository::to_thread_local)
    }

    /// Whether contents could not be read, so that the next fetch makes the cache anew.
    pub fn is_doubted(&self) -> bool {
        self.doubted.load(Ordering::Relaxed)
    }

    fn set(&self, repo: Option<ThreadSafeRepository>) {
        *self.repo.lock().unwrap_or_else(PoisonError::into_inner) = repo;
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
}

/// A folder that is ours alone for as long as the lock is held.
#[derive(Debug)]
struct Slot {
    dir: PathBuf,
    lock: File,
}

/// A child that is being started has our open files for a moment, and closing ours would leave it the lock: whoever comes next
/// would find the folder taken.
impl Drop for Slot {
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "the lock of a cache was not given back by name; it ends with its file");
        }
    }
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
        }
    }

    /// What reads beside the one who has the store.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Notes that contents could not be read: the next fetch makes the cache anew.
    pub fn doubt(&mut self) {
        self.reader.doubted.store(true, Ordering::Relaxed);
    }

    /// Whether the cache has to be made anew.
    pub fn is_doubted(&self) -> bool {
        self.reader.is_doubted()
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
        self.reader.doubted.store(false, Ordering::Relaxed);
        self.reader.set(open(&dir, self.max_object_bytes).ok());
        remove(&old)
    }

    /// Removes what [`Store::fresh`] made, where nothing came of it: on a full disk it would keep the room that is missed.
    pub fn give_up(&mut self) -> Result<(), SourceError> {
        remove(&beside(&self.dir()?, ".new"))
    }

    /// Whether so many packs have gathered, or so much beside the largest, that a clone is worth its while.
    pub fn is_worn(&mut self) -> Result<bool, SourceError> {
        let dir = self.dir()?.join("objects/pack");
        let failed = |error: io::Error| SourceError::store(format!("list {}", dir.display()), &error);
        let mut sizes = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().extension().is_some_and(|end| end == "pack") {
                sizes.push(entry.metadata().map_err(failed)?.len());
            }
        }
        Ok(is_worn(&sizes))
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
                    // What shows that it is in use, when old caches are looked for.
                    lock.set_modified(SystemTime::now()).map_err(failed)?;
                    take_over(&dir)?;
                    self.slot = Some(Slot { dir: dir.clone(), lock });
                    return Ok(dir);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(failed(io::Error::other("too many sources read this branch into this folder")))
    }
}

/// Ends what a process was killed amid. [`Store::adopt`] takes the old repository away and puts the new one, which is whole
/// by then, in its place. Anything else that stands beside is half of a clone, or was about to be removed: it goes, for
/// nobody else would free its room.
fn take_over(dir: &Path) -> Result<(), SourceError> {
    let (new, old) = (beside(dir, ".new"), beside(dir, ".old"));
    if !dir.exists() && old.exists() && new.exists() {
        let failed = |error: io::Error| SourceError::store(format!("replace the cache {}", dir.display()), &error);
        fs::rename(&new, dir).map_err(failed)?;
        tracing::info!("a cache that was being replaced when its process ended is in its place");
    }
    remove(&new)?;
    remove(&old)
}

/// Whether packs of these sizes are to be joined.
fn is_worn(sizes: &[u64]) -> bool {
    let (largest, all) = (sizes.iter().max().copied().unwrap_or_default(), sizes.iter().sum::<u64>());
    sizes.len() > MAX_PACKS || all > largest.saturating_mul(2).saturating_add(MAX_SURPLUS)
}

/// Removes the caches that nobody has, and had not for so long. Says how many.
pub(in crate::source) fn sweep(folder: &Path, unused: Duration) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let path = entry?.path();
        // Whatever else is in that folder is not ours to remove.
        if path.extension().is_none_or(|end| end != "lock") || !is_named_by_us(&path) {
            continue;
        }
        let lock = File::options().write(true).open(&path)?;
        let age = lock.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age < unused || lock.try_lock().is_err() {
            continue;
        }
        let slot = Slot { dir: path.with_extension(""), lock };
        // The lock itself stays, empty as it is: somebody may have opened it just now.
        let all = [".new", ".old", ""].map(|end| beside(&slot.dir, end));
        removed += usize::from(all.iter().any(|dir| dir.exists()));
        all.iter().try_for_each(|dir| remove(dir)).map_err(io::Error::other)?;
    }
    Ok(removed)
}

/// Whether a lock has the name that we give one: 32 digits, and the number of its slot.
fn is_named_by_us(lock: &Path) -> bool {
    let stem = lock.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let (hash, slot) = stem.split_once('-').unwrap_or((stem, "0"));
    hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()) && slot.parse::<usize>().is_ok()
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
    ThreadSafeRepository::init_opts(dir, kind, gix::create::Options::default(), options(max_object_bytes)).map_err(
        |error| {
            let why = error.iter_errors().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            SourceError::store(format!("create the cache {}", dir.display()), &io::Error::other(why))
        },
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_are_joined_when_there_are_many_or_when_they_have_become_large() {
        let check = |sizes: &[u64], expected: bool| assert_eq!(is_worn(sizes), expected, "{sizes:?}");
        check(&[], false);
        check(&[1; 50], false);
        check(&[1; 51], true);
        check(&[2 << 30, 1 << 20], false);
        check(&[2 << 30, 1 << 30, 1 << 30], false);
        check(&[1 << 20, MAX_SURPLUS, 2 << 20], false);
        check(&[MAX_SURPLUS; 3], false);
        check(&[MAX_SURPLUS; 4], true);
    }

    #[test]
    fn a_lock_is_given_back_although_a_child_still_has_the_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let options = SourceOptions::new(folder.path());
        let mut store = Store::new(&options, &["x"]);
        let dir = store.dir().unwrap();
        let childs = store.slot.as_ref().unwrap().lock.try_clone().unwrap();
        drop(store);
        assert_eq!(Store::new(&options, &["x"]).dir().unwrap(), dir);
        drop(childs);
    }

    #[test]
    fn only_our_caches_that_nobody_has_and_that_are_old_are_removed() {
        let folder = tempfile::TempDir::new().unwrap();
        let options = SourceOptions::new(folder.path());
        let mut stores = ["old", "new", "used"].map(|name| Store::new(&options, &[name]));
        let dirs: Vec<PathBuf> = stores
            .iter_mut()
            .map(|store| {
                store.open().unwrap();
                store.dir().unwrap()
            })
            .collect();
        let long_ago = SystemTime::now() - Duration::from_secs(100_000);
        for dir in [&dirs[0], &dirs[2]] {
            File::options().write(true).open(beside(dir, ".lock")).unwrap().set_modified(long_ago).unwrap();
        }
        let [old, new, used] = stores;
        drop((old, new));
        for other in ["notes.lock", "notes"] {
            File::create(folder.path().join(other)).unwrap().set_modified(long_ago).unwrap();
        }
        assert_eq!(sweep(folder.path(), Duration::from_secs(86_400)).unwrap(), 1);
        let there: Vec<bool> = dirs.iter().map(|dir| dir.exists()).collect();
        assert_eq!(there, [false, true, true]);
        assert!(folder.path().join("notes.lock").exists());
        drop(used);
        assert_eq!(sweep(&folder.path().join("none"), Duration::ZERO).unwrap(), 0);
    }
}
