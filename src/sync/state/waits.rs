//! The order of a loop's work: what is held back, and what may begin.
//!
//! Nothing here waits: each change of what is waited for is news, and what may begin is judged anew.

mod seen;

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::State;
use crate::cluster::{Spec, Targets};
use crate::model::{DeclaredObject, HoldReason, ObjectKey, Target, Waiting};
use crate::plan::decide::is_as_declared;
use crate::plan::moves;
use crate::plan::order::{self, Clock, Dependent, Front, Stage, Stands, Step, Verdict, Work};
use crate::sync::work::{Item, Task, live_view};

/// What is held back, and what it waits for.
#[derive(Default)]
pub struct Waits {
    /// Since when the plan is carried out, while some of it is yet to be begun or ended.
    pub planned: Option<Instant>,
    /// Whether something happened that may let work begin.
    pub stale: bool,
    /// What is waited for, as it was last seen.
    pub now: Option<Waiting>,
    /// What was last announced of it.
    announced: String,
    clock: Clock,
    /// Work whose turn has not come.
    held_back: HashSet<Target>,
    /// What the plan creates or changes, and did not yet. Damage to the rest is put right out of turn.
    touched: HashSet<Target>,
    /// What the plan deletes, and the wave of each.
    deletions: HashMap<Target, i32>,
    /// Whether there is more than one wave.
    several: bool,
    /// How far the plan is; `None` where everything may begin.
    stage: Option<Stage>,
    /// What keeps it there.
    blockers: HashSet<Target>,
    /// Whether what it depends on lets it begin.
    verdict: Option<Verdict>,
    /// The revision and generation that it let begin. What becomes of the others later does not stop them.
    passed: Option<(String, Option<i64>)>,
}

impl Waits {
    /// Whether a part of the plan is held back.
    pub fn holds_back(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Whether the plan goes on or may: then its end is not known yet.
    pub fn under_way(&self) -> bool {
        self.planned.is_some() && (self.stale || !self.holds_back())
    }

    /// Whether all of the plan was begun: nothing is held back any more.
    pub fn at_end(&self) -> bool {
        self.planned.is_some() && !self.holds_back()
    }

    /// The work that had to be done before waiting has ended.
    pub fn worked(&mut self) {
        self.clock.worked(jiff::Timestamp::now());
    }

    /// The plan did this to an object: what becomes of it later is no part of the plan.
    pub fn done(&mut self, key: &Target) {
        self.touched.remove(key);
    }

    /// Nothing is to be done about an object.
    pub fn let_be(&mut self, key: &Target) {
        self.held_back.remove(key);
    }

    /// Nothing is to be done at all.
    pub fn forget(&mut self) {
        let (passed, announced) = (self.passed.take(), std::mem::take(&mut self.announced));
        *self = Self { passed, announced, ..Self::default() };
    }
}

impl State {
    /// Begins with a whole plan, of which these are the changes; its deletions are said by [`State::order_deletions`].
    pub fn begin_in_order<'a>(&mut self, live: &Targets, work: impl Iterator<Item = &'a Item>) {
        let changes = |item: &&Item| matches!(item.task, Task::Create | Task::TakeOver { .. } | Task::Update { .. });
        self.waits.held_back.clear();
        self.waits.touched = work.filter(changes).map(|item| item.key.clone()).collect();
        self.waits.deletions.clear();
        self.waits.planned = Some(Instant::now());
        self.waits.stale = true;
        self.count_waves(live);
    }

    /// Takes all that may be deleted now, and returns of that what may be in this order. The rest is held back. `begun`
    /// are those that were deleted and not yet seen to be gone.
    pub fn order_deletions<'a>(
        &mut self,
        live: &Targets,
        allowed: impl Iterator<Item = &'a Target>,
        begun: &HashSet<Target>,
    ) -> HashSet<Target> {
        // What is on its way out is waited for, whatever is judged by now.
        let leaving =
            |key: &Target| begun.contains(key) || live.get(key).is_some_and(|member| member.object().deleting);
        self.waits.deletions.retain(|key, _| leaving(key));
        let allowed: HashSet<Target> = allowed.cloned().collect();
        self.waits.deletions.extend(allowed.iter().map(|key| (key.clone(), live_wave(live, key))));
        self.count_waves(live);
        self.see_front(live);
        let (now, later): (HashSet<_>, HashSet<_>) = allowed.into_iter().partition(|key| self.in_turn(key));
        let waits = &mut self.waits;
        waits.held_back.retain(|key| self.declared.objects.contains_key(key));
        waits.held_back.extend(later);
        now
    }

    fn count_waves(&mut self, live: &Targets) {
        let declared = self.declared.objects.values().map(|object| object.document.wave);
        let quarantined = self.declared.quarantined.keys().filter_map(|key| live.get(key));
        let quarantined = quarantined.map(|member| member.standing().wave.unwrap_or_default());
        let mut waves = declared.chain(quarantined).chain(self.waits.deletions.values().copied());
        let first = waves.next();
        self.waits.several = waves.any(|wave| Some(wave) != first);
    }

    /// Takes a change of an object that the plan may wait for.
    pub fn moved(&mut self, live: &Targets, key: &Target) {
        if !self.waits.blockers.contains(key) || self.declared.quarantined.contains_key(key) {
            return;
        }
        let still = match self.declared.objects.get(key) {
            Some(object) => self.stands(live, key, object) != Stands::Done,
            None => live.get(key).is_some(),
        };
        if !still {
            self.waits.blockers.remove(key);
            self.waits.stale |= self.waits.blockers.is_empty();
        }
    }

    /// Judges how far the plan is, and returns what need not be held back any longer.
    pub fn go_on(&mut self, live: &Targets, operator_namespace: &str) -> HashSet<Target> {
        self.waits.stale = false;
        self.judge_dependencies(live, operator_namespace);
        self.see_front(live);
        let free: HashSet<Target> = self.waits.held_back.iter().filter(|key| self.in_turn(key)).cloned().collect();
        self.waits.held_back.retain(|key| !free.contains(key));
        free
    }

    fn see_front(&mut self, live: &Targets) {
        let front = self.waits.several.then(|| self.front(live));
        self.waits.stage = front.as_ref().map(|front| front.stage);
        self.waits.blockers = front.into_iter().flat_map(|front| front.blockers).flatten().collect();
    }

    /// Whether an item may begin now. If not, it is held back.
    pub fn admits(&mut self, item: &Item) -> bool {
        let free = match item.task {
            // What was applied is kept as it is, whatever the rest waits for; deletions were put in order before.
            Task::Correct | Task::Note | Task::Try | Task::Trace | Task::Delete { .. } => true,
            Task::Create | Task::TakeOver { .. } | Task::Update { .. } if !self.waits.touched.contains(&item.key) => {
                true
            }
            Task::Create | Task::TakeOver { .. } | Task::Update { .. } => self.in_turn(&item.key),
        };
        if free {
            self.waits.held_back.remove(&item.key);
        } else {
            self.waits.held_back.insert(item.key.clone());
        }
        free
    }

    /// The plan was carried out to its end, or another takes its place.
    pub fn wait_ended(&mut self, superseded: bool) {
        self.waits.planned = None;
        self.waits.stale = false;
        if !superseded {
            self.waits.passed = Some(self.attempt());
        }
    }

    fn in_turn(&self, key: &Target) -> bool {
        if self.is_blocked() {
            return false;
        }
        let Some(stage) = self.waits.stage else { return true };
        match (self.declared.objects.get(key), self.waits.deletions.get(key)) {
            (Some(object), _) => stage.admits(Work::Apply, object.document.wave),
            (None, Some(wave)) => stage.admits(Work::Delete, *wave),
            (None, None) => true,
        }
    }

    /// Whether what it depends on does not let it begin with this revision.
    fn is_blocked(&self) -> bool {
        let Some(verdict) = &self.waits.verdict else { return false };
        verdict.is_fault() || (!verdict.is_free() && self.waits.passed != Some(self.attempt()))
    }

    /// What is let begin: the revision, and the spec that it is applied by.
    fn attempt(&self) -> (String, Option<i64>) {
        let revision = self.snapshot.as_ref().map(|snapshot| snapshot.revision.to_string());
        (revision.unwrap_or_default(), self.settings.generation)
    }

    fn judge_dependencies(&mut self, live: &Targets, operator_namespace: &str) {
        let settings = &self.settings;
        if settings.depends_on.is_empty() {
            self.waits.verdict = None;
            return;
        }
        let own = self.snapshot.as_ref().map(|snapshot| snapshot.revision.as_str());
        // Who reads the same has the same revision to apply first: that it was ready at an older one says nothing of this one.
        let behind = |other: &Spec| {
            let same =
                other.follow.as_ref() == Some(&settings.follow) && moves::repository(&other.url) == settings.repository;
            same && !other.stays && settings.pinned.is_none() && other.applied.as_deref() != own
        };
        let of = |key: &ObjectKey| {
            let entry = live.gitsyncs.get(key)?;
            let ready = entry.extra.ready && !entry.object.deleting && !behind(&entry.extra);
            Some(Dependent { depends_on: entry.extra.depends_on.clone(), ready })
        };
        let verdict = order::judge(&settings.sync.key, &settings.depends_on, operator_namespace, of);
        if verdict.is_free() && self.waits.planned.is_some() {
            self.waits.passed = Some(self.attempt());
        }
        self.waits.verdict = Some(verdict);
    }

    /// How far the plan is. `None` among what keeps it there stands for a document that could not be read.
    fn front(&self, live: &Targets) -> Front<Option<Target>> {
        let declared = &self.declared;
        let objects = declared.objects.iter().map(|(key, object)| {
            let stands = self.stands(live, key, object);
            Step { key: Some(key.clone()), wave: Some(object.document.wave), stands }
        });
        // The wave of what is not valid is as last applied, if it was; what could not be read may be of any.
        let quarantined = declared.quarantined.keys().map(|key| {
            let wave = live.get(key).map(|member| member.standing().wave.unwrap_or_default());
            Step { key: Some(key.clone()), wave, stands: Stands::Failed }
        });
        let unreadable = declared.unreadable.then_some(Step { key: None, wave: None, stands: Stands::Failed });
        let leaving = self.waits.deletions.iter().filter(|(key, _)| live.get(key).is_some());
        let deletions =
            leaving.map(|(key, wave)| Step { key: Some(key.clone()), wave: Some(*wave), stands: Stands::Leaving });
        order::front(objects.chain(quarantined).chain(unreadable).chain(deletions))
    }

    fn stands(&self, live: &Targets, key: &Target, object: &DeclaredObject) -> Stands {
        let sync = &self.settings.sync;
        let member = live.get(key);
        if is_as_declared(sync, key, object, member.as_ref().map(live_view)) {
            // It cannot be ready itself before what it applies is.
            let ready = sync.is(key) || member.is_some_and(|member| member.glance().ready);
            return if ready { Stands::Done } else { Stands::Unready };
        }
        if member.is_none() && self.left_deleted.contains_key(key) {
            // A person took it away, and policy leaves it so.
            return Stands::Done;
        }
        let held = self.held.get(key).is_some_and(HoldReason::is_fault);
        if held || self.failed.contains_key(key) { Stands::Failed } else { Stands::Unapplied }
    }
}

fn live_wave(live: &Targets, key: &Target) -> i32 {
    live.get(key).and_then(|member| member.standing().wave).unwrap_or_default()
}
