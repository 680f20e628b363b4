//! Repositories of manifests, and the real Git server that the daemon reads them from.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;

use crate::manifests::Manifest;

/// Commits that have the same second.
const PER_SECOND: i64 = 20;
/// Where commits are that nobody pushed yet.
const PREPARED: &str = "refs/prepared/main";

/// `hack/git-server` before `git http-backend`. Ends when dropped.
pub struct GitServer {
    child: Child,
    url: String,
    root: TempDir,
}

/// How many requests of each kind were answered.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Stats {
    /// Listings of refs: every look at the repository ends with one or goes on from it.
    pub ls_refs: u64,
    /// Packs.
    pub fetch: u64,
}

impl GitServer {
    /// Starts one and waits until it answers.
    pub fn start(program: &Path) -> anyhow::Result<Self> {
        let root = TempDir::new()?;
        let mut child = Command::new(program)
            .arg("--root")
            .arg(root.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let ready: serde_json::Value = serde_json::from_str(&line).context("the Git server did not start")?;
        let url = ready["url"].as_str().context("the Git server says no url")?.to_owned();
        Ok(Self { child, url, root })
    }

    /// A new repository with these manifests in one commit.
    pub fn repository(&self, name: &str, manifests: &[Manifest]) -> anyhow::Result<Repository> {
        let repository = Repository {
            bare: self.root.path().join(name),
            work: TempDir::new()?,
            url: format!("{}/{name}", self.url),
        };
        std::fs::create_dir_all(&repository.bare)?;
        git(&repository.bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        repository.git(&["init", "--quiet", "--initial-branch=main", "."])?;
        for manifest in manifests {
            repository.write(&manifest.path, &manifest.text(0))?;
        }
        repository.commit("all services")?;
        Ok(repository)
    }

    /// What was answered so far.
    pub async fn stats(&self) -> anyhow::Result<Stats> {
        let text = reqwest::get(format!("{}/_stats", self.url)).await?.text().await?;
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// A bare repository and a work tree whose commits go there.
pub struct Repository {
    bare: PathBuf,
    work: TempDir,
    /// Where it is served.
    pub url: String,
}

impl Repository {
    /// Folder with the manifests.
    pub fn folder(&self) -> PathBuf {
        self.work.path().join("apps")
    }

    /// Writes a file; it is not committed.
    pub fn write(&self, path: &str, content: &str) -> anyhow::Result<()> {
        let place = self.work.path().join(path);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(std::fs::write(place, content)?)
    }

    /// Commits what was written, pushes it to main and says its revision as Gitmoor prints it.
    pub fn commit(&self, message: &str) -> anyhow::Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "-m", message])?;
        let bare = self.bare.to_string_lossy();
        self.git(&["push", "--quiet", &bare, "HEAD:refs/heads/main"])?;
        self.revision()
    }

    /// So many commits more, each of which changes one file; all in one go, for Git itself takes minutes.
    pub fn history(&self, commits: usize) -> anyhow::Result<()> {
        let (head, mut stream) = (self.git(&["rev-parse", "HEAD"])?, String::new());
        for number in 0..commits {
            let text = format!("number: {number}\n");
            let time = 1_700_000_000 + number;
            stream
                .push_str(&format!("commit refs/heads/main\ncommitter Ada Lovelace <ada@example.com> {time} +0000\n"));
            stream.push_str("data 7\nhistory");
            if number == 0 {
                stream.push_str(&format!("\nfrom {head}"));
            }
            stream.push_str(&format!("\nM 100644 inline apps/history.yaml\ndata {}\n{text}\n", text.len()));
        }
        import(&self.bare, &stream)?;
        self.catch_up()
    }

    /// Begins with what is on main, whoever moved it.
    pub fn catch_up(&self) -> anyhow::Result<()> {
        let bare = self.bare.to_string_lossy();
        self.git(&["fetch", "--quiet", &bare, "main"])?;
        self.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"])?;
        Ok(())
    }

    /// Commits on top of main that are not on it yet, each with one changed file; says which they are, in order. To
    /// push one of them costs no more than to move a ref, so that thousands can be pushed in a row.
    pub fn prepare(&self, files: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Vec<String>> {
        let (head, mut stream) = (self.git(&["rev-parse", "HEAD"])?, String::new());
        // No commit is older than the one before it.
        let now = jiff::Timestamp::now().as_second();
        for (number, (path, text)) in (0..).zip(files) {
            let time = now + number / PER_SECOND;
            stream.push_str(&format!("commit {PREPARED}\ncommitter Ada Lovelace <ada@example.com> {time} +0000\n"));
            stream.push_str("data 7\na fix\n\n");
            if number == 0 {
                stream.push_str(&format!("from {head}\n"));
            }
            stream.push_str(&format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()));
        }
        import(&self.bare, &stream)?;
        let range = format!("{head}..{PREPARED}");
        Ok(git(&self.bare, &["rev-list", "--reverse", &range])?.lines().map(str::to_owned).collect())
    }

    /// Moves main to a commit that was prepared.
    pub fn push_prepared(&self, commit: &str) -> anyhow::Result<()> {
        git(&self.bare, &["update-ref", "refs/heads/main", commit]).map(drop)
    }

    /// The revision of main.
    pub fn revision(&self) -> anyhow::Result<String> {
        Ok(format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"])?))
    }

    fn git(&self, args: &[&str]) -> anyhow::Result<String> {
        git(self.work.path(), args)
    }
}

/// Gives commits to `git fast-import`.
fn import(bare: &Path, stream: &str) -> anyhow::Result<()> {
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(bare)
        .stdin(Stdio::piped())
        .spawn()?;
    import.stdin.take().context("no input")?.write_all(stream.as_bytes())?;
    if !import.wait()?.success() {
        bail!("git fast-import failed");
    }
    Ok(())
}

/// Runs `git`, which sees no configuration but ours, and gives back what it prints.
pub fn git(dir: &Path, args: &[&str]) -> anyhow::Result<String> {
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
        .stdin(Stdio::null())
        .output()?;
    if !done.status.success() {
        bail!("git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?.trim_end().to_owned())
}
