//! All GitSyncs: starts and ends a loop for each, and brings news to the right ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::farewell::Farewell;
use super::fell::Kept;
use super::inbox::Inbox;
use super::run::{SyncDeps, SyncLoop};
use crate::api::SourceMark;
use crate::cluster::{Entry, Service, Spec, Update};
use crate::model::{ObjectKey, Target};
use crate::plan::Standing;

/// What of a live object matters to the GitSync that declares it; equal aspects are no news.
#[derive(Clone, Copy, PartialEq)]
struct Aspect<'a> {
    standing: &'a Standing,
    /// What changes whenever something does that may concern Git.
    version: (&'a str, u64),
}

impl<'a> Aspect<'a> {
    fn of_service(entry: &'a Entry<Service>) -> Self {
        let Entry { object, extra } = entry;
        Self { standing: &extra.standing, version: (&object.uid, object.resource_version) }
    }

    fn of_gitsync(entry: &'a Entry<Spec>) -> Self {
        let Entry { object, extra } = entry;
        // The status of a GitSync changes with each of its syncs.
        Self { standing: &extra.standing, version: (&object.uid, extra.version) }
    }
}

/// All loops.
pub struct Syncs {
    deps: SyncDeps,
    stop: CancellationToken,
    loops: Mutex<Loops>,
}

#[derive(Default)]
struct Loops {
    by_key: HashMap<ObjectKey, Loop>,
    tasks: JoinSet<()>,
}

struct Loop {
    uid: Arc<str>,
    inbox: Arc<Inbox>,
    stop: CancellationToken,
    /// Cancelled once it has ended.
    ended: CancellationToken,
    phase: Phase,
}

/// What is done for a GitSync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is kept.
    Life,
    /// What it applied is deleted, and then it goes: see [`Farewell`].
    Farewell,
}

impl Syncs {
    /// No loops yet; [`Syncs::gitsync_changed`] starts them.
    pub fn new(deps: SyncDeps, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { deps, stop, loops: Mutex::default() })
    }

    /// A GitSync came, changed or went. Its own loop hears of what it asks for, and whoever declares it of all but its
    /// status.
    pub fn gitsync_changed(&self, update: &Update<Spec>) {
        self.own_changed(update);
        let (before, after) = (update.before.as_deref(), update.after.as_deref());
        let target = Target::gitsync(update.key.clone());
        self.object_changed(&target, before.map(Aspect::of_gitsync), after.map(Aspect::of_gitsync));
        self.dependency_changed(update);
    }

    /// Those that depend on a GitSync hear when it becomes ready, is no longer, or has applied another revision; and when somebody depends on others
    /// than before, all that depend on any: it may open or close a ring.
    pub fn dependency_changed(&self, update: &Update<Spec>) {
        let (before, after) = (update.before.as_deref(), update.after.as_deref());
        let ready = |entry: Option<&Entry<Spec>>| entry.map(|entry| entry.extra.ready && !entry.object.deleting);
        let applied = |entry: Option<&Entry<Spec>>| entry.and_then(|entry| entry.extra.applied.clone());
        let edges = |entry: Option<&Entry<Spec>>| entry.map_or(&[][..], |entry| &entry.extra.depends_on).to_vec();
        let rewired = edges(before) != edges(after);
        if !rewired && ready(before) == ready(after) && applied(before) == applied(after) {
            return;
        }
        for (key, one) in &self.loops().by_key {
            let entry = self.deps.live.gitsyncs.get(key);
            let on = entry.as_ref().map_or(&[][..], |entry| &entry.extra.depends_on);
            if on.contains(&update.key) || (rewired && !on.is_empty()) {
                one.inbox.dependencies_changed();
                // It waits for the same revision of the same repository: it may not have heard of it.
                let reads = |entry: &Entry<Spec>| (entry.extra.url.clone(), entry.extra.follow.clone());
                if applied(before) != applied(after) && entry.as_deref().map(reads) == after.map(reads) {
                    one.inbox.look();
                }
            }
        }
    }

    /// A MicroService came, changed or went.
    pub fn service_changed(&self, update: &Update<Service>) {
        let (before, after) = (update.before.as_deref(), update.after.as_deref());
        let target = Target::service(update.key.clone());
        self.object_changed(&target, before.map(Aspect::of_service), after.map(Aspect::of_service));
    }

    fn own_changed(&self, update: &Update<Spec>) {
        let Some((after, phase)) = update.after.as_ref().and_then(|after| Some((after, self.phase(after)?))) else {
            self.end(&update.key);
            return;
        };
        let same = update.before.as_ref().is_some_and(|before| {
            before.object.uid == after.object.uid
                && before.object.deleting == after.object.deleting
                && after.extra.asks_as(&before.extra)
        });
        if !same {
            self.inbox(&update.key, &after.object.uid, phase).spec_changed();
        } else if let Some(one) = self.loops().by_key.get(&update.key).filter(|one| one.phase == Phase::Life) {
            one.inbox.status_changed();
        }
    }

    /// What is to be done for a GitSync; nothing where it goes by itself.
    fn phase(&self, entry: &Entry<Spec>) -> Option<Phase> {
        if !entry.object.deleting {
            return Some(Phase::Life);
        }
        // Who syncs once puts no finalizer on, and takes none off.
        (entry.extra.finalizer && self.deps.teller.is_none()).then_some(Phase::Farewell)
    }

    /// The GitSync that applied an object hears of it. What went, or has no mark, may concern any GitSync.
    fn object_changed(&self, target: &Target, before: Option<Aspect<'_>>, after: Option<Aspect<'_>>) {
        if before.is_some() && before == after {
            return;
        }
        let gone = after.is_none();
        let was = before.and_then(|aspect| aspect.standing.mark.as_ref());
        let is = after.and_then(|aspect| aspect.standing.mark.as_ref());
        let name = target.key.to_string();
        for (key, one) in &self.loops().by_key {
            let names = |mark: Option<&SourceMark>| mark.is_some_and(|mark| key.is(&mark.sync));
            if is.is_none() || names(was) || names(is) {
                // What went is a loss only to the GitSync that had applied just this object.
                let lost =
                    gone && names(was) && was.is_some_and(|mark| mark.sync_uid == *one.uid && mark.object == name);
                one.inbox.changed(target, lost);
            }
        }
    }

    /// The commit was found that declared what differs of an object.
    pub fn traced(&self, sync: &ObjectKey, target: &Target) {
        if let Some(one) = self.loops().by_key.get(sync) {
            one.inbox.traced(target);
        }
    }

    /// A genuine webhook says that a GitSync's source has a new revision; false where its loop does not run here.
    pub fn announced(&self, key: &ObjectKey) -> bool {
        let loops = self.loops();
        let Some(one) = loops.by_key.get(key) else { return false };
        one.inbox.announced();
        true
    }

    /// Everybody look: a local folder changed.
    pub fn look_all(&self) {
        self.loops().by_key.values().for_each(|one| one.inbox.look());
    }

    /// Waits until every loop has ended; they end when the token that was given is cancelled.
    pub async fn ended(&self) {
        let mut tasks = std::mem::take(&mut self.loops().tasks);
        while tasks.join_next().await.is_some() {}
    }

    fn inbox(&self, key: &ObjectKey, uid: &Arc<str>, phase: Phase) -> Arc<Inbox> {
        let mut loops = self.loops();
        let before = match loops.by_key.get(key) {
            Some(one) if one.uid == *uid && one.phase == phase => return Arc::clone(&one.inbox),
            Some(one) => {
                // Deleted, and perhaps made anew: what the old loop knows is not true of the new one.
                one.stop.cancel();
                Some(one.ended.clone())
            }
            None => None,
        };
        let (inbox, stop, ended) = (Arc::new(Inbox::default()), self.stop.child_token(), CancellationToken::new());
        let word = match phase {
            Phase::Life => {
                info!(sync = %key, "GitSync found");
                self.deps.neighbours.begins(key, uid, &inbox);
                "sync"
            }
            Phase::Farewell => {
                self.deps.neighbours.ends(key);
                self.deps.rule_use.forget(key);
                info!(sync = %key, "GitSync is being deleted, and what it applied with it");
                "farewell"
            }
        };
        let (deps, its_inbox) = (self.deps.clone(), Arc::clone(&inbox));
        let kept = Kept { deps, key: key.clone(), inbox: its_inbox, stop: stop.clone(), name: format!("{word} {key}") };
        let (deps, its_inbox, its_key, told) = (self.deps.clone(), Arc::clone(&inbox), key.clone(), stop.clone());
        let begin = move |beat| -> BoxFuture<'static, ()> {
            let (deps, key, inbox, stop) = (deps.clone(), its_key.clone(), Arc::clone(&its_inbox), told.clone());
            match phase {
                Phase::Life => Box::pin(SyncLoop::new(deps, key, inbox).run(beat, stop)),
                Phase::Farewell => Box::pin(Farewell::new(deps, key, inbox, before.clone()).run(beat, stop)),
            }
        };
        let at_end = ended.clone().drop_guard();
        loops.tasks.spawn(async move {
            kept.run(begin).await;
            drop(at_end);
        });
        while loops.tasks.try_join_next().is_some() {}
        loops.by_key.insert(key.clone(), Loop { uid: Arc::clone(uid), inbox: Arc::clone(&inbox), stop, ended, phase });
        inbox
    }

    fn end(&self, key: &ObjectKey) {
        let ended = self.loops().by_key.remove(key);
        if let Some(one) = ended {
            if one.phase == Phase::Life {
                info!(sync = %key, "GitSync is gone; its MicroServices stay");
            }
            one.stop.cancel();
            self.deps.neighbours.ends(key);
            self.deps.metrics.forget_sync(key);
        }
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
