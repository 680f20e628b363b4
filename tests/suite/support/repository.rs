//! Bare repositories filled by the real `git`, which sees no configuration but ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A bare repository and a work tree whose commits go there.
pub struct Repository {
    pub bare: PathBuf,
    pub work: TempDir,
}

impl Repository {
    pub fn new(bare: &Path) -> Self {
        let repository = Self { bare: bare.to_owned(), work: TempDir::new().unwrap() };
        std::fs::create_dir_all(bare).unwrap();
        git(bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository
    }

    /// With one commit that has one file.
    pub fn with_file(self, path: &str, content: &str) -> Self {
        self.write(path, content);
        self.commit("first");
        self
    }

    pub fn write(&self, path: &str, content: &str) {
        let place = self.work.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, content).unwrap();
    }

    /// Commits all there is, pushes it to main and says which commit it is.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.push(&["HEAD:refs/heads/main"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits all there is at a time of its own, without pushing it, and says which commit it is.
    pub fn commit_at(&self, message: &str, time: &str) -> String {
        self.git(&["add", "--all"]);
        git_at(self.work.path(), &["commit", "--quiet", "--allow-empty", "-m", message], time);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn push(&self, args: &[&str]) {
        let bare = self.bare.to_str().unwrap();
        self.git(&[&["push", "--quiet", bare], args].concat());
    }

    pub fn git(&self, args: &[&str]) -> String {
        git(self.work.path(), args)
    }
}

/// Runs `git` in a folder and gives back what it prints.
pub fn git(dir: &Path, args: &[&str]) -> String {
    git_at(dir, args, "2026-01-02T03:04:05Z")
}

/// Runs `git` in a folder as if it were some time.
pub fn git_at(dir: &Path, args: &[&str], time: &str) -> String {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    let done = command
        .args(["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com", "-c", "gc.auto=0"])
        .args(args)
        .current_dir(dir)
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_COMMITTER_DATE", time)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}
