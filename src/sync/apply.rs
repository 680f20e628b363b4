//! Does the work: creations, updates and corrections side by side, then deletions. Each object is its own unit of
//! failure, and a newer commit stops what has not begun.

mod settling;
mod taking;
mod traced;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, instrument};

use super::lessons::Lessons;
use super::neighbours::{Neighbours, Seen};
use super::settings::Settings;
use super::work::{Item, Task, View};
use crate::api::condition;
use crate::api::drift::{DriftEpisode, Ended, FightStatus};
use crate::api::names::{RENAMED_FROM, SYNC_MANAGER};
use crate::api::status::DriftedField;
use crate::cluster::{CallError, Cluster, Targets, resource};
use crate::model::pause::Pause;
use crate::model::{Declared, Kind, Outcome, OutcomeKind, Revision, Target};
use crate::plan::{Alone, Doomed, Guards, Others, Permit, budget};
use crate::report;
use crate::report::bug::BUG;
use crate::server::Beat;
use crate::telemetry::panics::{Panicked, caught};
use crate::trace::Tracer;

/// Calls in flight for one GitSync.
const CONCURRENCY: usize = 16;
/// Deletions that are written down, and then begun, at once: a status names no more. Each batch costs a write of the status,
/// so an ordinary prune costs one.
const BATCH: usize = budget::PENDING;

/// One run over some items.
pub struct Run {
    /// What to do.
    pub items: Vec<(Item, Vec<DriftedField>)>,
    /// The GitSync.
    pub settings: Arc<Settings>,
    /// What Git says.
    pub declared: Arc<Declared>,
    /// The revision, as text.
    pub revision: String,
    /// What forbids deletions.
    pub guards: Guards,
    /// What may be deleted; nothing else is.
    pub permit: Permit,
    /// Who writes down what is about to be deleted.
    pub begins: mpsc::Sender<Begin>,
    /// What is created under a new name, with the mark of the former one.
    pub renamed: Arc<HashMap<Target, String>>,
    /// Drifts that ended and that the status of their MicroService does not tell yet.
    pub ended: HashMap<Target, Vec<DriftEpisode>>,
    /// What came of it beside the outcomes.
    pub aside: Mutex<Aside>,
    /// Live objects.
    pub live: Targets,
    /// The cluster, as ourselves: for reads and for status.
    pub cluster: Cluster,
    /// The cluster, as the GitSync's ServiceAccount: for all other writes.
    pub writer: Cluster,
    /// What other GitSyncs declare.
    pub neighbours: Arc<Neighbours>,
    /// Traces drift to Git.
    pub tracer: Tracer,
    /// When the revision was found, and which it is.
    pub found: Option<(Instant, Revision)>,
    /// What was learned about differences.
    pub lessons: Arc<Lessons>,
    /// Calls in flight for all GitSyncs.
    pub permits: Arc<Semaphore>,
    /// Who fights for which object.
    pub fights: HashMap<Target, FightStatus>,
    /// Cancelled by a newer commit.
    pub cancel: CancellationToken,
    /// Says that it goes on.
    pub beat: Beat,
}

/// Deletions that a run is about to begin.
#[derive(Debug)]
pub struct Begin {
    /// What.
    pub deletions: Vec<Doomed>,
    /// What it has deleted before.
    pub gone: Vec<Target>,
    /// Told when the status says so: not before is anything deleted.
    pub recorded: oneshot::Sender<()>,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Ran {
    /// One per item that was begun.
    pub outcomes: Vec<(Item, Outcome)>,
    /// Items that were not begun because a newer commit came.
    pub left: Vec<Target>,
    /// What came of it beside the outcomes.
    pub aside: Aside,
    /// What the statuses tell now of drifts that ended, where they could be written.
    pub ended: HashMap<Target, Vec<DriftEpisode>>,
    /// How long it took.
    pub took: Duration,
}

/// What came of a run beside its outcomes.
#[derive(Debug, Default)]
pub struct Aside {
    /// Objects whose status could not be written although something was done.
    pub unnoted: HashSet<Target>,
    /// Fields that were put back and that the API server itself made differ again.
    pub in_vain: HashMap<Target, Vec<DriftedField>>,
}

impl Run {
    /// Does all of it.
    #[instrument(name = "sync", skip_all, fields(sync = %self.settings.sync.key, revision = self.revision))]
    pub async fn run(mut self) -> Ran {
        let (began, mut ran) = (Instant::now(), Ran::default());
        let items = std::mem::take(&mut self.items);
        self.all(items, &mut ran).await;
        ran.aside = self.aside.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        ran.ended = self.ended;
        ran.took = began.elapsed();
        ran
    }

    async fn all(&self, items: Vec<(Item, Vec<DriftedField>)>, ran: &mut Ran) {
        let (deletions, others): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|(item, _)| matches!(item.task, Task::Delete { .. }));
        self.phase(others, ran).await;
        let refused = |(item, outcome): &(Item, Outcome)| {
            item.task == Task::Create && matches!(outcome.kind, OutcomeKind::Failed { .. })
        };
        // What could not be created may be the new name of what is to be deleted: that is decided anew.
        if ran.outcomes.iter().any(refused) || !self.may_delete(&deletions) {
            ran.left.extend(deletions.into_iter().map(|(item, _)| item.key));
            return;
        }
        let mut deletions = deletions.into_iter().peekable();
        while deletions.peek().is_some() {
            let batch: Vec<_> = deletions.by_ref().take(BATCH).collect();
            if self.is_recorded(&batch, ran).await {
                self.phase(batch, ran).await;
            } else {
                ran.left.extend(batch.into_iter().chain(deletions.by_ref()).map(|(item, _)| item.key));
            }
        }
    }

    async fn phase(&self, items: Vec<(Item, Vec<DriftedField>)>, ran: &mut Ran) {
        let mut results =
            stream::iter(items).map(|(item, drift)| self.unless_cancelled(item, drift)).buffer_unordered(CONCURRENCY);
        while let Some(result) = results.next().await {
            self.beat.beat();
            match result {
                Ok(done) => ran.outcomes.push(done),
                Err(key) => ran.left.push(key),
            }
        }
    }

    /// Whether these are exactly the deletions that were judged.
    fn may_delete(&self, deletions: &[(Item, Vec<DriftedField>)]) -> bool {
        let wanted = deletions.iter().filter_map(|(item, _)| item.deletes());
        let exactly = self.permit.is_exactly(wanted);
        if !exactly {
            error!(wanted = deletions.len(), permitted = self.permit.len(), "deletions are not those that were judged");
        }
        exactly
    }

    /// Has some deletions written down, and waits until that is done. They are left where a newer commit came.
    async fn is_recorded(&self, batch: &[(Item, Vec<DriftedField>)], ran: &Ran) -> bool {
        let deletions = batch.iter().filter_map(|(item, _)| {
            let (key, uid) = item.deletes()?;
            Some(Doomed { key: key.clone(), uid: uid.into() })
        });
        let gone = ran.outcomes.iter().filter(|(_, outcome)| outcome.kind == OutcomeKind::Deleted);
        let gone = gone.map(|(item, _)| item.key.clone()).collect();
        let (recorded, told) = oneshot::channel();
        let begin = Begin { deletions: deletions.collect(), gone, recorded };
        let recorded = async { self.begins.send(begin).await.is_ok() && told.await.is_ok() };
        tokio::select! {
            recorded = recorded => recorded,
            () = self.cancel.cancelled() => false,
        }
    }

    async fn unless_cancelled(&self, item: Item, drift: Vec<DriftedField>) -> Result<(Item, Outcome), Target> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        if self.cancel.is_cancelled() {
            return Err(item.key);
        }
        self.beat.at_object("applying", &item.key);
        // One object is one unit of failure, whatever it fails by.
        let kind = match caught(Box::pin(self.one(&item, &drift))).await {
            Ok(done) => done.unwrap_or_else(|error| self.failed(&item.key, &error)),
            Err(panicked) => {
                let place = &panicked.place;
                error!(object = %item.key, code = Panicked::code(), reason = BUG, %place, "not applied because of a bug");
                OutcomeKind::Failed { reason: BUG.into(), message: panicked.to_string() }
            }
        };
        let outcome = Outcome { key: item.key.clone(), kind };
        Ok((item, outcome))
    }

    #[instrument(name = "apply", skip_all, fields(service = %item.key))]
    async fn one(&self, item: &Item, drift: &[DriftedField]) -> Result<OutcomeKind, CallError> {
        match &item.task {
            Task::Create => self.create(&item.key).await,
            Task::Update { uid } => self.update(&item.key, uid, drift).await,
            Task::Correct => self.correct(&item.key, drift).await,
            Task::Note => self.note(&item.key, drift, &[]).await,
            Task::Try => self.try_out(&item.key).await,
            Task::Trace => self.trace(&item.key).await,
            Task::TakeOver { uid, resource_version, from } => {
                self.take_over(&item.key, (uid, *resource_version), from.as_deref()).await
            }
            Task::Delete { uid, resource_version } => {
                // Another GitSync may have read in the meantime that it declares it.
                if self.seen().claimed(&item.key).is_some() {
                    return Err(CallError::Conflict("another GitSync may declare it now; looking again".into()));
                }
                self.writer.delete(&resource(item.key.kind), &item.key, uid, Some(*resource_version)).await?;
                Ok(OutcomeKind::Deleted)
            }
        }
    }

    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn view(&self) -> View<'_> {
        View {
            settings: &self.settings,
            declared: &self.declared,
            revision: &self.revision,
            live: &self.live,
            guards: &self.guards,
            // Only bodies and policies are asked of it.
            others: &Alone,
            lessons: &self.lessons,
            now: jiff::Timestamp::now(),
        }
    }

    fn seen(&self) -> Seen<'_> {
        let found = self.found.as_ref().map(|(at, revision)| (*at, revision));
        Seen { neighbours: &self.neighbours, settings: &self.settings, found }
    }

    async fn create(&self, key: &Target) -> Result<OutcomeKind, CallError> {
        let Some(object) = self.declared.objects.get(key) else { return Ok(OutcomeKind::Unchanged) };
        let mut body = self.view().body(key, object);
        if let Some(mark) = self.renamed.get(key) {
            body["metadata"]["annotations"][RENAMED_FROM] = json!(mark);
        }
        let mut result = self.writer.create(&resource(key.kind), key, &body, SYNC_MANAGER).await;
        if matches!(result, Err(CallError::NamespaceMissing(_))) && self.settings.create_namespaces {
            self.writer.create_namespace(&key.namespace).await?;
            result = self.writer.create(&resource(key.kind), key, &body, SYNC_MANAGER).await;
        }
        match result {
            Ok(live) => {
                self.learn(key, &body, &live, &[]);
                self.live.answered(key.kind, live);
                Ok(OutcomeKind::Created)
            }
            // It exists, and the watch has not said so yet: look at it before anything is decided.
            Err(CallError::Conflict(message)) => {
                let Some(live) = self.cluster.get(&resource(key.kind), key).await? else {
                    return Err(CallError::Conflict(message));
                };
                self.live.answered(key.kind, live);
                Err(CallError::Conflict("it exists already; looking again".into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the sync's part of a MicroService's status. That of a GitSync is its own loop's.
    async fn note(
        &self,
        key: &Target,
        standing: &[DriftedField],
        corrected: &[DriftedField],
    ) -> Result<OutcomeKind, CallError> {
        let Some(entry) = self.live.get(key).filter(|_| key.kind == Kind::MicroService) else {
            return Ok(OutcomeKind::Unchanged);
        };
        let live = entry.object().value();
        let view = self.view();
        let restraint = (self.fights.get(key).cloned(), view.pause(key));
        let ended = self.ended.get(key).map(Vec::as_slice).unwrap_or_default();
        let status = own_status(&self.tracer, &live, (standing, corrected, ended), restraint, view.now);
        let same = |part: &str| live["status"].get(part) == status.get(part);
        if same("sourceDrift") && has_condition(&live, &status) {
            return Ok(OutcomeKind::Unchanged);
        }
        match self.cluster.apply_status(&resource(key.kind), key, &status, SYNC_MANAGER).await {
            Ok(answer) => {
                self.live.answered(key.kind, answer);
                Ok(OutcomeKind::Unchanged)
            }
            Err(CallError::NotFound(_)) => Ok(OutcomeKind::Unchanged),
            Err(error) => Err(error),
        }
    }

    fn failed(&self, key: &Target, error: &CallError) -> OutcomeKind {
        debug!(service = %key, code = error.code(), reason = error.reason(), %error, "not applied");
        OutcomeKind::Failed { reason: error.reason().into(), message: error.to_string() }
    }
}

/// The sync's part of a MicroService's status.
fn own_status(
    tracer: &Tracer,
    live: &Value,
    (standing, corrected, ended): (&[DriftedField], &[DriftedField], &[DriftEpisode]),
    (fight, paused): (Option<FightStatus>, Option<Pause>),
    now: jiff::Timestamp,
) -> Value {
    let previous = super::work::source_drift(live);
    // What is fought for is put back again and again: the fight tells it.
    let history = previous.as_ref().map(|previous| previous.history.as_slice()).unwrap_or_default();
    let told = |field: &&DriftedField| {
        fight.is_some() && history.iter().any(|known| report::drift::same_place(&known.field, field))
    };
    let put_back = corrected.iter().filter(|field| !told(field));
    let put_back = put_back.map(|field| report::episodes::episode(field, Ended::Corrected, now));
    let ended: Vec<_> = ended.iter().cloned().chain(put_back).collect();
    let conditions: Vec<Condition> =
        live["status"].get("conditions").and_then(|all| serde_json::from_value(all.clone()).ok()).unwrap_or_default();
    let drift = report::drift::status(standing, corrected, &ended, previous.as_ref(), now);
    let finding = report::microservice::source_drifted(standing, corrected, (fight.as_ref(), paused.as_ref()));
    let pause = report::pause::relevant(paused.as_ref(), previous.as_ref(), standing, now);
    let mut drift = report::pause::with_record(drift, previous.as_ref(), (fight, pause), standing, now);
    drift.iter_mut().for_each(|drift| tracer.complete(drift));
    let generation = live["metadata"]["generation"].as_i64();
    let mut status = json!({"conditions": condition::set(&conditions, &[finding], generation, now)});
    if let Some(drift) = drift {
        status["sourceDrift"] = json!(drift);
    }
    status
}

fn has_condition(live: &Value, status: &Value) -> bool {
    let there = live["status"]["conditions"].as_array();
    status["conditions"]
        .as_array()
        .is_some_and(|all| all.iter().all(|wanted| there.is_some_and(|there| there.contains(wanted))))
}
