//! What every GitSync of this process declares at the revision that it read last: whom an object may move to, and from.
//!
//! The loops publish here and wake each other; nothing is called and nothing is kept on disk. What is not known, because
//! a GitSync has not looked yet or runs elsewhere, is said to be unknown, and then nothing is deleted or taken.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::time::Instant;

use super::inbox::Inbox;
use super::settings::Settings;
use crate::api::GitSync;
use crate::cluster::GitSyncs;
use crate::model::{Declared, HoldReason, Kind, ObjectKey, Revision, Silence, Target};
use crate::plan::applyset;
use crate::plan::moves::{self, Other};
use crate::plan::ownership::{Known, Others, Says};

/// All GitSyncs, as others need to know them.
pub struct Neighbours {
    gitsyncs: Arc<GitSyncs>,
    operator_namespace: Arc<str>,
    inner: RwLock<HashMap<ObjectKey, Neighbour>>,
}

struct Neighbour {
    uid: Arc<str>,
    inbox: Arc<Inbox>,
    known: Option<Published>,
    /// Who waits for its next look.
    askers: HashSet<ObjectKey>,
}

/// What a loop tells the others. Cheap to clone.
#[derive(Clone)]
pub struct Published {
    /// What its spec says.
    pub settings: Arc<Settings>,
    /// What its last revision declares; none before the first one.
    pub declared: Option<Arc<Declared>>,
    /// That revision.
    pub revision: Option<Revision>,
    /// Whether it was read by the spec as it is now.
    pub current: bool,
    /// Whether the last look failed.
    pub failing: bool,
    /// When the last look that succeeded began.
    pub looked: Option<Instant>,
}

/// One GitSync's view of the others.
pub struct Seen<'a> {
    /// All of them.
    pub neighbours: &'a Neighbours,
    /// Its own spec.
    pub settings: &'a Settings,
    /// When its revision was found, and which it is.
    pub found: Option<(Instant, &'a Revision)>,
}

impl Neighbours {
    /// None yet.
    pub fn new(gitsyncs: Arc<GitSyncs>, operator_namespace: Arc<str>) -> Self {
        Self { gitsyncs, operator_namespace, inner: RwLock::default() }
    }

    /// A loop begins. What is known of an earlier one of its name is forgotten.
    pub(super) fn begins(&self, key: &ObjectKey, uid: &Arc<str>, inbox: &Arc<Inbox>) {
        let neighbour =
            Neighbour { uid: Arc::clone(uid), inbox: Arc::clone(inbox), known: None, askers: HashSet::new() };
        self.write().insert(key.clone(), neighbour);
        self.wake_all_but(key);
    }

    /// A loop ended: its GitSync is gone.
    pub(super) fn ends(&self, key: &ObjectKey) {
        self.write().remove(key);
        self.wake_all_but(key);
    }

    /// Takes what a loop knows now, and wakes those whom it concerns.
    pub fn publish(&self, key: &ObjectKey, uid: &str, known: Published) {
        let (news, askers) = {
            let mut inner = self.write();
            let Some(neighbour) = inner.get_mut(key).filter(|neighbour| *neighbour.uid == *uid) else { return };
            let news = neighbour.known.as_ref().is_none_or(|before| before.differs(&known));
            neighbour.known = Some(known);
            (news, std::mem::take(&mut neighbour.askers))
        };
        if news {
            self.wake_all_but(key);
        } else if !askers.is_empty() {
            let inner = self.read();
            askers.iter().filter_map(|asker| inner.get(asker)).for_each(|asker| asker.inbox.neighbours_changed());
        }
    }

    /// Waits for the next look of a GitSync; `now` says that it should be soon.
    pub fn ask(&self, asker: &ObjectKey, key: &ObjectKey, now: bool) {
        if let Some(neighbour) = self.write().get_mut(key) {
            neighbour.askers.insert(asker.clone());
            if now {
                neighbour.inbox.look();
            }
        }
    }

    /// Why an object is not deleted when the GitSync `own`, which applied it, goes: another one declares it, and takes it
    /// over then; or has yet to say.
    pub fn heir(&self, own: &ObjectKey, target: &Target) -> Option<HoldReason> {
        let inner = self.read();
        let others = inner.iter().filter(|(key, _)| *key != own).map(|(key, neighbour)| {
            let known = neighbour.known.as_ref();
            let has_looked =
                known.is_some_and(|known| known.declared.is_some() || known.failing || known.settings.suspended);
            Other {
                sync: key,
                may_write: match known {
                    Some(known) => known.may_write(target),
                    None => self.may_write_by_its_spec(key, target),
                },
                // The source of who goes has no say.
                same_source: false,
                declares: known.and_then(|known| known.declares(target)).unwrap_or(false),
                has_looked,
                silence: (!has_looked).then_some(Silence::Reading),
            }
        });
        moves::claimed(others)
    }

    /// Whether a GitSync whose loop has yet to read its spec may write an object. One that nobody knows may do anything;
    /// that is over in a moment.
    fn may_write_by_its_spec(&self, key: &ObjectKey, target: &Target) -> bool {
        let gitsync = self.gitsyncs.get(key).and_then(|entry| entry.object.parse::<GitSync>().ok());
        gitsync.is_none_or(|gitsync| may_write(&Settings::of(&gitsync, &self.operator_namespace), target))
    }

    fn wake_all_but(&self, key: &ObjectKey) {
        let inner = self.read();
        inner.iter().filter(|(other, _)| *other != key).for_each(|(_, other)| other.inbox.neighbours_changed());
    }

    // A panic while the lock is held is a bug that ends the process; the data is whole after each step.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<ObjectKey, Neighbour>> {
        self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<ObjectKey, Neighbour>> {
        self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Published {
    /// Whether it may change what others do. When it looked is news to those only who asked.
    fn differs(&self, other: &Self) -> bool {
        let same = |one: &Option<Arc<Declared>>, other: &Option<Arc<Declared>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        !same(&self.declared, &other.declared)
            || !Arc::ptr_eq(&self.settings, &other.settings)
            || (self.current, self.failing) != (other.current, other.failing)
    }

    fn declares(&self, target: &Target) -> Option<bool> {
        let declared = self.declared.as_ref()?;
        Some(declared.objects.contains_key(target) || declared.quarantined.contains_key(target))
    }

    fn may_write(&self, target: &Target) -> bool {
        may_write(&self.settings, target)
    }
}

pub(super) fn may_write(settings: &Settings, target: &Target) -> bool {
    let scope = &settings.scope;
    scope.allowed.contains(&target.namespace) && (target.kind == Kind::MicroService || scope.gitsyncs)
}

impl Seen<'_> {
    fn same_source(&self, settings: &Settings) -> bool {
        self.settings.follow == settings.follow && self.settings.repository == settings.repository
    }

    /// Why what a neighbour read last may not be the whole truth of now.
    fn silence(&self, known: Option<&Published>) -> Option<Silence> {
        let Some(known) = known else { return Some(Silence::Reading) };
        let partial =
            || known.declared.as_ref().is_some_and(|declared| declared.unreadable).then_some(Silence::Partial);
        let same_source = self.same_source(&known.settings);
        let same_revision = self.found.is_some_and(|(_, revision)| known.revision.as_ref() == Some(revision));
        if same_source && same_revision && known.current {
            return partial();
        }
        if known.settings.suspended {
            return Some(Silence::Suspended);
        }
        if known.failing {
            return Some(Silence::Failing);
        }
        let looked_since = self.found.is_some_and(|(found, _)| known.looked.is_some_and(|looked| looked >= found));
        if !known.current || (same_source && !looked_since) {
            return Some(Silence::Reading);
        }
        partial()
    }

    /// A live GitSync that has no loop here.
    fn elsewhere(&self, key: &ObjectKey, target: &Target) -> Option<HoldReason> {
        let entry = self.neighbours.gitsyncs.get(key).filter(|entry| !entry.object.deleting)?;
        let gitsync: GitSync = entry.object.parse().ok()?;
        let settings = Settings::of(&gitsync, &self.neighbours.operator_namespace);
        moves::claimed([Other {
            sync: key,
            may_write: may_write(&settings, target),
            same_source: self.same_source(&settings),
            declares: false,
            has_looked: false,
            silence: Some(Silence::Elsewhere),
        }])
    }
}

impl Others for Seen<'_> {
    fn says(&self, sync: &str, uid: Option<&str>, target: &Target) -> Says {
        let Some(key) = ObjectKey::parse(sync) else { return Says::Gone };
        let inner = self.neighbours.read();
        let Some(neighbour) = inner.get(&key) else {
            return match self.neighbours.gitsyncs.get(&key) {
                None => Says::Gone,
                Some(entry) if entry.object.deleting => Says::Unknown(Silence::Leaving),
                Some(_) => Says::Unknown(Silence::Elsewhere),
            };
        };
        let known = neighbour.known.as_ref();
        Known {
            same: uid.is_none_or(|uid| *neighbour.uid == *uid),
            declares: known.and_then(|known| known.declares(target)),
            silence: self.silence(known),
        }
        .says()
    }

    fn parent(&self, set: &str) -> Option<String> {
        let all = self.neighbours.gitsyncs.all();
        let keys = all.iter().map(|entry| &entry.object.key);
        keys.filter(|key| applyset::id(&key.namespace, &key.name) == set).map(ToString::to_string).next()
    }

    fn claimed(&self, target: &Target) -> Option<HoldReason> {
        let own = &self.settings.sync.key;
        let inner = self.neighbours.read();
        let others = inner.iter().filter(|(key, _)| *key != own).map(|(key, neighbour)| {
            let known = neighbour.known.as_ref();
            Other {
                sync: key,
                may_write: match known {
                    Some(known) => known.may_write(target),
                    None => self.neighbours.may_write_by_its_spec(key, target),
                },
                same_source: known.is_some_and(|known| self.same_source(&known.settings)),
                declares: known.and_then(|known| known.declares(target)).unwrap_or(false),
                has_looked: known.is_some_and(|known| known.declared.is_some() || known.failing),
                silence: self.silence(known),
            }
        });
        moves::claimed(others).or_else(|| {
            // Most often every GitSync has its loop here.
            let here = |key: &ObjectKey| key == own || inner.contains_key(key);
            let all =
                if self.neighbours.gitsyncs.len() > inner.len() { self.neighbours.gitsyncs.all() } else { vec![] };
            let mut absent = all.iter().map(|entry| &entry.object.key).filter(|key| !here(key));
            absent.find_map(|key| self.elsewhere(key, target))
        })
    }
}
