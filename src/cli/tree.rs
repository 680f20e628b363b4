//! `gitmoor tree`: GitSyncs, the MicroServices that they declare, and the children of those.

mod draw;
mod words;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::inert::print_json;
use super::reach::{ScopeArgs, full_name, look_far, reach};
use super::{ClusterArgs, Output, Screen};
use crate::view::tree::{Cut, Node, cut, find, grow};
use draw::{ASCII, INDENT, Lines, Pen, UNICODE, draw};

/// Arguments of `gitmoor tree`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 all is ready, 1 something is not, 2 error.")]
pub struct TreeArgs {
    /// Only this GitSync, by NAME or NAMESPACE/NAME, and what is below it.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// Show this many levels. 1: what stands at the top.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: Option<u16>,
    /// Show only what is not ready, and what leads to it.
    #[arg(long)]
    pub not_ready: bool,
    /// Show this many objects below each one, those that are not ready first; 0 shows all. JSON has all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What is printed for machines.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ready: bool,
    tree: &'a [Node],
}

/// Prints the tree.
pub async fn run(args: &TreeArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let cluster = reach(&args.cluster).await?;
    let wanted = args.name.as_deref().map(|name| full_name(name, &args.scope.namespace)).transpose()?;
    let namespace = args.scope.namespace(args.name.as_deref());
    let trees = grow(&look_far(&cluster, namespace).await?);
    let trees = match &wanted {
        Some(wanted) => match find(trees, wanted) {
            Some(tree) => vec![tree],
            None => return Err(super::act::missing(&cluster, wanted).await),
        },
        None => trees,
    };
    let ready = !trees.iter().any(Node::is_unready);
    let trees = cut(trees, Cut { depth: args.depth.map(usize::from), not_ready: args.not_ready });
    match args.output {
        Output::Json => print_json(out, &Report { ready, tree: &trees })?,
        Output::Text if trees.is_empty() => {
            let what = if args.not_ready && ready { "everything is ready" } else { "no GitSync and no MicroService" };
            let place = namespace.map_or_else(|| "any namespace".into(), |namespace| format!("namespace {namespace}"));
            writeln!(out, "{what} in {place}")?;
        }
        Output::Text => {
            let pen = Pen { lines: lines(screen), color: screen.color, limit: (args.limit > 0).then_some(args.limit) };
            draw(&trees, pen, out)?;
        }
    }
    Ok(ExitCode::from(u8::from(!ready)))
}

fn lines(screen: Screen) -> Lines {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let unicode = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    match (screen.terminal, unicode) {
        (false, _) => INDENT,
        (true, true) => UNICODE,
        (true, false) => ASCII,
    }
}
