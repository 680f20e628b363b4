//! What waits for a GitSync's loop: news that coalesce, however many come.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::Target;

/// News for one loop.
#[derive(Default)]
pub struct Inbox {
    news: Mutex<News>,
    wake: Notify,
}

/// What came since the loop last looked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The spec or a request to reconcile changed.
    pub spec: bool,
    /// Look at the source now; when somebody last said so.
    pub look: Option<Instant>,
    /// Whether a webhook said so.
    pub announced: bool,
    /// What it may depend on changed.
    pub dependencies: bool,
    /// Another GitSync reads, declares or waits for something else than before.
    pub neighbours: bool,
    /// A rule about drift decided for the first time.
    pub rules: bool,
    /// The GitSync changed, and asks for nothing else by that: somebody wrote its status, or a label.
    pub status: bool,
    /// Objects that changed; true where one went.
    pub dirty: HashMap<Target, bool>,
    /// Objects of whose drift the commit was found.
    pub traced: HashSet<Target>,
}

impl Inbox {
    /// The spec or a request to reconcile changed.
    pub fn spec_changed(&self) {
        self.news().spec = true;
        self.wake.notify_one();
    }

    /// Somebody says that there may be a new revision.
    pub fn look(&self) {
        self.news().look = Some(Instant::now());
        self.wake.notify_one();
    }

    /// A genuine webhook says that there is one.
    pub fn announced(&self) {
        self.news().announced = true;
        self.look();
    }

    /// A GitSync that this one may depend on became ready, or is no longer; or who depends on whom changed.
    pub fn dependencies_changed(&self) {
        self.news().dependencies = true;
        self.wake.notify_one();
    }

    /// Another GitSync reads, declares or waits for something else than before.
    pub fn neighbours_changed(&self) {
        self.news().neighbours = true;
        self.wake.notify_one();
    }

    /// A rule about drift decided for the first time.
    pub fn rules_changed(&self) {
        self.news().rules = true;
        self.wake.notify_one();
    }

    /// The GitSync changed, and asks for nothing else by that. It may be that the loop wrote its status itself.
    pub fn status_changed(&self) {
        self.news().status = true;
        self.wake.notify_one();
    }

    /// An object changed, or went.
    pub fn changed(&self, key: &Target, gone: bool) {
        self.news().dirty.insert(key.clone(), gone);
        self.wake.notify_one();
    }

    /// The commit was found that declared what differs.
    pub fn traced(&self, key: &Target) {
        self.news().traced.insert(key.clone());
        self.wake.notify_one();
    }

    /// Waits for news and takes all of them.
    pub async fn take(&self) -> News {
        loop {
            let woken = self.wake.notified();
            let news = std::mem::take(&mut *self.news());
            if news != News::default() {
                return news;
            }
            woken.await;
        }
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectKey;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_hundred_pushes_are_one_piece_of_news() {
        let inbox = Inbox::default();
        (0..100).for_each(|_| inbox.look());
        inbox.changed(&Target::service(ObjectKey::new("a", "b")), false);
        let news = inbox.take().await;
        assert!(news.look.is_some() && news.dirty.len() == 1 && !news.spec);
        assert!(inbox.take().now_or_never().is_none());
    }
}
