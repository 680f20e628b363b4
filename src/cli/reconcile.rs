//! `gitmoor reconcile`: a running daemon looks at the source now.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use futures::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::act::{PlaceArgs, WaitArgs, annotation, annotations, change, full_names, request};
use super::answer::{Answer, Asked, Goal};
use super::inert::print_json;
use super::reach::reach;
use super::{Output, Screen, wait};
use crate::api::names::SUSPEND_REASON;
use crate::cluster::Cluster;
use crate::model::ObjectKey;

/// Arguments of `gitmoor reconcile`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it was asked for (with --wait: it is done, and all is ready), 1 it is done and \
                        something is not ready, 2 error, also where the daemon did not answer in time.")]
pub struct ReconcileArgs {
    /// GitSyncs, by NAME or NAMESPACE/NAME.
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was asked of one GitSync, and what it answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Done {
    Asked { name: String, requested: String },
    Answered(Box<Answer>),
    Failed { name: String, error: String },
}

/// Asks, waits and prints. What fails for one GitSync stops no other.
pub async fn run(args: &ReconcileArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let keys = full_names(&args.names, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let deadline = Instant::now() + args.wait.timeout;
    let all = keys.iter().map(|key| one(&cluster, key, args.wait.wait, deadline));
    let mut results = join_all(all).await;
    if let [Err(_)] = results.as_slice()
        && let Some(Err(error)) = results.pop()
    {
        return Err(error);
    }
    let done: Vec<Done> = results
        .into_iter()
        .zip(&keys)
        .map(|(result, key)| {
            result.unwrap_or_else(|error| Done::Failed { name: key.to_string(), error: format!("{error:#}") })
        })
        .collect();
    let code = done.iter().map(Done::code).max().unwrap_or(0);
    match args.output {
        Output::Json => print_json(out, &serde_json::json!({"gitsyncs": done}))?,
        Output::Text => done.iter().try_for_each(|done| done.print(out, screen.color))?,
    }
    Ok(ExitCode::from(code))
}

async fn one(cluster: &Cluster, key: &ObjectKey, wait: bool, deadline: Instant) -> anyhow::Result<Done> {
    let asked = Asked { request: request(), goal: Goal::Reconciled };
    let changed = change(cluster, key, |gitsync| {
        if gitsync.spec.suspended() {
            let why = annotation(gitsync, SUSPEND_REASON).map(|why| format!(" ({why})")).unwrap_or_default();
            bail!("GitSync {key} is suspended{why}, so nothing is fetched; go on with: gitmoor resume {key}");
        }
        Ok(Some(annotations(&asked.request, &[])))
    })
    .await?;
    if !wait {
        return Ok(Done::Asked { name: key.to_string(), requested: asked.request });
    }
    let answer = wait::until(cluster, key, &asked, changed.version, deadline).await?;
    Ok(Done::Answered(Box::new(answer)))
}

impl Done {
    fn code(&self) -> u8 {
        match self {
            Self::Asked { .. } => 0,
            Self::Answered(answer) => answer.code(),
            Self::Failed { .. } => 2,
        }
    }

    fn print(&self, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
        use super::inert::inert;
        match self {
            Self::Asked { name, .. } => {
                writeln!(
                    out,
                    "{0}: asked the daemon to reconcile; follow it with: gitmoor status {0} --watch",
                    inert(name)
                )
            }
            Self::Answered(answer) => answer.print(&Goal::Reconciled, out, color),
            Self::Failed { name, error } => writeln!(out, "{}: {}", inert(name), inert(error)),
        }
    }
}
