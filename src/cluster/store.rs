//! Live objects of one kind, as last seen. One watch fills it; answers to our own writes go in early,
//! so that nothing is planned against a state that we know to be old. A list says what there was at its version: it takes
//! nothing back that came later, and one that is older than what was told before is not believed.

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
    listing: Option<Listing<X>>,
}

/// A list that is under way.
struct Listing<X> {
    /// Names in it.
    names: HashSet<ObjectKey>,
    /// What is new in it, until it is known to be as new as what was told before.
    news: Vec<Entry<X>>,
}

impl<X> Default for Listing<X> {
    fn default() -> Self {
        Self { names: HashSet::new(), news: Vec::new() }
    }
}

/// A list of what was before something that is known already.
#[derive(Debug, PartialEq, Eq)]
pub struct Older {
    /// Of which version it is.
    pub listed: u64,
    /// What was known.
    pub known: u64,
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
            if object.resource_version <= inner.watched { None } else { inner.upsert(Entry::from_answer(object)) }
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
        self.write().listing = Some(Listing::default());
    }

    pub(super) fn seen(&self, entry: Entry<X>) {
        let update = {
            let mut inner = self.write();
            let known = inner.entries.get(&entry.object.key).map(|known| known.object.resource_version);
            let synced = self.is_synced();
            match &mut inner.listing {
                Some(listing) => {
                    listing.names.insert(entry.object.key.clone());
                    match known {
                        // Nothing new, as most of a list that is not the first.
                        Some(known) if known >= entry.object.resource_version => None,
                        _ if synced => {
                            listing.news.push(entry);
                            None
                        }
                        // The first list: what it may be older than is not known.
                        _ => inner.upsert(entry),
                    }
                }
                None => {
                    inner.watched = inner.watched.max(entry.object.resource_version);
                    inner.upsert(entry)
                }
            }
        };
        self.tell(update);
    }

    pub(super) fn gone(&self, object: &LiveObject) {
        let update = {
            let mut inner = self.write();
            match &mut inner.listing {
                Some(listing) => {
                    listing.names.remove(&object.key);
                    listing.news.retain(|entry| entry.object.uid != object.uid);
                }
                None => inner.watched = inner.watched.max(object.resource_version),
            }
            let same = inner.entries.get(&object.key).is_some_and(|entry| entry.object.uid == object.uid);
            if same { inner.remove(&object.key) } else { None }
        };
        self.tell(update);
    }

    /// What there was at that version is what was listed. What is not in it is gone, but for what came later.
    pub(super) fn relist_ends(&self, version: u64) -> Result<(), Older> {
        let updates = {
            let mut inner = self.write();
            let Listing { names, news } = inner.listing.take().unwrap_or_default();
            if version < inner.watched {
                return Err(Older { listed: version, known: inner.watched });
            }
            inner.watched = version;
            let mut updates: Vec<_> = news.into_iter().filter_map(|entry| inner.upsert(entry)).collect();
            let is_lost = |object: &LiveObject| !names.contains(&object.key) && object.resource_version <= version;
            let lost = inner.entries.values().filter(|entry| is_lost(&entry.object));
            let lost: Vec<_> = lost.map(|entry| entry.object.key.clone()).collect();
            updates.extend(lost.iter().filter_map(|key| inner.remove(key)));
            updates
        };
        self.synced.send_replace(true);
        self.tell(updates);
        Ok(())
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
mod tests;
