//! Looking at what is declared and what was applied: what is to be done about them, and drift, which is reported the moment it is seen.

use std::sync::Arc;

use serde_json::Value;

use super::SyncLoop;
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::model::{FieldDrift, Target};
use crate::report::drift::{self as words, Subject};
use crate::sync::neighbours::Seen;
use crate::sync::work::{Item, Look, Task, View, standing};
use crate::telemetry::drift::{announce, policy_word};
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
        let view = View { settings, declared, revision: "", live, guards, others };
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
        let found = self.found_at.map(|at| (at, &snapshot.revision));
        let others = Seen { neighbours: &self.deps.neighbours, settings: &settings, found };
        let view = View {
            settings: &settings,
            declared: &declared,
            revision: snapshot.revision.as_str(),
            live: &self.deps.live,
            guards: &state.guards,
            others: &others,
        };
        let look = view.look(key, drift);
        let policy = match declared.objects.get(key) {
            _ if settings.suspended => DriftPolicy::Report,
            Some(object) => view.policy(object),
            None => settings.drift_policy,
        };
        state.looked(key, look.hold.as_ref());
        let Look { mut task, drifts, compared, .. } = look;
        if let Some((declared, live)) = &compared {
            let unsaid = self.unsaid.remove(key) && !drifts.is_empty();
            let said = self.found_drift(key, policy, &drifts, declared, live) && !unsaid;
            let slowed = task == Some(Task::Correct) && self.state.as_mut().is_some_and(|state| state.must_wait(key));
            if slowed {
                task = None;
            }
            // Where nothing else is written, status says it.
            if task.is_none() && !said {
                task = Some(Task::Note);
            } else if slowed {
                return;
            }
        } else if task == Some(Task::Create) && self.found_deleted(key, policy, gone) {
            task = None;
        }
        match task.filter(|_| !settings.suspended) {
            Some(task) => self.note_work(key, task),
            None => self.nothing_to_do(key),
        }
    }

    /// Reports fields that differ. Returns whether that was known.
    fn found_drift(
        &mut self,
        key: &Target,
        policy: DriftPolicy,
        drifts: &[FieldDrift],
        declared: &Value,
        live: &Value,
    ) -> bool {
        let Some(state) = &mut self.state else { return true };
        // After a restart, what was said is what the status says.
        let known = state.drift.entry(key.clone()).or_insert_with(|| standing(live));
        let subject = Subject { kind: key.kind.as_str(), key, declared, live };
        let now = jiff::Timestamp::now();
        let fields: Vec<_> = drifts.iter().map(|drift| words::field(&subject, drift, known, now)).collect();
        self.remember_drift(key, policy, fields)
    }

    /// Reports an object that is missing although it was there. Returns whether it stays missing, by policy.
    fn found_deleted(&mut self, key: &Target, policy: DriftPolicy, gone: bool) -> bool {
        let in_flight = self.running.as_ref().is_some_and(|running| running.keys.contains(key));
        let Some(state) = &mut self.state else { return false };
        let Some(hash) = state.declared.objects.get(key).map(|object| Arc::clone(&object.document.hash)) else {
            return false;
        };
        let stays = state.left_deleted.get(key) == Some(&hash);
        if !stays && (!gone || in_flight) {
            return false;
        }
        let leave = policy == DriftPolicy::Report;
        if leave {
            state.left_deleted.insert(key.clone(), hash);
        }
        let field = words::deleted(key.kind.as_str(), key, jiff::Timestamp::now());
        self.remember_drift(key, policy, vec![field]);
        leave
    }

    /// Announces what is new and keeps what stands. Returns whether all of it was known, and nothing else.
    fn remember_drift(&mut self, key: &Target, policy: DriftPolicy, fields: Vec<DriftedField>) -> bool {
        let Some(state) = &mut self.state else { return true };
        let known = state.drift.remove(key).unwrap_or_default();
        let is_known = |field: &DriftedField| known.iter().any(|known| words::same(known, field));
        for field in fields.iter().filter(|field| !is_known(field)) {
            announce(&self.deps.metrics, DriftLevel::Source, key, field, policy);
            let live = self.deps.live.get(key);
            let uid = live.as_ref().map(|live| &*live.object().uid);
            let note = format!("{}; policy {}", words::sentence(field), policy_word(policy));
            self.deps.events.emit(EventNote::on(key.kind.as_str(), key, uid, "SourceDrift", "Compare", note).warning());
        }
        let same = fields.len() == known.len() && fields.iter().all(is_known);
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
