//! `gitmoor diff`: what would change if these manifests were what Git says. It writes nothing.

mod changes;
mod report;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use super::inert::print_json;
use super::input::{Failure, Input};
use super::reach::{full_name, reach};
use super::say::short_commit;
use super::{ClusterArgs, RedactArgs, Screen, print_diagnostics};
use crate::api::GitSync;
use crate::cluster::{CallError, Cluster, Targets, gitsyncs, resource};
use crate::manifest::{Allowed, Scope};
use crate::model::{Declared, Kind, LiveObject, ObjectKey};
use crate::report::redact::{KEY, Redactor};
use crate::sync::{Plan, Preview, Whence, Would};
use changes::{Change, against_live};
use report::{Context as Shown, Report};

/// Arguments of `gitmoor diff`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 nothing would change, 1 something would, 2 error, also where a manifest is invalid."
)]
pub struct DiffArgs {
    /// Files, folders, or - for the standard input; with --sync the root of the repository, or nothing for the repository
    /// itself.
    #[arg(required_unless_present = "sync", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Plan as this GitSync would, by NAME or NAMESPACE/NAME.
    #[arg(long, value_name = "NAME")]
    pub sync: Option<String>,
    /// Look at this branch, full ref or commit of the GitSync's repository.
    #[arg(long = "ref", value_name = "REF", requires = "sync", conflicts_with = "paths")]
    pub reference: Option<String>,
    /// Look at the head of this pull request (GitHub, Gitea, Forgejo) or merge request (GitLab).
    #[arg(long, value_name = "NUMBER", requires = "sync", conflicts_with_all = ["paths", "reference"])]
    pub pull_request: Option<u64>,
    /// Namespace of manifests that name none (default: default); with --sync, of the GitSync (default: that of the
    /// operator).
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The operator's namespace: only GitSyncs in it may write to other namespaces.
    #[arg(long, value_name = "NAME", env = "POD_NAMESPACE", hide_env_values = true, default_value = "gitmoor-system")]
    pub operator_namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) redact: RedactArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = DiffOutput::Text)]
    pub output: DiffOutput,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DiffOutput {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

/// Prints what would change.
pub async fn run(args: &DiffArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let planned = match &args.sync {
        Some(name) => as_sync(args, name).await?,
        None => as_they_are(args).await?,
    };
    let Planned { input, declared, changes, notes, .. } = &planned;
    let redact = Redactor::new(key(), args.redact.redact_path.clone());
    let shown = Shown { sources: &input.sources, notes, now: jiff::Timestamp::now(), redact: &redact };
    let report = Report::of(declared, changes, &shown);
    match args.output {
        DiffOutput::Json => print_json(out, &report)?,
        DiffOutput::Markdown => {
            report.markdown(out, &planned.title)?;
            Failure::print(out, &input.failures)?;
        }
        DiffOutput::Text => {
            print_diagnostics::print(out, report.diagnostics, &input.sources, screen.color)?;
            Failure::print(out, &input.failures)?;
            report.print(out, screen.color)?;
        }
    }
    Ok(if input.failures.is_empty() { report.exit_code() } else { ExitCode::from(2) })
}

/// A key for one run: digests of one diff can be compared with each other, and with nothing else.
fn key() -> Option<[u8; KEY]> {
    let mut key = [0; KEY];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut key).ok().map(|()| key)
}

impl DiffArgs {
    /// What to look at in the repository. Which host it is on is not known: the refs of both kinds are tried.
    fn references(&self) -> Vec<String> {
        let request = self.pull_request.iter();
        let refs = request
            .flat_map(|number| [format!("refs/pull/{number}/head"), format!("refs/merge-requests/{number}/head")]);
        self.reference.iter().cloned().chain(refs).collect()
    }
}

/// All that the report is made of.
struct Planned {
    input: Input,
    declared: Declared,
    changes: Vec<Change>,
    notes: Vec<String>,
    /// What is compared, in a line.
    title: String,
}

/// Manifests against what there is of the same names.
async fn as_they_are(args: &DiffArgs) -> anyhow::Result<Planned> {
    let input = Input::read(&args.paths);
    let target_namespace = args.namespace.as_deref().unwrap_or("default").into();
    let declared = input.declared(&Scope { target_namespace, allowed: Allowed::Any, gitsyncs: true });
    let cluster = reach(&args.cluster).await?;
    let Listed { live, .. } = live(&cluster, &declared, []).await?;
    let changes = against_live(&declared, &live);
    let title = "What would change in the cluster".to_owned();
    Ok(Planned { input, declared, changes, notes: Vec::new(), title })
}

/// A folder as the repository of a GitSync.
async fn as_sync(args: &DiffArgs, name: &str) -> anyhow::Result<Planned> {
    let folder = match args.paths.as_slice() {
        [] => None,
        [folder] => Some(root(folder)?),
        _ => bail!("with --sync, name one PATH: the root of the GitSync's repository"),
    };
    let key = full_name(name, args.namespace.as_deref().unwrap_or(&args.operator_namespace))?;
    let cluster = reach(&args.cluster).await?;
    let live_sync = cluster.get(&gitsyncs(), &key).await.with_context(|| format!("cannot read GitSync {key}"))?;
    let Some(live_sync) = live_sync else { bail!("there is no GitSync {key}; see: gitmoor status -A") };
    let gitsync: GitSync =
        live_sync.parse().with_context(|| format!("cannot read GitSync {key}; is it of another version?"))?;
    let cache = super::run::default_cache()?;
    let references = args.references();
    let whence = match &folder {
        Some(folder) => Whence::Folder(folder),
        None => Whence::Repository { references: &references, cache: &cache, cluster: &cluster },
    };
    let mut preview = Preview::of(&gitsync, &args.operator_namespace, whence).await?;
    let place = folder.map_or_else(|| preview.revision(), |folder| folder.display().to_string());
    let namespaces = gitsync.spec.allowed_namespaces.iter().filter(|name| *name != "*").map(String::as_str);
    let Listed { live, everywhere } = live(&cluster, preview.declared(), namespaces.chain([&*key.namespace])).await?;
    preview.ask_neighbours(&live, &args.operator_namespace).await;
    let Plan { changes, held } = preview.plan(&live);
    let mut notes = notes(&preview, &key, &place);
    if !everywhere && changes.iter().any(|change| change.would == Would::Delete) {
        notes.push(
            "GitSyncs of other namespaces may not be listed: what moves to one of them is shown as deleted".into(),
        );
    }
    notes.extend(held);
    let changes = changes.into_iter().map(Change::from).collect();
    let declared = preview.declared().clone();
    let title = format!("What GitSync {key} would do with {place}");
    Ok(Planned { input: Input { sources: preview.contents, failures: Vec::new() }, declared, changes, notes, title })
}

/// What is to be known beside the changes.
fn notes(preview: &Preview, key: &ObjectKey, place: &str) -> Vec<String> {
    let missing = preview.declared().missing_paths.iter();
    let mut notes: Vec<String> =
        missing.map(|path| format!("the GitSync reads {path}, which is not in {place}")).collect();
    if preview.suspended() {
        notes.push(format!("GitSync {key} is suspended: nothing of this happens until spec.suspend is false"));
    }
    if let Some(pin) = preview.pinned() {
        let pin = short_commit(pin);
        notes.push(format!(
            "GitSync {key} is pinned to {pin}: nothing of this happens until gitmoor rollback {key} --release"
        ));
    }
    if let Some(wrong) = preview.strays() {
        notes.push(format!(
            "{wrong}: what later commits changed is shown as taken back; if the branch were put there, all of it would be \
             held (RewrittenHistory)"
        ));
    }
    notes
}

/// The folder in full.
fn root(path: &Path) -> anyhow::Result<PathBuf> {
    let folder = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
    if !folder.is_dir() {
        bail!("{} is not a folder; with --sync, PATH is the root of the GitSync's repository", path.display());
    }
    Ok(folder)
}

/// Live objects.
struct Listed {
    live: Targets,
    /// Whether those of all namespaces are among them.
    everywhere: bool,
}

/// Live objects of both kinds, each in one list. Who may not list them everywhere gets those of the namespaces that
/// count.
async fn live<'a>(
    cluster: &Cluster,
    declared: &Declared,
    namespaces: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<Listed> {
    let named = declared.objects.keys().map(|key| key.namespace.to_string());
    let namespaces: BTreeSet<String> = namespaces.into_iter().map(str::to_owned).chain(named).collect();
    let live = Targets { services: Arc::default(), gitsyncs: Arc::default() };
    let mut everywhere = true;
    for kind in Kind::ALL {
        let (values, all) = list(cluster, kind, &namespaces).await?;
        everywhere &= all;
        for value in values {
            live.answered(kind, LiveObject::from_json(value)?);
        }
    }
    Ok(Listed { live, everywhere })
}

async fn list(cluster: &Cluster, kind: Kind, namespaces: &BTreeSet<String>) -> anyhow::Result<(Vec<Value>, bool)> {
    match cluster.list(&resource(kind), None, None).await {
        Err(CallError::Forbidden(_)) => {
            let mut found = Vec::new();
            for namespace in namespaces {
                let part = cluster.list(&resource(kind), Some(namespace), None).await;
                found.extend(part.with_context(|| format!("cannot list {kind}s of namespace {namespace}"))?);
            }
            Ok((found, false))
        }
        answer => Ok((answer.with_context(|| format!("cannot list {kind}s"))?, true)),
    }
}

#[cfg(test)]
mod tests;
