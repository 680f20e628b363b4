//! Much at once, with everything on: many GitSyncs, floods of webhooks, many hand edits, a commit that changes everything,
//! and a week of commits within minutes. The daemon runs as its own account, so that priority and fairness count for it.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::audit::Calls;
use crate::change::{self, Drifted};
use crate::children::{FORGOTTEN, Readied, until_ready, watched};
use crate::cost::{self, Rest, Restart, rest};
use crate::crowd::Crowd;
use crate::daemon::{NAMESPACE, Program};
use crate::edits::{self, Edits, Sustained};
use crate::flood::{self, Flood};
use crate::flow::Flow;
use crate::results::{Machine, Versions};
use crate::stage::Stage;
use crate::week::{self, Everything, Week};

/// The schema of priority and fairness that the calls of service accounts come under.
pub const SCHEMA: &str = "service-accounts";
/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(10);

/// Everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// When.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub versions: Versions,
    /// What whoever reads it must know, written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Calls in flight.
    pub concurrency: usize,
    /// MicroServices.
    pub services: usize,
    /// Their children and pods.
    pub children: u64,
    /// GitSyncs.
    pub gitsyncs: usize,
    /// Of these, those that read one repository.
    pub sharing: usize,
    /// From an empty cluster.
    pub first: First,
    /// Webhooks.
    pub floods: Vec<Flood>,
    /// Hand edits of MicroServices, one at a time.
    pub single: Drifted,
    /// Hand edits at once.
    pub burst: Edits,
    /// Hand edits that go on.
    pub sustained: Sustained,
    /// A commit that changes everything.
    pub everything: Everything,
    /// Many commits.
    pub week: Week,
    /// Most memory of the daemon ever.
    pub peak_bytes: u64,
    /// A start when all is there.
    pub restart: Restart,
    /// The queues of the API server before all that.
    pub flow_before: Flow,
    /// And after.
    pub flow_after: Flow,
}

/// From an empty cluster until all are ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct First {
    /// Until the last object was written.
    pub applied_seconds: f64,
    /// Until all were ready.
    pub seconds: f64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls.
    pub calls: Calls,
    /// Most of its memory.
    pub peak_bytes: u64,
    /// When nothing happens.
    pub rest: Rest,
}

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// MicroServices.
    pub services: usize,
    /// GitSyncs.
    pub gitsyncs: usize,
    /// Webhooks in a second.
    pub webhooks: usize,
    /// Commits in a row.
    pub commits: usize,
    /// Hand edits one at a time.
    pub edits: usize,
}

/// Does all that.
pub async fn measure(stage: &Stage, sizes: Sizes, ground: (String, Machine, Versions)) -> anyhow::Result<Load> {
    let (date, machine, versions) = ground;
    let account = account(stage).await?;
    let program = Program {
        components: "sync,controller",
        kubeconfig: Some(account.path().join("kubeconfig")),
        ..stage.program.clone()
    };
    let flow_before = Flow::now(&stage.api).await?;
    let crowd = Crowd::make(stage, sizes.services, sizes.gitsyncs).await?;
    let cache = TempDir::new()?;
    let capacity = edits::capacity(stage).await?;
    let Readied { mut daemon, applied_seconds, seconds, cpu_seconds, calls } =
        until_ready(stage, sizes.services, || program.start(&cache)).await?;
    let peak_bytes = daemon.peak()?;
    let first = First { applied_seconds, seconds, cpu_seconds, calls, peak_bytes, rest: rest(stage, &daemon).await? };
    let children = watched(stage).await?;
    let children = children.iter().filter(|kind| kind.kind != "MicroService").map(|kind| kind.objects).sum();

    let mut floods = Vec::new();
    for shape in shapes(sizes.webhooks) {
        stage.progress.say(shape.what);
        floods.push(flood::flood(stage, &daemon, &crowd.names, shape).await?);
    }
    for warning in daemon.warnings().iter().take(3) {
        stage.progress.warn(&format!("the daemon warned: {warning}"));
    }
    stage.progress.say("hand edits, one at a time");
    let single = change::drifted(stage, &crowd.manifests, &mut daemon, sizes.edits).await?;
    stage.progress.say("a burst of hand edits");
    let burst = edits::burst(stage, &crowd.manifests, &mut daemon).await?;
    stage.progress.say("hand edits that go on");
    tokio::time::sleep(FORGOTTEN).await;
    let sustained = edits::sustained(stage, &crowd.manifests, &mut daemon, capacity).await?;
    stage.progress.say("a commit that changes everything");
    let everything = week::everything(stage, &crowd, &daemon, &cache).await?;
    stage.progress.say("a week of commits");
    let week = week::week(stage, &crowd, &daemon, &cache, sizes.commits).await?;
    let flow_after = Flow::now(&stage.api).await?;
    anyhow::ensure!(
        flow_after.dispatched(SCHEMA) > flow_before.dispatched(SCHEMA),
        "no call came under {SCHEMA}, so that none was rejected says nothing"
    );
    let peak_bytes = daemon.peak()?;
    daemon.stop()?;
    stage.progress.say("a restart");
    let restart = cost::restart(stage, &program, &cache, crowd.names.len()).await?;
    Ok(Load {
        date,
        machine,
        versions,
        note: None,
        concurrency: stage.program.concurrency,
        services: sizes.services,
        children,
        gitsyncs: crowd.names.len(),
        sharing: crowd.shared(),
        first,
        floods,
        single,
        burst,
        sustained,
        everything,
        week,
        peak_bytes,
        restart,
        flow_before,
        flow_after,
    })
}

/// Each source may send 600 a minute: of a hundred, all is let through; of one, next to nothing.
fn shapes(per_second: usize) -> [flood::Shape; 2] {
    let all = flood::Shape { what: "from 100 addresses", sources: 100, per_second, lasts: FLOOD, first: 0 };
    [all, flood::Shape { what: "from one address", sources: 1, first: 1_000_000, ..all }]
}

/// A kubeconfig of the daemon's own account, with the rights of `deploy/`.
async fn account(stage: &Stage) -> anyhow::Result<TempDir> {
    let kubectl = |args: &[&str]| -> anyhow::Result<String> {
        let done = Command::new(&stage.kubectl).args(args).output().context("cannot run kubectl")?;
        anyhow::ensure!(done.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8(done.stdout)?)
    };
    kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "deploy/access.yaml"])?;
    let token = kubectl(&["create", "token", "gitmoor", "-n", NAMESPACE, "--duration=12h"])?;
    let admin = PathBuf::from(std::env::var_os("KUBECONFIG").context("use bench/run")?);
    let mut config: Value = serde_yaml::from_str(&std::fs::read_to_string(admin)?)?;
    for user in config["users"].as_array_mut().context("a kubeconfig without users")? {
        user["user"] = json!({"token": token.trim()});
    }
    let folder = TempDir::new()?;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.path().join("kubeconfig"))?;
    std::io::Write::write_all(&mut file, config.to_string().as_bytes())?;
    Ok(folder)
}
