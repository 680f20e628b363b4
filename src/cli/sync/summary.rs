//! What a sync did, put together from what its loop told. Pure.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::api::gitsync_status::ObjectProblem;
use crate::cli::say::short;
use crate::cli::status::Verdict;
use crate::cli::table::{BAD, GOOD, ODD, PLAIN, painted};
use crate::model::{HoldReason, ObjectKey, Outcome, OutcomeKind, Severity};
use crate::sync::Account;

/// What a sync did.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    sync: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// One per MicroService that was changed, or is not as declared.
    objects: BTreeMap<String, Done>,
    /// Findings that keep a manifest from being applied.
    findings: Vec<Finding>,
    /// Paths that the GitSync reads and the revision does not have.
    missing_paths: Vec<String>,
    /// What keeps changes from being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    unchanged: u32,
    drifted: u32,
    /// MicroServices that are not Ready; only where somebody waited for it.
    not_ready: Vec<NotReady>,
}

/// What became of one MicroService.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Done {
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Created,
    Updated,
    #[serde(rename = "takenOver")]
    TakenOver,
    Corrected,
    Deleted,
    /// It is left alone because somebody asked for that.
    Kept,
    /// It is left alone because a rule forbids to touch it.
    Held,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    code: String,
    place: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NotReady {
    object: String,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Summary {
    /// Nothing is done yet.
    pub fn new(sync: &ObjectKey) -> Self {
        Self { sync: sync.to_string(), ..Self::default() }
    }

    /// `namespace/name` of the GitSync.
    pub fn sync(&self) -> &str {
        &self.sync
    }

    /// Takes an outcome. What failed and was tried again counts as what came of it last.
    pub fn outcome(&mut self, outcome: &Outcome) {
        let key = outcome.key.to_string();
        let said = |action, reason: &str, message: &str| Done {
            action,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            message: (!message.is_empty()).then(|| message.to_owned()),
        };
        let done = match &outcome.kind {
            OutcomeKind::Created => said(Action::Created, "", ""),
            OutcomeKind::Updated => said(Action::Updated, "", ""),
            OutcomeKind::TakenOver { from, changed } => {
                let from = from.as_ref().map(|from| format!("from GitSync {from}"));
                let words: Vec<_> = from.into_iter().chain(changed.iter().cloned()).collect();
                said(Action::TakenOver, "", &words.join("; "))
            }
            OutcomeKind::Corrected => said(Action::Corrected, "", ""),
            OutcomeKind::Deleted => said(Action::Deleted, "", ""),
            OutcomeKind::Failed { reason, message } => said(Action::Failed, reason, message),
            // An object that was created or changed before stays so; one that failed before does no more.
            OutcomeKind::Unchanged => {
                if self.objects.get(&key).is_some_and(|done| done.action >= Action::Held) {
                    self.objects.remove(&key);
                }
                return;
            }
        };
        self.objects.insert(key, done);
    }

    /// Takes what the GitSync's status says.
    pub fn account(&mut self, account: Account) {
        self.revision = account.revision;
        self.unchanged = account.counts.unchanged;
        self.drifted = account.counts.drifted;
        let errors = account.diagnostics.into_iter().filter(|found| found.severity == Severity::Error);
        self.findings = errors
            .map(|found| Finding {
                code: found.code.to_string(),
                place: found.place(),
                message: found.message,
                hint: found.hint,
            })
            .collect();
        self.missing_paths = account.missing_paths;
        self.waiting = account.waiting;
        self.objects.retain(|_, done| !matches!(done.action, Action::Kept | Action::Held));
        let held = |problem: ObjectProblem| (Action::Held, problem);
        let kept = |problem: ObjectProblem| {
            // For a moment only, but it is not as declared.
            let passing = [HoldReason::Terminating.reason(), "MayMove", "OwnedByOther"];
            let fault = passing.contains(&&*problem.reason);
            (if fault { Action::Held } else { Action::Kept }, problem)
        };
        for (action, problem) in account.faults.into_iter().map(held).chain(account.holds.into_iter().map(kept)) {
            let done = Done { action, reason: Some(problem.reason), message: Some(problem.message) };
            // What failed is among the faults, too; the outcome has the server's words.
            self.objects.entry(problem.object).or_insert(done);
        }
    }

    /// Takes the health of the MicroServices; returns whether all are Ready.
    pub fn health(&mut self, all: Vec<(String, Verdict)>) -> bool {
        let unready = all.into_iter().filter(|(_, verdict)| !verdict.is_ready());
        self.not_ready = unready.map(|(object, verdict)| NotReady { object, verdict }).collect();
        self.not_ready.sort_by(|a, b| a.object.cmp(&b.object));
        self.not_ready.is_empty()
    }

    /// Whether something lost a race and is tried again at once.
    pub fn races(&self) -> bool {
        self.objects.values().any(|done| done.action == Action::Failed && done.reason.as_deref() == Some("Conflict"))
    }

    /// 0 when all is as declared, else 1.
    pub fn exit_code(&self) -> ExitCode {
        let wrong = self.objects.values().any(|done| done.action >= Action::Held);
        let fine = !wrong
            && self.waiting.is_none()
            && self.findings.is_empty()
            && self.missing_paths.is_empty()
            && self.not_ready.is_empty();
        ExitCode::from(u8::from(!fine))
    }

    /// One line per object, and one for all.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        for (object, done) in &self.objects {
            let (word, style) = done.action.shown();
            write!(out, "{} {}", painted(&format!("{word:<11}"), style, color), painted(object, style, color))?;
            let about: Vec<&str> =
                [&done.reason, &done.message].into_iter().filter_map(|text| text.as_deref()).collect();
            if !about.is_empty() {
                write!(out, "  {}", painted(&about.join(": "), PLAIN, color))?;
            }
            writeln!(out)?;
        }
        for Finding { code, place, message, hint } in &self.findings {
            let hint = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            let text = format!("{place} {code} {message}{hint}");
            writeln!(out, "{} {}", painted("quarantined", BAD, color), painted(&text, PLAIN, color))?;
        }
        for path in &self.missing_paths {
            let text = format!("{path} is read by the GitSync, and the revision does not have it");
            writeln!(out, "{} {}", painted("missing    ", BAD, color), painted(&text, PLAIN, color))?;
        }
        if let Some(waiting) = &self.waiting {
            writeln!(out, "{} {}", painted("waiting    ", BAD, color), painted(waiting, PLAIN, color))?;
        }
        for NotReady { object, verdict } in &self.not_ready {
            let text = format!("{object}  {}: {}", verdict.reason, verdict.message);
            writeln!(out, "{} {}", painted("not ready  ", BAD, color), painted(&text, PLAIN, color))?;
        }
        writeln!(out, "{}", painted(&self.sentence(), PLAIN, color))
    }

    fn sentence(&self) -> String {
        let count = |action| self.objects.values().filter(|done| done.action == action).count();
        let mut parts: Vec<String> = [
            (count(Action::Created), "created"),
            (count(Action::Updated), "updated"),
            (count(Action::TakenOver), "taken over"),
            (count(Action::Corrected), "put back"),
            (count(Action::Deleted), "deleted"),
            (count(Action::Kept), "kept"),
            (count(Action::Held), "held"),
            (count(Action::Failed), "failed"),
            (self.findings.len(), "errors in manifests"),
            (self.not_ready.len(), "not ready"),
            (self.drifted as usize, "drifted"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        parts.push(format!("{} unchanged", self.unchanged));
        let revision = self.revision.as_deref().map_or_else(|| "nothing".into(), short);
        format!("{}: {revision} is applied: {}", self.sync, parts.join(", "))
    }
}

impl Action {
    fn shown(self) -> (&'static str, anstyle::Style) {
        match self {
            Self::Created => ("created", GOOD),
            Self::Updated => ("updated", GOOD),
            Self::TakenOver => ("taken over", ODD),
            Self::Corrected => ("put back", ODD),
            Self::Deleted => ("deleted", ODD),
            Self::Kept => ("kept", ODD),
            Self::Held => ("held", BAD),
            Self::Failed => ("failed", BAD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::gitsync_status::Counts;
    use crate::model::{Code, Diagnostic, ObjectKey, Position, Target};

    fn outcome(name: &str, kind: OutcomeKind) -> Outcome {
        Outcome { key: Target::service(ObjectKey::new("shop", name)), kind }
    }

    fn failed(reason: &str) -> OutcomeKind {
        OutcomeKind::Failed { reason: reason.into(), message: "no\x1b".into() }
    }

    fn account(problems: Vec<(&str, &str)>) -> Account {
        let problems = problems.into_iter().map(|(object, reason)| ObjectProblem {
            object: object.into(),
            reason: reason.into(),
            message: "m".into(),
            ..ObjectProblem::default()
        });
        Account {
            revision: Some("main@sha1:0123456789".into()),
            counts: Counts { unchanged: 4, ..Counts::default() },
            faults: problems.collect(),
            ..Account::default()
        }
    }

    #[track_caller]
    fn check(summary: &Summary, expected: &str, code: u8) {
        let mut out = Vec::new();
        summary.print(&mut out, false).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(summary.exit_code(), ExitCode::from(code));
    }

    #[test]
    fn what_was_done_is_listed_and_counted() {
        let mut summary = Summary::new(&ObjectKey::new("ops", "shop"));
        summary.outcome(&outcome("a", OutcomeKind::Created));
        summary.outcome(&outcome("b", OutcomeKind::Updated));
        summary.outcome(&outcome("c", OutcomeKind::Deleted));
        summary.outcome(&outcome("d", OutcomeKind::Unchanged));
        summary.account(account(vec![]));
        let expected = "\
created     shop/a
updated     shop/b
deleted     shop/c
ops/shop: main@0123456 is applied: 1 created, 1 updated, 1 deleted, 4 unchanged
";
        check(&summary, expected, 0);
    }

    #[test]
    fn what_is_not_as_declared_says_why() {
        let mut summary = Summary::new(&ObjectKey::new("ops", "shop"));
        summary.outcome(&outcome("a", failed("Forbidden")));
        let mut told = account(vec![("shop/a", "Forbidden"), ("shop/b", "NotOurs")]);
        let mut found = Diagnostic::error(Code::UnknownField, Position::default(), "unknown").hint("remove it");
        found.file = "a.yaml".into();
        told.diagnostics = vec![found];
        summary.account(told);
        let verdict = Verdict { ready: "False".into(), reason: "CrashLoop".into(), message: "again".into() };
        assert!(!summary.health(vec![("shop/c".into(), verdict)]));
        let expected = "\
failed      shop/a  Forbidden: no\\u{1b}
held        shop/b  NotOurs: m
quarantined a.yaml:1:1 GM203 unknown; remove it
not ready   shop/c  CrashLoop: again
ops/shop: main@0123456 is applied: 1 held, 1 failed, 1 errors in manifests, 1 not ready, 4 unchanged
";
        check(&summary, expected, 1);
    }

    #[test]
    fn what_is_tried_again_counts_as_what_came_of_it_last() {
        let mut summary = Summary::new(&ObjectKey::new("ops", "shop"));
        summary.outcome(&outcome("a", failed("Conflict")));
        summary.outcome(&outcome("b", failed("Conflict")));
        assert!(summary.races());
        summary.outcome(&outcome("a", OutcomeKind::Created));
        summary.outcome(&outcome("b", OutcomeKind::Unchanged));
        assert!(!summary.races());
        summary.outcome(&outcome("a", OutcomeKind::Unchanged));
        summary.account(account(vec![]));
        check(&summary, "created     shop/a\nops/shop: main@0123456 is applied: 1 created, 4 unchanged\n", 0);
        summary.account(account(vec![("shop/x", "NotOurs")]));
        summary.account(account(vec![]));
        assert_eq!(summary.exit_code(), ExitCode::SUCCESS, "what is no longer held is forgotten");
        let mut asked = account(vec![]);
        asked.holds = account(vec![("shop/x", "PruneProtected")]).faults;
        summary.account(asked);
        assert_eq!(summary.exit_code(), ExitCode::SUCCESS, "what somebody asked to keep is no failure");
        let mut gone = account(vec![]);
        gone.holds = account(vec![("shop/x", "Terminating")]).faults;
        summary.account(gone);
        assert_eq!(summary.exit_code(), ExitCode::from(1));
    }
}
