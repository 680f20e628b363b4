//! `gitmoor drift`: every field that differs from what is declared, who changed it and when; and the drifts that ended.

mod follow;
mod found;
mod markdown;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::act::duration;
use super::inert::print_json;
use super::reach::{ScopeArgs, Seen, is_named, key, look, reach};
use super::{ClusterArgs, Screen};
use found::{Report, Wanted};

/// Arguments of `gitmoor drift`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 nothing differs, 1 something does, 2 error. With --watch they speak of the end.")]
pub struct DriftArgs {
    /// Only this MicroService, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Go on, and print each drift that begins, changes or ends, a line each.
    #[arg(long, short)]
    pub watch: bool,
    /// Show the drifts that ended, too, as far back as status keeps them.
    #[arg(long, alias = "recent")]
    pub history: bool,
    /// Show the drifts that ended within this time, as in 30m or 24h. What differs now is shown however old it is.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// How to print. json with --watch is one object per line.
    #[arg(long, short, value_enum, default_value_t = DriftOutput::Text)]
    pub output: DriftOutput,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DriftOutput {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a ticket about an incident.
    Markdown,
}

/// Prints what differs, once or until stopped.
pub async fn run(args: &DriftArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    if args.watch && args.output == DriftOutput::Markdown {
        bail!("--watch prints text or json; markdown is a report of one moment");
    }
    let cluster = reach(&args.cluster).await?;
    // With --watch, too: what is wrong with the cluster is an error now, not a silence later.
    let seen = look(&cluster, args.namespace()).await?;
    let now = jiff::Timestamp::now();
    let report = args.report(&seen, now);
    if let Some(name) = &args.name
        && report.is_empty()
        && !seen.services.iter().any(|service| is_named(name, &key(service)))
    {
        // One that a person deleted is only in the report.
        bail!("there is no MicroService {name} here; look everywhere with -A");
    }
    if args.watch {
        return follow::run(args, cluster, out, screen).await;
    }
    match args.output {
        DriftOutput::Json => print_json(out, &report)?,
        DriftOutput::Text => report.print(out, screen.color)?,
        DriftOutput::Markdown => report.markdown(out, args.name.as_deref(), now)?,
    }
    Ok(report.exit_code())
}

impl DriftArgs {
    fn namespace(&self) -> Option<&str> {
        self.scope.namespace(self.name.as_deref())
    }

    /// What is to be shown of a cluster.
    fn report(&self, seen: &Seen, now: jiff::Timestamp) -> Report {
        let wanted = match self.since {
            Some(since) => Wanted::Since(now.checked_sub(since).unwrap_or(jiff::Timestamp::MIN)),
            None if self.history => Wanted::All,
            None => Wanted::Standing,
        };
        let mut report = Report::of(seen, wanted);
        if let Some(name) = &self.name {
            report.narrow(name);
        }
        report
    }
}
