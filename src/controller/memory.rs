//! What the controller remembers between reconciles. All of it only saves work or repetition: a restart loses nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::api::drift::{DriftEpisode, EPISODES};
use crate::api::status::DriftedField;
use crate::drift::Pace;
use crate::model::{LiveObject, ObjectKey};
use crate::workload::Child;

/// What the controller remembers.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

/// Children by kind and name, with their resourceVersion and the hash of what was rendered.
type SettledChildren = HashMap<(&'static str, ObjectKey), (u64, String)>;

#[derive(Default)]
struct Inner {
    /// Per service and child: the version at which it was as rendered, and what was rendered.
    settled: HashMap<ObjectKey, SettledChildren>,
    /// Per service: drift that was announced and still stands.
    drift: HashMap<ObjectKey, Vec<DriftedField>>,
    /// Per service: drifts that ended and that its status does not tell yet.
    ended: HashMap<ObjectKey, Vec<DriftEpisode>>,
    /// Per service: when its status was last written.
    written: HashMap<ObjectKey, Instant>,
    /// Per service: recent corrections of its children.
    paces: HashMap<ObjectKey, Pace>,
}

impl Memory {
    /// Whether this very version of the child was found to be as rendered.
    pub fn is_settled(&self, service: &ObjectKey, child: &Child, live: &LiveObject) -> bool {
        let key = (child.kind.kind, live.key.clone());
        let inner = self.lock();
        let settled = inner.settled.get(service).and_then(|children| children.get(&key));
        settled.is_some_and(|(version, hash)| *version == live.resource_version && *hash == child.hash)
    }

    /// Remembers that this version of the child is as rendered.
    pub fn settled(&self, service: &ObjectKey, child: &Child, live: &LiveObject) {
        let what = ((child.kind.kind, live.key.clone()), (live.resource_version, child.hash.clone()));
        self.lock().settled.entry(service.clone()).or_default().extend([what]);
    }

    /// Drift of a service that was told already; none where this process has not looked yet.
    pub fn known_drift(&self, key: &ObjectKey) -> Option<Vec<DriftedField>> {
        self.lock().drift.get(key).cloned()
    }

    /// Remembers drifts that ended until status tells them; returns all that it does not tell yet.
    pub fn ended(&self, key: &ObjectKey, ended: Vec<DriftEpisode>) -> Vec<DriftEpisode> {
        let mut inner = self.lock();
        if ended.is_empty() {
            return inner.ended.get(key).cloned().unwrap_or_default();
        }
        let all = inner.ended.entry(key.clone()).or_default();
        all.extend(ended);
        let more = all.len().saturating_sub(EPISODES);
        all.drain(..more);
        all.clone()
    }

    /// Remembers what was announced and still stands.
    pub fn remember_drift(&self, key: &ObjectKey, fields: Vec<DriftedField>) {
        self.lock().drift.insert(key.clone(), fields);
    }

    /// Remembers that status tells all that ended.
    pub fn ended_told(&self, key: &ObjectKey) {
        self.lock().ended.remove(key);
    }

    /// How long a change of counts alone has yet to wait.
    pub fn counts_wait(&self, key: &ObjectKey, every: Duration) -> Option<Duration> {
        let since = self.lock().written.get(key)?.elapsed();
        every.checked_sub(since).filter(|left| !left.is_zero())
    }

    /// Remembers that the status was written now.
    pub fn status_written(&self, key: &ObjectKey) {
        let mut inner = self.lock();
        inner.written.insert(key.clone(), Instant::now());
        inner.ended.remove(key);
    }

    /// How long the next correction of its children has to wait.
    pub fn pace(&self, key: &ObjectKey, now: jiff::Timestamp) -> Option<Duration> {
        let mut inner = self.lock();
        let pace = inner.paces.get(key)?;
        if pace.is_idle(now) {
            inner.paces.remove(key);
            return None;
        }
        pace.wait(now).map(jiff::SignedDuration::unsigned_abs)
    }

    /// Remembers that children were corrected.
    pub fn corrected(&self, key: &ObjectKey, now: jiff::Timestamp) {
        self.lock().paces.entry(key.clone()).or_default().corrected(now);
    }

    /// Forgets a service that is gone. Returns the drift of its children that stood.
    pub fn forget(&self, key: &ObjectKey) -> Vec<DriftedField> {
        let mut inner = self.lock();
        inner.ended.remove(key);
        inner.written.remove(key);
        inner.paces.remove(key);
        inner.settled.remove(key);
        inner.drift.remove(key).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
