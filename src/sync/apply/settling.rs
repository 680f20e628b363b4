//! Making a live object as declared where it differs: by a commit, or by another hand. Each field is under its own
//! policy: what stays is sent as it is, or not at all.

use serde_json::{Value, json};
use tracing::debug;

use super::Run;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::DriftedField;
use crate::cluster::{Apply, CallError, resource};
use crate::drift::{self, Compare, Forms, Ruled};
use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift, LiveObject, OutcomeKind, Target};
use crate::plan::body::{with_former_name, with_live_marks};
use crate::sync::work::not_by_the_commit;

/// How often one update looks at an object that changes each time.
const LOOKS: usize = 3;

/// An object as it was looked at, and what differs.
struct Differing {
    /// What is applied, with marks of its own.
    body: Value,
    live: LiveObject,
    value: Value,
    /// Differences that no commit caused.
    ruled: Ruled,
    /// See [`drift::Comparison::yielded`].
    yielded: Vec<Pointer>,
}

impl Differing {
    /// What is sent: all that is declared but for what stays, for exactly that object at that version.
    fn sent(&self, uid: &str, at: &LiveObject) -> Value {
        let Self { body, value, ruled, yielded, .. } = self;
        let mut body = drift::declared_for_apply(body, value, &ruled.kept(), yielded, SYNC_MANAGER);
        body["metadata"]["uid"] = json!(uid);
        body["metadata"]["resourceVersion"] = json!(at.resource_version.to_string());
        body
    }
}

impl Run {
    /// Compares what is declared with what there is; nothing where one of them is gone.
    fn differing(&self, key: &Target, updating: bool) -> Option<Differing> {
        let (object, entry) = (self.declared.objects.get(key)?, self.live.get(key)?);
        let live: LiveObject = entry.object().clone();
        let value = live.value();
        let body = self.view().body(key, object);
        let body = if updating { with_former_name(body, &value) } else { body };
        // As it was looked at: the marks that change with each commit are no drift, whoever wrote them.
        let seen = with_live_marks(body.clone(), &value);
        let compared = drift::compare(&seen, &value, &Compare { manager: SYNC_MANAGER });
        let learned = self.lessons.of(key);
        let drifts = compared.drifts.into_iter().filter(|drift| !learned.is_injected(drift));
        let forms = Forms { declared: &seen, live: &value };
        let drifts: Vec<_> = if updating {
            not_by_the_commit(key, drifts, &forms, &learned, &self.settings.redact)
        } else {
            drifts.collect()
        };
        let ruled = self.view().policies(key, object).rule(drifts, &forms);
        let body = if updating { body } else { seen };
        Some(Differing { body, live, value, ruled, yielded: compared.yielded })
    }

    /// Applies what a commit changed, and puts back what another hand did, for exactly the version that was looked at. Most of what
    /// comes in between is status, and then it is looked at again at once; what another hand did meanwhile must be told first.
    pub(super) async fn update(
        &self,
        key: &Target,
        uid: &str,
        drift: &[DriftedField],
    ) -> Result<OutcomeKind, CallError> {
        for _ in 0..LOOKS {
            let Some(differing) = self.differing(key, true) else { return Ok(OutcomeKind::Unchanged) };
            all_reported(&differing.ruled, drift)?;
            match self.write(key, uid, differing, drift).await {
                Err(CallError::Conflict(_)) => self.look_again(key, uid).await?,
                done => return done,
            }
        }
        Err(changed_since())
    }

    async fn write(
        &self,
        key: &Target,
        uid: &str,
        differing: Differing,
        drift: &[DriftedField],
    ) -> Result<OutcomeKind, CallError> {
        let (looked_at, corrected) = (differing.live.resource_version, differing.ruled.corrected());
        let removed = self.remove_added(key, &differing, &corrected).await?;
        let body = differing.sent(uid, removed.as_ref().unwrap_or(&differing.live));
        let answer = self.writer.apply(&resource(key.kind), key, &body, Apply::forced(SYNC_MANAGER)).await?;
        let unchanged = answer.resource_version == looked_at;
        let came_back = self.learn(key, &body, &answer, &corrected);
        self.live.answered(key.kind, answer);
        if !drift.is_empty() || self.ended.contains_key(key) {
            self.note_apart(key, drift, &came_back).await;
        }
        Ok(if unchanged { OutcomeKind::Unchanged } else { OutcomeKind::Updated })
    }

    /// Removes what is to go and is in nothing that is declared, for which an apply does not do; what came of it.
    async fn remove_added(
        &self,
        key: &Target,
        differing: &Differing,
        corrected: &[FieldDrift],
    ) -> Result<Option<LiveObject>, CallError> {
        match drift::removal_patch(&differing.value, corrected) {
            Some(patch) => self.writer.patch(&resource(key.kind), key, &patch, SYNC_MANAGER).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads an object that is another version than was looked at: the watch may be long in telling.
    async fn look_again(&self, key: &Target, uid: &str) -> Result<(), CallError> {
        match self.cluster.get(&resource(key.kind), key).await? {
            Some(live) if *live.uid == *uid => {
                self.live.answered(key.kind, live);
                Ok(())
            }
            _ => Err(changed_since()),
        }
    }

    /// Puts back what differs and is not to stay, for exactly the version that was looked at.
    pub(super) async fn correct(&self, key: &Target, drift: &[DriftedField]) -> Result<OutcomeKind, CallError> {
        let Some(differing) = self.differing(key, false) else { return Ok(OutcomeKind::Unchanged) };
        if !differing.ruled.corrects() {
            return Err(CallError::Conflict("corrections were paused since it was looked at".into()));
        }
        all_reported(&differing.ruled, drift)?;
        let corrected = differing.ruled.corrected();
        let mut came_back = Vec::new();
        let mut live = differing.live.clone();
        if let Some(removed) = self.remove_added(key, &differing, &corrected).await? {
            came_back = drift::came_back(None, &removed.value(), &corrected, SYNC_MANAGER);
            self.lessons.learn(key, |learned| learned.tried(&[], &came_back));
            live = removed;
        }
        // What was only added is gone by now.
        if corrected.iter().any(|drift| drift.change != ChangeKind::Added) {
            let body = differing.sent(&live.uid, &live);
            live = self.writer.apply(&resource(key.kind), key, &body, Apply::forced(SYNC_MANAGER)).await?;
            came_back = self.learn(key, &body, &live, &corrected);
        }
        self.live.answered(key.kind, live);
        self.note_apart(key, drift, &came_back).await;
        Ok(OutcomeKind::Corrected)
    }

    /// Finds out whether the API server itself makes differences that look like our own doing: what would be stored, if
    /// what is declared were sent, shows them again.
    pub(super) async fn try_out(&self, key: &Target) -> Result<OutcomeKind, CallError> {
        let Some(mut differing) = self.differing(key, false) else { return Ok(OutcomeKind::Unchanged) };
        let open = differing.ruled.take_open(&self.lessons.of(key), &differing.value, SYNC_MANAGER);
        if open.is_empty() {
            return Ok(OutcomeKind::Unchanged);
        }
        let body = differing.sent(&differing.live.uid, &differing.live);
        let how = Apply { dry_run: true, ..Apply::forced(SYNC_MANAGER) };
        let came_back = match self.writer.apply(&resource(key.kind), key, &body, how).await {
            Ok(answer) => drift::came_back(Some(&body), &answer.value(), &[], SYNC_MANAGER),
            Err(error @ CallError::Conflict(_)) => return Err(error),
            // Who cannot be asked has made nothing: it is told, and the answer to the write that puts it back will show.
            Err(_) => Vec::new(),
        };
        self.lessons.learn(key, |learned| learned.tried(&open, &came_back));
        Ok(OutcomeKind::Unchanged)
    }

    /// Learns from the answer to a write that sent everything, and returns what was put back in vain.
    pub(super) fn learn(
        &self,
        key: &Target,
        sent: &Value,
        answer: &LiveObject,
        put_back: &[FieldDrift],
    ) -> Vec<FieldDrift> {
        let came_back = drift::came_back(Some(sent), &answer.value(), put_back, SYNC_MANAGER);
        self.lessons.learn(key, |learned| learned.answered(&came_back));
        came_back
    }

    /// Tells in status what stands and what was put back. What came back is neither: the API server itself makes it so.
    /// Where status cannot be written, it was done all the same, and is told with the next look.
    async fn note_apart(&self, key: &Target, drift: &[DriftedField], came_back: &[FieldDrift]) {
        let again =
            |field: &DriftedField| came_back.iter().any(|drift| drift.is_at(&field.path, field.keyed_path.as_deref()));
        let (in_vain, others): (Vec<_>, Vec<_>) = drift.iter().cloned().partition(again);
        let (standing, corrected): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|field| field.policy != Some(DriftPolicy::Correct));
        if let Err(error) = self.note(key, &standing, &corrected).await {
            debug!(service = %key, code = error.code(), reason = error.reason(), %error, "status not written; trying again");
            self.aside().unnoted.insert(key.clone());
        }
        if !in_vain.is_empty() {
            self.aside().in_vain.insert(key.clone(), in_vain);
        }
    }
}

/// Nothing is overwritten that was not reported before: what came since must be looked at.
fn all_reported(ruled: &Ruled, reported: &[DriftedField]) -> Result<(), CallError> {
    let known = |drift: &FieldDrift| reported.iter().any(|field| drift.is_at(&field.path, field.keyed_path.as_deref()));
    let all = ruled.told().all(|field| known(&field.drift));
    if all { Ok(()) } else { Err(changed_since()) }
}

/// Somebody was faster.
pub(super) fn changed_since() -> CallError {
    CallError::Conflict("it changed since it was looked at".into())
}
