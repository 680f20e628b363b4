//! A disk and a clock of a daemon's own, which can be full and wrong.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Room on a disk: the repositories of stories are far smaller.
const ROOM: &str = "size=16m";

/// A folder on a file system of its own, where that can be had.
pub struct Disk {
    folder: TempDir,
    /// Takes it away when this process ends, however that is.
    guard: Option<Child>,
}

impl Disk {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", ROOM, "gitmoor-chaos"]).arg(folder.path()).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        let guard = mounted.then(|| {
            let script = "trap '' INT TERM; read -r _; umount -l \"$0\"";
            Command::new("sh").args(["-c", script]).arg(folder.path()).stdin(Stdio::piped()).spawn().unwrap()
        });
        Self { folder, guard }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves not a byte, or all again; whether that could be done.
    pub fn fill(&self, full: bool) -> bool {
        let ballast = self.path().join("ballast");
        if self.guard.is_none() {
            return false;
        }
        std::fs::remove_file(&ballast).ok();
        if !full {
            return true;
        }
        let mut file = std::fs::File::create(&ballast).unwrap();
        let block = [0; 4096];
        // It ends when there is no room.
        while file.write_all(&block).is_ok() {}
        true
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(guard) = &mut self.guard {
            drop(guard.stdin.take());
            guard.wait().ok();
        }
    }
}

/// A clock, by a library that stands between a process and the time.
pub struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    /// None where the library is missing.
    pub fn new() -> Option<Self> {
        let clock = Self { folder: TempDir::new().unwrap(), library: library()? };
        clock.set(0);
        Some(clock)
    }

    /// So many seconds before that of all others, or behind.
    pub fn set(&self, seconds: i64) -> bool {
        let (new, place) = (self.folder.path().join("new"), self.folder.path().join("offset"));
        std::fs::write(&new, format!("{seconds:+}\n")).and_then(|()| std::fs::rename(new, place)).is_ok()
    }

    /// What a process has to have in its environment. What it measures times by goes on as it is.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.folder.path().join("offset"))),
            ("FAKETIME_CACHE_DURATION", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ]
    }
}

/// Debian's package libfaketime, for processes with several threads.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

#[test]
fn a_clock_of_its_own_is_as_wrong_as_it_is_told() {
    let Some(clock) = Clock::new() else {
        return crate::support::git_server::skip("libfaketime is not installed").unwrap_or_default();
    };
    let shown = || {
        let output = Command::new("date").arg("+%s").envs(clock.environment()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().unwrap()
    };
    for seconds in [0, 600, -600] {
        clock.set(seconds);
        let wrong = shown() - jiff::Timestamp::now().as_second();
        assert!((wrong - seconds).abs() < 60, "{wrong} and not {seconds}");
    }
}

#[test]
fn a_full_disk_takes_nothing_and_an_emptied_one_does() {
    let disk = Disk::new();
    if !disk.fill(true) {
        return crate::support::git_server::skip("no file system can be mounted here").unwrap_or_default();
    }
    let file = disk.path().join("file");
    let write = || std::fs::write(&file, "x");
    assert_eq!(write().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    disk.fill(false);
    write().unwrap();
}
