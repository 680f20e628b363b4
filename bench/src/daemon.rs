//! The daemon as a process of its own, and what it says.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::process;

/// The operator's namespace, and that of the GitSync.
pub const NAMESPACE: &str = "gitmoor-system";
/// The GitSync's name.
pub const GITSYNC: &str = "bench";
/// The Secret with the token.
pub const SECRET: &str = "bench-hook";
/// The token.
pub const TOKEN: &str = "only for a server on loopback";
/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(25);

/// The release binary, and how it is run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// Calls in flight.
    pub concurrency: usize,
    /// `sync`, or `sync,controller`.
    pub components: &'static str,
    /// Who it is to the API server, where not who the benchmark is.
    pub kubeconfig: Option<PathBuf>,
}

/// A line that the daemon logged.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it arrived here.
    pub at: Instant,
    /// Its fields.
    pub fields: Value,
}

/// A running daemon; it ends when dropped.
pub struct Daemon {
    child: Child,
    lines: UnboundedReceiver<Line>,
    http: reqwest::Client,
    hooks: Arc<OnceLock<String>>,
    /// When it was started.
    pub started: Instant,
}

impl Program {
    /// Its version.
    pub fn version(&self) -> anyhow::Result<String> {
        let done = Command::new(&self.path).arg("--version").output().context("cannot run gitmoor")?;
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// Starts it. Its log goes to a file beside the cache, too.
    pub fn start(&self, cache: &TempDir) -> anyhow::Result<Daemon> {
        let started = Instant::now();
        let mut command = Command::new(&self.path);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        let mut child = command
            .args(["run", "--namespace", NAMESPACE, "--components", self.components])
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--hooks-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--cache-dir")
            .arg(cache.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let stderr = child.stderr.take().context("no stderr")?;
        let (sender, lines) = unbounded_channel();
        let hooks = Arc::new(OnceLock::new());
        let told = Arc::clone(&hooks);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let at = Instant::now();
                let fields: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({"message": line}));
                if fields["message"] == "listening" && fields["what"] == "webhooks" {
                    let address = fields["address"].as_str().unwrap_or_default();
                    told.get_or_init(|| format!("http://{address}/hooks/{NAMESPACE}"));
                }
                if sender.send(Line { at, fields }).is_err() {
                    return;
                }
            }
        });
        Ok(Daemon { child, lines, http: reqwest::Client::new(), hooks, started })
    }
}

impl Daemon {
    /// CPU seconds that it has used.
    pub fn cpu(&self) -> anyhow::Result<f64> {
        process::cpu(self.child.id())
    }

    /// Most memory that it ever had, in bytes.
    pub fn peak(&self) -> anyhow::Result<u64> {
        process::peak(self.child.id())
    }

    /// Memory that it has now, in bytes.
    pub fn resident(&self) -> anyhow::Result<u64> {
        process::resident(self.child.id())
    }

    /// Waits for a line. Lines before it are dropped; warnings that nobody waited for are errors of the benchmark.
    pub async fn line(&mut self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Line> {
        let found = async {
            while let Some(line) = self.lines.recv().await {
                if wanted(&line.fields) {
                    return Ok(line);
                }
                // What the client library says of one try is no failure of the daemon, which tries again.
                let library = line.fields["target"].as_str().is_some_and(|target| target.starts_with("kube_client"));
                if line.fields["level"] == "ERROR" && !library {
                    bail!("the daemon says: {}", line.fields);
                }
            }
            bail!("the daemon ended")
        };
        tokio::time::timeout(patience, found).await.context("the daemon did not log what was waited for")?
    }

    /// Drops what was logged so far, and says which warnings there were.
    pub fn warnings(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        while let Ok(line) = self.lines.try_recv() {
            if line.fields["level"] == "WARN" && line.fields["message"] != "drift" {
                warnings.push(line.fields.to_string());
            }
        }
        warnings
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where pushes for a GitSync are announced.
    pub fn hook(&self, sync: &str) -> anyhow::Result<String> {
        Ok(format!("{}/{sync}", self.hooks.get().context("the daemon does not listen yet")?))
    }

    /// Announces a push.
    pub async fn announce(&self) -> anyhow::Result<()> {
        self.announce_to(GITSYNC).await
    }

    /// Announces a push to a GitSync.
    pub async fn announce_to(&self, sync: &str) -> anyhow::Result<()> {
        self.announce_by(&self.http, sync).await
    }

    async fn announce_by(&self, http: &reqwest::Client, sync: &str) -> anyhow::Result<()> {
        match self.announced(http, sync).await? {
            None => Ok(()),
            Some(refusal) => bail!("the webhook was answered with {refusal}"),
        }
    }

    /// Announces a push from an address of the caller's own; says how it was refused, where it was.
    pub async fn announced(&self, http: &reqwest::Client, sync: &str) -> anyhow::Result<Option<String>> {
        let answer = push(http, &self.hook(sync)?, None)?.send().await?;
        let status = answer.status();
        Ok(if status.is_success() { None } else { Some(format!("{status}: {}", answer.text().await?)) })
    }

    /// Ends it as a service manager would.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        anyhow::ensure!(told.success(), "the daemon cannot be told to end");
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(asked.elapsed() < GRACE, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// A push as GitHub announces it. Of those with a number, each is another one; of those without, all say the same, and none
/// has an id.
pub fn push(http: &reqwest::Client, hook: &str, number: Option<usize>) -> anyhow::Result<reqwest::RequestBuilder> {
    let mut body = json!({"ref": "refs/heads/main", "repository": {"full_name": "acme/deploy"}});
    if let Some(number) = number {
        body["number"] = number.into();
    }
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(TOKEN.as_bytes())?;
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    let request = http.post(hook).header("content-type", "application/json");
    let request = request.header("x-github-event", "push").header("x-hub-signature-256", signature);
    let request = match number {
        Some(number) => request.header("x-github-delivery", format!("bench-{number}")),
        None => request,
    };
    Ok(request.body(body))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It fails for one that ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
