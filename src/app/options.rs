//! What the flags say, and how a run ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::defaults::DefaultsFrom;
use super::lead::Election;
use super::page::PageOptions;
use crate::alert::Setting;
use crate::cluster::Connection;
use crate::report::redact::RedactPath;
use crate::server::HookLimits;
use crate::telemetry::Spans;
use crate::webhook::Network;

/// What the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Components {
    /// GitSyncs: from Git to MicroServices.
    pub sync: bool,
    /// MicroServices: to workloads.
    pub controller: bool,
}

/// Everything that flags decide.
#[derive(Debug, Clone)]
pub struct Options {
    /// How to reach the API server.
    pub connection: Connection,
    /// The operator's namespace.
    pub namespace: String,
    /// ServiceAccount that a GitSync writes as where it names none.
    pub default_service_account: Option<String>,
    /// Where webhooks are received; nowhere when absent.
    pub hooks: Option<SocketAddr>,
    /// How much the webhook listener may be used.
    pub hook_limits: HookLimits,
    /// Who is believed about whom it connects for.
    pub hook_proxies: Vec<Network>,
    /// Where health and metrics are served; nowhere when absent.
    pub ops: Option<SocketAddr>,
    /// The page; there is none when absent.
    pub page: Option<PageOptions>,
    /// Where repositories are kept.
    pub cache_dir: PathBuf,
    /// Whether `file://` is read.
    pub allow_file: bool,
    /// A local folder that may be read and is watched.
    pub folder: Option<PathBuf>,
    /// What runs.
    pub components: Components,
    /// Calls in flight for all GitSyncs.
    pub concurrency: usize,
    /// MicroServices that are reconciled side by side.
    pub workers: usize,
    /// After which time a rule about drift that decided nothing is told.
    pub unused_rules_after: jiff::SignedDuration,
    /// Paths of values that are not shown, beside those that look secret.
    pub redact: Vec<RedactPath>,
    /// How long a loop may be silent before it counts as stuck, where that is shorter than it says itself.
    pub patience: Option<Duration>,
    /// What is decided for services that do not decide it themselves.
    pub defaults: DefaultsFrom,
    /// Where it is told what becomes of a commit.
    pub spans: Spans,
    /// The one namespace that is looked at; all where there is none.
    pub scope: Option<String>,
    /// Whether alerts may go over http, to this machine and into private networks.
    pub alerts_to_internal: bool,
    /// What alerts say of where they come from.
    pub setting: Setting,
    /// How this process and others like it find out which of them acts; none where it is alone.
    pub election: Option<Election>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Told,
    /// Another process leads, or may.
    Lost,
}
