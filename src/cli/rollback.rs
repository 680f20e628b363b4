//! `gitmoor rollback`: a GitSync is pinned to an earlier revision, until it is released. Git stays as it is.

mod target;

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::act::{Changed, PlaceArgs, WaitArgs, annotation, annotations, change, find, request};
use super::answer::{Answer, Asked, Goal};
use super::history;
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::say::short_commit;
use super::table::{ODD, STRONG, painted};
use super::{Output, Screen, wait};
use crate::api::GitSync;
use crate::api::names::PINNED_REVISION;
use crate::cluster::Cluster;
use crate::model::ObjectKey;
use target::{NoTarget, Point, present, target};

/// Arguments of `gitmoor rollback`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 it is pinned, or released (with --wait: that is applied, and all is ready), 1 with \
                        --wait: something is not ready, 2 error, also where no revision fits or the daemon did not answer \
                        in time."
)]
pub struct RollbackArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The first digits of a commit of the history, or all of any commit. Default: the last revision before the present one
    /// that was applied in full.
    #[arg(value_name = "REVISION", conflicts_with = "release")]
    pub revision: Option<String>,
    /// Remove the pin: it follows its ref again.
    #[arg(long)]
    pub release: bool,
    /// Show what would be done, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: String,
    /// What the cluster had.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Point>,
    /// What it is pinned to; none where it was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Point>,
    /// What it was pinned to before.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_pinned_to: Option<String>,
    changed: bool,
    dry_run: bool,
    suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// Pins or releases it, waits and prints.
pub async fn run(args: &RollbackArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let deadline = Instant::now() + args.wait.timeout;
    let found = find(&cluster, &key).await?;
    let status = found.status.clone().unwrap_or_default();
    let to = match (args.release, target(&status, args.revision.as_deref())) {
        (true, _) => None,
        (false, Ok(to)) => Some(to),
        (false, Err(why)) => return refuse(&found, &key, &why, args.output, out, screen),
    };
    let goal = to.as_ref().map_or(Goal::Released, |to| Goal::Pinned(to.commit.clone()));
    let asked = Asked { request: request(), goal };
    let changed = if args.dry_run {
        Changed { found, version: None }
    } else {
        pin(&cluster, &key, to.as_ref(), &asked, args.wait.wait).await?
    };
    let pinned = annotation(&changed.found, PINNED_REVISION).map(str::to_owned);
    let mut done = Done {
        name: key.to_string(),
        from: present(&status),
        changed: pinned.as_deref() != to.as_ref().map(|to| to.commit.as_str()),
        was_pinned_to: pinned,
        to,
        dry_run: args.dry_run,
        suspended: changed.found.spec.suspended(),
        answer: None,
    };
    if args.output == Output::Text {
        done.print(out, screen.color)?;
        out.flush()?;
    }
    if args.wait.wait && !args.dry_run {
        let answer = wait::until(&cluster, &key, &asked, changed.version, deadline).await?;
        if args.output == Output::Text {
            answer.print(&asked.goal, out, screen.color)?;
        }
        done.answer = Some(answer);
    }
    if args.output == Output::Json {
        print_json(out, &done)?;
    }
    Ok(ExitCode::from(done.answer.as_ref().map_or(0, Answer::code)))
}

/// Writes the pin. Where it is so already, whoever waits still needs an answer to something.
async fn pin(
    cluster: &Cluster,
    key: &ObjectKey,
    to: Option<&Point>,
    asked: &Asked,
    wait: bool,
) -> anyhow::Result<Changed> {
    let wanted = to.map(|to| to.commit.as_str());
    change(cluster, key, |gitsync| {
        let needed = wait || annotation(gitsync, PINNED_REVISION) != wanted;
        Ok(needed.then(|| annotations(&asked.request, &[(PINNED_REVISION, wanted)])))
    })
    .await
}

/// Shows what could be named, and says why nothing was done.
fn refuse(
    found: &GitSync,
    key: &ObjectKey,
    why: &NoTarget,
    output: Output,
    out: &mut dyn Write,
    screen: Screen,
) -> anyhow::Result<ExitCode> {
    if output == Output::Text {
        history::print(found, out, screen.color, false)?;
    }
    bail!("GitSync {key} stays as it is: {why}; see: gitmoor history {key}")
}

impl Done {
    fn print(&self, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
        let name = inert(&self.name);
        let would = if self.dry_run { "would be " } else { "is " };
        let Some(to) = &self.to else {
            return match &self.was_pinned_to {
                Some(pinned) => writeln!(
                    out,
                    "{name} {would}released: it was pinned to {}, and follows its ref again",
                    inert(short_commit(pinned))
                ),
                None => writeln!(out, "{name} was not pinned: it follows its ref"),
            };
        };
        let already = if self.changed { "" } else { "already " };
        let words = painted(&format!("pinned to {}", to.commit), STRONG, color);
        writeln!(out, "{name} {would}{already}{words}")?;
        if let Some(from) = &self.from {
            writeln!(out, "    from  {}", inert(&from.line()))?;
        }
        writeln!(out, "    to    {}", inert(&to.line()))?;
        let name = &self.name;
        let release = format!("newer commits are not applied until: gitmoor rollback {name} --release");
        writeln!(out, "    {}", painted(&release, ODD, color))?;
        if self.suspended {
            let resume = format!("it is suspended, so nothing is done until: gitmoor resume {name}");
            writeln!(out, "    {}", painted(&resume, ODD, color))?;
        }
        Ok(())
    }
}

impl Point {
    fn line(&self) -> String {
        let Self { commit, author, subject } = self;
        let about: Vec<&str> = [author, subject].into_iter().filter_map(|text| text.as_deref()).collect();
        let about = if about.is_empty() { "not in the history".to_owned() } else { about.join(": ") };
        format!("{}  {about}", short_commit(commit))
    }
}
