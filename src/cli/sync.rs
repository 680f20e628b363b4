//! `gitmoor sync --once`: one complete sync of one GitSync, by the daemon's own code, in this process.

mod summary;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, CommandFactory};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::act::duration;
use super::inert::print_json;
use super::reach::{full_name, key, provenance};
use super::run::{CLI_MANAGER, DaemonArgs, SourceArgs, stop_signals};
use super::status::Verdict;
use super::{Cli, ClusterArgs, Color, Output, Screen};
use crate::api::MicroService;
use crate::api::names::RECONCILE_REQUESTED_AT;
use crate::app::{App, Ended};
use crate::cluster::{Apply, CallError, Cluster, Services, gitsyncs};
use crate::model::ObjectKey;
use crate::sync::{Account, Told};
use summary::Summary;

/// After the sync, what lost a race is given this long to settle.
const RACES: Duration = Duration::from_secs(10);
/// Between two looks at the health of MicroServices.
const LOOK: Duration = Duration::from_millis(200);

/// Arguments of `gitmoor sync`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 all is as declared, 1 something was quarantined, held or failed (with --wait also: is \
                  not Ready), 2 error, also where the source cannot be read.",
    mut_arg("log_level", |arg| arg.default_value("off")),
    mut_arg("workers", |arg| arg.hide(true))
)]
pub struct SyncArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME; in the operator's namespace where it names none.
    #[arg(value_name = "NAME", conflicts_with_all = ["url", "watch"])]
    pub gitsync: Option<String>,
    /// Sync once and end. To sync for ever: gitmoor run.
    #[arg(long)]
    pub once: bool,
    /// Wait until its MicroServices are Ready, too. A daemon must run the controller somewhere.
    #[arg(long)]
    pub wait: bool,
    /// Give up after this time.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Ends with a usage error where flags that clap takes one by one do not fit together.
pub fn check(args: &SyncArgs) {
    let wrong = |message: &str| {
        Cli::command().error(clap::error::ErrorKind::MissingRequiredArgument, message).exit();
    };
    if !args.once {
        wrong("gitmoor sync needs --once: it syncs one GitSync once and ends; to sync for ever, use `gitmoor run`");
    }
    if args.gitsync.is_none() && args.source.url.is_none() && args.source.watch.is_none() {
        wrong("name a GitSync, or describe one with --url or --watch");
    }
}

/// Syncs, waits and prints.
pub async fn run(args: &SyncArgs, out: &mut dyn Write, screen: Screen, color: Color) -> anyhow::Result<ExitCode> {
    args.daemon.init_logs(color)?;
    let deadline = Instant::now() + args.timeout;
    let stop = stop_signals()?;
    let options = args.daemon.options(&args.cluster, args.source.folder()?)?;
    let namespace = options.namespace.clone();
    let key = full_name(args.gitsync.as_deref().unwrap_or(&args.source.name), &namespace)?;
    let mut app = App::new(options).await?;
    if let Some(gitsync) = args.source.gitsync(&namespace)? {
        let applied = app.cluster().apply(&gitsyncs(), &key, &gitsync, Apply::forced(CLI_MANAGER)).await;
        applied.context("cannot apply the GitSync of the flags")?;
    }
    let request = request(app.cluster(), &key).await?;
    let told = app.only(key.clone());
    let services = app.services();
    let ended = stop.child_token();
    let running = tokio::spawn(app.run(ended.clone()));
    let waiting = Waiting { told, request, deadline, summary: Summary::new(&key) };
    let done = tokio::select! {
        done = waiting.wait() => done,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped before the sync ended")),
    };
    let done = match done {
        Ok(mut summary) if args.wait => {
            tokio::select! {
                () = ready(&services, &key, deadline, &mut summary) => {}
                () = stop.cancelled() => {}
            }
            Ok(summary)
        }
        done => done,
    };
    end(ended, running).await?;
    let summary = done?;
    match args.output {
        Output::Json => print_json(out, &summary)?,
        Output::Text => summary.print(out, screen.color)?,
    }
    Ok(summary.exit_code())
}

/// Asks for a sync by the annotation, with a value that was never there.
async fn request(cluster: &Cluster, key: &ObjectKey) -> anyhow::Result<String> {
    let request = format!("{} by gitmoor sync, {:08x}", jiff::Timestamp::now(), fastrand::u32(..));
    let patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: request}}});
    match cluster.merge(&gitsyncs(), key, &patch, CLI_MANAGER).await {
        Ok(_) => Ok(request),
        Err(CallError::NotFound(_) | CallError::NamespaceMissing(_)) => {
            bail!("there is no GitSync {key}; see: gitmoor status -A")
        }
        Err(error) => Err(error).with_context(|| format!("cannot ask for a sync of GitSync {key}")),
    }
}

/// Listens to the loop until it has answered the request.
struct Waiting {
    told: UnboundedReceiver<Told>,
    request: String,
    deadline: Instant,
    summary: Summary,
}

impl Waiting {
    async fn wait(mut self) -> anyhow::Result<Summary> {
        let mut until = self.deadline;
        let mut answered = false;
        loop {
            let told = match timeout_at(until, self.told.recv()).await {
                Ok(Some(told)) => told,
                // Races that do not settle are failures.
                Err(_) | Ok(None) if answered => return Ok(self.summary),
                Ok(None) => bail!("the sync ended by itself; see the log with --log-level info"),
                Err(_) => bail!(
                    "the sync of GitSync {} did not end in time; give it more with --timeout, or see why with --log-level info",
                    self.summary.sync()
                ),
            };
            match told {
                Told::Outcome(outcome) => self.summary.outcome(&outcome),
                Told::Account(account) => {
                    refuse(&account, self.summary.sync())?;
                    // A daemon elsewhere may have answered the request before we began.
                    let own = account.read && !account.applying;
                    let current = own && account.handled.as_ref() == Some(&self.request);
                    self.summary.account(*account);
                    if current && !answered {
                        answered = true;
                        until = until.min(Instant::now() + RACES);
                    }
                    if answered && !self.summary.races() {
                        return Ok(self.summary);
                    }
                }
            }
        }
    }
}

/// Where there is nothing to wait for.
fn refuse(account: &Account, sync: &str) -> anyhow::Result<()> {
    if account.suspended {
        bail!("GitSync {sync} is suspended; set spec.suspend to false first");
    }
    match &account.fault {
        Some(fault) => bail!("the source of GitSync {sync} cannot be read: {}: {}", fault.reason, fault.message),
        None => Ok(()),
    }
}

/// Waits until every MicroService of the GitSync is Ready, or time is up.
async fn ready(services: &Services, sync: &ObjectKey, deadline: Instant, summary: &mut Summary) {
    loop {
        let own = |service: &MicroService| provenance(service).is_some_and(|source| source.sync == sync.to_string());
        let all = services.all();
        let members = all.iter().filter_map(|entry| entry.object.parse().ok()).filter(own);
        let verdicts = members.map(|service| (key(&service).to_string(), Verdict::of_service(&service))).collect();
        if summary.health(verdicts) || Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn end(stop: CancellationToken, running: tokio::task::JoinHandle<anyhow::Result<Ended>>) -> anyhow::Result<()> {
    stop.cancel();
    running.await.context("the sync panicked")??;
    Ok(())
}
