//! The end of a GitSync whose MicroServices go with it: they are deleted, and then its finalizer is taken off.
//!
//! It begins when the GitSync's loop has ended, or nothing would be sure to stay deleted. It needs no source, and nothing
//! of it lives in memory alone: after a crash the next daemon finds the GitSync in deletion and looks again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::finalizer;
use super::inbox::Inbox;
use super::run::SyncDeps;
use super::settings::Settings;
use super::work::live_view;
use crate::api::gitsync::DeletionPolicy;
use crate::api::gitsync_status::ObjectProblem;
use crate::api::names::SYNC_MANAGER;
use crate::api::{GitSync, GitSyncStatus};
use crate::cluster::{CallError, Cluster, Entry, EventNote, Spec, gitsyncs, resource};
use crate::model::{Backoff, ObjectKey, Target, codes};
use crate::plan::budget;
use crate::plan::farewell::{Estate, Leaving, Next, Terms, next};
use crate::report::farewell::{Seen, Stage, status};
use crate::report::unread::{self, INVALID_SPEC};
use crate::server::Beat;

/// Deletions in flight for one GitSync.
const CONCURRENCY: usize = 16;
/// Pauses after failures; while a person is waited for, whether the namespace goes is asked as rarely as at last.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(300) };
/// After a lost race: the watch has the newer object in a moment.
const RACE: Duration = Duration::from_millis(100);

/// One GitSync's end.
pub struct Farewell {
    deps: SyncDeps,
    key: ObjectKey,
    inbox: Arc<Inbox>,
    /// Cancelled once the GitSync's loop has ended; none where there was none.
    before: Option<CancellationToken>,
    /// UIDs whose deletion was accepted.
    begun: HashSet<Arc<str>>,
    /// What could not be deleted.
    failed: HashMap<Target, ObjectProblem>,
    pauses: u32,
    /// The held plan that was told.
    told: Option<String>,
}

/// What a step came to.
enum Step {
    /// The GitSync is gone, or goes by itself.
    Done,
    /// Whatever changes next is looked at.
    News,
    /// The same, and not later than after this pause.
    Within(Duration),
}

impl Farewell {
    /// The end of the GitSync of that name, whose loop says through `before` that it has ended.
    pub fn new(deps: SyncDeps, key: ObjectKey, inbox: Arc<Inbox>, before: Option<CancellationToken>) -> Self {
        let (begun, failed) = (HashSet::new(), HashMap::new());
        Self { deps, key, inbox, before, begun, failed, pauses: 0, told: None }
    }

    /// Runs until the GitSync may go, or until told to stop.
    pub async fn run(mut self, beat: Arc<Beat>, stop: CancellationToken) {
        let ready = async {
            if let Some(before) = &self.before {
                before.cancelled().await;
            }
            self.deps.live.services.synced().await;
            self.deps.live.gitsyncs.synced().await;
        };
        if stop.run_until_cancelled(ready).await.is_none() {
            return;
        }
        let inbox = Arc::clone(&self.inbox);
        // The namespace is asked for at the start, and then while somebody is waited for.
        let mut ask = true;
        loop {
            beat.at("taking leave");
            let pause = match self.step(ask, &stop).await {
                Step::Done => return,
                Step::News => None,
                Step::Within(pause) => Some(pause),
            };
            beat.beat();
            let until = Instant::now() + pause.unwrap_or(PAUSES.longest);
            beat.idle_for(until.saturating_duration_since(Instant::now()));
            tokio::select! {
                () = stop.cancelled() => return,
                _ = inbox.take() => ask = false,
                () = sleep_until(until) => ask = true,
            }
        }
    }

    async fn step(&mut self, ask: bool, stop: &CancellationToken) -> Step {
        let Some(entry) = self.deps.live.gitsyncs.get(&self.key) else { return Step::Done };
        if !entry.object.deleting || !entry.extra.finalizer {
            return Step::Done;
        }
        let gitsync: GitSync = match entry.object.parse() {
            Ok(gitsync) => gitsync,
            Err(error) => {
                let (code, reason) = (codes::code_of(INVALID_SPEC), INVALID_SPEC);
                warn!(sync = %self.key, code, reason, why = unread::why(&error), "GitSync cannot be read");
                return Step::News;
            }
        };
        if gitsync.spec.deletion_policy() != DeletionPolicy::Delete {
            return self.release(&entry, "its MicroServices stay, by spec.deletionPolicy").await;
        }
        if ask && self.namespace_goes().await {
            return self.release(&entry, "its namespace is being deleted; what is elsewhere stays").await;
        }
        let default = self.deps.default_service_account.as_deref();
        let settings = Settings::of(&gitsync, &self.deps.operator_namespace).by_default_as(default);
        let previous = gitsync.status.unwrap_or_default();
        let estate = self.estate(&settings);
        if settings.suspended && !estate.leaving.is_empty() {
            self.write_status(&settings, &estate, Stage::Suspended, &previous).await;
            return self.later();
        }
        let now = jiff::Timestamp::now();
        let terms = Terms {
            sync_uid: &settings.sync.uid,
            budget: settings.budget,
            recent: &budget::read(&previous.recent_deletions, now),
            held: previous.hold.as_ref(),
            approve: settings.approve.as_deref(),
            now,
        };
        match next(&estate, &terms) {
            Next::Release => self.release(&entry, "nothing is left of what it applied").await,
            Next::Wait => {
                self.write_status(&settings, &estate, Stage::Deleting, &previous).await;
                self.later()
            }
            Next::Hold { plan, sum } => {
                self.tell_hold(&settings, &plan, &estate, &sum.to_string());
                let stage = Stage::Held { plan, sum: sum.to_string() };
                self.write_status(&settings, &estate, stage, &previous).await;
                let fits = sum.fits_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
                match (self.later(), fits) {
                    (Step::Within(pause), Some(fits)) => Step::Within(pause.min(fits)),
                    (step, _) => step,
                }
            }
            Next::Delete => {
                // Nothing is deleted that the status does not say: whoever comes after a crash reads from it what was approved.
                if !self.write_status(&settings, &estate, Stage::Deleting, &previous).await {
                    return self.later();
                }
                self.delete(&settings, &estate.leaving, stop).await;
                self.after_deletions(&settings, &previous).await
            }
        }
    }

    fn estate(&self, settings: &Settings) -> Estate {
        let live = &self.deps.live;
        let members: Vec<_> = live
            .of(&settings.sync.applyset)
            .into_iter()
            .filter_map(|target| live.get(&target).map(|member| (target, member)))
            .collect();
        let views = members.iter().map(|(target, member)| (target.clone(), live_view(member)));
        Estate::of(&settings.sync, views, &self.begun, |target| self.deps.neighbours.heir(&self.key, target))
    }

    /// Deletes what leaves, side by side. What fails is tried again after a pause.
    async fn delete(&mut self, settings: &Settings, leaving: &[Leaving], stop: &CancellationToken) {
        info!(sync = %self.key, count = leaving.len(), "the GitSync goes, and what it applied with it");
        let writer = self.deps.cluster.acting_as(settings.account.as_ref());
        let results: Vec<_> = stream::iter(leaving.to_vec())
            .map(|one| {
                let (cluster, permits) = (writer.clone(), Arc::clone(&self.deps.permits));
                let stop = stop.clone();
                async move {
                    // The semaphore is never closed.
                    let _permit = permits.acquire().await;
                    let result = if stop.is_cancelled() { None } else { Some(delete(&cluster, &one).await) };
                    (one.doomed, result)
                }
            })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        self.failed.clear();
        for (doomed, result) in results {
            match result {
                Some(Ok(())) => {
                    self.begun.insert(Arc::clone(&doomed.uid));
                }
                // It changed since it was looked at: the watch has it in a moment.
                None | Some(Err(CallError::Conflict(_))) => {}
                Some(Err(error)) => {
                    warn!(sync = %self.key, object = %doomed.key, reason = error.reason(), %error, "not deleted");
                    let problem = ObjectProblem {
                        object: doomed.key.to_string(),
                        reason: error.reason().into(),
                        message: error.to_string(),
                        ..ObjectProblem::default()
                    };
                    self.failed.insert(doomed.key, problem);
                }
            }
        }
    }

    async fn after_deletions(&mut self, settings: &Settings, previous: &GitSyncStatus) -> Step {
        let estate = self.estate(settings);
        if !self.failed.is_empty() {
            self.write_status(settings, &estate, Stage::Deleting, previous).await;
            return self.later();
        }
        self.pauses = 0;
        if estate.leaving.is_empty() { Step::News } else { Step::Within(RACE) }
    }

    /// Takes the finalizer off, and with that the GitSync goes.
    async fn release(&mut self, entry: &Entry<Spec>, why: &str) -> Step {
        match finalizer::set(&self.deps.cluster, &entry.object, false).await {
            Ok(_) | Err(CallError::NotFound(_)) => {
                info!(sync = %self.key, why, "the GitSync is gone");
                Step::Done
            }
            Err(CallError::Conflict(_)) => Step::Within(RACE),
            Err(error) => {
                warn!(sync = %self.key, reason = error.reason(), %error, "finalizer not taken off");
                self.later()
            }
        }
    }

    async fn namespace_goes(&self) -> bool {
        let going = self.deps.cluster.is_namespace_going(&self.key.namespace).await;
        going.unwrap_or_else(|error| {
            warn!(sync = %self.key, reason = error.reason(), %error, "it is not known whether the namespace is being deleted");
            false
        })
    }

    /// After a pause that grows each time.
    fn later(&mut self) -> Step {
        self.pauses += 1;
        Step::Within(PAUSES.pause(self.pauses, fastrand::f64()))
    }

    fn tell_hold(&mut self, settings: &Settings, plan: &str, estate: &Estate, sum: &str) {
        if self.told.as_deref() == Some(plan) {
            return;
        }
        self.told = Some(plan.to_owned());
        let count = estate.leaving.len();
        warn!(sync = %self.key, plan, count, sum, "the GitSync waits for approval to go with what it applied");
        let note = format!("it is being deleted, and with it {count} objects: {sum}; plan {plan} waits for approval");
        let uid = Some(settings.sync.uid.as_str());
        self.deps.events.emit(EventNote::on("GitSync", &self.key, uid, "DeletionHeld", "Delete", note).warning());
    }

    /// Returns whether the status says it.
    async fn write_status(&self, settings: &Settings, estate: &Estate, stage: Stage, previous: &GitSyncStatus) -> bool {
        let names = |all: &mut dyn Iterator<Item = &Target>| all.map(ToString::to_string).collect();
        let seen = Seen {
            namespace: self.key.namespace.to_string(),
            name: self.key.name.to_string(),
            generation: settings.generation,
            stage,
            leaving: names(&mut estate.leaving.iter().map(|one| &one.doomed.key)),
            going: names(&mut estate.going.iter()),
            unsure: estate.unsure.first().map(|(target, reason)| (target.to_string(), reason.message())),
            problems: self.failed.values().cloned().collect(),
        };
        let wanted = status(&seen, previous, jiff::Timestamp::now());
        if wanted == *previous {
            return true;
        }
        let wanted = serde_json::to_value(&wanted).unwrap_or_default();
        match self.deps.cluster.apply_status(&gitsyncs(), &self.key, &wanted, SYNC_MANAGER).await {
            Ok(answer) => {
                self.deps.live.gitsyncs.answered(answer);
                return true;
            }
            Err(CallError::NotFound(_)) => debug!(sync = %self.key, "it went meanwhile"),
            Err(error) => warn!(sync = %self.key, reason = error.reason(), %error, "status not written"),
        }
        false
    }
}

async fn delete(cluster: &Cluster, one: &Leaving) -> Result<(), CallError> {
    let Leaving { doomed, resource_version } = one;
    cluster.delete(&resource(doomed.key.kind), &doomed.key, &doomed.uid, Some(*resource_version)).await
}
