//! Which of Ready, Reconciling and Stalled follow from what was observed.

use serde_json::json;

use super::*;

/// Ready, Reconciling and Stalled as `Ready=False Reason`, the last two where they are there.
#[track_caller]
fn check(observed: Observed, expected: &[&str]) {
    let service: MicroService = serde_json::from_value(json!({
        "metadata": {"name": "a", "generation": 1}, "spec": {"image": "a:1"},
    }))
    .unwrap();
    let status = status(&service, &observed, jiff::Timestamp::UNIX_EPOCH);
    let found = [READY, RECONCILING, STALLED].into_iter().filter_map(|kind| condition::find(&status.conditions, kind));
    let said: Vec<_> = found.map(|one| format!("{}={} {}", one.type_, one.status, one.reason)).collect();
    assert_eq!(said, expected);
}

fn lacking(rollout: Rollout) -> Observed {
    let lack = Problem { reason: "KindNotServed".into(), message: "no such kind".into(), stalled: true };
    Observed { rollout, lack: Some(lack), ..Observed::default() }
}

#[test]
fn it_goes_on_or_waits_for_a_person_and_never_both() {
    let under_way = || Rollout::InProgress("ReplicasUpdating".into(), "0 of 1".into());
    let failed = Rollout::Failed("ProgressDeadlineExceeded".into(), "stuck".into());
    check(lacking(under_way()), &["Ready=False ReplicasUpdating", "Reconciling=True ReplicasUpdating"]);
    check(lacking(Rollout::Complete), &["Ready=False KindNotServed", "Stalled=True KindNotServed"]);
    check(lacking(failed), &["Ready=False ProgressDeadlineExceeded", "Stalled=True ProgressDeadlineExceeded"]);
    let refused = Problem { reason: "NotOwned".into(), message: "somebody else's".into(), stalled: true };
    let observed = Observed { problem: Some(refused), ..lacking(under_way()) };
    check(observed, &["Ready=False NotOwned", "Stalled=True NotOwned"]);
    check(Observed { rollout: Rollout::Complete, ..Observed::default() }, &["Ready=True Ready"]);
}
