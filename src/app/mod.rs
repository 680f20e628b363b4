//! Wiring and shutdown: makes the parts, connects them, and ends them in order.

mod caches;
mod defaults;
mod embedded;
mod first;
mod gauges;
mod hooks;
mod lead;
mod listeners;
mod options;
mod page;
mod parts;
mod redaction;
mod requests;
mod rules;
mod start;
mod tokens;
mod traces;
mod watchdog;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use kube::Client;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::alerting;
use crate::api::names::MANAGED_BY;
use crate::cluster::{self, Cluster, Events, Fence, GitSyncs, Services, Term};
use crate::controller::Queue;
use crate::election::Lost;
use crate::model::{Kind, ObjectKey};
use crate::report::redact::Redactor;
use crate::server::Pulse;
use crate::source::{FolderWatch, SourceOptions, Sources};
use crate::sync::{Neighbours, RuleUse, SyncDeps, Syncs, Teller, Told};
use crate::telemetry::Metrics;

pub use defaults::{DefaultsFrom, ENTRY as DEFAULTS_ENTRY};
pub use embedded::MicroServiceController;
pub use hooks::TOKENS;
pub use lead::Election;
pub use listeners::Bound;
pub use options::{Components, Ended, Options};
pub use page::PageOptions;

use defaults::Known;
use first::{First, refused};
use lead::{Candidacy, Office, lost};
use page::{LivePages, PageDeps};
use requests::Requests;
use traces::Traces;

/// No call to the API server takes longer.
const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// What is being done at shutdown has this long to end.
const GRACE: Duration = Duration::from_secs(20);
/// The last Events have at least this long to be written.
const LAST_EVENTS: Duration = Duration::from_secs(2);

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
    first: Option<First>,
    rule_use: Arc<RuleUse>,
    office: Office,
    fence: Option<Fence>,
    traces: Traces,
    /// What is decided for services that do not decide it themselves.
    defaults: Known,
    /// What of values is shown, once the API server has answered.
    redact: Arc<OnceLock<Arc<Redactor>>>,
    /// What is shown, where there is a page.
    pages: Option<Arc<LivePages>>,
}

impl App {
    /// Connects and binds: what can be wrong with the flags is found here.
    pub async fn new(options: Options) -> anyhow::Result<Self> {
        let client = cluster::connect(&options.connection).await?;
        Self::with(client, Metrics::new(env!("CARGO_PKG_VERSION")), options).await
    }

    /// The same with a client that is there, and metrics that somebody else may add to.
    pub async fn with(client: Client, metrics: Metrics, options: Options) -> anyhow::Result<Self> {
        let cluster = Cluster::new(client.clone(), metrics.clone(), CALL_DEADLINE).scoped(options.scope.as_deref());
        let instance = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        let fence = match &options.election {
            Some(election) => {
                let margin = election.times.margin();
                Some(cluster::connect_within(&options.connection, Term::default(), margin).await?)
            }
            None => None,
        };
        let client = fence.as_ref().map_or(client, |fence| fence.client().clone());
        let events = Events::start(client, MANAGED_BY, instance.or_else(|| Some(MANAGED_BY.into())));
        options.page.as_ref().map_or(Ok(()), PageOptions::check)?;
        let bound = Bound::bind(options.hooks, options.ops, options.page.as_ref()).await?;
        let pulse = options.patience.map_or_else(Pulse::default, |patience| Pulse::default().patient_for(patience));
        let traces = Traces::default();
        let (services, gitsyncs) = (Arc::<Services>::default(), Arc::<GitSyncs>::default());
        let pages = options.page.as_ref().map(|page| {
            let deps = PageDeps {
                cluster: cluster.clone(),
                services: Arc::clone(&services),
                gitsyncs: Arc::clone(&gitsyncs),
                tracer: traces.tracer.clone(),
                pulse: pulse.clone(),
            };
            Arc::new(LivePages::new(deps, page))
        });
        let office = if options.election.is_some() { Office::contested } else { Office::alone };
        let known = match &options.defaults {
            DefaultsFrom::Fixed(defaults) => Some(Arc::clone(defaults)),
            DefaultsFrom::ConfigMap(_) => None,
        };
        Ok(Self {
            defaults: Known::new(known),
            office: office(metrics.clone(), pulse.clone()),
            rule_use: Arc::new(RuleUse::new(options.unused_rules_after)),
            options,
            cluster,
            metrics,
            pulse,
            services,
            gitsyncs,
            events,
            bound,
            only: None,
            first: None,
            fence,
            traces,
            redact: Arc::default(),
            pages,
        })
    }

    /// Applies this GitSync before anything else, as that field manager; where there is an election, once it is won.
    pub fn first(&mut self, key: ObjectKey, gitsync: Value, manager: &'static str) {
        self.first = Some(First { key, gitsync, manager });
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

    /// Runs until told to stop, then ends what was begun; or until another process leads, and then ends at once.
    pub async fn run(mut self, stop: CancellationToken) -> anyhow::Result<Ended> {
        let follows = self.options.components.controller && matches!(self.options.defaults, DefaultsFrom::ConfigMap(_));
        let defaults = follows.then(|| self.pulse.gate("operator's defaults"));
        let (answers, synced) = (self.pulse.gate("API server"), self.pulse.gate("watch caches"));
        let (mut tasks, mut working) = (JoinSet::new(), JoinSet::new());
        let (queue, timer) = Queue::new();
        let alerts = Arc::new(alerting::Inbox::default());
        tasks.spawn(self.pulse.survives("timers of the controller", timer));
        self.spawn_watchdog(&mut tasks);
        let deps = self.sync_deps()?;
        if self.options.components.sync {
            tasks.spawn(self.pulse.survives("caches", caches::sweep(deps.sources.clone())));
        }
        let syncs = Syncs::new(deps, stop.clone());
        self.spawn_traces(&queue, &syncs, &mut tasks);
        self.listen(&queue, &syncs, &alerts);
        let folder = self.watch_folder(&syncs, &mut tasks)?;
        let requests = Arc::new(Requests::default());
        let write = Arc::clone(&requests).write(self.cluster.clone(), stop.clone());
        working.spawn(self.pulse.survives("requests to the leader", write));
        let hooks = hooks::LiveHooks {
            cluster: self.cluster.clone(),
            gitsyncs: Arc::clone(&self.gitsyncs),
            syncs: Arc::clone(&syncs),
            requests,
            metrics: self.metrics.clone(),
            tokens: tokens::Tokens::default(),
        };
        let bound = std::mem::take(&mut self.bound);
        let bounds = (self.options.hook_limits, std::mem::take(&mut self.options.hook_proxies));
        let servers = bound.serve(hooks, bounds, self.pulse.clone(), self.metrics.clone(), self.page(), &stop);
        self.spawn_page(&mut tasks);
        if !start::kinds_are_served(&self.cluster, &stop).await? {
            return Ok(Ended::Told);
        }
        answers.open();
        let paths = self.options.redact.clone();
        let redact = Arc::new(redaction::redactor(&self.cluster, &self.options.namespace, paths).await);
        // Nobody has set it before.
        let _ = self.redact.set(Arc::clone(&redact));
        let mut first = None;
        match self.first.take() {
            Some(wanted) if self.fence.is_some() => {
                first = Some(wanted.when_leading(self.acting(), self.office.clone()));
            }
            Some(wanted) => wanted.apply(&self.cluster).await?,
            None => {}
        }
        self.spawn_watches(&mut tasks);
        self.spawn_defaults(&queue, defaults, &mut tasks);
        self.spawn_gauges(&mut tasks);
        self.spawn_controller(queue, redact, &stop, &mut working);
        self.spawn_syncs(&syncs, &mut tasks);
        self.spawn_alerting(alerts, &stop, &mut working);
        let (services, gitsyncs) = (Arc::clone(&self.services), Arc::clone(&self.gitsyncs));
        tasks.spawn(async move {
            services.synced().await;
            gitsyncs.synced().await;
            synced.open();
            info!(services = services.len(), gitsyncs = gitsyncs.len(), "watch caches are complete");
        });
        let retire = CancellationToken::new();
        let mut standing = self.stand(&retire);

        let ended = async {
            stop.cancelled().await;
            info!("stopping");
            let deadline = Instant::now() + GRACE;
            let ending = async {
                while working.join_next().await.is_some() {}
                syncs.ended().await;
            };
            if timeout_at(deadline, ending).await.is_err() {
                warn!(grace = ?GRACE, "not everything ended in time");
            }
            self.events.flush(deadline.saturating_duration_since(Instant::now()).max(LAST_EVENTS)).await;
        };
        tokio::select! {
            why = lost(&mut standing) => {
                // Nothing is ended in order: nothing may be written any more, and the next process begins with what the
                // cluster says, as after any crash.
                error!(why, "leadership is lost; this process ends at once, so that no two write");
                return Ok(Ended::Lost);
            }
            error = refused(&mut first) => return Err(error),
            () = ended => {}
        }
        retire.cancel();
        if let Some(standing) = standing {
            // However it ended: nothing is written from here on.
            let _ = standing.await;
        }
        servers.await;
        tasks.shutdown().await;
        drop(folder);
        info!("stopped");
        Ok(Ended::Told)
    }

    /// Stands for election, where there is one; not before the watch caches are complete, so that nobody leads who knows
    /// less than another.
    fn stand(&self, retire: &CancellationToken) -> Option<JoinHandle<Result<(), Lost>>> {
        let (election, term) = (self.options.election.clone()?, self.fence.as_ref()?.term());
        let (services, gitsyncs) = (Arc::clone(&self.services), Arc::clone(&self.gitsyncs));
        let (cluster, namespace) = (self.cluster.clone(), self.options.namespace.clone());
        let (office, retire) = (self.office.clone(), retire.clone());
        Some(tokio::spawn(async move {
            let warm = async {
                services.synced().await;
                gitsyncs.synced().await;
            };
            match retire.run_until_cancelled(warm).await {
                Some(()) => Candidacy::new(&cluster, &namespace, election, term, office).stand(retire).await,
                None => Ok(()),
            }
        }))
    }

    /// The cluster for what only a leader may do.
    fn acting(&self) -> Cluster {
        self.fence.as_ref().map_or_else(|| self.cluster.clone(), |fence| self.cluster.within(fence.clone()))
    }

    fn sync_deps(&self) -> anyhow::Result<SyncDeps> {
        let cache = &self.options.cache_dir;
        if self.options.components.sync {
            std::fs::create_dir_all(cache)
                .with_context(|| format!("cannot create the cache folder {}", cache.display()))?;
        }
        let mut sources = SourceOptions::new(cache);
        sources.allow_file = self.options.allow_file;
        sources.allow_dir.clone_from(&self.options.folder);
        let operator: Arc<str> = self.options.namespace.as_str().into();
        Ok(SyncDeps {
            cluster: self.acting(),
            live: cluster::Targets { services: Arc::clone(&self.services), gitsyncs: Arc::clone(&self.gitsyncs) },
            sources: Sources::new(sources),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            pulse: self.pulse.clone(),
            operator_namespace: Arc::clone(&operator),
            default_service_account: self.options.default_service_account.as_deref().map(Into::into),
            neighbours: Arc::new(Neighbours::new(Arc::clone(&self.gitsyncs), operator)),
            rule_use: Arc::clone(&self.rule_use),
            permits: Arc::new(Semaphore::new(self.options.concurrency)),
            tracer: self.traces.tracer.clone(),
            teller: self.only.as_ref().map(|(_, teller)| teller.clone()),
            redact: Arc::clone(&self.redact),
            spans: self.options.spans.clone(),
        })
    }

    /// Who hears of which change.
    fn listen(&self, queue: &Queue, syncs: &Arc<Syncs>, alerts: &Arc<alerting::Inbox>) {
        let Components { sync, controller } = self.options.components;
        let (queue, for_services) = (queue.clone(), Arc::clone(syncs));
        let (services, queue_of_policy) = (Arc::clone(&self.services), queue.clone());
        let tracer = self.traces.tracer.clone();
        let (alerts, told) = (Arc::clone(alerts), Arc::clone(alerts));
        let (pages, pages_of_syncs) = (self.pages.clone(), self.pages.clone());
        self.services.listen(move |update| {
            told.service_changed(&update.key);
            traces::saw(&tracer, update);
            if let Some(pages) = &pages {
                pages.changed(Kind::MicroService, &update.key);
            }
            if controller {
                queue.add(update.key.clone());
            }
            if sync {
                for_services.service_changed(update);
            }
        });
        let for_gitsyncs = Arc::clone(syncs);
        let concerns = self.concerns();
        self.gitsyncs.listen(move |update| {
            alerts.gitsync_changed(&update.key);
            if let Some(pages) = &pages_of_syncs {
                pages.changed(Kind::GitSync, &update.key);
            }
            if concerns(&update.key) {
                for_gitsyncs.gitsync_changed(update);
            } else if sync {
                for_gitsyncs.dependency_changed(update);
            }
            let policy = |entry: &Option<Arc<cluster::Entry<cluster::Spec>>>| {
                entry.as_ref().map(|entry| (Arc::clone(&entry.extra.drift), entry.extra.pause.clone()))
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
}
