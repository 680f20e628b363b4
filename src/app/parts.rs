//! The parts of a daemon that run beside each other: each is made here from what the app holds, and spawned.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::defaults::{DefaultsFrom, Follow};
use super::page::LivePages;
use super::rules::LiveRules;
use super::{App, gauges, watchdog};
use crate::alerting::{self, Alerting, AlertingDeps};
use crate::cluster::{Update, gitsyncs, microservices, watch};
use crate::controller::{Controller, ControllerDeps, Queue};
use crate::model::ObjectKey;
use crate::report::redact::Redactor;
use crate::server::{Gate, PageRules};
use crate::sync::Syncs;

impl App {
    pub(super) fn spawn_watches(&self, tasks: &mut JoinSet<()>) {
        let cluster = || self.cluster.clone();
        let follow = watch::follow_until_restored(cluster(), microservices(), Arc::clone(&self.services));
        tasks.spawn(self.pulse.endless("watch of MicroServices", follow));
        let follow = watch::follow_until_restored(cluster(), gitsyncs(), Arc::clone(&self.gitsyncs));
        tasks.spawn(self.pulse.endless("watch of GitSyncs", follow));
    }

    /// Its watches begin at once, so that whoever takes over has seen everything.
    pub(super) fn spawn_controller(
        &self,
        queue: Queue,
        redact: Arc<Redactor>,
        stop: &CancellationToken,
        working: &mut JoinSet<()>,
    ) {
        if !self.options.components.controller {
            return;
        }
        let controller = Controller::new(ControllerDeps {
            cluster: self.acting(),
            services: Arc::clone(&self.services),
            rule_books: Arc::new(LiveRules {
                gitsyncs: Arc::clone(&self.gitsyncs),
                rule_use: Arc::clone(&self.rule_use),
            }),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            tracer: self.traces.tracer.clone(),
            pulse: self.pulse.clone(),
            queue,
            redact,
            defaults: self.defaults.subscribe(),
            spans: self.options.spans.clone(),
        });
        if let Some(pages) = &self.pages {
            // Nobody has set it before.
            let _ = pages.kin.set(controller.kin());
        }
        let mut defaults = self.defaults.subscribe();
        let (gitsyncs, office) = (Arc::clone(&self.gitsyncs), self.office.clone());
        let begin = async move {
            // What is done about drift is said by GitSyncs.
            gitsyncs.synced().await;
            // The sender lives as long as the app.
            let _ = defaults.wait_for(Option::is_some).await;
            office.held().await;
        };
        working.spawn(controller.run(self.options.workers, begin, stop.clone()));
    }

    /// A process that comes to act begins with the GitSyncs that are there; the listener brings the others.
    pub(super) fn spawn_syncs(&self, syncs: &Arc<Syncs>, tasks: &mut JoinSet<()>) {
        let (syncs, gitsyncs, office) = (Arc::clone(syncs), Arc::clone(&self.gitsyncs), self.office.clone());
        let concerns = self.concerns();
        tasks.spawn(async move {
            office.held().await;
            for entry in gitsyncs.all() {
                let update = Update { key: entry.object.key.clone(), before: None, after: Some(entry) };
                if concerns(&update.key) {
                    syncs.gitsync_changed(&update);
                }
            }
        });
    }

    /// Who syncs once tells nobody: the daemon does.
    pub(super) fn spawn_alerting(
        &self,
        inbox: Arc<alerting::Inbox>,
        stop: &CancellationToken,
        working: &mut JoinSet<()>,
    ) {
        if self.only.is_some() || !self.options.components.sync {
            return;
        }
        let deps = AlertingDeps {
            cluster: self.acting(),
            services: Arc::clone(&self.services),
            gitsyncs: Arc::clone(&self.gitsyncs),
            metrics: self.metrics.clone(),
            pulse: self.pulse.clone(),
            operator_namespace: self.options.namespace.as_str().into(),
            internal: self.options.alerts_to_internal,
            setting: self.options.setting.clone(),
        };
        let office = self.office.clone();
        working.spawn(Alerting::run(deps, inbox, async move { office.held().await }, stop.clone()));
    }

    /// Whether the loop of a GitSync is to run here and now.
    pub(super) fn concerns(&self) -> impl Fn(&ObjectKey) -> bool + Send + Sync + 'static {
        let (sync, office) = (self.options.components.sync, self.office.clone());
        let only = self.only.as_ref().map(|(key, _)| key.clone());
        move |key| sync && office.is_held() && only.as_ref().is_none_or(|only| only == key)
    }

    /// Where defaults are followed, nothing is rendered before they are known.
    pub(super) fn spawn_defaults(&self, queue: &Queue, gate: Option<Gate>, tasks: &mut JoinSet<()>) {
        let (DefaultsFrom::ConfigMap(name), Some(gate)) = (&self.options.defaults, gate) else { return };
        let follow = Follow {
            cluster: self.cluster.clone(),
            config: ObjectKey::new(self.options.namespace.as_str(), name.as_str()),
            known: self.defaults.clone(),
            services: Arc::clone(&self.services),
            queue: queue.clone(),
            events: self.events.clone(),
            metrics: self.metrics.clone(),
            gate,
        };
        tasks.spawn(self.pulse.survives("watch of the operator's defaults", follow.run()));
    }

    /// What the page's listener answers from, and how.
    pub(super) fn page(&self) -> Option<(Arc<LivePages>, PageRules)> {
        Some((Arc::clone(self.pages.as_ref()?), self.options.page.as_ref()?.rules()))
    }

    pub(super) fn spawn_page(&self, tasks: &mut JoinSet<()>) {
        if let Some(pages) = &self.pages {
            tasks.spawn(self.pulse.survives("page", Arc::clone(pages).keep()));
        }
    }

    pub(super) fn spawn_gauges(&self, tasks: &mut JoinSet<()>) {
        let set = gauges::set(Arc::clone(&self.services), Arc::clone(&self.gitsyncs), self.metrics.clone());
        tasks.spawn(self.pulse.survives("gauges", set));
    }

    /// Loops that stand still are told for as long as this process runs.
    pub(super) fn spawn_watchdog(&self, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.pulse.survives("watchdog", watchdog::watch(self.pulse.clone(), self.metrics.clone())));
    }
}
