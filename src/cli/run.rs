//! `gitmoor run`: the daemon.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::alert::AlertFlags;
use super::election::ElectionArgs;
use super::listen::{HookArgs, Listen, address};
use super::page::PageArgs;
use super::{ClusterArgs, Color, RedactArgs, colors};
use crate::alert::Setting;
use crate::api::API_VERSION;
use crate::app::{App, Components, DefaultsFrom, Ended, Options};
use crate::model::{ObjectKey, is_name};
use crate::server::HookLimits;
use crate::sync::parse_duration;
use crate::telemetry::level::{self, LevelFile};
use crate::telemetry::logs::{self, Filter};
use crate::telemetry::spans::{Collector, ENDPOINT};
use crate::telemetry::{LogFormat, Spans, panics};

/// Field manager of GitSyncs that flags describe.
pub const CLI_MANAGER: &str = "gitmoor-cli";

/// Exit code of a process that led and does so no more: Kubernetes starts it anew, to stand by.
const LOST: u8 = 3;
/// The last spans have this long to reach their collector.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Arguments of `gitmoor run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it was told to stop, 2 it could not start, 3 another process leads, or may.")]
pub struct RunArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    #[command(flatten)]
    pub(crate) daemon: DaemonArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) hooks: HookArgs,
    /// Where /livez, /readyz and /metrics are; `none` for nowhere.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9293", value_parser = address)]
    pub ops_listen: Listen,
    /// How long a loop may make no progress before /livez fails, as in 60s. Default: two to five minutes, as each loop's
    /// calls may take; shorter is for clusters whose servers answer fast.
    #[arg(long, value_name = "DURATION", value_parser = patience)]
    pub stalled_after: Option<Duration>,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// What to run.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Component::Sync, Component::Controller])]
    pub components: Vec<Component>,
    /// ConfigMap in the operator's namespace with what holds for MicroServices that do not say it themselves, in its entry
    /// defaults.yaml; there may be none. `none`: do not look for it.
    #[arg(long, value_name = "NAME", default_value = "gitmoor-defaults", value_parser = config_map)]
    pub defaults_config: String,
    /// A file with a level or directives as --log-level takes them, which may change at any time: an entry of a mounted
    /// ConfigMap, mostly. Where it is missing or empty, --log-level counts.
    #[arg(long, value_name = "FILE")]
    pub log_level_file: Option<PathBuf>,
    /// Tell a collector at this address what becomes of each commit, as traces by OTLP over HTTP: as in
    /// http://collector:4318.
    #[arg(long, value_name = "URL", env = ENDPOINT, hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) alerts: AlertFlags,
    #[command(flatten)]
    pub(crate) election: ElectionArgs,
}

/// What every command that acts as the daemon needs.
#[derive(Debug, Clone, Args)]
pub struct DaemonArgs {
    /// The operator's namespace: only GitSyncs in it may write to other namespaces.
    #[arg(long, value_name = "NAME", env = "POD_NAMESPACE", hide_env_values = true, default_value = "gitmoor-system")]
    pub namespace: String,
    /// ServiceAccount of its own namespace that a GitSync writes as where it names none in spec.serviceAccountName.
    /// Default: the operator writes itself.
    #[arg(long, value_name = "NAME", value_parser = object_name)]
    pub default_service_account: Option<String>,
    /// Folder for repositories. It can be lost at any time. Default: $XDG_CACHE_HOME/gitmoor/repositories.
    #[arg(long, value_name = "FOLDER")]
    pub cache_dir: Option<PathBuf>,
    /// Read file:// repositories. Whoever may create a GitSync may then read what this process may.
    #[arg(long)]
    pub allow_file_urls: bool,
    /// Calls to the API server in flight for all GitSyncs.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// MicroServices that are reconciled side by side. Drift of those that wait for their turn is told meanwhile.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// After which time a rule about drift that decided nothing is told, as in 24h.
    #[arg(long, value_name = "DURATION", hide = true, default_value = "24h", value_parser = lasting)]
    pub unused_rules_after: jiff::SignedDuration,
    #[command(flatten)]
    pub(crate) redact: RedactArgs,
    /// How log lines look. Default: text on a terminal, else json.
    #[arg(long, value_enum)]
    pub log_format: Option<Format>,
    /// Level, or directives such as info,gitmoor::sync=debug.
    #[arg(long, value_name = "FILTER", env = "GITMOOR_LOG", hide_env_values = true, default_value = "info")]
    pub log_level: String,
}

/// A GitSync in flags: it is applied first, and then synced as any other.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Apply a GitSync with this repository and sync it.
    #[arg(long, value_name = "URL", conflicts_with = "watch")]
    pub url: Option<String>,
    /// Apply a GitSync with this local folder and sync whatever is saved in it. For development.
    #[arg(long, value_name = "FOLDER")]
    pub watch: Option<PathBuf>,
    /// Branch of --url. Default: main.
    #[arg(long, value_name = "NAME", requires = "url", group = "reference")]
    pub branch: Option<String>,
    /// Tag of --url.
    #[arg(long, value_name = "NAME", requires = "url", group = "reference")]
    pub tag: Option<String>,
    /// The tag of --url with the highest version of a range, as in ">=1.2 <2".
    #[arg(long, value_name = "RANGE", requires = "url", group = "reference")]
    pub semver: Option<String>,
    /// Commit of --url, by all its 40 digits.
    #[arg(long, value_name = "ID", requires = "url", group = "reference")]
    pub commit: Option<String>,
    /// Another ref of --url by its full name, as in refs/pull/1/head.
    #[arg(long = "ref", value_name = "NAME", requires = "url", group = "reference")]
    pub full_ref: Option<String>,
    /// Secret with the credentials for --url.
    #[arg(long, value_name = "SECRET", requires = "url")]
    pub secret: Option<String>,
    /// A pattern as in .gitignore of what is not read; can be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Folder or file to read, relative to the root; can be repeated.
    #[arg(long, value_name = "PATH")]
    pub path: Vec<String>,
    /// Name of that GitSync.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub name: String,
    /// Namespace for manifests that name none.
    #[arg(long, value_name = "NAME")]
    pub target_namespace: Option<String>,
    /// A namespace that manifests may name; can be repeated; "*" is every namespace.
    #[arg(long, value_name = "NAME")]
    pub allow_namespace: Vec<String>,
    /// Create namespaces that do not exist.
    #[arg(long)]
    pub create_namespaces: bool,
    /// Time between two looks, as in 30s.
    #[arg(long, value_name = "DURATION")]
    pub interval: Option<String>,
    /// Secret with the key `token` that signs webhooks.
    #[arg(long, value_name = "SECRET")]
    pub webhook_secret: Option<String>,
}

/// Something that the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Component {
    /// From Git to MicroServices.
    Sync,
    /// From MicroServices to workloads.
    Controller,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Runs until told to stop.
pub async fn run(args: &RunArgs, color: Color) -> anyhow::Result<ExitCode> {
    let filter = args.daemon.init_logs(color)?;
    if let Some(path) = args.log_level_file.clone() {
        let file = LevelFile { path, otherwise: args.daemon.log_level.clone() };
        // It is told nothing at the end, and ends with the process.
        tokio::spawn(level::follow(file, filter));
    }
    let stop = stop_signals()?;
    let (spans, collecting) = args.spans()?;
    let options = Options {
        hooks: args.hooks.listen(&args.source),
        hook_limits: args.hooks.limits(),
        hook_proxies: args.hooks.hooks_trusted_proxy.clone(),
        ops: args.ops_listen.0,
        page: args.page.options(),
        components: Components {
            sync: args.components.contains(&Component::Sync),
            controller: args.components.contains(&Component::Controller),
        },
        election: args.election.election()?,
        alerts_to_internal: args.alerts.alerts_to_internal,
        setting: args.alerts.setting(),
        patience: args.stalled_after,
        defaults: match args.defaults_config.as_str() {
            "none" => DefaultsFrom::default(),
            name => DefaultsFrom::ConfigMap(name.to_owned()),
        },
        spans,
        ..args.daemon.options(&args.cluster, args.source.folder()?)?
    };
    let namespace = options.namespace.clone();
    info!(version = env!("CARGO_PKG_VERSION"), namespace, "gitmoor starts");
    let mut app = App::new(options).await?;
    if let Some(gitsync) = args.source.gitsync(&namespace)? {
        app.first(ObjectKey::new(namespace, args.source.name.as_str()), gitsync, CLI_MANAGER);
    }
    let ended = app.run(stop).await?;
    if let Some(collecting) = collecting
        && ended == Ended::Told
    {
        // It ends once nobody tells anything any more.
        let _ = tokio::time::timeout(LAST_SPANS, collecting).await;
    }
    Ok(match ended {
        Ended::Told => ExitCode::SUCCESS,
        Ended::Lost => ExitCode::from(LOST),
    })
}

impl RunArgs {
    /// Where spans go, and what takes them there.
    fn spans(&self) -> anyhow::Result<(Spans, Option<JoinHandle<()>>)> {
        let Some(base) = self.otlp_endpoint.as_deref().filter(|base| !base.is_empty()) else {
            return Ok((Spans::default(), None));
        };
        let instance = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        let collector = Collector::at(base, env!("CARGO_PKG_VERSION"), instance);
        let collector = collector.map_err(|error| anyhow::anyhow!("--otlp-endpoint: {error}"))?;
        let (spans, collecting) = Spans::to(collector);
        Ok((spans, Some(tokio::spawn(collecting))))
    }
}

impl DaemonArgs {
    /// Sets up logging, that of panics included, and says how to change what is logged.
    pub fn init_logs(&self, color: Color) -> anyhow::Result<Filter> {
        let stderr = std::io::stderr();
        let text = self.log_format.map_or_else(|| stderr.is_terminal(), |format| format == Format::Text);
        let format = if text { LogFormat::Text } else { LogFormat::Json };
        let filter = logs::init(format, &self.log_level, colors(color, &stderr))?;
        panics::watch();
        Ok(filter)
    }

    /// The options that these flags make; nothing listens.
    pub fn options(&self, cluster: &ClusterArgs, folder: Option<PathBuf>) -> anyhow::Result<Options> {
        Ok(Options {
            connection: cluster.connection(),
            namespace: self.namespace.clone(),
            default_service_account: self.default_service_account.clone(),
            hooks: None,
            hook_limits: HookLimits::default(),
            hook_proxies: Vec::new(),
            ops: None,
            page: None,
            cache_dir: self.cache_dir.clone().map_or_else(default_cache, Ok)?,
            allow_file: self.allow_file_urls,
            folder,
            components: Components { sync: true, controller: false },
            concurrency: self.concurrency.into(),
            workers: self.workers.into(),
            unused_rules_after: self.unused_rules_after,
            redact: self.redact.redact_path.clone(),
            election: None,
            patience: None,
            defaults: DefaultsFrom::default(),
            spans: Spans::default(),
            scope: None,
            alerts_to_internal: false,
            setting: Setting::default(),
        })
    }
}

impl SourceArgs {
    /// The local folder, in full.
    pub fn folder(&self) -> anyhow::Result<Option<PathBuf>> {
        let absolute =
            |path: &Path| path.canonicalize().with_context(|| format!("cannot find the folder {}", path.display()));
        self.watch.as_deref().map(absolute).transpose()
    }

    /// The GitSync that these flags describe.
    pub fn gitsync(&self, namespace: &str) -> anyhow::Result<Option<Value>> {
        let url = match (&self.url, self.folder()?) {
            (Some(url), _) => url.clone(),
            (None, Some(folder)) => format!("dir://{}", folder.display()),
            (None, None) => return Ok(None),
        };
        let mut spec = json!({"url": url});
        let mut set = |field: &str, value: Value| spec[field] = value;
        let references = [
            ("branch", &self.branch),
            ("tag", &self.tag),
            ("semver", &self.semver),
            ("commit", &self.commit),
            ("name", &self.full_ref),
        ];
        for (field, value) in references {
            if let Some(value) = value {
                set("ref", json!({field: value}));
            }
        }
        if let Some(secret) = &self.secret {
            set("secretRef", json!({"name": secret}));
        }
        if !self.exclude.is_empty() {
            set("exclude", json!(self.exclude));
        }
        if !self.path.is_empty() {
            set("paths", json!(self.path));
        }
        if let Some(namespace) = &self.target_namespace {
            set("targetNamespace", json!(namespace));
        }
        if !self.allow_namespace.is_empty() {
            set("allowedNamespaces", json!(self.allow_namespace));
        }
        if self.create_namespaces {
            set("createNamespaces", json!(true));
        }
        if let Some(interval) = &self.interval {
            set("interval", json!(interval));
        }
        if let Some(secret) = &self.webhook_secret {
            set("webhook", json!({"secretRef": {"name": secret}}));
        }
        let metadata = json!({"name": self.name, "namespace": namespace});
        Ok(Some(json!({"apiVersion": API_VERSION, "kind": "GitSync", "metadata": metadata, "spec": spec})))
    }
}

/// Cancelled by SIGTERM or Ctrl-C.
pub fn stop_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to Ctrl-C")?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}

pub(super) fn default_cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(home.context("set --cache-dir: neither XDG_CACHE_HOME nor HOME is set")?.join("gitmoor/repositories"))
}

fn object_name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err("not a name of a ServiceAccount; it is one in each GitSync's namespace, written without it".to_owned())
}

fn config_map(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err("not a name of a ConfigMap; it is one in the operator's namespace, written without it".to_owned())
}

fn patience(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "not a duration above zero such as 60s".to_owned())
}

fn lasting(text: &str) -> Result<jiff::SignedDuration, String> {
    let read = parse_duration(text).and_then(|duration| duration.try_into().ok());
    read.ok_or_else(|| "not a duration above zero such as 24h".to_owned())
}
