//! Which user drifted a field, where Git declares it, and by which commit. What is at hand is said with the drift; the rest
//! is looked up beside the loop and written down later.

use std::collections::HashSet;

use serde_json::Value;

use super::SyncLoop;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftedField;
use crate::drift::declared_pointer;
use crate::model::pointer::Pointer;
use crate::model::{FieldDrift, Kind, Target};
use crate::sync::work::{Item, Task};
use crate::telemetry::metrics::DriftLevel;
use crate::trace::{Declaration, Whose};

/// Drift whose commits are to be looked up once it is announced.
#[derive(Default)]
pub(super) struct Untraced {
    declaration: Option<Declaration>,
    fields: Vec<(DriftedField, Pointer)>,
}

impl SyncLoop {
    /// Says of fields that are new whose hand it was and where they are declared; it waits for nothing.
    pub(super) fn locate(
        &self,
        key: &Target,
        drifts: &[FieldDrift],
        declared: &Value,
        live: &Value,
        fields: &mut [DriftedField],
    ) -> Untraced {
        let users = match key.kind {
            // Asked even where nothing differs: what was not drift is told of no later one.
            Kind::MicroService => {
                let object = (key.kind.as_str(), &key.key);
                self.deps.tracer.hands().users(object, declared, live, SYNC_MANAGER, drifts)
            }
            Kind::GitSync => Vec::new(),
        };
        if fields.is_empty() {
            return Untraced::default();
        }
        for (field, user) in fields.iter_mut().zip(users) {
            field.user = field.user.take().or(user);
        }
        self.place(key, fields, |at| drifts.get(at).map(|drift| declared_pointer(declared, live, drift)))
    }

    /// Says where an object is declared that is gone.
    pub(super) fn locate_whole(&self, key: &Target, field: &mut DriftedField) -> Untraced {
        self.place(key, std::slice::from_mut(field), |_| Some(Pointer::root()))
    }

    fn place(&self, key: &Target, fields: &mut [DriftedField], pointer: impl Fn(usize) -> Option<Pointer>) -> Untraced {
        let Some(declaration) = self.deps.tracer.declaration(&self.key, key) else { return Untraced::default() };
        let mut untraced = Vec::new();
        for (at, field) in fields.iter_mut().enumerate() {
            let Some(pointer) = pointer(at) else { continue };
            let before = field.declared_at.take();
            field.declared_at = Some(self.deps.tracer.place_now(&self.key, &declaration, &pointer, before));
            untraced.push((field.clone(), pointer));
        }
        Untraced { declaration: Some(declaration), fields: untraced }
    }

    /// Has the commits looked up of what is not known yet.
    pub(super) fn trace(&self, key: &Target, untraced: &Untraced) {
        let Some(declaration) = &untraced.declaration else { return };
        let whose = Whose { level: DriftLevel::Source, target: key.clone(), sync: self.key.clone() };
        for (field, pointer) in &untraced.fields {
            self.deps.tracer.trace(&whose, field, declaration, pointer);
        }
    }

    /// Commits were found: status says them, when nothing else is done about the objects.
    pub(super) fn traced(&mut self, found: HashSet<Target>) {
        let Some(state) = self.state.as_mut().filter(|_| !found.is_empty()) else { return };
        state.traced.extend(found);
        self.status_within(super::COUNTS);
    }

    /// Takes them up, but for those of objects that are being worked on.
    pub(super) fn write_traces(&mut self) {
        let Some(state) = &mut self.state else { return };
        let busy = |key: &Target| self.todo.contains_key(key);
        let (later, now): (HashSet<_>, HashSet<_>) =
            std::mem::take(&mut state.traced).into_iter().partition(|key| busy(key));
        state.traced = later;
        for key in now {
            let item = Item { key: key.clone(), task: Task::Trace };
            self.todo.insert(key, (item, Vec::new()));
        }
    }
}
