//! `gitmoor check`: whether a cluster is fit for Gitmoor, and whether the Gitmoor in it is well: what is asked once, before
//! an installation and when something is wrong. It writes nothing.

mod daemon;
mod finding;
mod hooks;
mod kinds;
mod rights;
mod server;
mod sources;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::act::duration;
use super::inert::{inert, print_json};
use super::install::namespace;
use super::reach::reach;
use super::say::count;
use super::table::{BAD, FAINT, GOOD, ODD, painted};
use super::{ClusterArgs, Output, Screen};
use finding::{Finding, State};

/// Arguments of `gitmoor check`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 nothing is wrong (what is odd or unknown is told), 1 something is wrong, 2 error: the API server \
                  was not reached."
)]
pub struct CheckArgs {
    /// Namespace that Gitmoor is or will be installed in.
    #[arg(long, short, value_name = "NAME", default_value = "gitmoor-system", value_parser = namespace)]
    pub namespace: String,
    /// Where forges reach the listener, as in https://hooks.example.com: each GitSync's webhook is asked for there, from here.
    #[arg(long, value_name = "URL")]
    pub hooks_url: Option<String>,
    /// Do not reach the repositories of GitSyncs from here.
    #[arg(long)]
    pub no_git: bool,
    /// Wait no longer than this for a repository or a webhook.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

/// Asks all questions and prints the answers.
pub async fn run(args: &CheckArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let cluster = reach(&args.cluster).await?;
    // Without a server that answers there is nothing to find out.
    let mut findings = server::check(&cluster).await?;
    findings.extend(server::leader(&cluster, &args.namespace).await);
    findings.extend(kinds::check(&cluster).await);
    let (of_daemon, installed) = daemon::check(&cluster, &args.namespace).await;
    findings.extend(of_daemon);
    findings.extend(rights::check(&cluster, &args.namespace, &installed).await?);
    let syncs = sources::listed(&cluster, &mut findings).await;
    if !args.no_git {
        findings.extend(sources::check(&cluster, &syncs, args.timeout).await?);
    }
    findings.extend(hooks::check(&cluster, &syncs, args).await);
    let ok = findings.iter().all(|finding| finding.state != State::Wrong);
    match args.output {
        Output::Json => print_json(out, &Report { ok, findings })?,
        Output::Text => print(&findings, out, screen.color)?,
    }
    Ok(ExitCode::from(u8::from(!ok)))
}

fn print(findings: &[Finding], out: &mut dyn Write, color: bool) -> std::io::Result<()> {
    for Finding { check, state, code, message, hint } in findings {
        let (sign, style) = match state {
            State::Ok => ("✓", GOOD),
            State::Odd => ("!", ODD),
            State::Wrong => ("✗", BAD),
            State::Unknown => ("?", ODD),
        };
        let code = code.map(|code| format!(" {code}")).unwrap_or_default();
        writeln!(out, "{} {check:<9}{code} {}", painted(sign, style, color), inert(message))?;
        if let Some(hint) = hint {
            writeln!(out, "            {}", painted(hint, FAINT, color))?;
        }
    }
    let of = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (wrong, odd, unknown) = (of(State::Wrong), of(State::Odd), of(State::Unknown));
    let told = [(wrong, "wrong"), (odd, "odd"), (unknown, "unknown")];
    let told: Vec<_> =
        told.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    let told = if told.is_empty() { "all is well".to_owned() } else { told.join(", ") };
    writeln!(out, "{}: {told}", count(findings.len(), "check"))
}
