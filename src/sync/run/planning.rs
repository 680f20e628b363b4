//! Looking at what is declared and what was applied: what is to be done about them, and drift, which is reported the moment it is seen.

use std::sync::Arc;

use serde_json::Value;

use super::SyncLoop;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::drift::{Ruled, RuledField, Ruling};
use crate::model::{HoldReason, Target};
use crate::report::drift::{self as words, Subject};
use crate::sync::neighbours::Seen;
use crate::sync::work::{Item, Look, Task, View, standing};
use crate::telemetry::drift::announce;
use crate::telemetry::metrics::DriftLevel;

impl SyncLoop {
    pub(super) fn has_revision(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.snapshot.is_some())
    }

    /// Looks at everything that is declared or was applied, and is not as the revision says.
    pub(super) fn plan_everything(&mut self) {
        self.todo.clear();
        self.again.clear();
        let drift = std::mem::take(&mut self.compare_all);
        if let Some(state) = &self.state {
            let now = jiff::Timestamp::now();
            self.deps.rule_use.see(&self.key, &state.settings.drift, &self.inbox, now);
        }
        // Thousands of comparisons: other tasks must not stand behind them.
        tokio::task::block_in_place(|| {
            let keys = self.unsettled(drift);
            keys.iter().for_each(|key| self.examine(key, false, drift));
        });
        self.ask_neighbours();
    }

    /// What is to be looked at for a new plan; `all` says that what is as the revision says is, too.
    fn unsettled(&mut self, all: bool) -> Vec<Target> {
        let (Some(state), live) = (&mut self.state, &self.deps.live) else { return Vec::new() };
        state.begin_plan();
        let declared = &state.declared;
        let (settings, guards) = (&state.settings, &state.guards);
        self.judge = true;
        let found = self.found_at.zip(state.snapshot.as_ref().map(|snapshot| &snapshot.revision));
        let others = &Seen { neighbours: &self.deps.neighbours, settings, found };
        let (lessons, now) = (&*state.lessons, jiff::Timestamp::now());
        let view = View { settings, declared, revision: "", live, guards, others, lessons, now };
        if all { declared.objects.keys().cloned().collect() } else { view.unsettled() }
    }

    /// Looks at one object: reports its drift at once, and notes what is to be done. `gone` says that it was
    /// just deleted, `drift` that it is compared field by field even if it is of the right revision.
    pub(super) fn examine(&mut self, key: &Target, gone: bool, drift: bool) {
        let Some(state) = &mut self.state else { return };
        let Some(snapshot) = state.snapshot.clone() else { return };
        if !state.declared.objects.contains_key(key) {
            self.examine_undeclared(key);
            return;
        }
        let (settings, declared) = (Arc::clone(&state.settings), Arc::clone(&state.declared));
        let now = jiff::Timestamp::now();
        let found = self.found_at.map(|at| (at, &snapshot.revision));
        let others = Seen { neighbours: &self.deps.neighbours, settings: &settings, found };
        let view = View {
            settings: &settings,
            declared: &declared,
            revision: snapshot.revision.as_str(),
            live: &self.deps.live,
            guards: &state.guards,
            others: &others,
            lessons: &state.lessons,
            now,
        };
        let paused = view.pause(key);
        let look = view.look(key, drift);
        let whole = declared.objects.get(key).map(|object| view.policies(key, object).of_object());
        let Look { mut task, hold, ruled, compared } = look;
        state.looked(key, hold.as_ref());
        self.deps.rule_use.decided(&self.key, &settings.drift, ruled.rules());
        if let Some((declared, live)) = &compared {
            if !matches!(task, Some(Task::Update { .. })) {
                // What another hand wrote is known by that; the rest would look like the next commit's.
                let unmarked = ruled.ignored().filter(|drift| !drift.is_by_another_than(SYNC_MANAGER));
                state.lessons.learn(key, |learned| learned.ignores(unmarked));
            }
            state.restraint.resume(key, live, now);
            let (differs, corrects) = (ruled.told().next().is_some(), ruled.corrects());
            let unsaid = self.unsaid.remove(key) && differs;
            let known = self.found_drift(key, &ruled, declared, live) && !unsaid;
            self.wake_after(key, paused.as_ref().filter(|_| differs));
            let restrained = settings.suspended || paused.is_some();
            let said = !(!corrects && self.fight_ended(key, !restrained)) && known;
            let slowed = task == Some(Task::Correct) && self.is_slowed(key);
            if slowed {
                task = None;
            }
            // Where nothing else is written, status says it.
            if task.is_none() && !said {
                if self.is_hushed(key) {
                    return;
                }
                task = Some(Task::Note);
            } else if slowed {
                return;
            }
        } else if hold == Some(HoldReason::Terminating) && self.found_terminating(key) {
            task = Some(Task::Note);
        } else if task == Some(Task::Create)
            && let Some(whole) = whole
        {
            if self.found_deleted(key, whole, gone) {
                self.wake_after(key, paused.as_ref());
                task = None;
            } else if self.is_slowed(key) {
                return;
            }
        }
        match task.filter(|_| !settings.suspended) {
            Some(task) => self.note_work(key, task),
            None => self.nothing_to_do(key),
        }
    }

    /// Reports fields that differ. Returns whether that was known.
    fn found_drift(&mut self, key: &Target, ruled: &Ruled, declared: &Value, live: &Value) -> bool {
        let Some(state) = &mut self.state else { return true };
        // After a restart, what was said is what the status says.
        let known = state.drift.entry(key.clone()).or_insert_with(|| standing(live));
        let subject = Subject { kind: key.kind.as_str(), key, declared, live };
        let now = jiff::Timestamp::now();
        let field = |field: &RuledField| DriftedField {
            policy: Some(field.ruling.policy),
            ..words::field(&subject, &field.drift, known, now)
        };
        let mut fields: Vec<_> = ruled.told().map(field).collect();
        let drifts: Vec<_> = ruled.told().map(|field| field.drift.clone()).collect();
        let untraced = self.locate(key, &drifts, declared, live, &mut fields);
        let said = self.remember_drift(key, fields);
        self.trace(key, &untraced);
        said
    }

    /// Reports an object that somebody deleted and finalizers hold. Returns whether there is something new to say in its
    /// status. No policy lets anybody put that back.
    fn found_terminating(&mut self, key: &Target) -> bool {
        let Some(live) = self.deps.live.get(key).filter(|_| !self.pruned.contains(key)) else { return false };
        let Some(state) = &mut self.state else { return false };
        let live = live.object().value();
        let known = state.drift.entry(key.clone()).or_insert_with(|| standing(&live));
        let field = words::terminating(key.kind.as_str(), key, &live, jiff::Timestamp::now());
        let mut field = DriftedField { policy: Some(DriftPolicy::Report), ..words::as_before(field, known) };
        let untraced = self.locate_whole(key, &mut field);
        let said = self.remember_drift(key, vec![field]);
        self.trace(key, &untraced);
        !said
    }

    /// Reports an object that is missing although it was there. Returns whether it stays missing, by policy.
    fn found_deleted(&mut self, key: &Target, ruling: Ruling, gone: bool) -> bool {
        let in_flight = self.running.as_ref().is_some_and(|running| running.keys.contains(key));
        let Some(state) = &mut self.state else { return false };
        let Some(hash) = state.declared.objects.get(key).map(|object| Arc::clone(&object.document.hash)) else {
            return false;
        };
        let stays = state.left_deleted.get(key) == Some(&hash);
        if !stays && (!gone || in_flight) {
            return false;
        }
        let policy = ruling.policy;
        let leave = policy != DriftPolicy::Correct;
        if leave {
            state.left_deleted.insert(key.clone(), hash);
        } else {
            state.left_deleted.remove(key);
        }
        let settings = Arc::clone(&state.settings);
        self.deps.rule_use.decided(&self.key, &settings.drift, ruling.rule);
        let mut field = words::deleted(key.kind.as_str(), key, jiff::Timestamp::now());
        let untraced = self.locate_whole(key, &mut field);
        let told = (policy != DriftPolicy::Ignore).then_some(DriftedField { policy: Some(policy), ..field });
        let is_told = told.is_some();
        self.remember_drift(key, told.into_iter().collect());
        if is_told {
            self.trace(key, &untraced);
        }
        leave
    }

    /// Announces what is new and keeps what stands. Returns whether all of it was known, and nothing else.
    fn remember_drift(&mut self, key: &Target, fields: Vec<DriftedField>) -> bool {
        let Some(state) = &mut self.state else { return true };
        let known = state.drift.remove(key).unwrap_or_default();
        let is_known = |field: &DriftedField| known.iter().any(|known| words::same(known, field));
        let fought_for = |field: &DriftedField| state.restraint.is_fought_for(key, field);
        for field in fields.iter().filter(|field| !is_known(field) && !fought_for(field)) {
            let policy = field.policy.unwrap_or_default();
            announce(&self.deps.metrics, DriftLevel::Source, key, field, policy);
            let live = self.deps.live.get(key);
            let uid = live.as_ref().map(|live| &*live.object().uid);
            let note = format!("{}; policy {}", words::sentence(field), policy.as_str());
            // Events of one action are told as one: what is put back and what stays are two.
            let action = policy.as_str();
            self.deps.events.emit(EventNote::on(key.kind.as_str(), key, uid, "SourceDrift", action, note).warning());
        }
        let is_said =
            |field: &DriftedField| known.iter().any(|known| words::same(known, field) && known.policy == field.policy);
        let same = fields.len() == known.len() && fields.iter().all(is_said);
        let now = jiff::Timestamp::now();
        state.restraint.remember(&fields, now);
        let put_back: Vec<_> =
            fields.iter().filter(|field| field.policy == Some(DriftPolicy::Correct)).cloned().collect();
        if words::rewritten(&known, &put_back) {
            state.restraint.rewritten(key, now);
        }
        if !fields.is_empty() {
            state.drift.insert(key.clone(), fields);
        }
        same
    }

    /// What failed before has come right by itself, or is held for a reason.
    pub(super) fn nothing_to_do(&mut self, key: &Target) {
        let in_flight = self.running.as_ref().is_some_and(|running| running.keys.contains(key));
        if let Some(state) = self.state.as_mut().filter(|_| !in_flight) {
            state.forget_failure(key);
            state.waits.let_be(key);
        }
        self.todo.remove(key);
    }

    /// Work on an object that is being worked on waits until that is done, and is then decided anew.
    fn note_work(&mut self, key: &Target, task: Task) {
        if self.running.as_ref().is_some_and(|running| running.keys.contains(key)) {
            self.again.insert(key.clone());
            if task == Task::Note {
                self.unsaid.insert(key.clone());
            }
            return;
        }
        let drift = self.state.as_ref().and_then(|state| state.drift.get(key)).cloned().unwrap_or_default();
        self.todo.insert(key.clone(), (Item { key: key.clone(), task }, drift));
    }
}
