//! The command line: one file per subcommand. Printing lives here.

pub mod alert;
pub mod approve;
pub mod check;
pub mod crds;
pub mod defaults;
pub mod dev;
pub mod diff;
pub mod drift;
pub mod explain;
pub mod history;
pub mod init;
pub mod install;
pub mod man;
pub mod pause;
pub mod reconcile;
pub mod render;
pub mod resume;
pub mod rollback;
pub mod run;
pub mod status;
pub mod suspend;
pub mod sync;
pub mod tree;
pub mod uninstall;
pub mod unpause;
pub mod validate;
pub mod webhook;

mod act;
mod answer;
mod election;
mod held;
pub mod inert;
mod input;
mod last;
mod listen;
pub mod markdown;
mod named;
mod page;
mod pipe;
mod print_diagnostics;
mod reach;
mod say;
mod table;
mod wait;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::cluster::Connection;
use crate::report::redact::RedactPath;

/// Keeps a Kubernetes cluster moored to Git.
#[derive(Debug, Parser)]
#[command(name = "gitmoor", version, about, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// When to colour what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: GitSyncs and MicroServices.
    ///
    /// It runs until SIGTERM or Ctrl-C.
    Run(Box<run::RunArgs>),
    /// Sync one GitSync once.
    ///
    /// It does what the daemon does, with the same code and in this process: reads the source, applies what differs,
    /// prunes, puts drift back, and writes the GitSync's status. Then it prints what was done. The controller does not run
    /// here: workloads need a daemon somewhere. A daemon that syncs the same GitSync at the same time does no harm.
    Sync(Box<sync::SyncArgs>),
    /// Show GitSyncs and their MicroServices.
    ///
    /// What is applied, what is ready, what is not and why: what the daemon wrote into their status. Where the daemon has
    /// not acted on the newest spec yet, Ready is Unknown.
    Status(status::StatusArgs),
    /// Show GitSyncs, the MicroServices that they declare, and the children of those.
    ///
    /// A GitSync that another one declares stands below it. What no GitSync declares stands at the top.
    Tree(tree::TreeArgs),
    /// Show the last revisions of a GitSync and what applying them did.
    ///
    /// Newest first. * marks the one that was applied to its end last. gitmoor rollback takes any of them.
    History(history::HistoryArgs),
    /// Ask the daemon to look at the source now.
    ///
    /// It writes the annotation gitmoor.dev/reconcile-requested-at. With --wait it follows the GitSync until the daemon has
    /// answered, and says what came of it.
    Reconcile(reconcile::ReconcileArgs),
    /// Suspend a GitSync: nothing is fetched or written, drift is still seen.
    ///
    /// It sets spec.suspend. One that is suspended already stays so.
    Suspend(suspend::SuspendArgs),
    /// Let a suspended GitSync go on.
    ///
    /// It takes spec.suspend away and asks the daemon to look at the source at once.
    Resume(resume::ResumeArgs),
    /// Let drift be for a while: break the glass.
    ///
    /// What differs from Git is told and not put back, of one MicroService and its children, or of all that a GitSync
    /// applied. Commits are still applied, and keep what was changed by hand. It ends by itself. What somebody wrote into
    /// the annotations gitmoor.dev/pause-until and pause-reason does the same.
    Pause(pause::PauseArgs),
    /// End a pause before its time: what differs is put back.
    Unpause(unpause::UnpauseArgs),
    /// Show the plan that a guard holds, or let it go on.
    ///
    /// Without --plan it shows what is held, why, what it would delete, and the command that approves it. With --plan it
    /// approves just that plan: when the source or the cluster changes, the plan and its hash are others.
    Approve(approve::ApproveArgs),
    /// Pin a GitSync to an earlier revision.
    ///
    /// The cluster goes back; Git stays as it is, and newer commits are not applied until --release.
    Rollback(rollback::RollbackArgs),
    /// Show what differs from what is declared.
    ///
    /// Every field that differs, whose hand it was, when, where it is declared and what is done about it; and with --history
    /// or --since the drifts that ended, and how. source: the MicroService differs from Git. workload: what runs differs
    /// from the MicroService. It shows what the daemon wrote into the status of MicroServices and GitSyncs, which lists the
    /// first 20 fields of each and the last 10 drifts that ended. Values that look secret are hidden: where a digest stands
    /// for them, equal values of a namespace have equal digests.
    Drift(drift::DriftArgs),
    /// Show what would change if these manifests were what Git says.
    ///
    /// Nothing is written. Without --sync, manifests are compared with the live objects of the same names. With --sync, the
    /// one PATH is taken for the root of that GitSync's repository; without PATH, the repository itself is read: what the
    /// GitSync follows, or another branch, commit or pull request. Its paths, namespaces, policy, guards and rules of
    /// ownership count, and what would be deleted or held is shown, too.
    ///
    /// For a comment on a pull request: gitmoor diff --sync NAME --pull-request NUMBER --output markdown
    ///
    /// + is added, - is removed, ~ is changed from the live value to the declared one.
    Diff(diff::DiffArgs),
    /// Check manifests without a cluster.
    ///
    /// It says what the daemon would say, with each place.
    Validate(validate::ValidateArgs),
    /// Look at a folder of manifests whenever something in it is saved.
    ///
    /// It says what is wrong with them, each with its place, and what would change in the cluster of the kubeconfig. With
    /// --apply it applies what is valid and was changed, and deletes nothing. Without a cluster it validates.
    Dev(dev::DevArgs),
    /// Try out whether alerts arrive.
    Alert(alert::AlertArgs),
    /// Try out the set-up of a webhook.
    Webhook(webhook::WebhookArgs),
    /// Say what a code or a reason means, and what to do next.
    ///
    /// Findings, conditions, problems and Events have a reason, and each reason has a stable code. Without a code all are
    /// listed. It needs no cluster.
    Explain(explain::ExplainArgs),
    /// Print the children of MicroServices without a cluster.
    ///
    /// They are what the controller applies, less the reference to their owner. Findings about the manifests go to the
    /// standard error.
    Render(render::RenderArgs),
    /// Print the CRDs.
    ///
    /// To install them: gitmoor crds | kubectl apply --server-side -f -
    Crds(crds::CrdsArgs),
    /// Install Gitmoor into a cluster, or upgrade it in place.
    ///
    /// It applies what deploy/install.yaml has, and what is asked for beside it, by server-side apply, and waits until the
    /// daemon is ready. Doing it again changes nothing. With --export it prints the manifests: for kubectl, or for Git.
    Install(Box<install::InstallArgs>),
    /// Remove Gitmoor from a cluster; what it keeps stays.
    ///
    /// The daemon, its rights and its policies go. MicroServices and their workloads run on; GitSyncs, the CRDs, the namespace
    /// and the policy against deletions by hand stay, unless more is asked for.
    Uninstall(Box<uninstall::UninstallArgs>),
    /// Check whether a cluster is fit for Gitmoor, and whether the Gitmoor in it is well.
    ///
    /// The version of the API server and its clock, the CRDs, the rights of the daemon one by one, the daemon itself, whether
    /// each GitSync's repository is reached, and whether webhooks can arrive. It writes nothing.
    Check(Box<check::CheckArgs>),
    /// Start a repository of declarations.
    ///
    /// With a first service, the GitSync that follows it, a hook for pre-commit and a check for CI. It asks no cluster.
    Init(init::InitArgs),
    /// Print a manual page, or write all of them.
    ///
    /// To read one: gitmoor man status | man -l -
    Man(man::ManArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What is printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Whether it is a terminal.
    pub terminal: bool,
    /// Whether it takes colours.
    pub color: bool,
}

/// Which cluster.
#[derive(Debug, Clone, Args)]
pub struct ClusterArgs {
    /// Kubeconfig file. Default: KUBECONFIG, ~/.kube/config, or the pod's account.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context in the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// What is not shown.
#[derive(Debug, Clone, Args)]
pub struct RedactArgs {
    /// Hide the values at this JSON pointer, too, wherever drift is told; can be repeated. `*` is one step, `**` any number
    /// of them, [name=X] an item of a list, as in /**/env/[name=LICENSE]/value. What looks secret is hidden anyway.
    #[arg(long, value_name = "PATH")]
    pub redact_path: Vec<RedactPath>,
}

impl ClusterArgs {
    /// How to reach the API server.
    pub fn connection(&self) -> Connection {
        Connection { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }
}

/// Reads the arguments, does what they say, and returns the exit code: 2 is an error, other codes are the command's.
pub fn main() -> ExitCode {
    let cli = Cli::read();
    let stdout = std::io::stdout();
    let screen = Screen { terminal: stdout.is_terminal(), color: colors(cli.color, &stdout) };
    match dispatch(&cli, screen) {
        Ok(code) => code,
        // A closed pipe is how `| head` ends us.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            last::Words::of(&cli.command).say(&error, cli.color);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: &Cli, screen: Screen) -> anyhow::Result<ExitCode> {
    let out = &mut std::io::stdout().lock();
    match &cli.command {
        Command::Run(args) => block_on(run::run(args, cli.color)),
        Command::Sync(args) => {
            sync::check(args);
            block_on(Box::pin(sync::run(args, out, screen, cli.color)))
        }
        Command::Status(args) => block_on(Box::pin(status::run(args, out, screen))),
        Command::Tree(args) => block_on(Box::pin(tree::run(args, out, screen))),
        Command::History(args) => block_on(Box::pin(history::run(args, out, screen))),
        Command::Reconcile(args) => block_on(Box::pin(reconcile::run(args, out, screen))),
        Command::Suspend(args) => block_on(Box::pin(suspend::run(args, out, screen))),
        Command::Resume(args) => block_on(Box::pin(resume::run(args, out, screen))),
        Command::Pause(args) => block_on(Box::pin(pause::run(args, out, screen))),
        Command::Unpause(args) => block_on(Box::pin(unpause::run(args, out, screen))),
        Command::Approve(args) => block_on(Box::pin(approve::run(args, out, screen))),
        Command::Rollback(args) => block_on(Box::pin(rollback::run(args, out, screen))),
        Command::Drift(args) => block_on(Box::pin(drift::run(args, out, screen))),
        Command::Diff(args) => block_on(Box::pin(diff::run(args, out, screen))),
        Command::Validate(args) => validate::run(args, out, screen.color),
        Command::Dev(args) => block_on(Box::pin(dev::run(args, out, screen))),
        Command::Alert(args) => block_on(Box::pin(alert::run(args, out, screen))),
        Command::Webhook(args) => block_on(Box::pin(webhook::run(args, out, screen))),
        Command::Explain(args) => explain::run(args, out, screen.color),
        Command::Render(args) => {
            let err = &mut std::io::stderr().lock();
            render::run(
                args,
                out,
                err,
                render::Colors { out: screen.color, err: colors(cli.color, &std::io::stderr()) },
            )
        }
        Command::Crds(args) => crds::run(args, out),
        Command::Install(args) => block_on(Box::pin(install::run(args, out, screen))),
        Command::Uninstall(args) => block_on(Box::pin(uninstall::run(args, out, screen))),
        Command::Check(args) => block_on(Box::pin(check::run(args, out, screen))),
        Command::Init(args) => init::run(args, out, screen),
        Command::Man(args) => man::run(args, out),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut <Cli as clap::CommandFactory>::command(), "gitmoor", out);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Runs to its end. What blocks a thread then, as a fetch may for a minute, is not waited for.
fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// Whether what is printed to a stream is coloured.
fn colors(color: Color, stream: &impl IsTerminal) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
