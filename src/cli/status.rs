//! `gitmoor status`: what the cluster says about GitSyncs and their MicroServices.

mod follow;
mod loud;
mod rows;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::inert::{print_json, print_json_line};
use super::reach::{ScopeArgs, Seen, is_named, key, look, provenance, reach};
use super::{ClusterArgs, Output, Screen};
pub use rows::Verdict;

use rows::View;

/// Arguments of `gitmoor status`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 all is ready, 1 something is not, 2 error.")]
pub struct StatusArgs {
    /// Only this GitSync, by NAME or NAMESPACE/NAME, and its MicroServices.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Go on, and show each change: redrawn on a terminal, else a line for each object that changed.
    #[arg(long, short)]
    pub watch: bool,
    /// How to print. json with --watch is one document per line.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Prints the state, once or until stopped.
pub async fn run(args: &StatusArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let cluster = reach(&args.cluster).await?;
    // With --watch, too: what is wrong with the cluster is an error now, not a silence later.
    let seen = narrow(look(&cluster, args.namespace()).await?, args.name.as_deref());
    if let Some(name) = &args.name
        && seen.gitsyncs.is_empty()
    {
        bail!("there is no GitSync {name} in {}; see: gitmoor status -A", args.place());
    }
    if args.watch {
        return follow::run(args, cluster, out, screen).await;
    }
    let view = View::of(&seen, jiff::Timestamp::now());
    print(args, &view, out, screen.color)?;
    Ok(view.exit_code())
}

impl StatusArgs {
    fn namespace(&self) -> Option<&str> {
        self.scope.namespace(self.name.as_deref())
    }

    fn place(&self) -> String {
        self.namespace().map_or_else(|| "any namespace".into(), |namespace| format!("namespace {namespace}"))
    }
}

/// Keeps one GitSync and what it declares.
fn narrow(mut seen: Seen, name: Option<&str>) -> Seen {
    if let Some(name) = name {
        seen.gitsyncs.retain(|gitsync| is_named(name, &key(gitsync)));
        let kept: Vec<String> = seen.gitsyncs.iter().map(|gitsync| key(gitsync).to_string()).collect();
        seen.services.retain(|service| provenance(service).is_some_and(|source| kept.contains(&source.sync)));
    }
    seen
}

fn print(args: &StatusArgs, view: &View, out: &mut dyn Write, color: bool) -> io::Result<()> {
    match args.output {
        Output::Json if args.watch => print_json_line(out, view),
        Output::Json => print_json(out, view),
        Output::Text if view.is_empty() => {
            writeln!(out, "no GitSync and no MicroService in {}; look everywhere with -A", args.place())
        }
        Output::Text => view.print(out, color),
    }
}
