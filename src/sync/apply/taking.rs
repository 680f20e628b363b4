//! Making an object ours that exists: one that nobody owned, or that another GitSync no longer declares.

use serde_json::{Value, json};

use super::Run;
use super::settling::changed_since;
use crate::api::names::SYNC_MANAGER;
use crate::cluster::{Apply, CallError, resource};
use crate::drift::{self, Compare, Forms};
use crate::model::{ChangeKind, FieldDrift, OutcomeKind, Target};
use crate::plan::body::with_live_marks;
use crate::report::drift::{Subject, field, sentence};
use crate::report::redact::Redactor;
use crate::sync::work::not_by_the_commit;

/// Changes that are put into words.
const LISTED: usize = 8;

impl Run {
    /// Applies what is declared, for exactly the object and version that was judged. What others added to it stays: it is
    /// drift of an object of ours from then on, and is dealt with by policy.
    pub(super) async fn take_over(
        &self,
        key: &Target,
        (uid, resource_version): (&str, u64),
        from: Option<&str>,
    ) -> Result<OutcomeKind, CallError> {
        let Some(object) = self.declared.objects.get(key) else { return Ok(OutcomeKind::Unchanged) };
        let live = self.live.get(key).ok_or_else(changed_since)?;
        if *live.object().uid != *uid || live.object().resource_version != resource_version {
            return Err(changed_since());
        }
        let value = live.object().value();
        let body = self.view().body(key, object);
        let seen = with_live_marks(body.clone(), &value);
        let compared = drift::compare(&seen, &value, &Compare { manager: SYNC_MANAGER });
        // Between two GitSyncs, what differs is mostly the commit; what another hand wrote stays under Report.
        let forms = Forms { declared: &seen, live: &value };
        let (learned, redact) = (self.lessons.of(key), &self.settings.redact);
        let others = not_by_the_commit(key, compared.drifts.clone(), &forms, &learned, redact);
        let ruled = self.view().policies(key, object).rule(others, &forms);
        let keep = if from.is_some() { ruled.kept() } else { Vec::new() };
        let mut body = drift::declared_for_apply(&body, &value, &keep, &compared.yielded, SYNC_MANAGER);
        body["metadata"]["uid"] = json!(uid);
        body["metadata"]["resourceVersion"] = json!(resource_version.to_string());
        let answer = self.writer.apply(&resource(key.kind), key, &body, Apply::forced(SYNC_MANAGER)).await?;
        self.learn(key, &body, &answer, &[]);
        self.live.answered(key.kind, answer);
        let changed: Vec<_> = compared.drifts.into_iter().filter(|drift| !keep.contains(drift)).collect();
        Ok(OutcomeKind::TakenOver {
            from: from.map(str::to_owned),
            changed: words(key, &changed, &seen, &value, &self.settings.redact),
        })
    }
}

/// What the apply changed, a sentence for each.
fn words(key: &Target, drifts: &[FieldDrift], declared: &Value, live: &Value, redact: &Redactor) -> Vec<String> {
    let subject = Subject { kind: key.kind.as_str(), key, declared, live, redact };
    let now = jiff::Timestamp::now();
    let changed = drifts.iter().filter(|drift| {
        !matches!(drift.change, ChangeKind::Added | ChangeKind::Disowned) && !drift::is_own_mark(&drift.pointer)
    });
    let mut words: Vec<_> =
        changed.clone().take(LISTED).map(|drift| sentence(&field(&subject, drift, &[], now))).collect();
    let more = changed.count().saturating_sub(LISTED);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words
}
