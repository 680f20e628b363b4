//! The controller for another program: a [`MicroServiceController`] is the daemon without GitSyncs, flags and listeners, by
//! the same wiring.

use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use tokio_util::sync::CancellationToken;

use super::defaults::DefaultsFrom;
use super::{App, Components, Options};
use crate::alert::Setting;
use crate::cluster::Connection;
use crate::server::HookLimits;
use crate::telemetry::{Metrics, Spans};
use crate::workload::defaults::Defaults;

/// MicroServices that are reconciled side by side, where nobody says otherwise.
const WORKERS: usize = 8;
/// After which time a rule about drift that decided nothing is told.
const UNUSED_RULES: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Turns MicroServices into workloads, inside of another program.
///
/// The cluster needs both CRDs (`gitmoor crds`), and the client the rights of `deploy/access.yaml`. It does all that the
/// controller of the daemon does; GitSyncs are not synced, but what they say about drift holds. Two controllers over the
/// same namespaces would undo each other's work: see that this one is alone.
///
/// ```no_run
/// # async fn run() -> anyhow::Result<()> {
/// let client = kube::Client::try_default().await?;
/// gitmoor::MicroServiceController::new(client)
///     .namespace("shop")
///     .run(async { drop(tokio::signal::ctrl_c().await) })
///     .await
/// # }
/// ```
#[must_use = "it does nothing before it is run"]
pub struct MicroServiceController {
    client: Client,
    metrics: Metrics,
    options: Options,
}

impl MicroServiceController {
    /// For all namespaces, without defaults of an operator. A TLS provider of rustls must be installed, as for any client.
    ///
    /// A client without retries of its own suits it best (`kube::Config::default_retry`): what is tried again, and when, is
    /// decided here.
    pub fn new(client: Client) -> Self {
        let options = Options {
            connection: Connection::default(),
            namespace: client.default_namespace().to_owned(),
            default_service_account: None,
            hooks: None,
            hook_limits: HookLimits::default(),
            hook_proxies: Vec::new(),
            ops: None,
            page: None,
            // Nothing is fetched, so nothing is kept there.
            cache_dir: std::env::temp_dir(),
            allow_file: false,
            folder: None,
            components: Components { sync: false, controller: true },
            concurrency: 1,
            workers: WORKERS,
            unused_rules_after: UNUSED_RULES,
            patience: None,
            redact: Vec::new(),
            defaults: DefaultsFrom::default(),
            spans: Spans::default(),
            scope: None,
            alerts_to_internal: false,
            setting: Setting::default(),
            election: None,
        };
        Self { client, metrics: Metrics::new(env!("CARGO_PKG_VERSION")), options }
    }

    /// Only this namespace is looked at: a Role is enough then. What GitSyncs of other namespaces say about drift is not
    /// known, and what they applied is reported and not corrected.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.scope = Some(namespace.into());
        self
    }

    /// The operator's own namespace, with its Secret `gitmoor-redaction` and its defaults. Else the client's.
    pub fn operator_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.options.namespace = namespace.into();
        self
    }

    /// What holds for services that do not say it themselves; [`crate::manifest::defaults`] reads it.
    pub fn defaults(mut self, defaults: Defaults) -> Self {
        self.options.defaults = DefaultsFrom::Fixed(Arc::new(defaults));
        self
    }

    /// The same from a ConfigMap in the operator's namespace, which is followed.
    pub fn defaults_config(mut self, name: impl Into<String>) -> Self {
        self.options.defaults = DefaultsFrom::ConfigMap(name.into());
        self
    }

    /// How many MicroServices are reconciled side by side; at least one.
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = workers.max(1);
        self
    }

    /// Where it counts, for a program that serves its metrics itself: [`Metrics::encode`].
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Serves /healthz, /readyz and /metrics there.
    pub fn ops(mut self, address: SocketAddr) -> Self {
        self.options.ops = Some(address);
        self
    }

    /// Runs until `shutdown` ends, and then ends what it began. It is an error where it cannot begin: without a CRD or a
    /// right, or where an address is taken.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        // However it ends, nobody waits for the shutdown any longer.
        let _ended = stop.clone().drop_guard();
        let told = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown => told.cancel(),
                () = told.cancelled() => {}
            }
        });
        App::with(self.client, self.metrics, self.options).await?.run(stop).await.map(drop)
    }
}
