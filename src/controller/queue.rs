//! A queue of names: each at most once, never handled twice at a time, later ones after a delay, and failures
//! ever later. A name that was given out may wait before it is handled.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::Notify;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key as DelayKey;

use crate::model::{Backoff, ObjectKey};

/// Pauses after failures.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(300) };

/// Names to handle. Clones share it.
#[derive(Clone, Default)]
pub struct Queue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
    wake_timer: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<ObjectKey>,
    /// In `ready`.
    waiting: HashSet<ObjectKey>,
    /// Given out.
    busy: HashSet<ObjectKey>,
    /// Of these, those that are not handled yet, with what tells that they were added again.
    held: HashMap<ObjectKey, Arc<Notify>>,
    /// Added again while being handled.
    again: HashSet<ObjectKey>,
    failures: HashMap<ObjectKey, u32>,
    /// Asked to be added after a delay; the timer takes them.
    delayed: Vec<(ObjectKey, Duration)>,
}

impl Queue {
    /// A queue and its timer, which must be spawned.
    pub fn new() -> (Self, impl Future<Output = ()> + Send) {
        let queue = Self::default();
        let timer = queue.clone().timer();
        (queue, timer)
    }

    /// Adds a name to be handled as soon as may be.
    pub fn add(&self, key: ObjectKey) {
        let mut state = self.state();
        if state.busy.contains(&key) {
            if let Some(news) = state.held.get(&key) {
                news.notify_one();
            }
            state.again.insert(key);
        } else if state.waiting.insert(key.clone()) {
            state.ready.push_back(key);
            self.shared.wake.notify_one();
        }
    }

    /// Adds a name after a delay; an earlier time that was asked for before stands.
    pub fn add_after(&self, key: ObjectKey, delay: Duration) {
        self.state().delayed.push((key, delay));
        self.shared.wake_timer.notify_one();
    }

    /// Adds a name after a pause that grows with each failure in a row. Returns the pause.
    pub fn retry(&self, key: &ObjectKey) -> Duration {
        let failures = {
            let mut state = self.state();
            let failures = state.failures.entry(key.clone()).or_insert(0);
            *failures += 1;
            *failures
        };
        let pause = PAUSES.pause(failures, fastrand::f64());
        self.add_after(key.clone(), pause);
        pause
    }

    /// Forgets the failures of a name.
    pub fn succeeded(&self, key: &ObjectKey) {
        self.state().failures.remove(key);
    }

    /// The next name. It is not given out again until [`Queue::done`].
    pub async fn next(&self) -> ObjectKey {
        loop {
            let woken = self.shared.wake.notified();
            {
                let mut state = self.state();
                if let Some(key) = state.ready.pop_front() {
                    state.waiting.remove(&key);
                    state.busy.insert(key.clone());
                    state.held.insert(key.clone(), Arc::default());
                    if !state.ready.is_empty() {
                        self.shared.wake.notify_one();
                    }
                    return key;
                }
            }
            woken.await;
        }
    }

    /// Waits until a name that is not handled yet is added again; for ever for others.
    pub async fn added_again(&self, key: &ObjectKey) {
        let news = self.state().held.get(key).map(Arc::clone).unwrap_or_default();
        news.notified().await;
    }

    /// Says that a name is handled from now on: that takes in whatever it was added for so far.
    pub fn begin(&self, key: &ObjectKey) {
        let mut state = self.state();
        state.held.remove(key);
        state.again.remove(key);
    }

    /// Says that a name was handled.
    pub fn done(&self, key: &ObjectKey) {
        let mut state = self.state();
        state.busy.remove(key);
        state.held.remove(key);
        if state.again.remove(key) {
            drop(state);
            self.add(key.clone());
        }
    }

    /// Names that wait to be handled now.
    pub fn depth(&self) -> usize {
        let state = self.state();
        state.ready.len() + state.held.len()
    }

    async fn timer(self) {
        let mut later: DelayQueue<ObjectKey> = DelayQueue::new();
        let mut known: HashMap<ObjectKey, (DelayKey, tokio::time::Instant)> = HashMap::new();
        loop {
            for (key, delay) in std::mem::take(&mut self.state().delayed) {
                let at = tokio::time::Instant::now() + delay;
                match known.get(&key) {
                    Some((_, earlier)) if *earlier <= at => {}
                    Some((entry, _)) => {
                        later.reset_at(entry, at);
                        let entry = *entry;
                        known.insert(key, (entry, at));
                    }
                    None => {
                        let entry = later.insert_at(key.clone(), at);
                        known.insert(key, (entry, at));
                    }
                }
            }
            tokio::select! {
                () = self.shared.wake_timer.notified() => {}
                Some(expired) = later.next(), if !later.is_empty() => {
                    let key = expired.into_inner();
                    known.remove(&key);
                    self.add(key);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("a", name)
    }

    #[tokio::test]
    async fn a_name_is_given_out_once_until_done() {
        let (queue, _timer) = Queue::new();
        queue.add(key("x"));
        queue.add(key("x"));
        assert_eq!(queue.next().await, key("x"));
        assert!(queue.next().now_or_never().is_none());
        queue.add(key("x"));
        assert!(queue.next().now_or_never().is_none(), "it is being handled");
        queue.done(&key("x"));
        assert_eq!(queue.next().now_or_never(), Some(key("x")));
    }

    #[tokio::test]
    async fn what_a_name_is_added_for_before_it_is_handled_is_handled_with_it() {
        let (queue, _timer) = Queue::new();
        queue.add(key("x"));
        queue.add(key("y"));
        assert_eq!((queue.next().await, queue.depth()), (key("x"), 2), "it waits still");
        assert!(queue.added_again(&key("x")).now_or_never().is_none());
        queue.add(key("x"));
        assert!(queue.added_again(&key("x")).now_or_never().is_some(), "whoever waits for its turn hears of it");
        queue.begin(&key("x"));
        assert_eq!(queue.depth(), 1);
        queue.done(&key("x"));
        assert_eq!((queue.next().await, queue.depth()), (key("y"), 1));
        assert!(queue.next().now_or_never().is_none());
        queue.begin(&key("y"));
        queue.add(key("y"));
        queue.done(&key("y"));
        assert_eq!(queue.next().now_or_never(), Some(key("y")), "that came after it began");
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_of_several_delays_counts() {
        let (queue, timer) = Queue::new();
        tokio::spawn(timer);
        let start = tokio::time::Instant::now();
        queue.add_after(key("x"), Duration::from_secs(60));
        queue.add_after(key("x"), Duration::from_secs(5));
        queue.add_after(key("x"), Duration::from_secs(30));
        assert_eq!(queue.next().await, key("x"));
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
