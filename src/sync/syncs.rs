//! All GitSyncs: starts and ends a loop for each, and brings news to the right ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::inbox::Inbox;
use super::run::{SyncDeps, SyncLoop};
use crate::cluster::{Entry, Service, Spec, Update};
use crate::model::ObjectKey;

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

    /// A GitSync came, changed or went. Status alone is no news.
    pub fn gitsync_changed(&self, update: &Update<Spec>) {
        let Some(after) = &update.after else {
            self.end(&update.key);
            return;
        };
        if after.object.deleting {
            self.end(&update.key);
            return;
        }
        let same = update
            .before
            .as_ref()
            .is_some_and(|before| before.object.uid == after.object.uid && before.extra == after.extra);
        if !same {
            self.inbox(&update.key, &after.object.uid).spec_changed();
        }
    }

    /// A MicroService came, changed or went: the GitSync that applied it hears of it. What went, or has no mark, may
    /// concern any GitSync.
    pub fn service_changed(&self, update: &Update<Service>) {
        let gone = update.after.is_none();
        let sync_of = |entry: &Option<Arc<Entry<Service>>>| entry.as_ref().and_then(|entry| entry.extra.sync.clone());
        let (before, after) = (sync_of(&update.before), sync_of(&update.after));
        let anyone = gone || after.is_none();
        let mark = update.before.as_ref().and_then(|entry| entry.extra.standing.mark.clone());
        for (key, one) in &self.loops().by_key {
            let name = Some(key.to_string());
            if anyone || name == before || name == after {
                // What went is a loss only to the GitSync that had applied just this object.
                let lost = gone
                    && mark.as_ref().is_some_and(|mark| {
                        name.as_ref() == Some(&mark.sync)
                            && mark.sync_uid == *one.uid
                            && mark.object == update.key.to_string()
                    });
                one.inbox.changed(&update.key, lost);
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
            self.deps.metrics.forget_sync(key);
        }
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.loops.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
