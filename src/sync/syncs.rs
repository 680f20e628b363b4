//! All GitSyncs: starts and ends a loop for each, and brings news to the right ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

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

    /// Those that depend on a GitSync hear when it becomes ready, or is no longer; and when somebody depends on others
    /// than before, all that depend on any: it may open or close a ring.
    pub fn dependency_changed(&self, update: &Update<Spec>) {
        let (before, after) = (update.before.as_deref(), update.after.as_deref());
        let ready = |entry: Option<&Entry<Spec>>| entry.map(|entry| entry.extra.ready && !entry.object.deleting);
        let edges = |entry: Option<&Entry<Spec>>| entry.map_or(&[][..], |entry| &entry.extra.depends_on).to_vec();
        let rewired = edges(before) != edges(after);
        if !rewired && ready(before) == ready(after) {
            return;
        }
        for (key, one) in &self.loops().by_key {
            let entry = self.deps.live.gitsyncs.get(key);
            let on = entry.as_ref().map_or(&[][..], |entry| &entry.extra.depends_on);
            if on.contains(&update.key) || (rewired && !on.is_empty()) {
                one.inbox.dependencies_changed();
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
        let Some(after) = update.after.as_ref().filter(|after| !after.object.deleting) else {
            self.end(&update.key);
            return;
        };
        let same = update
            .before
            .as_ref()
            .is_some_and(|before| before.object.uid == after.object.uid && after.extra.asks_as(&before.extra));
        if !same {
            self.inbox(&update.key, &after.object.uid).spec_changed();
        }
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

    /// Somebody says that a GitSync's source may have a new revision.
    pub fn look(&self, key: &ObjectKey) -> bool {
        let loops = self.loops();
        let Some(one) = loops.by_key.get(key) else { return false };
        one.inbox.look();
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

    fn inbox(&self, key: &ObjectKey, uid: &Arc<str>) -> Arc<Inbox> {
        let mut loops = self.loops();
        if let Some(one) = loops.by_key.get(key) {
            if one.uid == *uid {
                return Arc::clone(&one.inbox);
            }
            // Deleted and made anew: what the old loop knows is not true of the new one.
            one.stop.cancel();
        }
        let inbox = Arc::new(Inbox::default());
        let stop = self.stop.child_token();
        self.deps.neighbours.begins(key, uid, &inbox);
        let task = SyncLoop::new(self.deps.clone(), key.clone(), Arc::clone(&inbox));
        info!(sync = %key, "GitSync found");
        loops.tasks.spawn(Box::pin(task.run(stop.clone())));
        while loops.tasks.try_join_next().is_some() {}
        loops.by_key.insert(key.clone(), Loop { uid: Arc::clone(uid), inbox: Arc::clone(&inbox), stop });
        inbox
    }

    fn end(&self, key: &ObjectKey) {
        let ended = self.loops().by_key.remove(key);
        if let Some(one) = ended {
            info!(sync = %key, "GitSync is gone; its MicroServices stay");
            one.stop.cancel();
            self.deps.neighbours.ends(key);
            self.deps.metrics.forget_sync(key);
        }
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
