//! Looking at what is declared and what was applied: what is to be done about them, and drift, which is reported the moment it is seen.

use std::collections::HashSet;
use std::sync::Arc;

use super::SyncLoop;
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftedField;
use crate::cluster::EventNote;
use crate::drift::{self, Forms, Policies, Ruled, RuledField, Ruling};
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, HoldReason, Target};
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
        // What was seen of drift and is not done yet: an object that is of the right revision is not looked at again.
        let pending: HashSet<_> = self.todo.drain().map(|(key, _)| key).chain(self.again.drain()).collect();
        let drift = std::mem::take(&mut self.compare_all);
        if let Some(state) = &self.state {
            let now = jiff::Timestamp::now();
            self.deps.rule_use.see(&self.key, &state.settings.drift, &self.inbox, now);
        }
        // Thousands of comparisons: other tasks must not stand behind them.
        tokio::task::block_in_place(|| {
            let keys = self.unsettled(drift);
            keys.iter().for_each(|key| self.examine(key, false, drift));
            let seen: HashSet<_> = keys.into_iter().collect();
            pending.difference(&seen).for_each(|key| self.examine(key, false, true));
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
        let Some(policies) = declared.objects.get(key).map(|object| view.policies(key, object)) else { return };
        let Look { mut task, hold, ruled, compared } = look;
        state.looked(key, hold.as_ref());
        // What ends while an object is being written is told once that is done. A fight for it does not end by that: the
        // watch may show a correction before its answer is taken note of, and only that begins the next pause.
        let written = self.running.as_ref().is_some_and(|running| running.keys.contains(key));
        if written {
            self.again.insert(key.clone());
        }
        self.deps.rule_use.decided(&self.key, &settings.drift, ruled.rules());
        if let Some((declared, live)) = &compared {
            if !matches!(task, Some(Task::Update { .. })) {
                // What another hand wrote is known by that; the rest would look like the next commit's.
                let unmarked = ruled.ignored().filter(|drift| !drift.is_by_another_than(SYNC_MANAGER));
                state.lessons.learn(key, |learned| learned.ignores(unmarked));
            }
            state.restraint.resume(key, live, now);
            let forms = Forms { declared, live };
            let (differs, corrects) = (ruled.told().next().is_some(), ruled.corrects());
            let unsaid = self.unsaid.remove(key) && differs;
            let known = self.found_drift(key, (&ruled, &policies), &forms, task == Some(Task::Try)) && !unsaid;
            self.wake_after(key, paused.as_ref().filter(|_| differs));
            let restrained = settings.suspended || paused.is_some();
            let over = !corrects && !written && self.fight_ended(key, !restrained);
            let said = known && !over && !self.speaks_of_a_past_fight(key, live);
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
        } else if task == Some(Task::Create) {
            if self.found_deleted(key, policies.of_object(), gone) {
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

    /// Reports fields that differ. `finds_out` says that it is still to be found out whose doing some are. Returns whether
    /// its status says all of it.
    fn found_drift(
        &mut self,
        key: &Target,
        (ruled, policies): (&Ruled, &Policies),
        forms: &Forms<'_>,
        finds_out: bool,
    ) -> bool {
        let open = finds_out || self.is_being_worked_on(key);
        let Some(state) = &mut self.state else { return true };
        let redact = Arc::clone(&state.settings.redact);
        let &Forms { declared, live } = forms;
        let subject = Subject { kind: key.kind.as_str(), key, declared, live, redact: &redact };
        let known = state.drift.get(key).map(Vec::as_slice).unwrap_or_default();
        let now = jiff::Timestamp::now();
        let field = |field: &RuledField| DriftedField {
            policy: Some(field.ruling.policy),
            ..words::field(&subject, &field.drift, known, now)
        };
        let mut fields: Vec<_> = ruled.told().map(field).collect();
        let learned = state.lessons.of(key);
        let drifts: Vec<_> = ruled.told().map(|field| field.drift.clone()).collect();
        let untraced = self.locate(key, &drifts, declared, live, &mut fields);
        let how = |field: &DriftedField| {
            // What is being put back is known to be so when that has ended.
            if open {
                None
            } else if drift::is_let_be(&field.path, forms, SYNC_MANAGER, &learned, policies) {
                Some(Ended::Ignored)
            } else {
                let declared = |pointer: &Pointer, change| drift::declared_now(declared, live, pointer, change);
                Some(episodes::how(field, &subject, declared))
            }
        };
        let Some(state) = &mut self.state else { return true };
        let said = state.saw_drift(key, source_drift(live).as_ref(), fields, how, true);
        self.tell_drift();
        self.trace(key, &untraced);
        said
    }

    /// Reports an object that somebody deleted and finalizers hold. Returns whether there is something new to say in its
    /// status. No policy lets anybody put that back.
    fn found_terminating(&mut self, key: &Target) -> bool {
        let Some(live) = self.deps.live.get(key).filter(|_| !self.pruned.contains(key)) else { return false };
        let Some(state) = &mut self.state else { return false };
        let live = live.object().value();
        let known = state.drift.get(key).map(Vec::as_slice).unwrap_or_default();
        let field = words::terminating(key.kind.as_str(), key, &live, jiff::Timestamp::now());
        let mut field = DriftedField { policy: Some(DriftPolicy::Report), ..words::as_before(field, known) };
        let untraced = self.locate_whole(key, &mut field);
        let Some(state) = &mut self.state else { return false };
        let said = state.saw_drift(key, source_drift(&live).as_ref(), vec![field], |_| None, true);
        self.tell_drift();
        self.trace(key, &untraced);
        !said
    }

    /// Reports an object that is missing although it was there. Returns whether it stays missing, by policy.
    fn found_deleted(&mut self, key: &Target, ruling: Ruling, gone: bool) -> bool {
        let in_flight = self.is_being_worked_on(key);
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
        let ignored = policy == DriftPolicy::Ignore;
        let mut field = words::deleted(key.kind.as_str(), key, jiff::Timestamp::now());
        let untraced = self.locate_whole(key, &mut field);
        let told = (!ignored).then_some(DriftedField { policy: Some(policy), ..field });
        let deleted = |field: &DriftedField| field.change == ChangeKind::Deleted.as_str();
        let how = |field: &DriftedField| Some(if ignored && deleted(field) { Ended::Ignored } else { Ended::Gone });
        let Some(state) = &mut self.state else { return leave };
        state.saw_drift(key, None, told.into_iter().collect(), how, false);
        self.tell_drift();
        if !ignored {
            self.trace(key, &untraced);
        }
        leave
    }

    pub(super) fn is_being_worked_on(&self, key: &Target) -> bool {
        self.running.as_ref().is_some_and(|running| running.keys.contains(key))
    }

    /// One log line, one Event and one count for each drift that began, changed or ended. What is fought for was told.
    pub(super) fn tell_drift(&mut self) {
        let Some(state) = &mut self.state else { return };
        for (key, mut turn) in state.episodes.take_untold() {
            turn.leave_untold(|field| state.restraint.is_fought_for(&key, field));
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
        let in_flight = self.is_being_worked_on(key);
        if let Some(state) = self.state.as_mut().filter(|_| !in_flight) {
            state.forget_failure(key);
            state.waits.let_be(key);
        }
        self.todo.remove(key);
    }

    /// Work on an object that is being worked on waits until that is done, and is then decided anew.
    fn note_work(&mut self, key: &Target, task: Task) {
        if self.is_being_worked_on(key) {
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
