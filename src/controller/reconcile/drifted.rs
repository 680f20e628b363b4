//! What a reconcile tells of drift, once: what began, what changed, what ended and how.

use std::collections::HashSet;

use super::Work;
use crate::api::MicroService;
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::status::{DriftStatus, DriftedField};
use crate::controller::settle::{Settled, decide};
use crate::drift;
use crate::model::{LiveObject, ObjectKey};
use crate::report::drift::{self as drift_report, Subject};
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
                Self { standing: drift_report::recalled(earlier.as_ref(), &[]), earlier, ..Self::default() }
            }
        }
    }

    /// Whether an earlier process told of fields that only all of those that are seen show to be the same.
    fn waits_for_all(&self) -> bool {
        self.earlier.as_ref().is_some_and(|status| status.unlisted.is_some())
    }
}

impl Work<'_> {
    /// Drift is told the moment it is seen, and not when the call that puts it back has returned.
    pub(super) fn announce_before_writing(&mut self, child: &Child, live: &LiveObject) {
        if self.told.waits_for_all() {
            return;
        }
        let seen = live.value();
        let (_, drifts) = decide(child, &seen, &self.rules);
        let subject = Subject {
            kind: child.kind.kind,
            key: &live.key,
            declared: &child.body,
            live: &seen,
            redact: self.rules.redact,
        };
        let fields = self.fields(&subject, &drifts);
        let object = live.key.to_string();
        let of_child = |field: &DriftedField| field.kind == child.kind.kind && field.object == object;
        let (before, others): (Vec<_>, Vec<_>) = self.told.standing.drain(..).partition(of_child);
        // What is not seen any more is told once the child is settled.
        let turn = episodes::turn(&before, fields, jiff::Timestamp::now(), |_| None);
        self.told.standing = others;
        self.told.standing.extend(turn.standing.iter().cloned());
        self.tell(&turn);
    }

    /// Differences as they go out, each with what is done about it.
    pub(super) fn fields(&self, subject: &Subject<'_>, drifts: &[crate::model::FieldDrift]) -> Vec<DriftedField> {
        let now = jiff::Timestamp::now();
        let fields = drifts.iter().map(|drift| drift_report::field(subject, drift, &self.told.standing, now));
        fields.map(|field| self.under_policy(field)).collect()
    }

    pub(super) fn under_policy(&self, field: DriftedField) -> DriftedField {
        // A suspended service is only looked at.
        let policy = if self.rules.suspended { DriftPolicy::Report } else { self.policy };
        DriftedField { policy: field.policy.or(Some(policy)), ..field }
    }

    /// Whether what is known of a child's drift is old now.
    pub(super) fn was_compared(&mut self, child: &Child, settled: &Settled) {
        if settled.problem.is_none() || settled.deleted || !settled.drifts.is_empty() {
            self.told.compared.insert((child.kind.kind, child.name.clone()));
        }
    }

    /// Tells what is new, and keeps what stands: in `observed`, for status, and in memory, for the next reconcile.
    pub(super) fn report_drift(&mut self, children: &[Child]) {
        let now = jiff::Timestamp::now();
        let corrected = std::mem::take(&mut self.observed.corrected);
        let mut seen = std::mem::take(&mut self.observed.drifts);
        seen.extend(corrected.iter().cloned());
        let before = match self.told.waits_for_all() {
            true => drift_report::recalled(self.told.earlier.as_ref(), &seen),
            false => std::mem::take(&mut self.told.standing),
        };
        let mut turn = episodes::turn(&before, seen, now, |field| self.how(children, field));
        turn.put_back(now, |field| corrected.iter().any(|corrected| drift_report::same(corrected, field)));
        self.tell(&turn);
        if !corrected.is_empty() {
            self.controller.memory.corrected(self.key, now);
        }
        let put_back = turn.ended.iter().filter(|episode| episode.ended == Ended::Corrected);
        self.observed.corrected = put_back.map(|episode| episode.field.clone()).collect();
        self.observed.drifts.clone_from(&turn.standing);
        self.observed.ended = self.controller.memory.ended(self.key, turn.ended);
        self.controller.memory.remember_drift(self.key, turn.standing);
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
        let Some(live) = kind.store.get(&key).map(|entry| entry.object.value()) else { return Some(Ended::Gone) };
        let subject =
            Subject { kind: child.kind.kind, key: &key, declared: &child.body, live: &live, redact: self.rules.redact };
        Some(episodes::how(field, &subject, |pointer, change| drift::declared_now(&child.body, &live, pointer, change)))
    }

    fn tell(&self, turn: &Turn) {
        self.controller.tell(self.key, self.service.metadata.uid.as_deref(), turn);
    }
}
