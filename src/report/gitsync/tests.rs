//! Conditions, one case at a time.

use super::*;
use crate::model::{Code, Position};

fn words(observed: &Observed<'_>) -> Vec<(String, String, String)> {
    let status = status(observed, &GitSyncStatus::default(), jiff::Timestamp::UNIX_EPOCH);
    status.conditions.into_iter().map(|condition| (condition.type_, condition.status, condition.reason)).collect()
}

#[track_caller]
fn check(observed: &Observed<'_>, expected: &[(&str, &str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into())).collect();
    assert_eq!(words(observed), expected);
}

fn revision() -> Option<AppliedRevision> {
    Some(AppliedRevision {
        revision: "main@sha1:1".into(),
        author: None,
        subject: None,
        committed: None,
        applied: Time(jiff::Timestamp::UNIX_EPOCH),
    })
}

#[test]
fn nothing_read_is_unknown_not_ready() {
    check(
        &Observed::default(),
        &[
            ("Ready", "Unknown", "NotSynced"),
            ("Reconciling", "True", "Progressing"),
            ("Drifted", "False", "AsDeclared"),
        ],
    );
}

#[test]
fn an_applied_revision_is_ready() {
    let observed = Observed { current: true, applied: revision(), ..Observed::default() };
    check(&observed, &[("Ready", "True", "Applied"), ("Drifted", "False", "AsDeclared")]);
}

#[test]
fn a_source_that_fails_is_told_at_once_and_makes_what_is_applied_stale_when_that_lasts() {
    let source = Some(Fault { reason: "Timeout".into(), message: "m".into(), stalled: false });
    let fails = Observed { current: true, applied: revision(), source, ..Observed::default() };
    let at_once =
        [("Ready", "False", "Timeout"), ("Reconciling", "True", "Timeout"), ("Drifted", "False", "AsDeclared")];
    check(&fails, &at_once);
    let lasts = Observed { stale: true, ..fails };
    check(&lasts, &[&at_once[..], &[("SourceStale", "True", "Timeout")]].concat());
}

#[test]
fn a_restart_says_of_a_stale_source_what_the_status_said_until_it_was_looked_at() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let source = Some(Fault { reason: "Timeout".into(), message: "m".into(), stalled: false });
    let stale = Observed { current: true, applied: revision(), source, stale: true, ..Observed::default() };
    let before = status(&stale, &GitSyncStatus::default(), now);
    let starts = Observed { unread: true, stale: true, ..Observed::default() };
    let after = status(&starts, &before, now);
    let told = |status: &GitSyncStatus| condition::find(&status.conditions, SOURCE_STALE).cloned();
    assert!(told(&before).is_some());
    assert_eq!(told(&after), told(&before));
    assert_eq!(told(&status(&Observed { applied: revision(), ..Observed::default() }, &after, now)), None);
}

#[test]
fn findings_and_problems_keep_it_from_being_ready() {
    let diagnostics = [Diagnostic::error(Code::Syntax, Position::default(), "bad")];
    let observed = Observed { current: true, applied: revision(), diagnostics: &diagnostics, ..Observed::default() };
    check(
        &observed,
        &[
            ("Ready", "False", "InvalidManifests"),
            ("Stalled", "True", "InvalidManifests"),
            ("Drifted", "False", "AsDeclared"),
        ],
    );
    let failed = vec![ObjectProblem {
        object: "a/b".into(),
        reason: "Forbidden".into(),
        message: "no".into(),
        ..ObjectProblem::default()
    }];
    let observed = Observed { current: true, applied: revision(), failed, retrying: true, ..Observed::default() };
    let problems = status(&observed, &GitSyncStatus::default(), jiff::Timestamp::UNIX_EPOCH).problems;
    assert_eq!(problems[0].code.as_deref(), Some("GM606"));
    let next = GitSyncStatus { problems, ..GitSyncStatus::default() };
    assert_eq!(news(&next, &GitSyncStatus::default()).count(), 1);
    assert_eq!(news(&next, &next).count(), 0);
    check(
        &observed,
        &[("Ready", "False", "Forbidden"), ("Reconciling", "True", "Progressing"), ("Drifted", "False", "AsDeclared")],
    );
}
