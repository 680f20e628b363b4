//! Live objects of one kind, as last seen. One watch fills it; answers to our own writes go in early,
//! so that nothing is planned against a state that we know to be old.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;
use tokio::sync::watch;

use crate::model::live::NotAnObject;
use crate::model::{LiveObject, ObjectKey};

/// What is worth keeping beside the object, computed once when it arrives.
pub trait Extra: Sized + Send + Sync + 'static {
    /// Reads it from the object.
    fn of(value: &Value) -> Self;

    /// Drops what nobody will look at, before the object is kept.
    fn trim(_value: &mut Value) {}

    /// The group that the object is looked up by; by default the UID of its controller.
    fn group(&self, object: &LiveObject) -> Option<Arc<str>> {
        object.controller_uid.clone()
    }
}

impl Extra for () {
    fn of(_: &Value) -> Self {}
}

/// A live object and what was computed from it.
#[derive(Debug)]
pub struct Entry<X> {
    /// The object.
    pub object: LiveObject,
    /// What was computed.
    pub extra: X,
}

impl<X: Extra> Entry<X> {
    /// Takes what the API server sent.
    pub fn from_json(mut value: Value) -> Result<Self, NotAnObject> {
        let extra = X::of(&value);
        X::trim(&mut value);
        Ok(Self { object: LiveObject::from_json(value)?, extra })
    }

    /// Takes an answer to a call.
    pub fn from_answer(object: LiveObject) -> Self {
        let mut value = object.value();
        let extra = X::of(&value);
        X::trim(&mut value);
        // It was an object before it was trimmed.
        Self { object: LiveObject::from_json(value).unwrap_or(object), extra }
    }
}

/// What changed in the store.
#[derive(Debug)]
pub struct Update<X> {
    /// The object's name.
    pub key: ObjectKey,
    /// As it was; none for a new one.
    pub before: Option<Arc<Entry<X>>>,
    /// As it is; none for one that went.
    pub after: Option<Arc<Entry<X>>>,
}

/// Live objects of one kind.
pub struct Store<X> {
    inner: RwLock<Inner<X>>,
    synced: watch::Sender<bool>,
    listener: OnceLock<Listener<X>>,
}

type Listener<X> = Box<dyn Fn(&Update<X>) + Send + Sync>;

struct Inner<X> {
    entries: HashMap<ObjectKey, Arc<Entry<X>>>,
    by_group: HashMap<Arc<str>, HashSet<ObjectKey>>,
    /// Newest resourceVersion that the watch delivered. An answer that is not newer tells nothing new,
    /// and may speak of an object that the watch saw go.
    watched: u64,
    /// Names seen since a relist began.
    listing: Option<HashSet<ObjectKey>>,
}

impl<X: Extra> Default for Store<X> {
    fn default() -> Self {
        let inner = Inner { entries: HashMap::new(), by_group: HashMap::new(), watched: 0, listing: None };
        Self { inner: RwLock::new(inner), synced: watch::Sender::new(false), listener: OnceLock::new() }
    }
}

impl<X: Extra> Store<X> {
    /// The object of that name, as last seen.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<Entry<X>>> {
        self.read().entries.get(key).cloned()
    }

    /// Everything of a group, in order of name; see [`Extra::group`].
    pub fn group(&self, group: &str) -> Vec<Arc<Entry<X>>> {
        let inner = self.read();
        let Some(keys) = inner.by_group.get(group) else { return Vec::new() };
        let mut found: Vec<_> = keys.iter().filter_map(|key| inner.entries.get(key).cloned()).collect();
        found.sort_by(|a, b| a.object.key.cmp(&b.object.key));
        found
    }

    /// Shows everything of a group, in no order. It must not block, nor look into the store.
    pub fn each_of(&self, group: &str, mut seen: impl FnMut(&Entry<X>)) {
        let inner = self.read();
        let keys = inner.by_group.get(group).into_iter().flatten();
        keys.filter_map(|key| inner.entries.get(key)).for_each(|entry| seen(entry));
    }

    /// Everything, in no order.
    pub fn all(&self) -> Vec<Arc<Entry<X>>> {
        self.read().entries.values().cloned().collect()
    }

    /// How many objects.
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until the first list is complete.
    pub async fn synced(&self) {
        // The sender lives as long as the store.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Whether the first list is complete.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Who is told of each change, wherever it came from. It must not block. The first listener stays.
    pub fn listen(&self, listener: impl Fn(&Update<X>) + Send + Sync + 'static) {
        // A second listener would be a mistake of the wiring; the first one goes on working.
        let _ = self.listener.set(Box::new(listener));
    }

    /// Takes the answer to a write of ours, unless the watch has moved past it.
    pub fn answered(&self, object: LiveObject) {
        let update = {
            let mut inner = self.write();
            if object.resource_version <= inner.watched {
                None
            } else {
                // A list that was begun before knows nothing of it.
                if let Some(listing) = &mut inner.listing {
                    listing.insert(object.key.clone());
                }
                inner.upsert(Entry::from_answer(object))
            }
        };
        self.tell(update);
    }

    /// Forgets everything, as before the first list: there is no such kind any more.
    pub fn forget(&self) {
        self.synced.send_replace(false);
        let updates: Vec<_> = {
            let mut inner = self.write();
            inner.listing = None;
            let keys: Vec<_> = inner.entries.keys().cloned().collect();
            keys.iter().filter_map(|key| inner.remove(key)).collect()
        };
        self.tell(updates);
    }

    pub(super) fn relist_begins(&self) {
        self.write().listing = Some(HashSet::new());
    }

    pub(super) fn seen(&self, entry: Entry<X>) {
        let update = {
            let mut inner = self.write();
            inner.watched = inner.watched.max(entry.object.resource_version);
            if let Some(listing) = &mut inner.listing {
                listing.insert(entry.object.key.clone());
            }
            inner.upsert(entry)
        };
        self.tell(update);
    }

    pub(super) fn gone(&self, object: &LiveObject) {
        let update = {
            let mut inner = self.write();
            inner.watched = inner.watched.max(object.resource_version);
            let same = inner.entries.get(&object.key).is_some_and(|entry| entry.object.uid == object.uid);
            if same { inner.remove(&object.key) } else { None }
        };
        self.tell(update);
    }

    /// What a relist did not mention is gone.
    pub(super) fn relist_ends(&self) {
        let updates: Vec<_> = {
            let mut inner = self.write();
            let listed = inner.listing.take().unwrap_or_default();
            let lost: Vec<_> = inner.entries.keys().filter(|key| !listed.contains(key)).cloned().collect();
            lost.iter().filter_map(|key| inner.remove(key)).collect()
        };
        self.synced.send_replace(true);
        self.tell(updates);
    }

    /// Never with the lock held: a listener may look into the store.
    fn tell(&self, updates: impl IntoIterator<Item = Update<X>>) {
        if let Some(listener) = self.listener.get() {
            updates.into_iter().for_each(|update| listener(&update));
        }
    }

    // A panic while the lock is held is a bug that ends the process; the data is whole after each step.
    fn read(&self) -> RwLockReadGuard<'_, Inner<X>> {
        self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<X>> {
        self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<X: Extra> Inner<X> {
    fn upsert(&mut self, entry: Entry<X>) -> Option<Update<X>> {
        let key = entry.object.key.clone();
        let before = self.entries.get(&key).cloned();
        if before.as_ref().is_some_and(|before| before.object.resource_version >= entry.object.resource_version) {
            return None;
        }
        self.forget_group(before.as_deref());
        if let Some(group) = entry.extra.group(&entry.object) {
            self.by_group.entry(group).or_default().insert(key.clone());
        }
        let after = Arc::new(entry);
        self.entries.insert(key.clone(), Arc::clone(&after));
        Some(Update { key, before, after: Some(after) })
    }

    fn remove(&mut self, key: &ObjectKey) -> Option<Update<X>> {
        let before = self.entries.remove(key)?;
        self.forget_group(Some(&before));
        Some(Update { key: key.clone(), before: Some(before), after: None })
    }

    fn forget_group(&mut self, entry: Option<&Entry<X>>) {
        let Some(entry) = entry else { return };
        let Some(group) = entry.extra.group(&entry.object) else { return };
        if let Some(keys) = self.by_group.get_mut(&group) {
            keys.remove(&entry.object.key);
            if keys.is_empty() {
                self.by_group.remove(&group);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, uid: &str, version: u64) -> LiveObject {
        let owners = json!([{"uid": "owner", "controller": true}]);
        LiveObject::from_json(json!({"metadata": {
            "namespace": "a", "name": name, "uid": uid, "resourceVersion": version.to_string(), "ownerReferences": owners
        }}))
        .unwrap()
    }

    fn entry(name: &str, uid: &str, version: u64) -> Entry<()> {
        Entry::from_answer(object(name, uid, version))
    }

    /// A store and the names that its listener was told.
    fn store() -> (Store<()>, Arc<std::sync::Mutex<Vec<String>>>) {
        let store = Store::<()>::default();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        store.listen(move |update| log.lock().unwrap().push(update.key.name.to_string()));
        (store, told)
    }

    #[test]
    fn older_news_change_nothing() {
        let (store, told) = store();
        store.seen(entry("x", "1", 5));
        store.seen(entry("x", "1", 5));
        store.answered(object("x", "1", 4));
        assert_eq!(told.lock().unwrap().len(), 1);
        store.answered(object("x", "1", 6));
        store.seen(entry("x", "1", 6));
        assert_eq!(told.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_late_answer_does_not_bring_back_what_the_watch_saw_go() {
        let (store, _) = store();
        store.seen(entry("x", "1", 5));
        store.gone(&object("x", "1", 9));
        store.answered(object("x", "1", 6));
        assert!(store.is_empty());
    }

    #[test]
    fn the_end_of_an_earlier_object_does_not_remove_its_successor() {
        let (store, _) = store();
        store.answered(object("x", "2", 8));
        store.gone(&object("x", "1", 7));
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn a_kind_that_vanished_is_forgotten_and_can_come_again() {
        let (store, told) = store();
        store.relist_begins();
        store.seen(entry("x", "1", 5));
        store.relist_ends();
        store.forget();
        assert!(store.is_empty() && !store.is_synced() && store.group("owner").is_empty());
        assert_eq!(told.lock().unwrap().len(), 2, "it came and went");
        store.relist_begins();
        store.seen(entry("x", "2", 9));
        store.relist_ends();
        assert!(store.is_synced() && store.len() == 1);
    }

    #[test]
    fn a_relist_removes_what_it_does_not_mention() {
        let (store, told) = store();
        store.seen(entry("x", "1", 5));
        store.seen(entry("y", "2", 6));
        assert_eq!(store.group("owner").len(), 2);
        store.relist_begins();
        store.seen(entry("y", "2", 6));
        store.relist_ends();
        assert_eq!(told.lock().unwrap().last().map(String::as_str), Some("x"));
        assert!(store.is_synced());
        assert_eq!(store.group("owner").len(), 1);
    }
}
