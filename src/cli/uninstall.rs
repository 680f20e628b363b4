//! `gitmoor uninstall`: takes Gitmoor out of a cluster. What it keeps stays, unless somebody asks for more: a MicroService
//! that goes takes its workload along.

mod plan;
mod take;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::act::duration;
use super::inert::{inert, print_json};
use super::install::{DEADLINE, gone, namespace};
use super::reach::reach;
use super::say::count;
use super::table::{FAINT, ODD, STRONG, painted};
use super::{ClusterArgs, Output, Screen};
use crate::install::{self, Choice, Object};
use crate::model::preflight::Fault;
use plan::{Found, Ways, stays};

/// Arguments of `gitmoor uninstall`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 it is gone, 1 it was not confirmed, or GitSyncs with deletionPolicy: Delete are in the way: \
                  nothing was changed, 2 error."
)]
pub struct UninstallArgs {
    /// Namespace that it is installed in.
    #[arg(long, short, value_name = "NAME", default_value = "gitmoor-system", value_parser = namespace)]
    pub namespace: String,
    /// Let go of GitSyncs with deletionPolicy: Delete: what they applied stays.
    ///
    /// They have a finalizer that only the daemon takes off, when it has deleted what they applied. Without this option they
    /// are in the way; to have it deleted, delete them before and wait.
    #[arg(long)]
    pub orphan: bool,
    /// Delete the namespace, too, with all GitSyncs and Secrets in it.
    #[arg(long)]
    pub remove_namespace: bool,
    /// Delete the CRDs, too: with them every GitSync and MicroService of the cluster, and with those their workloads.
    #[arg(long)]
    pub remove_crds: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Say what would go and what would stay, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Wait no longer than this for the daemon to end, and for what is deleted to be gone.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Uninstalled<'a> {
    namespace: &'a str,
    dry_run: bool,
    /// What is gone, in the order in which it went.
    removed: Vec<String>,
    /// GitSyncs that were let go of.
    orphaned: Vec<String>,
    /// What stays.
    stays: Vec<String>,
}

/// Removes it, and says each object as it goes, and what stays.
pub async fn run(args: &UninstallArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let cluster = reach(&args.cluster).await?.with_deadline(DEADLINE);
    let everything = Choice { namespace: args.namespace.clone(), ..Choice::default() };
    let mut all = install::objects(&everything)?;
    all.extend(install::left_out(&everything)?);
    let found = Found::in_cluster(&cluster, all, &args.namespace).await?;
    let ways = Ways { namespace: args.remove_namespace, crds: args.remove_crds };
    let (goes, kept) = found.divide(ways);
    let text = args.output == Output::Text;
    if goes.is_empty() && found.finalized.is_empty() {
        return report(args, Vec::new(), Vec::new(), stays(&kept, &found, ways), out, screen.color);
    }
    if !found.finalized.is_empty() && !args.orphan && !args.remove_crds {
        bail_in_the_way(&found, out, screen.color)?;
        return Ok(ExitCode::FAILURE);
    }
    let names: Vec<String> = goes.iter().map(|one| one.name()).collect();
    if args.dry_run {
        return report(args, names, found.finalized_names(), stays(&kept, &found, ways), out, screen.color);
    }
    if !confirmed(args, &found)? {
        writeln!(std::io::stderr(), "nothing was changed")?;
        return Ok(ExitCode::FAILURE);
    }
    let deadline = Instant::now() + args.timeout;
    let mut removed = Vec::new();
    let mut say = |one: &Object, out: &mut dyn Write| -> anyhow::Result<()> {
        if text {
            writeln!(out, "{} {}", painted("deleted    ", ODD, screen.color), inert(&one.name()))?;
            out.flush()?;
        }
        removed.push(one.name());
        Ok(())
    };
    // The daemon first: then nothing is put back or deleted any more.
    let (daemon, rest): (Vec<_>, Vec<_>) = goes.into_iter().partition(|one| one.is("Deployment"));
    for one in &daemon {
        take::delete(&cluster, one).await?;
        say(one, out)?;
    }
    if !gone(&cluster, &args.namespace, deadline).await.context("cannot see whether the daemon has ended")? {
        bail!(
            "pods of the daemon are still there after {:?}; look at: kubectl -n {} get pods, and run this again",
            args.timeout,
            args.namespace
        );
    }
    for sync in &found.finalized {
        take::finalizer(&cluster, sync).await?;
    }
    for one in &rest {
        take::delete(&cluster, one).await?;
        say(one, out)?;
    }
    for one in rest.iter().filter(|one| one.is("CustomResourceDefinition") || one.is("Namespace")) {
        take::until_gone(&cluster, one, deadline).await?;
    }
    report(args, removed, found.finalized_names(), stays(&kept, &found, ways), out, screen.color)
}

/// Says which GitSyncs are in the way, and what can be done about them.
fn bail_in_the_way(found: &Found, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
    let many = count(found.finalized.len(), "GitSync");
    writeln!(
        out,
        "{}",
        painted(
            &format!("{many} with deletionPolicy: Delete, and only the daemon deletes what they applied:"),
            ODD,
            color
        )
    )?;
    for name in found.finalized_names() {
        writeln!(out, "  {}", inert(&name))?;
    }
    writeln!(
        out,
        "nothing was changed ({}). Either delete them and wait until they are gone, and their MicroServices with them,",
        Fault::FinalizerInTheWay.code()
    )?;
    writeln!(out, "or let go of them, and what they applied stays: gitmoor uninstall --orphan")
}

/// Asks, where something goes that does not come back by installing again.
fn confirmed(args: &UninstallArgs, found: &Found) -> anyhow::Result<bool> {
    let loss = found.loss(Ways { namespace: args.remove_namespace, crds: args.remove_crds });
    if loss.is_empty() || args.yes {
        return Ok(true);
    }
    let mut err = std::io::stderr();
    for line in &loss {
        writeln!(err, "{}", inert(line))?;
    }
    if !std::io::stdin().is_terminal() {
        bail!("that is not undone by installing again; say that you mean it with --yes");
    }
    write!(err, "Type the name of the namespace, {}, to go on: ", args.namespace)?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the answer")?;
    Ok(line.trim() == args.namespace)
}

fn report(
    args: &UninstallArgs,
    removed: Vec<String>,
    orphaned: Vec<String>,
    stays: Vec<String>,
    out: &mut dyn Write,
    color: bool,
) -> anyhow::Result<ExitCode> {
    let UninstallArgs { namespace, dry_run, .. } = args;
    if args.output == Output::Json {
        print_json(out, &Uninstalled { namespace, dry_run: *dry_run, removed, orphaned, stays })?;
        return Ok(ExitCode::SUCCESS);
    }
    if *dry_run {
        removed.iter().try_for_each(|one| writeln!(out, "{} {}", painted("would go   ", ODD, color), inert(one)))?;
    }
    for one in &orphaned {
        writeln!(out, "{} GitSync {}: what it applied stays", painted("let go     ", ODD, color), inert(one))?;
    }
    if removed.is_empty() {
        writeln!(out, "gitmoor is not installed in {namespace}: there is nothing to remove")?;
    } else if !dry_run {
        writeln!(out, "gitmoor is gone from {namespace}")?;
    }
    if !stays.is_empty() {
        writeln!(out, "{}", painted(if *dry_run { "would stay:" } else { "stays:" }, STRONG, color))?;
        stays.iter().try_for_each(|one| writeln!(out, "  {}", painted(one, FAINT, color)))?;
    }
    Ok(ExitCode::SUCCESS)
}
