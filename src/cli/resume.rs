//! `gitmoor resume`: a suspended GitSync goes on, at once.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::act::{PlaceArgs, WaitArgs, annotations, change, is_declared, request};
use super::answer::{Answer, Asked, Goal};
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::suspend::warning;
use super::table::{ODD, painted};
use super::{Output, Screen, wait};
use crate::api::GitSync;
use crate::api::names::SUSPEND_REASON;

/// Arguments of `gitmoor resume`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 it goes on (with --wait: and all is ready), 1 with --wait: something is not ready, \
                        2 error, also where the daemon did not answer in time."
)]
pub struct ResumeArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was done, and what came of it where somebody waited.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: String,
    suspended: bool,
    was_suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// Resumes it, waits and prints.
pub async fn run(args: &ResumeArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let deadline = Instant::now() + args.wait.timeout;
    let asked = Asked { request: request(), goal: Goal::Reconciled };
    let changed = change(&cluster, &key, |gitsync| {
        // Whoever waits wants to see that it goes on, whatever it was.
        Ok((args.wait.wait || gitsync.spec.suspended()).then(|| patch(gitsync, &asked.request)))
    })
    .await?;
    let answer = match args.wait.wait {
        true => Some(wait::until(&cluster, &key, &asked, changed.version, deadline).await?),
        false => None,
    };
    let done = Done {
        name: key.to_string(),
        suspended: false,
        was_suspended: changed.found.spec.suspended(),
        warning: warning(&changed.found),
        answer,
    };
    match args.output {
        Output::Json => print_json(out, &done)?,
        Output::Text => done.print(out, screen.color)?,
    }
    Ok(ExitCode::from(done.answer.as_ref().map_or(0, Answer::code)))
}

/// What makes it go on. The field goes, unless Git declares it.
fn patch(gitsync: &GitSync, request: &str) -> Value {
    let mut patch = annotations(request, &[(SUSPEND_REASON, None)]);
    if gitsync.spec.suspended() {
        patch["spec"] = json!({"suspend": is_declared(gitsync, "suspend").then_some(false)});
    }
    patch
}

impl Done {
    fn print(&self, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
        let name = inert(&self.name);
        if self.was_suspended {
            writeln!(out, "{name} goes on; it was suspended")?;
        } else {
            writeln!(out, "{name} was not suspended")?;
        }
        self.warning.iter().try_for_each(|warning| writeln!(out, "{}", painted(warning, ODD, color)))?;
        self.answer.iter().try_for_each(|answer| answer.print(&Goal::Reconciled, out, color))
    }
}
