//! Announcements for a GitSync whose loop does not run here: they are written on the GitSync, and whoever has the loop
//! hears of them by its watch. Many at a time are one write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::api::names::{PUSH_ANNOUNCED, RECONCILE_REQUESTED_AT, SYNC_MANAGER};
use crate::cluster::{Cluster, gitsyncs};
use crate::model::ObjectKey;

/// How long announcements are gathered before the first is written.
const GATHER: Duration = Duration::from_millis(250);
/// Between two writes for the same GitSync.
const PAUSE: Duration = Duration::from_secs(1);
/// After a write that failed and may succeed later.
const RETRY: Duration = Duration::from_secs(5);
/// Writes at a time.
const CONCURRENCY: usize = 4;

/// Requests that wait to be written: at most one of each GitSync.
#[derive(Default)]
pub struct Requests {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

impl Requests {
    /// Somebody says that the source of this GitSync, which exists, may have a new revision.
    pub fn add(&self, key: &ObjectKey) {
        self.waiting().add(key, Instant::now());
        self.wake.notify_one();
    }

    /// Writes what comes in, until told to stop; then what is left.
    pub async fn write(self: Arc<Self>, cluster: Cluster, stop: CancellationToken) {
        loop {
            let next = self.waiting().next();
            tokio::select! {
                () = self.wake.notified() => {}
                () = due(next) => self.write_now(&cluster, Some(Instant::now())).await,
                () = stop.cancelled() => break,
            }
        }
        self.write_now(&cluster, None).await;
    }

    async fn write_now(&self, cluster: &Cluster, now: Option<Instant>) {
        let keys = self.waiting().take(now);
        let one = async |key: ObjectKey| {
            let request = json!({RECONCILE_REQUESTED_AT: format!("{PUSH_ANNOUNCED}{}", jiff::Timestamp::now())});
            let patch = json!({"metadata": {"annotations": request}});
            match cluster.merge(&gitsyncs(), &key, &patch, SYNC_MANAGER).await {
                Ok(_) => info!(sync = %key, "push announced to whoever syncs it"),
                Err(error) => {
                    let again = error.is_transient() && now.is_some();
                    warn!(sync = %key, reason = error.reason(), %error, again, "push not announced to whoever syncs it");
                    if again {
                        self.waiting().again(&key, Instant::now());
                    }
                }
            }
        };
        futures::stream::iter(keys).for_each_concurrent(CONCURRENCY, one).await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[derive(Default)]
struct Waiting {
    /// When each is to be written.
    due: HashMap<ObjectKey, Instant>,
    /// When each was written last, as long as that matters.
    written: HashMap<ObjectKey, Instant>,
}

impl Waiting {
    fn add(&mut self, key: &ObjectKey, now: Instant) {
        let free = self.written.get(key).map_or(now, |written| *written + PAUSE);
        self.due.entry(key.clone()).or_insert(free.max(now + GATHER));
    }

    fn again(&mut self, key: &ObjectKey, now: Instant) {
        self.due.entry(key.clone()).or_insert(now + RETRY);
    }

    fn next(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    /// Those that are due by then, or all.
    fn take(&mut self, now: Option<Instant>) -> Vec<ObjectKey> {
        let is_due = |due: &Instant| now.is_none_or(|now| *due <= now);
        let keys: Vec<_> = self.due.iter().filter(|(_, due)| is_due(due)).map(|(key, _)| key.clone()).collect();
        self.due.retain(|_, due| !is_due(due));
        if let Some(now) = now {
            self.written.retain(|_, written| *written + PAUSE > now);
            self.written.extend(keys.iter().map(|key| (key.clone(), now)));
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The milliseconds at which something is written, for announcements at these.
    fn check(announced: &[u64], expected: &[u64]) {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        let key = ObjectKey::new("shop", "main");
        let mut written = Vec::new();
        for now in 0..10_000 {
            let at = start + Duration::from_millis(now);
            announced.iter().filter(|announced| **announced == now).for_each(|_| waiting.add(&key, at));
            if waiting.next().is_some_and(|next| next <= at) {
                assert_eq!(waiting.take(Some(at)), std::slice::from_ref(&key));
                written.push(now);
            }
        }
        assert_eq!(written, expected, "{announced:?}");
        assert!(waiting.due.is_empty());
    }

    #[test]
    fn many_announcements_in_a_second_are_one_write() {
        check(&[], &[]);
        check(&[0], &[250]);
        check(&[0, 0, 1, 100, 249], &[250]);
        // What comes while one is being written may be newer than what is read for it.
        check(&[0, 300], &[250, 1250]);
        check(&[0, 300, 500, 900, 1249], &[250, 1250]);
        check(&[0, 2000], &[250, 2250]);
    }

    #[test]
    fn at_the_end_all_that_waits_is_written() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        waiting.add(&ObjectKey::new("shop", "main"), start);
        assert_eq!(waiting.take(Some(start)), []);
        assert_eq!(waiting.take(None).len(), 1);
        assert_eq!(waiting.next(), None);
    }

    #[test]
    fn what_failed_is_tried_again_later_and_a_new_announcement_does_not_hasten_it() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        let key = ObjectKey::new("shop", "main");
        waiting.again(&key, start);
        waiting.add(&key, start);
        assert_eq!(waiting.next(), Some(start + RETRY));
    }
}
