//! What is known of one GitSync that tells somebody: what stands of it and of its MicroServices, and a desk for each target.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deliver::{Delivery, Failure, News};
use crate::alert::retry::{KEEPS_FAILING, Retry};
use crate::alert::{CommitState, Desk, Incident, Key, Look, Observed, Target, World, incident};
use crate::api::condition::{self, Finding, NOTIFIED};
use crate::api::notify::{NotifyStatus, ToldCommit};
use crate::api::{GitSync, GitSyncStatus};
use crate::model::ObjectKey;
use crate::notify::Reach;

/// One GitSync that tells somebody.
pub(super) struct Bureau {
    key: ObjectKey,
    /// Repository, generation and status of the GitSync as last seen.
    source: String,
    generation: Option<i64>,
    status: GitSyncStatus,
    reach: Reach,
    posts: Vec<Post>,
    objects: HashMap<Option<ObjectKey>, Seen>,
    world: World,
    stale: bool,
}

/// What the status of one object said last.
#[derive(Default)]
struct Seen {
    standing: Vec<Arc<Incident>>,
    unsettled: Vec<Key>,
    over: Vec<(Key, String)>,
    notes: HashSet<String>,
}

/// One target.
struct Post {
    target: Target,
    desk: Desk,
    commit: Option<ToldCommit>,
    /// Of the commit status; the desk has its own.
    retry: Retry,
    sending: bool,
    failing: Option<(&'static str, String)>,
}

impl Bureau {
    /// Opens it. What was told is taken from status.
    pub fn open(key: &ObjectKey, reach: Reach) -> Self {
        Self {
            key: key.clone(),
            source: String::new(),
            generation: None,
            status: GitSyncStatus::default(),
            reach,
            posts: Vec::new(),
            objects: HashMap::new(),
            world: World::default(),
            stale: true,
        }
    }

    /// The GitSync as it is now.
    pub fn see_sync(&mut self, gitsync: &GitSync, now: Timestamp) {
        self.source.clone_from(&gitsync.spec.url);
        self.generation = gitsync.metadata.generation;
        self.status = gitsync.status.clone().unwrap_or_default();
        let mut before: BTreeMap<String, Post> =
            self.posts.drain(..).map(|post| (post.target.name.clone(), post)).collect();
        for target in &gitsync.spec.notify {
            let target = Target::of(target, &self.key.namespace);
            let told = self.status.notify.iter().find(|told| told.name == target.name);
            let post = match before.remove(&target.name) {
                Some(post) if post.target == target => post,
                // Whoever it is now may take it: nothing is waited for.
                Some(mut post) => {
                    post.desk.retry().succeeded();
                    Post { target, retry: Retry::default(), failing: None, ..post }
                }
                None => Post {
                    desk: Desk::of(told, now),
                    commit: told.and_then(|told| told.commit.clone()),
                    retry: Retry::default(),
                    sending: false,
                    failing: None,
                    target,
                },
            };
            self.posts.push(post);
        }
        let seen = incident::of_sync(&self.key, self.generation, &self.status);
        self.see(None, seen);
    }

    /// A MicroService is gone, or another GitSync's.
    pub fn forget(&mut self, service: &ObjectKey) {
        self.stale |= self.objects.remove(&Some(service.clone())).is_some();
    }

    /// What the status of an object says now.
    pub fn see(&mut self, object: Option<ObjectKey>, observed: Observed) {
        let before = self.objects.get(&object).map(|seen| &seen.notes);
        let news = observed.notes.iter().filter(|note| before.is_none_or(|known| !known.contains(&note.id)));
        // The oldest first.
        let mut news: Vec<_> = news.collect();
        news.sort_by_key(|note| note.at);
        for post in self.posts.iter_mut().filter(|post| !post.target.kind.is_forge()) {
            for note in &news {
                post.desk.note(note, &post.target.pace);
            }
        }
        let seen = Seen {
            standing: observed.standing.into_iter().map(Arc::new).collect(),
            unsettled: observed.unsettled,
            over: observed.over,
            notes: observed.notes.into_iter().map(|note| note.id).collect(),
        };
        self.stale = true;
        self.objects.insert(object, seen);
    }

    /// What is to be delivered now; and when to look again.
    pub fn step(&mut self, now: Timestamp) -> (Vec<Delivery>, Option<Timestamp>) {
        if std::mem::take(&mut self.stale) {
            self.world = World::default();
            for seen in self.objects.values() {
                let standing = seen.standing.iter().map(|incident| (incident.key.clone(), Arc::clone(incident)));
                self.world.standing.extend(standing);
                self.world.unsettled.extend(seen.unsettled.iter().cloned());
                self.world.over.extend(seen.over.iter().cloned());
            }
        }
        let (mut deliveries, mut again) = (Vec::new(), None::<Timestamp>);
        let mut wait = |at: Option<Timestamp>| again = [again, at].into_iter().flatten().min();
        for post in self.posts.iter_mut().filter(|post| !post.sending) {
            let news = if post.target.kind.is_forge() {
                let state = CommitState::of(self.generation, &self.status, post.commit.as_ref());
                match (state, post.retry.at().filter(|at| *at > now)) {
                    (Some(_), Some(at)) => {
                        wait(Some(at));
                        None
                    }
                    (state, _) => state.map(News::Commit),
                }
            } else {
                match post.desk.look(&self.world, &post.target.pace, now) {
                    Look::Tell(batch) => Some(News::Batch(batch)),
                    Look::Wait(at) => {
                        wait(at);
                        None
                    }
                }
            };
            let Some(news) = news else { continue };
            post.sending = true;
            let (sync, source, target) = (self.key.clone(), self.source.clone(), post.target.clone());
            deliveries.push(Delivery { sync, source, target, reach: self.reach, news });
        }
        (deliveries, again)
    }

    /// A delivery ended. Says whether it began to fail for good, or does so no more.
    pub fn delivered(&mut self, delivery: &Delivery, result: &Result<(), Failure>, now: Timestamp, jitter: f64) {
        let Some(post) = self.posts.iter_mut().find(|post| post.target.name == delivery.target.name) else { return };
        post.sending = false;
        // Another target by now: what was told to the former one was not told to it.
        if post.target != delivery.target {
            return;
        }
        match (result, &delivery.news) {
            (Ok(()), News::Batch(batch)) => post.desk.told(batch),
            (Ok(()), News::Commit(state)) => {
                post.commit = Some(state.told());
                post.retry.succeeded();
            }
            (Err(failure), news) => {
                let retry = if matches!(news, News::Batch(_)) { post.desk.retry() } else { &mut post.retry };
                retry.failed(now, jitter, failure.asked, failure.hopeless);
                if failure.hopeless || retry.failures() >= KEEPS_FAILING {
                    let Target { name, kind, .. } = &post.target;
                    let text = format!("target {name} ({}) is not told: {}", kind.as_str(), failure.text);
                    post.failing = Some((failure.reason, text));
                }
            }
        }
        if result.is_ok() {
            post.failing = None;
        }
    }

    /// What status is to say, and whether it says so.
    pub fn status(&self, now: Timestamp) -> (Value, bool) {
        let notify: Vec<NotifyStatus> = self.posts.iter().map(Post::status).collect();
        let failing = self.posts.iter().find_map(|post| post.failing.as_ref());
        let findings: Vec<Finding> =
            failing.map(|(reason, text)| Finding::new(NOTIFIED, false, *reason, text)).into_iter().collect();
        let conditions = condition::set(&self.status.conditions, &findings, self.generation, now);
        let said = condition::find(&self.status.conditions, NOTIFIED);
        let same = match (conditions.first(), said) {
            (Some(now), Some(said)) => (&now.reason, &now.message) == (&said.reason, &said.message),
            (now, said) => now.is_none() && said.is_none(),
        };
        let is_so = same && notify == self.status.notify;
        (json!({"notify": notify, "conditions": conditions}), is_so)
    }
}

impl Post {
    fn status(&self) -> NotifyStatus {
        NotifyStatus { commit: self.commit.clone(), ..self.desk.status(&self.target.name) }
    }
}
