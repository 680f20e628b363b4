//! The control planes that tests run against: real Kubernetes API servers, started by `hack/control-plane`.
//!
//! Each belongs to this process and ends with it, even when it is killed. `GITMOOR_TEST_KUBECONFIG` names one that is
//! up already, for quick rounds of development.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A control plane.
#[derive(Debug)]
pub struct ControlPlane {
    /// A kubeconfig with every right.
    pub kubeconfig: PathBuf,
    /// The program `kubectl`.
    pub kubectl: PathBuf,
    /// Where kubectl keeps what it learnt of the server.
    pub kubectl_cache: PathBuf,
    /// Who did what; none where somebody else started the control plane and does not say.
    pub audit_log: Option<PathBuf>,
}

impl ControlPlane {
    /// The one that most tests share.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<ControlPlane, Missing>> = OnceLock::new();
        answer(SHARED.get_or_init(|| match std::env::var_os("GITMOOR_TEST_KUBECONFIG") {
            Some(kubeconfig) => Ok(Self::found(kubeconfig.into())),
            None => Self::start("shared", &[]),
        }))
    }

    /// Those for tests that start, stop or count daemons of their own. They take turns on each.
    pub fn quiet() -> Option<&'static Self> {
        static QUIET: OnceLock<Result<ControlPlane, Missing>> = OnceLock::new();
        answer(QUIET.get_or_init(|| Self::start("quiet", &[])))
    }

    /// The other one: with one alone, most of the time all but one test of the suite wait for their turn.
    pub fn other_quiet() -> Option<&'static Self> {
        static QUIET: OnceLock<Result<ControlPlane, Missing>> = OnceLock::new();
        answer(QUIET.get_or_init(|| Self::start("other-quiet", &[])))
    }

    /// The one for stories with faults: they last longer than most tests, and go on beside these. What of it is killed is
    /// started again.
    pub fn stormy() -> Option<&'static Self> {
        static STORMY: OnceLock<Result<ControlPlane, Missing>> = OnceLock::new();
        answer(STORMY.get_or_init(|| Self::start("stormy", &["--restart"])))
    }

    /// The process that runs one of its programs now.
    pub fn process(&self, program: &str) -> Option<u32> {
        let folder = self.audit_log.as_deref()?.parent()?;
        let processes = std::fs::read_to_string(folder.join("processes")).ok()?;
        let of = processes.lines().rev().find(|line| line.ends_with(&format!(" {program}")))?;
        of.split(' ').next()?.parse().ok()
    }

    /// Makes etcd forget all that was before now, as API servers make it each five minutes.
    pub async fn compact(&self) {
        let process = self.process("etcd").unwrap();
        let command = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap();
        let url = command.split('\0').find_map(|flag| flag.strip_prefix("--listen-client-urls=")).unwrap().to_owned();
        let ask = async |path: &str, body: serde_json::Value| -> serde_json::Value {
            let answer = reqwest::Client::new().post(format!("{url}/v3/kv/{path}")).body(body.to_string()).send().await;
            let text = answer.unwrap().error_for_status().unwrap().text().await.unwrap();
            serde_json::from_str(&text).unwrap()
        };
        let key = data_encoding::BASE64.encode(b"nothing");
        let now = ask("range", serde_json::json!({"key": key})).await["header"]["revision"].clone();
        ask("compaction", serde_json::json!({"revision": now, "physical": true})).await;
    }

    /// The authorities whose certificates prove a client; whoever writes it writes it back. The API server hears of it at once.
    pub fn client_authorities(&self) -> Option<PathBuf> {
        Some(self.audit_log.as_deref()?.parent()?.join("pki/client-ca.crt"))
    }

    /// The definitions of the kinds that a cluster may lack.
    pub fn optional_definitions(&self) -> Vec<serde_json::Value> {
        let output = Command::new(root().join("hack/control-plane/control-plane")).arg("crds").output().unwrap();
        assert!(output.status.success(), "control-plane crds: {}", String::from_utf8_lossy(&output.stderr));
        let paths = String::from_utf8_lossy(&output.stdout).into_owned();
        paths.lines().flat_map(|path| super::files::documents(Path::new(path))).collect()
    }

    fn start(purpose: &str, flags: &[&str]) -> Result<Self, Missing> {
        let process = std::process::id();
        let name = format!("suite-{purpose}-{process}");
        let script = root().join("hack/control-plane/control-plane");
        let run = |command: &str, more: &[String]| {
            let mut run = Command::new(&script);
            run.args([command, "--name", &name]).args(more).env_remove("KUBECONFIG").output().unwrap()
        };
        let mut up = vec!["--nodes".into(), "2".into(), "--owner-pid".into(), process.to_string()];
        up.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let up = run("up", &up);
        if !up.status.success() {
            let why = String::from_utf8_lossy(&up.stderr).into_owned();
            return Err(if has_go() { Missing::Broken(why) } else { Missing::NoPrograms(why) });
        }
        let env = run("env", &[]);
        assert!(env.status.success(), "control-plane env: {}", String::from_utf8_lossy(&env.stderr));
        let exports = exports(&String::from_utf8_lossy(&env.stdout));
        let path = |key: &str| PathBuf::from(exports.get(key).unwrap_or_else(|| panic!("no {key} in {exports:?}")));
        Ok(Self {
            kubeconfig: path("KUBECONFIG"),
            kubectl: path("GITMOOR_CP_KUBECTL"),
            kubectl_cache: path("KUBECACHEDIR"),
            audit_log: Some(path("GITMOOR_CP_AUDIT_LOG")),
        })
    }

    fn found(kubeconfig: PathBuf) -> Self {
        let kubectl = std::env::var_os("GITMOOR_CP_KUBECTL").map_or_else(|| "kubectl".into(), PathBuf::from);
        let kubectl_cache = std::env::temp_dir().join(format!("gitmoor-suite-{}", std::process::id()));
        let audit_log = std::env::var_os("GITMOOR_CP_AUDIT_LOG").map(PathBuf::from);
        Self { kubeconfig, kubectl, kubectl_cache, audit_log }
    }
}

/// Why there is no control plane.
#[derive(Debug)]
enum Missing {
    /// Neither the programs nor a compiler for them.
    NoPrograms(String),
    /// It should have started.
    Broken(String),
}

fn answer(result: &'static Result<ControlPlane, Missing>) -> Option<&'static ControlPlane> {
    match result {
        Ok(plane) => Some(plane),
        Err(Missing::NoPrograms(why)) if std::env::var_os("CI").is_none() => {
            eprintln!("SKIPPED, THIS TEST PROVED NOTHING: there is no Kubernetes and no Go to build it.\n{why}");
            None
        }
        Err(Missing::NoPrograms(why) | Missing::Broken(why)) => panic!("the control plane did not start:\n{why}"),
    }
}

/// Root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn has_go() -> bool {
    Command::new("go").arg("version").output().is_ok_and(|output| output.status.success())
        || Path::new("/usr/local/go/bin/go").exists()
}

/// Reads `export KEY='value'` lines.
fn exports(script: &str) -> HashMap<String, String> {
    let pairs = script.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches(['\'', '"']).to_owned())).collect()
}
