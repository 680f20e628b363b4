//! What the controller remembers between reconciles. All of it only saves work or repetition: a restart loses nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::drift::{DriftEpisode, EPISODES};
use crate::api::status::DriftedField;
use crate::drift::Learned;
use crate::model::{LiveObject, ObjectKey};
use crate::report::written::Written;
use crate::workload::Child;

/// What the controller remembers.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

/// A child by kind and name.
type ChildName = (&'static str, ObjectKey);
/// Children with their resourceVersion and the hash of what was rendered.
type SettledChildren = HashMap<ChildName, (u64, String)>;

#[derive(Default)]
struct Inner {
    /// Per service and child: the version at which it was as rendered, and what was rendered.
    settled: HashMap<ObjectKey, SettledChildren>,
    /// Per service: drift that was announced and still stands.
    drift: HashMap<ObjectKey, Vec<DriftedField>>,
    /// Per service: drifts that ended and that its status does not tell yet.
    ended: HashMap<ObjectKey, Vec<DriftEpisode>>,
    /// Per service: when its status was last written, and what became of it.
    written: HashMap<ObjectKey, (Instant, Written)>,
    /// Per service and child: what was learned about differences.
    learned: HashMap<ObjectKey, HashMap<ChildName, Learned>>,
    /// Per service: children that somebody deleted and policy leaves so, by the server's word.
    left: HashMap<ObjectKey, HashSet<ChildName>>,
}

impl Memory {
    /// Whether this very version of the child was found to be as rendered.
    pub fn is_settled(&self, service: &ObjectKey, child: &Child, live: &LiveObject) -> bool {
        let key = (child.kind.kind, live.key.clone());
        let inner = self.lock();
        let settled = inner.settled.get(service).and_then(|children| children.get(&key));
        settled.is_some_and(|(version, hash)| *version == live.resource_version && *hash == child.hash)
    }

    /// Whether this very version of a child was found to be as rendered then.
    pub fn was_settled(&self, service: &ObjectKey, kind: &'static str, live: &LiveObject) -> bool {
        let inner = self.lock();
        let settled = inner.settled.get(service).and_then(|children| children.get(&(kind, live.key.clone())));
        settled.is_some_and(|(version, _)| *version == live.resource_version)
    }

    /// Remembers that this version of the child is as rendered.
    pub fn settled(&self, service: &ObjectKey, child: &Child, live: &LiveObject) {
        let what = ((child.kind.kind, live.key.clone()), (live.resource_version, child.hash.clone()));
        self.lock().settled.entry(service.clone()).or_default().extend([what]);
    }

    /// What was learned about differences of a child.
    pub fn learned(&self, service: &ObjectKey, kind: &'static str, child: &ObjectKey) -> Learned {
        let inner = self.lock();
        let of_service = inner.learned.get(service);
        of_service.and_then(|children| children.get(&(kind, child.clone()))).cloned().unwrap_or_default()
    }

    /// Learns of a child. Most children teach nothing.
    pub fn learn(&self, service: &ObjectKey, kind: &'static str, child: &ObjectKey, lesson: impl FnOnce(&mut Learned)) {
        let mut inner = self.lock();
        let name = (kind, child.clone());
        let mut learned = inner.learned.get_mut(service).and_then(|all| all.remove(&name)).unwrap_or_default();
        lesson(&mut learned);
        if !learned.is_empty() {
            inner.learned.entry(service.clone()).or_default().insert(name, learned);
        }
    }

    /// Whether the server said that a child was deleted that policy leaves so.
    pub fn is_left(&self, service: &ObjectKey, kind: &'static str, child: &ObjectKey) -> bool {
        self.lock().left.get(service).is_some_and(|all| all.contains(&(kind, child.clone())))
    }

    /// Remembers whether a child is left deleted.
    pub fn leave(&self, service: &ObjectKey, kind: &'static str, child: &ObjectKey, left: bool) {
        let mut inner = self.lock();
        let name = (kind, child.clone());
        if left {
            inner.left.entry(service.clone()).or_default().insert(name);
        } else if let Some(all) = inner.left.get_mut(service) {
            all.remove(&name);
        }
    }

    /// Forgets children that the service no longer has: some have a new name with each commit, for it follows from what is in
    /// them.
    pub fn keep_only(&self, service: &ObjectKey, rendered: &[Child]) {
        let is_rendered = |kind: &str, name: &ObjectKey| {
            rendered.iter().any(|child| child.kind.kind == kind && *child.name == *name.name)
        };
        let mut inner = self.lock();
        if let Some(children) = inner.settled.get_mut(service) {
            children.retain(|(kind, name), _| is_rendered(kind, name));
        }
        if let Some(children) = inner.learned.get_mut(service) {
            children.retain(|(kind, name), _| is_rendered(kind, name));
        }
        if let Some(children) = inner.left.get_mut(service) {
            children.retain(|(kind, name)| is_rendered(kind, name));
        }
    }

    /// Drift of a service that was told already; none where this process has not looked yet.
    pub fn known_drift(&self, key: &ObjectKey) -> Option<Vec<DriftedField>> {
        self.lock().drift.get(key).cloned()
    }

    /// Whether this process has looked for drift of a service.
    pub fn has_looked(&self, key: &ObjectKey) -> bool {
        self.lock().drift.contains_key(key)
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
        let since = self.lock().written.get(key)?.0.elapsed();
        every.checked_sub(since).filter(|left| !left.is_zero())
    }

    /// Whether a status was written already, and what there is now is what became of it.
    pub fn is_written(&self, key: &ObjectKey, wanted: &Value, there: &Value) -> bool {
        self.lock().written.get(key).is_some_and(|(_, written)| written.is_enough(wanted, there))
    }

    /// Remembers that the status was written now.
    pub fn status_written(&self, key: &ObjectKey, written: Written) {
        let mut inner = self.lock();
        inner.written.insert(key.clone(), (Instant::now(), written));
        inner.ended.remove(key);
    }

    /// Looks at all children of a service again.
    pub fn unsettle(&self, key: &ObjectKey) {
        self.lock().settled.remove(key);
    }

    /// Forgets a service that is gone. Returns the drift of its children that stood.
    pub fn forget(&self, key: &ObjectKey) -> Vec<DriftedField> {
        let mut inner = self.lock();
        inner.ended.remove(key);
        inner.written.remove(key);
        inner.settled.remove(key);
        inner.learned.remove(key);
        inner.left.remove(key);
        inner.drift.remove(key).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workload::{ChildKind, KINDS};

    fn kind(name: &str) -> &'static ChildKind {
        KINDS.iter().find(|kind| kind.kind == name).unwrap()
    }

    fn child(kind_name: &str, name: &str) -> Child {
        Child { kind: kind(kind_name), name: name.into(), hash: "h".into(), body: Value::Null, hand_over: None }
    }

    fn live(child: &Child) -> LiveObject {
        let metadata = json!({"namespace": "shop", "name": child.name, "uid": "u", "resourceVersion": "5"});
        LiveObject::from_json(json!({"metadata": metadata})).unwrap()
    }

    /// Everything that is remembered of children.
    fn size(memory: &Memory) -> usize {
        let inner = memory.lock();
        let settled: usize = inner.settled.values().map(HashMap::len).sum();
        let left: usize = inner.left.values().map(HashSet::len).sum();
        settled + left + inner.learned.values().map(HashMap::len).sum::<usize>()
    }

    #[test]
    fn of_children_that_get_another_name_with_each_commit_only_the_last_is_remembered() {
        let (memory, service) = (Memory::default(), ObjectKey::new("shop", "orders"));
        let deployment = child("Deployment", "orders");
        for commit in 0..100 {
            let config = child("ConfigMap", &format!("orders-config-{commit}"));
            for child in [&deployment, &config] {
                memory.settled(&service, child, &live(child));
                memory.leave(&service, child.kind.kind, &live(child).key, true);
            }
            memory.keep_only(&service, &[deployment.clone(), config.clone()]);
            assert!(memory.is_settled(&service, &config, &live(&config)), "what is rendered now is not forgotten");
            assert!(memory.was_settled(&service, "ConfigMap", &live(&config)));
        }
        assert!(memory.is_settled(&service, &deployment, &live(&deployment)));
        assert!(memory.is_left(&service, "Deployment", &live(&deployment).key));
        assert_eq!(size(&memory), 4);
        memory.keep_only(&ObjectKey::new("shop", "unknown"), &[]);
        assert_eq!(size(&memory), 4);
        memory.forget(&service);
        assert_eq!(size(&memory), 0);
    }

    #[test]
    fn an_object_of_another_kind_is_another_child() {
        let (memory, service) = (Memory::default(), ObjectKey::new("shop", "orders"));
        let (deployment, account) = (child("Deployment", "orders"), child("ServiceAccount", "orders"));
        memory.settled(&service, &deployment, &live(&deployment));
        memory.settled(&service, &account, &live(&account));
        memory.keep_only(&service, std::slice::from_ref(&account));
        assert!(!memory.is_settled(&service, &deployment, &live(&deployment)));
        assert!(memory.is_settled(&service, &account, &live(&account)));
    }
}
