//! The loop that tells: it hears of each changed status, looks at it as floor 1 does, and sends what follows.
//!
//! It stands beside the loops that sync and reconcile, and reads what they wrote: nothing waits for it, and it needs no memory
//! of its own over a restart. What was told is in the status of the GitSync, under a field manager of its own.

mod bureau;
mod deliver;
mod inbox;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::alert::{Setting, incident};
use crate::api::condition::{self, NOTIFIED};
use crate::api::names::NOTIFY_MANAGER;
use crate::api::{GitSync, MicroService};
use crate::cluster::{CallError, Cluster, Entry, GitSyncs, Service, Services, gitsyncs};
use crate::model::ObjectKey;
use crate::notify::Reach;
use crate::report::bug::BUG;
use crate::server::{Beat, Pulse};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::AlertResult;
use crate::telemetry::panics::{Panicked, caught, kept};
use bureau::Bureau;
use deliver::{Delivery, Failure, News, Office};
pub use inbox::Inbox;

/// News that come within that time are looked at together.
const TOGETHER: Duration = Duration::from_millis(200);
/// Deliveries at once.
const AT_ONCE: usize = 16;
/// What is being delivered at shutdown has this long to end.
const GRACE: Duration = Duration::from_secs(5);
/// After a status could not be written.
const PAUSE: Duration = Duration::from_secs(5);
/// A loop that is silent for longer than this beyond its timers is stalled.
const STALLED: Duration = Duration::from_secs(180);

/// What alerts need.
#[derive(Clone)]
pub struct AlertingDeps {
    /// The cluster.
    pub cluster: Cluster,
    /// Live MicroServices.
    pub services: Arc<Services>,
    /// Live GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
    /// What is counted.
    pub metrics: Metrics,
    /// Liveness.
    pub pulse: Pulse,
    /// Its GitSyncs may tell within private networks.
    pub operator_namespace: Arc<str>,
    /// Whether http and internal addresses are allowed.
    pub internal: bool,
    /// Where all of this happens.
    pub setting: Setting,
}

/// The loop.
pub struct Alerting {
    deps: AlertingDeps,
    inbox: Arc<Inbox>,
    office: Office,
    bureaus: HashMap<ObjectKey, Bureau>,
    /// Which GitSync a MicroService was counted to.
    homes: HashMap<ObjectKey, ObjectKey>,
    deliveries: JoinSet<(Delivery, Result<(), Failure>)>,
    write_at: Option<Instant>,
}

impl Alerting {
    /// A loop that hears by that inbox.
    fn new(deps: AlertingDeps, inbox: Arc<Inbox>) -> Self {
        let office = Office {
            cluster: deps.cluster.clone(),
            courier: Arc::default(),
            setting: Arc::new(deps.setting.clone()),
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        };
        let deliveries = JoinSet::new();
        Self { deps, inbox, office, bureaus: HashMap::new(), homes: HashMap::new(), deliveries, write_at: None }
    }

    /// Runs until told to stop. It begins when `begin` has ended, and anew each time that it falls over a bug: what was told
    /// is in the status of each GitSync.
    pub async fn run(deps: AlertingDeps, inbox: Arc<Inbox>, begin: impl Future<Output = ()>, stop: CancellationToken) {
        let begin = async {
            begin.await;
            tokio::join!(deps.services.synced(), deps.gitsyncs.synced());
        };
        if stop.run_until_cancelled(begin).await.is_none() {
            return;
        }
        let beat = deps.pulse.register("alerts", STALLED);
        let fell = |panicked: Panicked, again_in: Duration| {
            beat.idle_for(again_in);
            let (code, place) = (Panicked::code(), panicked.place);
            error!(code, reason = BUG, %place, ?again_in, "the loop of alerts fell over a bug; it begins anew");
            std::future::ready(())
        };
        kept(&stop, || Box::pin(Self::new(deps.clone(), Arc::clone(&inbox)).go_on(&beat, &stop)), fell).await;
    }

    /// Runs until told to stop; then ends what is being delivered and returns.
    async fn go_on(mut self, beat: &Beat, stop: &CancellationToken) {
        let inbox = Arc::clone(&self.inbox);
        self.deps.gitsyncs.all().iter().for_each(|entry| inbox.gitsync_changed(&entry.object.key));
        loop {
            let now = Timestamp::now();
            beat.at("looking");
            let due = self.step(now);
            beat.at("writing what was told");
            self.write(now).await;
            let until = due.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
            let timer = Instant::now() + until.unwrap_or(STALLED);
            let timer = self.write_at.map_or(timer, |at| at.min(timer));
            beat.idle_for(timer.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => break,
                () = inbox.rung() => {
                    beat.at("hearing");
                    sleep(TOGETHER).await;
                    self.heard(Timestamp::now()).await;
                }
                Some(ended) = self.deliveries.join_next() => self.delivered(ended.ok()),
                () = sleep_until(timer) => {}
            }
        }
        let ending = async {
            while let Some(ended) = self.deliveries.join_next().await {
                self.delivered(ended.ok());
            }
        };
        // What is not told by then is told by the next process.
        let _ = timeout(GRACE, ending).await;
        self.write_at = None;
        self.write(Timestamp::now()).await;
    }

    /// Takes what changed.
    async fn heard(&mut self, now: Timestamp) {
        let news = self.inbox.take();
        for key in news.gitsyncs {
            self.gitsync_changed(&key, now).await;
        }
        self.inbox.hear_of_services(!self.bureaus.is_empty());
        for key in news.services {
            self.service_changed(&key);
        }
    }

    async fn gitsync_changed(&mut self, key: &ObjectKey, now: Timestamp) {
        let entry = self.deps.gitsyncs.get(key).filter(|entry| !entry.object.deleting);
        let gitsync = entry.and_then(|entry| entry.object.parse::<GitSync>().ok());
        let Some(gitsync) = gitsync else { return self.close(key) };
        if gitsync.spec.notify.is_empty() {
            self.close(key);
            self.forget_told(key, &gitsync).await;
            return;
        }
        let opens = !self.bureaus.contains_key(key);
        let reach = Reach::of(*key.namespace == *self.deps.operator_namespace, self.deps.internal);
        let bureau = self.bureaus.entry(key.clone()).or_insert_with(|| Bureau::open(key, reach));
        bureau.see_sync(&gitsync, now);
        if opens {
            // Before they are looked at: whatever changes meanwhile is heard.
            self.inbox.hear_of_services(true);
            let name = key.to_string();
            let members = self.deps.services.all();
            for entry in members.iter().filter(|entry| entry.extra.sync.as_deref() == Some(name.as_str())) {
                self.see_service(key, entry);
            }
        }
    }

    /// Nobody is told any more: a status that says who was is of no use.
    async fn forget_told(&self, key: &ObjectKey, gitsync: &GitSync) {
        let status = gitsync.status.as_ref();
        let says = status
            .is_some_and(|status| !status.notify.is_empty() || condition::find(&status.conditions, NOTIFIED).is_some());
        if says && let Err(error) = self.deps.cluster.apply_status(&gitsyncs(), key, &json!({}), NOTIFY_MANAGER).await {
            warn!(sync = %key, code = error.code(), reason = error.reason(), %error, "status not written");
        }
    }

    fn close(&mut self, key: &ObjectKey) {
        if self.bureaus.remove(key).is_some() {
            self.homes.retain(|_, home| home != key);
        }
    }

    fn service_changed(&mut self, key: &ObjectKey) {
        let entry = self.deps.services.get(key);
        let home = entry.as_ref().and_then(|entry| ObjectKey::parse(entry.extra.sync.as_deref()?));
        let home = home.filter(|home| self.bureaus.contains_key(home));
        if let Some(before) = self.homes.get(key).filter(|before| Some(*before) != home.as_ref())
            && let Some(bureau) = self.bureaus.get_mut(before)
        {
            bureau.forget(key);
        }
        match (home, entry) {
            (Some(home), Some(entry)) => self.see_service(&home, &entry),
            _ => drop(self.homes.remove(key)),
        }
    }

    fn see_service(&mut self, home: &ObjectKey, entry: &Entry<Service>) {
        let key = &entry.object.key;
        let Ok(service) = entry.object.parse::<MicroService>() else { return };
        let Some(bureau) = self.bureaus.get_mut(home) else { return };
        let status = service.status.unwrap_or_default();
        let observed = incident::of_service(key, service.metadata.generation, &status);
        bureau.see(Some(key.clone()), observed);
        self.homes.insert(key.clone(), home.clone());
    }

    /// Begins what is to be delivered, and says when to look again.
    fn step(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut again = None;
        for bureau in self.bureaus.values_mut() {
            let (deliveries, at) = bureau.step(now);
            again = [again, at].into_iter().flatten().min();
            for delivery in deliveries {
                let office = self.office.clone();
                self.deliveries.spawn(async move {
                    let result = caught(Box::pin(office.deliver(&delivery))).await;
                    (delivery, result.unwrap_or_else(|panicked| Err(Failure::bug(&panicked))))
                });
            }
        }
        again
    }

    fn delivered(&mut self, ended: Option<(Delivery, Result<(), Failure>)>) {
        // None is called off.
        let Some((delivery, result)) = ended else { return };
        let Delivery { sync, target, news, .. } = &delivery;
        let (name, kind) = (&target.name, target.kind.as_str());
        match &result {
            Ok(()) => {
                self.deps.metrics.alerted(target.kind, AlertResult::Told);
                match news {
                    News::Batch(batch) => {
                        let (began, ended) = (batch.began.len() + batch.changed.len(), batch.ended.len());
                        let happened = batch.notes.len() + batch.dropped;
                        info!(%sync, to = name, kind, began, ended, happened, "alerts told");
                    }
                    News::Commit(state) => {
                        let (commit, state) = (state.commit, state.is.as_str());
                        info!(%sync, to = name, kind, %commit, state, "commit status told");
                    }
                }
            }
            Err(failure) => {
                self.deps.metrics.alerted(target.kind, failure.result);
                let Failure { reason, code, text, .. } = failure;
                warn!(%sync, to = name, kind, code, reason, error = text, "alerts not told");
            }
        }
        if let Some(bureau) = self.bureaus.get_mut(sync) {
            bureau.delivered(&delivery, &result, Timestamp::now(), fastrand::f64());
        }
    }

    /// Writes what was told, where that is not in status.
    async fn write(&mut self, now: Timestamp) {
        if self.write_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.write_at = None;
        for (key, bureau) in &mut self.bureaus {
            let (wanted, is_so) = bureau.status(now);
            if is_so {
                continue;
            }
            match self.deps.cluster.apply_status(&gitsyncs(), key, &wanted, NOTIFY_MANAGER).await {
                Ok(answer) => {
                    if let Ok(gitsync) = answer.parse::<GitSync>() {
                        bureau.see_sync(&gitsync, now);
                    }
                    self.deps.gitsyncs.answered(answer);
                }
                Err(CallError::NotFound(_)) => {}
                Err(error) => {
                    warn!(sync = %key, code = error.code(), reason = error.reason(), %error, "status not written");
                    self.write_at = Some(Instant::now() + PAUSE);
                }
            }
        }
    }
}
