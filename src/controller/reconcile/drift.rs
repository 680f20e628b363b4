//! Drift of children within one reconcile: told before anything is written, and what became of it afterwards.

use serde_json::Value;
use tracing::debug;

use super::{Work, is_to_be_corrected};
use crate::api::gitsync::DriftPolicy;
use crate::api::names::CONTROLLER_MANAGER;
use crate::api::status::DriftedField;
use crate::cluster::CallError;
use crate::controller::children::Kind;
use crate::controller::settle::{Relation, Rules, Settled, Trouble, decide, is_current, relation, try_out};
use crate::drift::{Learned, Ruled, RuledField};
use crate::model::{LiveObject, ObjectKey};
use crate::report::drift as words;
use crate::workload::Child;

impl Work<'_> {
    pub(super) fn is_ours(&self, live: &LiveObject) -> bool {
        relation(live, self.rules.service_uid, &self.key.name) == Relation::Ours
    }

    /// Drift is told the moment it is seen, and not when the call that puts it back has returned. What may be the API
    /// server's own doing is found out first: nobody's trace is lost by that. Returns what is known of the child then.
    pub(super) async fn before_writing(&mut self, kind: &Kind, child: &Child, live: &LiveObject) -> Learned {
        let seen = live.value();
        let memory = &self.controller.memory;
        let learned = memory.learned(self.key, child.kind.kind, &live.key);
        let (_, mut ruled) = decide(child, &seen, &Rules { learned: &learned, ..self.rules });
        let open = if self.rules.suspended { Vec::new() } else { ruled.take_open(&learned, &seen, CONTROLLER_MANAGER) };
        let fields = self.fields(child, &live.key, &seen, &ruled);
        self.announce(&fields);
        if open.is_empty() {
            return learned;
        }
        let came_back = match try_out(&self.controller.cluster, kind, child, live, &ruled).await {
            Ok(came_back) => came_back,
            // Whoever writes next will hear it, too: nothing is concluded.
            Err(CallError::Conflict(_)) => return learned,
            Err(error) => {
                debug!(service = %self.key, child = %live.key, %error, "an apply could not be tried");
                Vec::new()
            }
        };
        memory.learn(self.key, child.kind.kind, &live.key, |learned| learned.tried(&open, &came_back));
        let learned = memory.learned(self.key, child.kind.kind, &live.key);
        let (_, ruled) = decide(child, &seen, &Rules { learned: &learned, ..self.rules });
        let fields = self.fields(child, &live.key, &seen, &ruled);
        self.announce(&fields);
        learned
    }

    /// Takes what became of a child.
    pub(super) fn take(&mut self, child: &Child, settled: Settled) {
        self.observed.pending |= settled.pending;
        let now = jiff::Timestamp::now();
        let key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
        self.remember(child, &key, &settled);
        // What is put back, now or in its turn.
        let mut put_back = Vec::new();
        if settled.deleted {
            let ruling = self.rules.policies(child, &key).of_object();
            self.decided.extend(ruling.rule);
            let field = DriftedField { policy: Some(ruling.policy), ..self.deleted(child, &key, now) };
            if ruling.policy == DriftPolicy::Correct {
                put_back.push(field.clone());
            }
            if settled.corrected {
                self.observed.corrected.push(field);
            } else if ruling.policy != DriftPolicy::Ignore {
                self.observed.drifts.push(field);
            }
            // It stays in status, or the next look would take its absence for its first creation.
            if settled.live.is_none() {
                self.keep_in_status(child);
            }
        }
        self.decided.extend(settled.ruled.rules());
        if let Some(live) = &settled.terminating {
            // No policy lets anybody put that back.
            let held = self.terminating(child, &key, live, now);
            self.observed.drifts.push(DriftedField { policy: Some(DriftPolicy::Report), ..held });
        }
        let fields = self.fields(child, &key, &settled.seen, &settled.ruled);
        for (field, said) in settled.ruled.told().zip(fields) {
            if is_to_be_corrected(&said) {
                put_back.push(said.clone());
            }
            if !(settled.corrected && settled.ruled.is_corrected(field)) {
                self.observed.drifts.push(said);
            } else if settled.came_back_to(&field.drift) {
                debug!(service = %self.key, child = %key, path = said.path, "what was put back came back at once");
            } else {
                self.observed.corrected.push(said);
            }
        }
        self.paced(child, &settled, &put_back);
        if let Some(trouble) = settled.problem {
            if settled.live.is_none() && matches!(trouble, Trouble::Leaving | Trouble::Call(_)) {
                // Not seen now is not gone: it stays known until it is looked at again.
                self.keep_in_status(child);
            }
            self.trouble(child, &trouble);
        }
    }

    /// Keeps what this look taught about a child.
    fn remember(&self, child: &Child, key: &ObjectKey, settled: &Settled) {
        let (memory, kind) = (&self.controller.memory, child.kind.kind);
        let left = settled.deleted && settled.live.is_none() && settled.problem.is_none();
        memory.leave(self.key, kind, key, left);
        let ignored = is_current(child, &settled.seen).then(|| {
            // What another hand wrote is known by that; the rest would look like the next commit's.
            settled.ruled.ignored().filter(|drift| !drift.is_by_another_than(CONTROLLER_MANAGER))
        });
        if settled.came_back.is_none() && ignored.is_none() {
            return;
        }
        memory.learn(self.key, kind, key, |learned| {
            if let Some(ignored) = ignored {
                learned.ignores(ignored);
            }
            match &settled.came_back {
                Some(answer) if answer.whole => learned.answered(&answer.drifts),
                Some(answer) => learned.tried(&[], &answer.drifts),
                None => {}
            }
        });
    }

    /// What is told of a child, with what is done about it.
    fn fields(&mut self, child: &Child, key: &ObjectKey, seen: &Value, ruled: &Ruled) -> Vec<DriftedField> {
        let drifts: Vec<_> = ruled.told().map(|field| field.drift.clone()).collect();
        let fields = self.in_words(child, key, seen, &drifts, jiff::Timestamp::now());
        let with_policy =
            |(field, ruled): (DriftedField, &RuledField)| DriftedField { policy: Some(ruled.ruling.policy), ..field };
        fields.into_iter().zip(ruled.told()).map(with_policy).collect()
    }

    /// Announces what was not known, and not announced in this reconcile. What is fought for was told.
    fn announce(&mut self, fields: &[DriftedField]) {
        let known = self.controller.memory.known_drift(self.key, self.service);
        for field in fields {
            let told = known.iter().chain(&self.announced).any(|known| words::same(known, field));
            if !told && !self.controller.paces.is_fought_for(self.key, field) {
                self.controller.announce(self.key, self.service, field);
                self.announced.push(field.clone());
            }
        }
        self.trace();
    }

    pub(super) fn report_drift(&mut self) {
        let all: Vec<_> = self.observed.drifts.iter().chain(&self.observed.corrected).cloned().collect();
        self.announce(&all);
        self.controller.memory.remember_drift(self.key, self.observed.drifts.clone());
    }
}

