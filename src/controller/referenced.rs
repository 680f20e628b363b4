//! The ConfigMaps and Secrets that services name and restart on: followed by their metadata, one watch per kind and
//! namespace, and only where a service names one. What is in an object is read by name when it changed, hashed and
//! dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::core::ApiResource;
use tokio::task::AbortHandle;

use super::queue::Queue;
use crate::cluster::{CallError, Cluster, MetadataNews, follow_metadata};
use crate::model::ObjectKey;
use crate::workload::references::{Digests, Reference, ReferenceKind, References, digests};

/// What services name.
pub struct Referenced {
    cluster: Cluster,
    queue: Queue,
    inner: Arc<Mutex<Inner>>,
}

/// What was found of what a service names.
#[derive(Debug, Default)]
pub struct Found {
    /// Hashes of what is in each object; none for one that does not exist. Only complete where `unread` is none.
    pub digests: BTreeMap<Reference, Option<Digests>>,
    /// Why something could not be read, or is not followed.
    pub unread: Option<CallError>,
}

type Place = (ReferenceKind, Arc<str>);

#[derive(Default)]
struct Inner {
    /// What each service names.
    named: HashMap<ObjectKey, BTreeSet<Reference>>,
    followed: HashMap<Place, Followed>,
}

/// The objects of a kind in a namespace.
struct Followed {
    objects: HashMap<String, Object>,
    /// Names seen since a list began.
    listing: Option<HashSet<String>>,
    /// Why nothing is heard of it.
    interrupted: Option<CallError>,
    task: AbortHandle,
}

/// An object that somebody names.
#[derive(Default)]
struct Object {
    services: HashSet<ObjectKey>,
    /// What is in it, and at which resourceVersion; no version where it does not exist.
    known: Option<(Option<u64>, Option<Digests>)>,
    /// How often it changed: what was read meanwhile is old.
    changes: u64,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Referenced {
    /// Nothing is named yet.
    pub fn new(cluster: Cluster, queue: Queue) -> Self {
        Self { cluster, queue, inner: Arc::default() }
    }

    /// Finds what a service names, and follows it from now on. What has not changed is not read again.
    pub async fn find(&self, service: &ObjectKey, references: &References) -> Found {
        self.name(service, references);
        let mut found = Found::default();
        for reference in references.keys() {
            match self.read(service, reference).await {
                Ok(digests) => drop(found.digests.insert(reference.clone(), digests)),
                Err(error) => found.unread = found.unread.or(Some(error)),
            }
        }
        found.unread = found.unread.or_else(|| self.interrupted(service, references));
        found
    }

    /// Forgets what a service named.
    pub fn forget(&self, service: &ObjectKey) {
        self.name(service, &References::default());
    }

    /// Remembers what a service names; begins and ends watches.
    fn name(&self, service: &ObjectKey, references: &References) {
        let mut inner = lock(&self.inner);
        let wanted: BTreeSet<_> = references.keys().cloned().collect();
        let before = inner.named.get(service).cloned().unwrap_or_default();
        if before == wanted {
            return;
        }
        for reference in before.difference(&wanted) {
            inner.unname(service, reference);
        }
        for reference in wanted.difference(&before) {
            let place = (reference.kind, Arc::clone(&service.namespace));
            let followed = inner.followed.entry(place.clone()).or_insert_with(|| self.follow(place));
            followed.objects.entry(reference.name.clone()).or_default().services.insert(service.clone());
        }
        if wanted.is_empty() {
            inner.named.remove(service);
        } else {
            inner.named.insert(service.clone(), wanted);
        }
    }

    fn follow(&self, place: Place) -> Followed {
        let (inner, queue) = (Arc::downgrade(&self.inner), self.queue.clone());
        let (kind, namespace) = (resource(place.0), place.1.to_string());
        let tell = move |news| {
            let Some(inner) = inner.upgrade() else { return };
            for service in lock(&inner).hear(&place, news) {
                queue.add(service);
            }
        };
        let task = tokio::spawn(follow_metadata(self.cluster.clone(), kind, namespace, tell)).abort_handle();
        Followed { objects: HashMap::new(), listing: None, interrupted: None, task }
    }

    async fn read(&self, service: &ObjectKey, reference: &Reference) -> Result<Option<Digests>, CallError> {
        let place = (reference.kind, Arc::clone(&service.namespace));
        let changes = {
            let inner = lock(&self.inner);
            let object = inner.followed.get(&place).and_then(|followed| followed.objects.get(&reference.name));
            if let Some((_, digests)) = object.and_then(|object| object.known.as_ref()) {
                return Ok(digests.clone());
            }
            object.map_or(0, |object| object.changes)
        };
        let key = ObjectKey::new(Arc::clone(&service.namespace), reference.name.as_str());
        let live = self.cluster.get(&resource(reference.kind), &key).await?;
        let digests = live.as_ref().map(|live| digests(reference.kind, &live.value()));
        let mut inner = lock(&self.inner);
        let followed = inner.followed.get_mut(&place);
        if let Some(object) = followed.and_then(|followed| followed.objects.get_mut(&reference.name))
            && object.changes == changes
        {
            object.known = Some((live.map(|live| live.resource_version), digests.clone()));
        }
        Ok(digests)
    }

    fn interrupted(&self, service: &ObjectKey, references: &References) -> Option<CallError> {
        let inner = lock(&self.inner);
        let kinds: BTreeSet<_> = references.keys().map(|reference| reference.kind).collect();
        let followed = kinds.into_iter().filter_map(|kind| inner.followed.get(&(kind, Arc::clone(&service.namespace))));
        followed.filter_map(|followed| followed.interrupted.clone()).next()
    }
}

impl Inner {
    fn unname(&mut self, service: &ObjectKey, reference: &Reference) {
        let place = (reference.kind, Arc::clone(&service.namespace));
        let Some(followed) = self.followed.get_mut(&place) else { return };
        if let Some(object) = followed.objects.get_mut(&reference.name) {
            object.services.remove(service);
            if object.services.is_empty() {
                followed.objects.remove(&reference.name);
            }
        }
        if followed.objects.is_empty() {
            self.followed.remove(&place);
        }
    }

    /// Takes news, and says which services they concern.
    fn hear(&mut self, place: &Place, news: MetadataNews) -> Vec<ObjectKey> {
        let Some(followed) = self.followed.get_mut(place) else { return Vec::new() };
        match news {
            MetadataNews::Listing => {
                followed.listing = Some(HashSet::new());
                Vec::new()
            }
            MetadataNews::Seen { name, version } => {
                if let Some(listing) = &mut followed.listing {
                    listing.insert(name.clone());
                }
                followed.changed(&name, Some(version))
            }
            MetadataNews::Gone(name) => followed.changed(&name, None),
            MetadataNews::Listed => {
                let seen = followed.listing.take().unwrap_or_default();
                let gone: Vec<_> = followed.objects.keys().filter(|name| !seen.contains(*name)).cloned().collect();
                let mut concerned: Vec<_> = gone.iter().flat_map(|name| followed.changed(name, None)).collect();
                // Whoever was told that nothing is heard wants to know that it is again.
                if followed.interrupted.take().is_some() {
                    concerned.extend(followed.services());
                }
                concerned
            }
            MetadataNews::Interrupted(error) => {
                let news = followed.interrupted.replace(error).is_none();
                if news { followed.services() } else { Vec::new() }
            }
        }
    }
}

impl Followed {
    /// An object is at this version now, or not there; whoever names it, where that is news.
    fn changed(&mut self, name: &str, version: Option<u64>) -> Vec<ObjectKey> {
        let Some(object) = self.objects.get_mut(name) else { return Vec::new() };
        if object.known.as_ref().is_some_and(|(known, _)| *known == version) {
            return Vec::new();
        }
        object.known = None;
        object.changes += 1;
        object.services.iter().cloned().collect()
    }

    fn services(&self) -> Vec<ObjectKey> {
        let all: HashSet<_> = self.objects.values().flat_map(|object| &object.services).collect();
        all.into_iter().cloned().collect()
    }
}

fn resource(kind: ReferenceKind) -> ApiResource {
    match kind {
        ReferenceKind::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
        ReferenceKind::Secret => ApiResource::erase::<Secret>(&()),
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
