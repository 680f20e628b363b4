//! `gitmoor drift`: every field that differs from what is declared, who changed it and when.

mod found;

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::inert::print_json;
use super::reach::{ScopeArgs, is_named, key, look, reach};
use super::{ClusterArgs, Output, Screen};
use found::Report;

/// Arguments of `gitmoor drift`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 nothing differs, 1 something does, 2 error.")]
pub struct DriftArgs {
    /// Only this MicroService, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Show what was put back last, too.
    #[arg(long)]
    pub recent: bool,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Prints what differs.
pub async fn run(args: &DriftArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let cluster = reach(&args.cluster).await?;
    let mut seen = look(&cluster, args.scope.namespace(args.name.as_deref())).await?;
    let mut report = Report::of(&seen, args.recent);
    if let Some(name) = &args.name {
        seen.services.retain(|service| is_named(name, &key(service)));
        report.narrow(name);
        // One that a person deleted is only in the report.
        if seen.services.is_empty() && report.is_empty() {
            bail!("there is no MicroService {name} here; look everywhere with -A");
        }
    }
    match args.output {
        Output::Json => print_json(out, &report)?,
        Output::Text => report.print(out, screen.color)?,
    }
    Ok(report.exit_code())
}
