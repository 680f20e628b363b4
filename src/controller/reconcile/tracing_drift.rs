//! Drift of a child in words: which user it was, from which field of the MicroService the child's was rendered, where Git
//! declares that, and by which commit. What is at hand is said with the drift; the rest is looked up beside.

use serde_json::Value;

use super::Work;
use crate::api::names::CONTROLLER_MANAGER;
use crate::api::status::DriftedField;
use crate::drift::declared_pointer;
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift, ObjectKey, Target};
use crate::report::drift as words;
use crate::telemetry::metrics::DriftLevel;
use crate::trace::{Declaration, Whose};
use crate::workload::{Child, origin};

/// A drift whose commit may have to be looked up.
pub(super) struct Untraced {
    field: DriftedField,
    declaration: Declaration,
    pointer: Pointer,
}

impl Work<'_> {
    /// What differs of a child, in words.
    pub(super) fn in_words(
        &mut self,
        child: &Child,
        key: &ObjectKey,
        seen: &Value,
        drifts: &[FieldDrift],
        now: jiff::Timestamp,
    ) -> Vec<DriftedField> {
        // Asked even where nothing differs: what was not drift is told of no later one.
        let hands = self.controller.tracer.hands();
        let users = hands.users((child.kind.kind, key), &child.body, seen, CONTROLLER_MANAGER, drifts);
        if drifts.is_empty() {
            return Vec::new();
        }
        let known = self.told.standing.clone();
        let subject = self.subject(child, key, seen);
        let mut fields = Vec::new();
        for (drift, user) in drifts.iter().zip(users) {
            let mut field = self.as_recreated(words::field(&subject, drift, &known, now), seen, &known);
            field.user = field.user.take().or(user);
            let rendered = declared_pointer(&child.body, seen, drift);
            self.locate(&mut field, &origin(self.live, &child.body, &rendered));
            fields.push(field);
        }
        fields
    }

    /// A child that is gone.
    pub(super) fn deleted(&mut self, child: &Child, key: &ObjectKey, now: jiff::Timestamp) -> DriftedField {
        self.whole(words::deleted(child.kind.kind, key, now))
    }

    /// A child that is to go, and is held.
    pub(super) fn terminating(
        &mut self,
        child: &Child,
        key: &ObjectKey,
        live: &Value,
        now: jiff::Timestamp,
    ) -> DriftedField {
        self.whole(words::terminating(child.kind.kind, key, live, now))
    }

    fn whole(&mut self, field: DriftedField) -> DriftedField {
        let mut field = words::as_before(field, &self.told.standing);
        self.locate(&mut field, &Pointer::root());
        field
    }

    /// A child of which nothing is ours is another one if its UID is not the one in status.
    fn as_recreated(&self, field: DriftedField, seen: &Value, known: &[DriftedField]) -> DriftedField {
        let lost = field.change == ChangeKind::Disowned.as_str() && field.path.is_empty();
        let recreated = ChangeKind::Recreated.as_str();
        let another = || {
            let status = self.service.status.as_ref().map(|status| status.children.as_slice()).unwrap_or_default();
            let name = seen["metadata"]["name"].as_str().unwrap_or_default();
            let before = status.iter().find(|known| known.kind == field.kind && known.name == name);
            let told = |known: &DriftedField| {
                known.change == recreated && known.kind == field.kind && known.object == field.object
            };
            before.is_some_and(|before| seen["metadata"]["uid"] != *before.uid) || known.iter().any(told)
        };
        if !(lost && another()) {
            return field;
        }
        words::as_before(DriftedField { change: recreated.to_owned(), ..field }, known)
    }

    /// Has the commits looked up of what was announced of these.
    pub(super) fn trace(&mut self, announced: impl Fn(&DriftedField) -> bool) {
        let Some(sync) = self.sync.clone() else { return };
        let whose = Whose { level: DriftLevel::Workload, target: Target::service(self.key.clone()), sync };
        for Untraced { field, declaration, pointer } in self.untraced.extract_if(.., |one| announced(&one.field)) {
            self.controller.tracer.trace(&whose, &field, &declaration, &pointer);
        }
    }

    /// Says where a field of the MicroService is declared; it waits for nothing.
    fn locate(&mut self, field: &mut DriftedField, pointer: &Pointer) {
        let (tracer, Some(sync)) = (&self.controller.tracer, &self.sync) else { return };
        let target = Target::service(self.key.clone());
        let Some(declaration) = tracer.applied(sync, &target, self.live) else { return };
        field.declared_at = Some(tracer.place_now(sync, &declaration, pointer, field.declared_at.take()));
        self.untraced.push(Untraced { field: field.clone(), declaration, pointer: pointer.clone() });
    }
}
