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
use crate::daemon::{Daemon, NAMESPACE, Program};
use crate::edits::{self, Edits, Sustained};
use crate::everything::{self, Everything};
use crate::flood::{self, Flood};
use crate::flow::Flow;
use crate::results::{Machine, Versions};
use crate::stage::Stage;
use crate::week::{self, Week};

/// The schema of priority and fairness that the calls of service accounts come under.
pub const SCHEMA: &str = "service-accounts";
/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(10);

/// What was measured, or why it was not: what one part of hours comes to is no reason to lose the others.
pub type Part<T> = Result<T, String>;

/// All that.
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
    pub floods: Part<Vec<Flood>>,
    /// Hand edits of MicroServices, one at a time.
    pub single: Part<Drifted>,
    /// Hand edits at once.
    pub burst: Part<Edits>,
    /// Hand edits that go on.
    pub sustained: Part<Sustained>,
    /// Many commits.
    pub week: Part<Week>,
    /// Most memory of the daemon until then.
    pub peak_bytes: u64,
    /// A start when all is there.
    pub restart: Part<Restart>,
    /// A commit that changes everything, by the daemon that was started then.
    pub everything: Part<Everything>,
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

/// Does all that. What is known after each part is handed to `keep`.
pub async fn measure(
    stage: &Stage,
    sizes: Sizes,
    ground: (String, Machine, Versions),
    keep: impl Fn(&Load) -> anyhow::Result<()>,
) -> anyhow::Result<Load> {
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
    let mut load = Load {
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
        floods: not_yet(),
        single: not_yet(),
        burst: not_yet(),
        sustained: not_yet(),
        week: not_yet(),
        peak_bytes,
        restart: not_yet(),
        everything: not_yet(),
        flow_after: flow_before.clone(),
        flow_before,
    };
    keep(&load)?;

    load.floods = part(stage, "webhooks", floods(stage, &mut daemon, &crowd, sizes.webhooks).await);
    keep(&load)?;
    stage.progress.say("hand edits, one at a time");
    let single = change::drifted(stage, &crowd.manifests, &mut daemon, sizes.edits).await;
    load.single = part(stage, "hand edits, one at a time", single);
    keep(&load)?;
    stage.progress.say("a burst of hand edits");
    load.burst = part(stage, "a burst of hand edits", edits::burst(stage, &crowd.manifests, &mut daemon).await);
    keep(&load)?;
    stage.progress.say("hand edits that go on");
    tokio::time::sleep(FORGOTTEN).await;
    let sustained = edits::sustained(stage, &crowd.manifests, &mut daemon, capacity).await;
    load.sustained = part(stage, "hand edits that go on", sustained);
    keep(&load)?;
    stage.progress.say("a week of commits");
    let week = week::week(stage, &crowd, &daemon, &cache, sizes.commits).await;
    load.week = part(stage, "a week of commits", week);
    (load.flow_after, load.peak_bytes) = (Flow::now(&stage.api).await?, daemon.peak()?);
    daemon.stop()?;
    keep(&load)?;
    stage.progress.say("a restart");
    load.restart = part(stage, "a restart", cost::restart(stage, &program, &cache, crowd.names.len()).await);
    keep(&load)?;
    // At last, for the cluster goes on with it longer than anybody waits here.
    stage.progress.say("a commit that changes everything");
    let everything = async {
        let (daemon, _) = cost::known(&program, &cache, crowd.names.len()).await?;
        let came = everything::everything(stage, &crowd, &daemon, &cache).await?;
        daemon.stop()?;
        anyhow::Ok(came)
    };
    load.everything = part(stage, "a commit that changes everything", everything.await);
    load.flow_after = Flow::now(&stage.api).await?;
    anyhow::ensure!(
        load.flow_after.dispatched(SCHEMA) > load.flow_before.dispatched(SCHEMA),
        "no call came under {SCHEMA}, so that none was rejected says nothing"
    );
    keep(&load)?;
    Ok(load)
}

fn not_yet<T>() -> Part<T> {
    Err("It was not measured: the run ended before.".into())
}

/// What a part came to; what went wrong is told at once, too.
fn part<T>(stage: &Stage, what: &str, came: anyhow::Result<T>) -> Part<T> {
    came.map_err(|error| {
        stage.progress.warn(&format!("{what}: {error:#}"));
        format!("It could not be measured: {error:#}.")
    })
}

async fn floods(stage: &Stage, daemon: &mut Daemon, crowd: &Crowd, per_second: usize) -> anyhow::Result<Vec<Flood>> {
    let mut floods = Vec::new();
    for shape in shapes(per_second) {
        stage.progress.say(shape.what);
        floods.push(flood::flood(stage, daemon, &crowd.names, shape).await?);
    }
    for warning in daemon.warnings().iter().take(3) {
        stage.progress.warn(&format!("the daemon warned: {warning}"));
    }
    Ok(floods)
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
