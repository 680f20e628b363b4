//! What is done about one live child, from what is rendered and what there is. It calls nothing.

use serde_json::{Value, json};

use super::Rules;
use crate::api::names::{CONTROLLER_MANAGER, RENDERED_HASH};
use crate::controller::hand_over;
use crate::drift::{self, Compare, Forms, Ruled};
use crate::model::{ChangeKind, FieldDrift, ObjectKey};
use crate::report::drift::{self as drift_report, Subject};
use crate::workload::Child;

/// What is done about a live child that is ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is as rendered, or drift is left alone.
    Leave,
    /// This is applied, after the added fields are removed.
    Write {
        /// Body of the apply; none where only removals are needed.
        body: Option<Value>,
        /// Removes what somebody added.
        removals: Option<json_patch::Patch>,
    },
}

/// What is done about a live child that is ours, and how it differs by what no commit caused.
///
/// Where the child was rendered from the same spec, every difference is drift. Where the spec changed, what differs is
/// mostly the change itself; only what another hand wrote is drift, and what was known to be before.
pub fn decide(child: &Child, live: &Value, rules: &Rules<'_>) -> (Decision, Ruled) {
    let mut compared = drift::compare(&child.body, live, &Compare { manager: CONTROLLER_MANAGER });
    if hand_over::is_taken_back(child, live) {
        compared.drifts.retain(|drift| !hand_over::is_replicas(&drift.pointer));
        compared.yielded.retain(|pointer| !hand_over::is_replicas(pointer));
    }
    let fixed: Vec<_> = compared.drifts.iter().filter(|drift| drift::is_fixed(live, drift)).cloned().collect();
    let current = is_current(child, live);
    let key = ObjectKey::new(live["metadata"]["namespace"].as_str().unwrap_or_default(), child.name.as_str());
    let subject = Subject { kind: child.kind.kind, key: &key, declared: &child.body, live, redact: rules.redact };
    let stands = |drift: &FieldDrift| drift_report::stands(&subject, drift, rules.known);
    let stood = |drift: &FieldDrift| rules.learned.was_ignored(drift) || stands(drift);
    let drifts = compared
        .drifts
        .into_iter()
        .filter(|drift| !rules.learned.is_injected(drift))
        .filter(|drift| current || drift.is_by_another_than(CONTROLLER_MANAGER) || stood(drift));
    let forms = Forms { declared: &child.body, live };
    let ruled = rules.policies(child, &key).rule(drifts, &forms).waiting_if(rules.waits);
    let ruled = ruled.leaving(|drift| fixed.contains(drift));
    if rules.suspended || (current && !ruled.corrects()) {
        return (Decision::Leave, ruled);
    }
    let (corrected, mut keep) = (ruled.corrected(), ruled.kept());
    // The server would refuse the whole apply for a field that never changes, whoever wants it changed.
    keep.extend(fixed.into_iter().filter(|fixed| !ruled.speaks_of(fixed)));
    let removals = drift::removal_patch(live, &corrected);
    let apply = !current || corrected.iter().any(|drift| drift.change != ChangeKind::Added);
    let body =
        apply.then(|| drift::declared_for_apply(&child.body, live, &keep, &compared.yielded, CONTROLLER_MANAGER));
    (Decision::Write { body, removals }, ruled)
}

/// Whether a live child was rendered from what is rendered now.
pub fn is_current(child: &Child, live: &Value) -> bool {
    live["metadata"]["annotations"][RENDERED_HASH] == json!(child.hash)
}

/// Fields of a live child that differ and cannot be changed, whether a commit or somebody else made the difference.
pub(super) fn fixed(child: &Child, live: &Value) -> Vec<FieldDrift> {
    let compared = drift::compare(&child.body, live, &Compare { manager: CONTROLLER_MANAGER });
    compared.drifts.into_iter().filter(|drift| drift::is_fixed(live, drift)).collect()
}
