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
fn a_source_that_fails_makes_what_is_applied_stale() {
    let source = Some(Fault { reason: "Timeout".into(), message: "m".into(), stalled: false });
    let observed = Observed { current: true, applied: revision(), source, ..Observed::default() };
    check(
        &observed,
        &[
            ("Ready", "False", "Timeout"),
            ("Reconciling", "True", "Timeout"),
            ("Drifted", "False", "AsDeclared"),
            ("SourceStale", "True", "Timeout"),
        ],
    );
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
