//! A real Git server over HTTP: `hack/git-server` before `git http-backend`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::http;
use super::repository::Repository;

/// A server of its own for one test; it ends with its last reference.
pub struct GitServer {
    child: Child,
    url: String,
    root: TempDir,
}

/// How many requests of each kind were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Stats {
    pub info_refs: u32,
    pub ls_refs: u32,
    pub fetch: u32,
    pub other: u32,
    /// Those that said who is reading.
    pub told: u32,
}

impl std::ops::Sub for Stats {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            info_refs: self.info_refs - before.info_refs,
            ls_refs: self.ls_refs - before.ls_refs,
            fetch: self.fetch - before.fetch,
            other: self.other - before.other,
            told: self.told - before.told,
        }
    }
}

/// Says that a test is skipped, or fails it where everything has to run.
pub fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}, and with CI=true nothing is skipped");
    eprintln!("SKIPPED: {why}");
    None
}

impl GitServer {
    /// None, and a word about it, where the server cannot be built.
    pub fn start(args: &[&str]) -> Option<Self> {
        let root = TempDir::new().unwrap();
        let mut child = Command::new(binary()?)
            .args(args)
            .args(["--root".as_ref(), root.path().as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        Some(Self { child, url: ready["url"].as_str().unwrap().to_owned(), root })
    }

    /// A new bare repository below the root and a work tree for it.
    pub fn repository(&self, name: &str) -> Repository {
        Repository::new(&self.root.path().join(name))
    }

    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    pub async fn stats(&self) -> Stats {
        let text = http::client().get(self.url("_stats")).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Stops sending after so many bytes of each answer, or answers with a status.
    pub async fn fault(&self, hang_after_bytes: Option<i64>, status: u16) {
        self.faults(json!({"hang_after_bytes": hang_after_bytes.unwrap_or(-1), "status": status})).await;
    }

    /// Does what one of the words of `hack/git-server/hostile.go` says.
    pub async fn hostile(&self, word: &str) {
        self.faults(json!({"hang_after_bytes": -1, "hostile": word})).await;
    }

    /// Kills a process when it has sent it so many bytes of the next commit that it fetches.
    pub async fn kill(&self, process: u32, after_bytes: u32) {
        self.faults(json!({"hang_after_bytes": -1, "kill": process, "kill_after_bytes": after_bytes})).await;
    }

    /// From now on it lets in that user with that password, and nobody else.
    pub async fn lets_in(&self, user: &str, password: &str) {
        let basic = format!("{user}:{password}");
        http::client().put(self.url("_basic")).body(basic).send().await.unwrap().error_for_status().unwrap();
    }

    /// From now on it has these faults, and no others.
    pub async fn faults(&self, faults: serde_json::Value) {
        http::client()
            .put(self.url("_faults"))
            .body(faults.to_string())
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// The server's program, built once for its sources.
fn binary() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Option<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/git-server");
    let mut hash = Sha256::new();
    for file in ["go.mod", "main.go", "serve.go", "announce.go", "certificates.go", "hostile.go", "build"] {
        hash.update(std::fs::read(sources.join(file)).unwrap());
    }
    let key = data_encoding::HEXLOWER.encode(&hash.finalize()[..8]);
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools");
    let folder = tools.join(format!("git-server-{key}"));
    let program = folder.join("git-server");
    if program.exists() {
        return Some(program);
    }
    let go = Command::new("go").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !go && !Path::new("/usr/local/go/bin/go").exists() {
        return skip("Go is not installed, so the test Git server cannot be built");
    }
    let built = Command::new(sources.join("build")).arg(&folder).status().unwrap();
    assert!(built.success(), "the test Git server does not build");
    Some(program)
}
