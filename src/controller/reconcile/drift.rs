//! Drift of children within one reconcile: told before anything is written, and what became of it afterwards. Each of what
//! began, changed and ended is told once.

use std::collections::HashSet;

use serde_json::Value;
use tracing::debug;

use super::{Work, is_to_be_corrected};
use crate::api::MicroService;
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::CONTROLLER_MANAGER;
use crate::api::status::{DriftStatus, DriftedField};
use crate::cluster::CallError;
use crate::controller::children::Kind;
use crate::controller::settle::{Relation, Rules, Settled, Trouble, decide, is_current, relation, try_out};
use crate::drift::{self, Forms, Learned, Ruled, RuledField};
use crate::model::{LiveObject, ObjectKey};
use crate::report::drift::{self as words, Subject};
use crate::report::episodes::{self, Turn};
use crate::workload::Child;

/// Drift of the children of one service, while it is reconciled.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What was told and stands, as far as it was looked at.
    pub standing: Vec<DriftedField>,
    /// Children that were compared, by kind and name.
    pub compared: HashSet<(&'static str, String)>,
    /// What an earlier process told, as far as its status says it; none once this process has looked.
    earlier: Option<DriftStatus>,
}

impl Told {
    /// What was told before: by this process, or else what the status says.
    pub fn before(known: Option<Vec<DriftedField>>, service: &MicroService) -> Self {
        let earlier = || service.status.as_ref()?.workload_drift.clone();
        match known {
            Some(standing) => Self { standing, ..Self::default() },
            None => {
                let earlier = earlier();
                Self { standing: words::recalled(earlier.as_ref(), &[]), earlier, ..Self::default() }
            }
        }
    }

    /// Whether an earlier process told of fields that only all of those that are seen show to be the same.
    fn waits_for_all(&self) -> bool {
        self.earlier.as_ref().is_some_and(|status| status.unlisted.is_some())
    }
}

impl Work<'_> {
    pub(super) fn is_ours(&self, live: &LiveObject) -> bool {
        relation(live, self.rules.service_uid, &self.key.name) == Relation::Ours
    }

    /// Drift is told the moment it is seen, and not when the call that puts it back has returned. What may be the API
    /// server's own doing is found out first: nobody's trace is lost by that. Returns what is known of the child then.
    pub(super) async fn before_writing(
        &mut self,
        kind: &Kind,
        child: &Child,
        live: &LiveObject,
        rules: &Rules<'_>,
    ) -> Learned {
        let (learned, ruled, open) = self.announce_seen(child, live, rules);
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
        let (seen, memory) = (live.value(), &self.controller.memory);
        memory.learn(self.key, child.kind.kind, &live.key, |learned| learned.tried(&open, &came_back));
        let learned = memory.learned(self.key, child.kind.kind, &live.key);
        let (_, ruled) = decide(child, &seen, &Rules { learned: &learned, ..*rules });
        let fields = self.fields(child, &live.key, &seen, &ruled);
        self.announce(child, live, fields);
        learned
    }

    /// Tells what is new of a child that is about to be written.
    pub(super) fn announce(&mut self, child: &Child, live: &LiveObject, fields: Vec<DriftedField>) {
        if self.told.waits_for_all() {
            return;
        }
        let object = live.key.to_string();
        let of_child = |field: &DriftedField| field.kind == child.kind.kind && field.object == object;
        let (before, others): (Vec<_>, Vec<_>) = self.told.standing.drain(..).partition(of_child);
        // What is not seen any more is told once the child is settled.
        let turn = episodes::turn(&before, fields, jiff::Timestamp::now(), |_| None);
        self.told.standing = others;
        self.told.standing.extend(turn.standing.iter().cloned());
        self.tell(turn);
        // What was found of others is not told yet.
        self.trace(of_child);
    }

    /// Takes what became of a child.
    pub(super) fn take(&mut self, child: &Child, settled: Settled) {
        self.observed.pending |= settled.pending;
        let now = jiff::Timestamp::now();
        let key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
        self.remember(child, &key, &settled);
        if settled.problem.is_none() || settled.deleted || !settled.ruled.is_empty() {
            self.told.compared.insert((child.kind.kind, child.name.clone()));
        }
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
    pub(super) fn fields(&mut self, child: &Child, key: &ObjectKey, seen: &Value, ruled: &Ruled) -> Vec<DriftedField> {
        let drifts: Vec<_> = ruled.told().map(|field| field.drift.clone()).collect();
        let fields = self.in_words(child, key, seen, &drifts, jiff::Timestamp::now());
        let with_policy =
            |(field, ruled): (DriftedField, &RuledField)| DriftedField { policy: Some(ruled.ruling.policy), ..field };
        fields.into_iter().zip(ruled.told()).map(with_policy).collect()
    }

    /// Tells what is new, and keeps what stands: in `observed`, for status, and in memory, for the next reconcile.
    pub(super) fn report_drift(&mut self, children: &[Child]) {
        let now = jiff::Timestamp::now();
        let corrected = std::mem::take(&mut self.observed.corrected);
        let mut seen = std::mem::take(&mut self.observed.drifts);
        seen.extend(corrected.iter().cloned());
        let before = match self.told.waits_for_all() {
            true => words::recalled(self.told.earlier.as_ref(), &seen),
            false => std::mem::take(&mut self.told.standing),
        };
        let mut turn = episodes::turn(&before, seen, now, |field| self.how(children, field));
        turn.put_back(now, |field| corrected.iter().any(|corrected| words::same(corrected, field)));
        let put_back = turn.ended.iter().filter(|episode| episode.ended == Ended::Corrected);
        self.observed.corrected = put_back.map(|episode| episode.field.clone()).collect();
        self.observed.drifts.clone_from(&turn.standing);
        self.controller.memory.remember_drift(self.key, turn.standing.clone());
        let told = self.tell(turn);
        self.trace(|_| true);
        self.observed.ended = self.controller.memory.ended(self.key, told.ended);
    }

    /// How a drift ended that is not seen any more; none where nobody looked.
    fn how(&self, children: &[Child], field: &DriftedField) -> Option<Ended> {
        let key = ObjectKey::parse(&field.object)?;
        let rendered = children.iter().find(|child| child.kind.kind == field.kind && *child.name == *key.name);
        let Some(child) = rendered else { return (!self.raced).then_some(Ended::Gone) };
        if self.raced || !self.told.compared.contains(&(child.kind.kind, child.name.clone())) {
            return None;
        }
        let kind = self.controller.children.of(child.kind)?;
        let policies = self.rules.policies(child, &key);
        let Some(live) = kind.store.get(&key).map(|entry| entry.object.value()) else {
            let ignored = field.path.is_empty() && policies.of_object().policy == DriftPolicy::Ignore;
            return Some(if ignored { Ended::Ignored } else { Ended::Gone });
        };
        let forms = Forms { declared: &child.body, live: &live };
        let learned = self.controller.memory.learned(self.key, child.kind.kind, &key);
        if drift::is_let_be(&field.path, &forms, CONTROLLER_MANAGER, &learned, &policies) {
            return Some(Ended::Ignored);
        }
        let subject = self.subject(child, &key, &live);
        Some(episodes::how(field, &subject, |pointer, change| drift::declared_now(&child.body, &live, pointer, change)))
    }

    /// Tells a turn, less what is fought for: that was told. Returns what was told.
    fn tell(&self, mut turn: Turn) -> Turn {
        turn.leave_untold(|field| self.controller.paces.is_fought_for(self.key, field));
        self.controller.tell(self.key, self.service.metadata.uid.as_deref(), &turn);
        turn
    }

    pub(super) fn subject<'s>(&self, child: &'s Child, key: &'s ObjectKey, live: &'s Value) -> Subject<'s>
    where
        Self: 's,
    {
        Subject { kind: child.kind.kind, key, declared: &child.body, live, redact: self.rules.redact }
    }
}
