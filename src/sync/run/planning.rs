//! Looking at what is declared and what was applied: what is to be done about them, and drift, which is reported the moment it is seen.

use std::sync::Arc;

use serde_json::Value;

use super::SyncLoop;
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::drift;
use crate::model::pointer::Pointer;
use crate::model::{FieldDrift, Target};
use crate::report::drift::{self as words, Subject};
use crate::report::episodes::{self, Between};
use crate::sync::neighbours::Seen;
use crate::sync::work::{Item, Look, Task, View, source_drift};
use crate::telemetry::drift::tell;
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
        let wanted = declared.objects.iter().filter(|(key, object)| all || !view.is_settled(key, object));
        wanted.map(|(key, _)| key.clone()).collect()
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

    /// Reports fields that differ. Returns whether its status says so.
    fn found_drift(
        &mut self,
        key: &Target,
        policy: DriftPolicy,
        drifts: &[FieldDrift],
        declared: &Value,
        live: &Value,
    ) -> bool {
        let busy = self.is_being_worked_on(key);
        let Some(state) = &mut self.state else { return true };
        let redact = Arc::clone(&state.settings.redact);
        let subject = Subject { kind: key.kind.as_str(), key, declared, live, redact: &redact };
        let known = state.drift.get(key).map(Vec::as_slice).unwrap_or_default();
        let now = jiff::Timestamp::now();
        let ignored = policy == DriftPolicy::Ignore;
        let found = drifts.iter().filter(|_| !ignored);
        let fields: Vec<_> = found
            .map(|drift| words::field(&subject, drift, known, now))
            .map(|field| DriftedField { policy: field.policy.or(Some(policy)), ..field })
            .collect();
        let how = |field: &DriftedField| {
            // What is being put back is known to be so when that has ended.
            let declared = |pointer: &Pointer, change| drift::declared_now(declared, live, pointer, change);
            (!busy).then(|| if ignored { Ended::Ignored } else { episodes::how(field, &subject, declared) })
        };
        let said = state.saw_drift(key, source_drift(live).as_ref(), fields, how, true);
        self.tell_drift();
        said
    }

    /// Reports an object that is missing although it was there. Returns whether it stays missing, by policy.
    fn found_deleted(&mut self, key: &Target, policy: DriftPolicy, gone: bool) -> bool {
        let in_flight = self.is_being_worked_on(key);
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
        let field = DriftedField { policy: Some(policy), ..field };
        state.saw_drift(key, None, vec![field], |_| Some(Ended::Gone), false);
        self.tell_drift();
        leave
    }

    pub(super) fn is_being_worked_on(&self, key: &Target) -> bool {
        self.running.as_ref().is_some_and(|running| running.keys.contains(key))
    }

    /// One log line, one Event and one count for each drift that began, changed or ended.
    pub(super) fn tell_drift(&mut self) {
        let Some(state) = &mut self.state else { return };
        for (key, turn) in state.episodes.take_untold() {
            tell(&self.deps.metrics, DriftLevel::Source, &key, &turn);
            let live = self.deps.live.get(&key);
            let uid = live.as_ref().map(|live| &*live.object().uid);
            for note in episodes::notes(&turn, Between::Source) {
                let event = EventNote::on(key.kind.as_str(), &key, uid, note.reason, "Compare", note.text);
                self.deps.events.emit(event.about(note.field).warning_if(note.warning));
            }
        }
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
