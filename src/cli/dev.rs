//! `gitmoor dev`: looks at a folder of manifests whenever something in it is saved, for whoever is writing them. It says what
//! `validate` and `diff` say, and applies only what it is asked to. Nothing is ever deleted.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::defaults::DefaultsArgs;
use super::diff::{self, DiffArgs, DiffOutput};
use super::inert::{inert, print_json_line};
use super::input::Input;
use super::reach::reach;
use super::run::stop_signals;
use super::validate::{self, Format, ValidateArgs};
use super::{ClusterArgs, Output, RedactArgs, Screen, is_broken_pipe};
use crate::cluster::{self, Apply, Cluster, microservices};
use crate::manifest::{Allowed, Scope};
use crate::model::{Kind, Target};
use crate::source::watch;

/// Who applies: not the daemon, so that whatever a GitSync applied is a conflict and not taken over.
const MANAGER: &str = "gitmoor-dev";

/// Arguments of `gitmoor dev`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "It runs until Ctrl-C. Exit codes: 0 it was told to end, 2 error.")]
pub struct DevArgs {
    /// The folder; all *.yaml and *.yml below it are read.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Namespace for manifests that name none.
    #[arg(long, short, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// Apply what is valid and was changed, too. Only to a cluster on this machine, unless --context names one.
    #[arg(long)]
    pub apply: bool,
    /// Only validate: no cluster is asked.
    #[arg(long, conflicts_with = "apply")]
    pub offline: bool,
    /// How to print. As JSON, each look is one document or more.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    #[command(flatten)]
    pub(crate) defaults: DefaultsArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) redact: RedactArgs,
}

/// Looks, and looks again whenever something is saved.
pub async fn run(args: &DevArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let stop = stop_signals()?;
    // Before the first look, so that nothing is missed.
    let (_watch, mut saved) = watch(&args.folder)?;
    if args.apply {
        may_apply(&args.cluster).await?;
    }
    let mut dev = Dev { args, screen, applied: HashMap::new() };
    loop {
        let looked = stop.run_until_cancelled(Box::pin(dev.look(out))).await;
        let Some(looked) = looked else { break };
        looked?;
        let changed = stop.run_until_cancelled(saved.recv()).await;
        match changed {
            Some(Some(())) => {}
            Some(None) => bail!("{} is not watched any more", args.folder.display()),
            None => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever saves a file often does not look each time at which cluster is the current one.
async fn may_apply(args: &ClusterArgs) -> anyhow::Result<()> {
    if args.context.is_some() {
        return Ok(());
    }
    let server = cluster::server(&args.connection()).await?;
    if !cluster::is_on_this_machine(&server) {
        bail!(
            "the current context is of {server}, which is not on this machine; to apply there, name it with --context"
        );
    }
    Ok(())
}

/// One folder.
struct Dev<'a> {
    args: &'a DevArgs,
    screen: Screen,
    /// What was applied, by its hash.
    applied: HashMap<Target, Arc<str>>,
}

/// What became of one object.
#[derive(Debug, Serialize)]
struct Applied {
    object: String,
    applied: bool,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Dev<'_> {
    async fn look(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = self.args.output == Output::Text;
        if text {
            let now = jiff::Timestamp::now().strftime("%H:%M:%S");
            writeln!(out, "--- {} at {now} UTC", inert(&self.args.folder.display().to_string()))?;
        }
        if self.args.offline {
            validate::run(&self.validate(), out, self.screen.color)?;
        } else if let Err(error) = Box::pin(diff::run(&self.diff(), out, self.screen)).await {
            if is_broken_pipe(&error) {
                return Err(error);
            }
            // Without a cluster there are findings all the same.
            validate::run(&self.validate(), out, self.screen.color)?;
            let why = format!("{error:#}");
            match self.args.output {
                Output::Text => writeln!(out, "nothing is compared: {}", inert(&why))?,
                Output::Json => print_json_line(out, &json!({"notCompared": why}))?,
            }
        }
        if self.args.apply {
            self.apply(out).await?;
        }
        out.flush()?;
        Ok(())
    }

    /// Applies the valid MicroServices that are not as they were when they were applied last.
    async fn apply(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        let scope =
            Scope { target_namespace: self.args.namespace.as_str().into(), allowed: Allowed::Any, gitsyncs: true };
        let declared = Input::read(std::slice::from_ref(&self.args.folder)).declared(&scope);
        let cluster = match reach(&self.args.cluster).await {
            Ok(cluster) => cluster,
            Err(error) => return self.tell(out, &[refused("everything", format!("{error:#}"))]),
        };
        let mut all = Vec::new();
        for (target, object) in &declared.objects {
            if target.kind != Kind::MicroService {
                all.push(refused(target, "a GitSync is not applied from here: it would begin to sync".into()));
                continue;
            }
            let hash = &object.document.hash;
            if self.applied.get(target) == Some(hash) {
                continue;
            }
            match apply(&cluster, target, &object.document.body).await {
                Ok(()) => {
                    self.applied.insert(target.clone(), Arc::clone(hash));
                    all.push(Applied { object: target.to_string(), applied: true, message: None });
                }
                Err(error) => all.push(refused(target, format!("{error:#}"))),
            }
        }
        self.tell(out, &all)
    }

    fn tell(&self, out: &mut dyn Write, all: &[Applied]) -> anyhow::Result<()> {
        match self.args.output {
            Output::Json => print_json_line(out, &json!({"applied": all}))?,
            Output::Text => {
                for one in all {
                    match &one.message {
                        None => writeln!(out, "applied {}", inert(&one.object))?,
                        Some(why) => writeln!(out, "not applied {}: {}", inert(&one.object), inert(why))?,
                    }
                }
            }
        }
        Ok(())
    }

    fn validate(&self) -> ValidateArgs {
        ValidateArgs {
            paths: vec![self.args.folder.clone()],
            namespace: self.args.namespace.clone(),
            allow_namespace: Vec::new(),
            output: if self.args.output == Output::Json { Format::Json } else { Format::Text },
            defaults: self.args.defaults.clone(),
        }
    }

    fn diff(&self) -> DiffArgs {
        DiffArgs {
            paths: vec![self.args.folder.clone()],
            sync: None,
            reference: None,
            pull_request: None,
            namespace: Some(self.args.namespace.clone()),
            operator_namespace: String::new(),
            cluster: self.args.cluster.clone(),
            redact: self.args.redact.clone(),
            output: if self.args.output == Output::Json { DiffOutput::Json } else { DiffOutput::Text },
        }
    }
}

fn refused(object: impl ToString, message: String) -> Applied {
    Applied { object: object.to_string(), applied: false, message: Some(message) }
}

async fn apply(cluster: &Cluster, target: &Target, body: &str) -> anyhow::Result<()> {
    let mut body: Value = serde_json::from_str(body).context("the manifest cannot be read")?;
    body["metadata"]["namespace"] = json!(&*target.key.namespace);
    cluster.apply(&microservices(), &target.key, &body, Apply::unforced(MANAGER)).await?;
    Ok(())
}
