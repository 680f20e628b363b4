//! What changed since somebody looked. Filling it never waits, and it holds each name once.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::model::ObjectKey;

/// Names of what changed.
#[derive(Debug, Default)]
pub struct News {
    /// GitSyncs.
    pub gitsyncs: HashSet<ObjectKey>,
    /// MicroServices.
    pub services: HashSet<ObjectKey>,
}

/// What changed since somebody looked.
#[derive(Debug, Default)]
pub struct Inbox {
    news: Mutex<News>,
    bell: Notify,
    services: AtomicBool,
}

impl Inbox {
    /// A GitSync came, changed or went.
    pub fn gitsync_changed(&self, key: &ObjectKey) {
        self.lock().gitsyncs.insert(key.clone());
        self.bell.notify_one();
    }

    /// A MicroService came, changed or went.
    pub fn service_changed(&self, key: &ObjectKey) {
        if self.services.load(Ordering::Relaxed) {
            self.lock().services.insert(key.clone());
            self.bell.notify_one();
        }
    }

    /// Whether anybody is told of MicroServices. Whoever begins to be looks at all of them after that.
    pub(super) fn hear_of_services(&self, heard: bool) {
        self.services.store(heard, Ordering::Relaxed);
    }

    /// Waits for news.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes them.
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
