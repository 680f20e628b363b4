//! Wiring and shutdown: makes the parts, connects them, and ends them in order.

mod hooks;
mod listeners;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::api::gitsync::DriftPolicy;
use crate::api::names::MANAGED_BY;
use crate::cluster::{
    self, CallError, Cluster, Connection, Events, GitSyncs, Services, gitsyncs, microservices, watch,
};
use crate::controller::{Controller, ControllerDeps, Policies, Queue};
use crate::model::ObjectKey;
use crate::server::Pulse;
use crate::source::{FolderWatch, SourceOptions, Sources};
use crate::sync::{Neighbours, SyncDeps, Syncs, Teller, Told};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::DriftLevel;

pub use listeners::Bound;

/// No call to the API server takes longer.
const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// What is being done at shutdown has this long to end.
const GRACE: Duration = Duration::from_secs(20);
/// How often the gauges that cost a walk over all objects are set.
const GAUGES: Duration = Duration::from_secs(10);

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
    /// Where health and metrics are served; nowhere when absent.
    pub ops: Option<SocketAddr>,
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
}

/// A daemon whose parts are made and not yet running.
pub struct App {
    options: Options,
    cluster: Cluster,
    metrics: Metrics,
    pulse: Pulse,
    services: Arc<Services>,
    gitsyncs: Arc<GitSyncs>,
    events: Events,
    bound: Bound,
    only: Option<(ObjectKey, Teller)>,
}

/// The drift policy of a GitSync, from its live spec.
struct LivePolicies(Arc<GitSyncs>);

impl Policies for LivePolicies {
    fn of(&self, sync: &str) -> DriftPolicy {
        let entry = ObjectKey::parse(sync).and_then(|key| self.0.get(&key));
        // Whose policy is not known is not overwritten.
        entry.map_or(DriftPolicy::Report, |entry| entry.extra.drift_policy)
    }
}

impl App {
    /// Connects and binds: what can be wrong with the flags is found here.
    pub async fn new(options: Options) -> anyhow::Result<Self> {
        let client = cluster::connect(&options.connection).await?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let cluster = Cluster::new(client.clone(), metrics.clone(), CALL_DEADLINE);
        let instance = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        let events = Events::start(client, MANAGED_BY, instance.or_else(|| Some(MANAGED_BY.into())));
        let bound = Bound::bind(options.hooks, options.ops).await?;
        let (services, gitsyncs) = (Arc::default(), Arc::default());
        Ok(Self { options, cluster, metrics, pulse: Pulse::default(), services, gitsyncs, events, bound, only: None })
    }

    /// Syncs this GitSync alone, and tells what comes of it.
    pub fn only(&mut self, key: ObjectKey) -> mpsc::UnboundedReceiver<Told> {
        let (teller, told) = mpsc::unbounded_channel();
        self.only = Some((key, teller));
        told
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Live GitSyncs, once running.
    pub fn gitsyncs(&self) -> Arc<GitSyncs> {
        Arc::clone(&self.gitsyncs)
    }

    /// Live MicroServices, once running.
    pub fn services(&self) -> Arc<Services> {
        Arc::clone(&self.services)
    }

    /// Runs until told to stop, then ends what was begun.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.check_kinds().await?;
        let synced = self.pulse.gate("watch caches");
        let mut tasks = JoinSet::new();
        let (queue, timer) = Queue::new();
        tasks.spawn(timer);
        let syncs = Syncs::new(self.sync_deps()?, stop.clone());
        self.listen(&queue, &syncs);
        let folder = self.watch_folder(&syncs, &mut tasks)?;
        tasks.spawn(watch::follow(self.cluster.clone(), microservices(), None, Arc::clone(&self.services)));
        tasks.spawn(watch::follow(self.cluster.clone(), gitsyncs(), None, Arc::clone(&self.gitsyncs)));
        self.spawn_gauges(&mut tasks);
        let hooks = hooks::LiveHooks::new(
            self.cluster.clone(),
            Arc::clone(&self.gitsyncs),
            Arc::clone(&syncs),
            self.metrics.clone(),
        );
        let servers = self.bound.serve(hooks, self.pulse.clone(), self.metrics.clone(), &stop);
        let mut working = JoinSet::new();
        if self.options.components.controller {
            let controller = Controller::new(ControllerDeps {
                cluster: self.cluster.clone(),
                services: Arc::clone(&self.services),
                policies: Arc::new(LivePolicies(Arc::clone(&self.gitsyncs))),
                events: self.events.clone(),
                metrics: self.metrics.clone(),
                pulse: self.pulse.clone(),
                queue,
            });
            let (gitsyncs, workers, stop) = (Arc::clone(&self.gitsyncs), self.options.workers, stop.clone());
            working.spawn(async move {
                // What is done about drift is said by GitSyncs.
                if stop.run_until_cancelled(gitsyncs.synced()).await.is_some() {
                    controller.run(workers, stop).await;
                }
            });
        }
        let (services, gitsyncs) = (Arc::clone(&self.services), Arc::clone(&self.gitsyncs));
        tasks.spawn(async move {
            services.synced().await;
            gitsyncs.synced().await;
            synced.open();
            info!(services = services.len(), gitsyncs = gitsyncs.len(), "watch caches are complete");
        });

        stop.cancelled().await;
        info!("stopping");
        let ending = async {
            while working.join_next().await.is_some() {}
            syncs.ended().await;
            servers.await;
        };
        if tokio::time::timeout(GRACE, ending).await.is_err() {
            warn!(grace = ?GRACE, "not everything ended in time");
        }
        tasks.shutdown().await;
        drop(folder);
        info!("stopped");
        Ok(())
    }

    /// A cluster without our kinds is not an error to wait for in silence.
    async fn check_kinds(&self) -> anyhow::Result<()> {
        for kind in [gitsyncs(), microservices()] {
            match self.cluster.list(&kind, None, Some("gitmoor.dev/none")).await {
                Ok(_) => {}
                Err(error @ (CallError::KindMissing(_) | CallError::Forbidden(_))) => {
                    return Err(error).with_context(|| format!("cannot work with {}", kind.plural));
                }
                Err(error) => warn!(%error, "the API server does not answer yet; waiting for it"),
            }
        }
        Ok(())
    }

    fn sync_deps(&self) -> anyhow::Result<SyncDeps> {
        let cache = &self.options.cache_dir;
        std::fs::create_dir_all(cache)
            .with_context(|| format!("cannot create the cache folder {}", cache.display()))?;
        let mut sources = SourceOptions::new(cache);
        sources.allow_file = self.options.allow_file;
        sources.allow_dir.clone_from(&self.options.folder);
        let operator: Arc<str> = self.options.namespace.as_str().into();
        Ok(SyncDeps {
            cluster: self.cluster.clone(),
            live: cluster::Targets { services: Arc::clone(&self.services), gitsyncs: Arc::clone(&self.gitsyncs) },
            sources: Sources::new(sources),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            pulse: self.pulse.clone(),
            operator_namespace: Arc::clone(&operator),
            default_service_account: self.options.default_service_account.as_deref().map(Into::into),
            neighbours: Arc::new(Neighbours::new(Arc::clone(&self.gitsyncs), operator)),
            permits: Arc::new(Semaphore::new(self.options.concurrency)),
            teller: self.only.as_ref().map(|(_, teller)| teller.clone()),
        })
    }

    /// Who hears of which change.
    fn listen(&self, queue: &Queue, syncs: &Arc<Syncs>) {
        let Components { sync, controller } = self.options.components;
        let (queue, for_services) = (queue.clone(), Arc::clone(syncs));
        let (services, queue_of_policy) = (Arc::clone(&self.services), queue.clone());
        self.services.listen(move |update| {
            if controller {
                queue.add(update.key.clone());
            }
            if sync {
                for_services.service_changed(update);
            }
        });
        let for_gitsyncs = Arc::clone(syncs);
        let only = self.only.as_ref().map(|(key, _)| key.clone());
        self.gitsyncs.listen(move |update| {
            if sync && only.as_ref().is_none_or(|only| *only == update.key) {
                for_gitsyncs.gitsync_changed(update);
            } else if sync {
                for_gitsyncs.dependency_changed(update);
            }
            let policy = |entry: &Option<Arc<cluster::Entry<cluster::Spec>>>| {
                entry.as_ref().map(|entry| entry.extra.drift_policy)
            };
            if controller && policy(&update.before) != policy(&update.after) {
                let name = Some(update.key.to_string());
                let members = services.all();
                let members = members.iter().filter(|entry| entry.extra.sync == name);
                members.for_each(|entry| queue_of_policy.add(entry.object.key.clone()));
            }
        });
    }

    /// In development: a saved file is seen at once.
    fn watch_folder(&self, syncs: &Arc<Syncs>, tasks: &mut JoinSet<()>) -> anyhow::Result<Option<FolderWatch>> {
        let Some(folder) = &self.options.folder else { return Ok(None) };
        let (guard, mut changed) =
            crate::source::watch(folder).with_context(|| format!("cannot watch {}", folder.display()))?;
        let syncs = Arc::clone(syncs);
        tasks.spawn(async move {
            while changed.recv().await.is_some() {
                syncs.look_all();
            }
        });
        Ok(Some(guard))
    }

    fn spawn_gauges(&self, tasks: &mut JoinSet<()>) {
        let (services, metrics) = (Arc::clone(&self.services), self.metrics.clone());
        tasks.spawn(async move {
            loop {
                let all = services.all();
                let count =
                    |drifted: fn(&cluster::Service) -> bool| all.iter().filter(|entry| drifted(&entry.extra)).count();
                metrics.drifted_objects(DriftLevel::Source, count(|service| service.source_drifted));
                metrics.drifted_objects(DriftLevel::Workload, count(|service| service.workload_drifted));
                drop(all);
                tokio::time::sleep(GAUGES).await;
            }
        });
    }
}
