//! `gitmoor run` as a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::log::Log;
use super::plane::root;
use super::{Kube, canary, eventually, eventually_within, holds, http};

/// Namespace of the operator; GitSyncs in it may write to others.
pub const OPERATOR: &str = "gitmoor-system";
/// Time that a daemon has to end when it is told to.
const GRACE: std::time::Duration = std::time::Duration::from_secs(30);
/// Time that one that is about to be ended has to answer: it may have been stopped.
const LAST_ANSWER: std::time::Duration = std::time::Duration::from_secs(2);

/// A running daemon. It ends when this is dropped, and with the test process.
pub struct Daemon {
    /// What it has logged.
    pub log: Log,
    /// Where it listens for webhooks.
    pub hooks: String,
    /// Where it listens for probes and scrapes.
    pub ops: String,
    child: Child,
    guard: Child,
    /// Where it keeps what it reads.
    store: PathBuf,
    _cache: TempDir,
}

static SHARED: OnceCell<Daemon> = OnceCell::const_new();

impl Daemon {
    /// The one on the shared control plane, with the account and the rights that `deploy/` gives it, that to Secrets included.
    /// A test has its own namespace, GitSync and repository.
    pub async fn shared(kube: &Kube) -> &'static Self {
        let start = async || {
            let restarts = root().join("deploy/restarts.yaml");
            kube.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", restarts.to_str().unwrap()]).await;
            // It is read at the start, and may be gone then.
            let credentials = kube.daemon_credentials().await;
            // Receivers of alerts listen on loopback.
            Self::start(&credentials.path().join("kubeconfig"), &["--alerts-to-internal"]).await
        };
        SHARED.get_or_init(start).await
    }

    /// One of a test's own, once it listens.
    pub async fn start(kubeconfig: &Path, flags: &[&str]) -> Self {
        let mut daemon = Self::spawn(kubeconfig, flags);
        daemon.hooks = daemon.listener("webhooks").await;
        daemon.ops = daemon.listener("health and metrics").await;
        daemon
    }

    /// One that may not come as far as to listen.
    pub fn spawn(kubeconfig: &Path, flags: &[&str]) -> Self {
        Self::spawn_in(kubeconfig, flags, &[])
    }

    /// The same with an environment of its own, beside that of the test.
    pub fn spawn_in(kubeconfig: &Path, flags: &[&str], environment: &[(&str, String)]) -> Self {
        let cache = TempDir::new().unwrap();
        let (log, [stderr, stdout]) = Log::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitmoor"));
        command
            .args(["run", "--namespace", OPERATOR, "--log-format", "json"])
            .args(["--hooks-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(flags)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env_remove("KUBECONFIG")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let given = flags.iter().position(|flag| *flag == "--cache-dir").and_then(|at| flags.get(at + 1));
        let store = given.map_or_else(|| cache.path().to_owned(), PathBuf::from);
        if given.is_none() {
            command.arg("--cache-dir").arg(cache.path());
        }
        let child = command.spawn().unwrap();
        let guard = guard(child.id());
        Self { log, hooks: String::new(), ops: String::new(), child, guard, store, _cache: cache }
    }

    /// Where it listens for something, once it does.
    pub async fn listener(&self, name: &str) -> String {
        let line = self
            .log
            .line(&format!("{name} listens"), |line| line["message"] == "listening" && line["what"] == name)
            .await;
        format!("http://{}", line["address"].as_str().unwrap_or_else(|| panic!("no address in {line}")))
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Whether somebody has killed it, and it did not end by itself.
    pub fn was_killed(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some_and(|ended| ended.signal() == Some(9))
    }

    /// Ends it at once, as a crash does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal by its name, as in `STOP`.
    pub fn signal(&self, name: &str) {
        let told = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// The same where it may have ended by itself.
    pub fn signal_if_there(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.args([&format!("-{name}"), &self.child.id().to_string()]).stderr(Stdio::null()).status().ok();
    }

    /// Tells it to end, as Kubernetes does, and waits until it has.
    pub async fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        let log = self.log.clone();
        eventually_within("the daemon ends by itself", GRACE, async || {
            self.child.try_wait().unwrap().ok_or_else(|| log.tail())
        })
        .await
    }

    /// The value of a metric with these labels, 0 where it has not been counted.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let (_, text) = self.ops("/metrics").await;
        let fits = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
        text.lines().filter(fits).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until it has seen all that it watches.
    pub async fn is_ready(&self) {
        eventually("the daemon is ready", async || {
            let answer = self.ops("/readyz").await;
            holds(answer.0 == 200, answer)
        })
        .await;
    }

    /// An answer of the operations listener: status and body.
    pub async fn ops(&self, path: &str) -> (u16, String) {
        let answer = http::client().get(format!("{}{path}", self.ops)).send().await.unwrap();
        http::said(path, answer).await
    }

    /// Searches what the shared one has logged since the last time; and all that it keeps and says, too.
    pub fn search_shared(all: bool) {
        match SHARED.get() {
            Some(shared) if all => shared.search(&shared.metrics().unwrap_or_default()),
            Some(shared) => shared.log.tells_no_secret(),
            None => {}
        }
    }

    /// Fails where it has told a secret, or keeps one.
    fn search(&self, metrics: &str) {
        self.log.tells_no_secret();
        canary::none(&canary::all().found_below(&self.store));
        canary::search("/metrics", metrics);
    }

    /// What is measured, asked where nothing can be awaited.
    fn metrics(&self) -> Option<String> {
        let address = self.ops.strip_prefix("http://")?;
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(LAST_ANSWER)).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let running = self.child.try_wait().is_ok_and(|ended| ended.is_none());
        let metrics = running.then(|| self.metrics()).flatten().unwrap_or_default();
        // The guard first: the id of a process that is gone may become another's.
        self.guard.kill().ok();
        self.guard.wait().ok();
        self.child.kill().ok();
        self.child.wait().ok();
        // A test that fails says so itself, and nothing may fail beside that.
        if !std::thread::panicking() {
            self.search(&metrics);
        }
    }
}

/// Ends a process when this one is gone: its standard input closes then.
fn guard(process: u32) -> Child {
    let script = "read -r _; kill -KILL \"$0\" 2>/dev/null";
    Command::new("sh").args(["-c", script, &process.to_string()]).stdin(Stdio::piped()).spawn().unwrap()
}
