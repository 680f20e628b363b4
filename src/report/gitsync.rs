//! The status of a GitSync.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::shorten;
use crate::api::GitSyncStatus;
use crate::api::condition::{
    self, DRIFTED, Finding, NOTIFIED, READY, RECONCILING, SOURCE_STALE, STALLED, Truth, UNUSED_RULES,
    truncate_to_seconds,
};
use crate::api::drift::{DriftEpisode, PauseStatus};
use crate::api::gitsync_status::{
    AppliedRevision, Counts, Deletions, HeldPlan, HistoryEntry, ObjectProblem, StatusDiagnostic, VerifiedRevision,
};
use crate::api::status::DriftedField;
use crate::model::pause::Asked;
use crate::model::{CommitId, Diagnostic, Severity, Snapshot, Waiting, WaitsFor, codes};

/// Fields of the status that have another writer.
pub const OTHERS: [&str; 1] = ["notify"];
/// Findings, problems and drifts that a status lists; the counts say how many there are.
pub const LISTED: usize = 20;
const RENAME_PENDING: &str = "RenamePending";
/// Reason of Ready where a revision is held as a whole.
const REVISION_HELD: &str = "RevisionHeld";
/// Reason of UnusedRules.
pub const RULES_DECIDE_NOTHING: &str = "RulesDecideNothing";
/// Deletions that a status remembers without a word about them.
const REMEMBERED: usize = 64;
/// Bytes of one message.
const MESSAGE: usize = 512;

/// What stands between a GitSync and what it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// CamelCase word.
    pub reason: String,
    /// Sentence.
    pub message: String,
    /// Whether nothing helps but a person; else it is tried again.
    pub stalled: bool,
}

/// What is known of a GitSync at one moment.
#[derive(Debug, Clone, Default)]
pub struct Observed<'a> {
    /// Generation of the spec that was acted on.
    pub generation: Option<i64>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// The source could not be read.
    pub source: Option<Fault>,
    /// Whether it could not be read for long, as far as is known.
    pub stale: bool,
    /// The mirror that it is read from.
    pub mirror: Option<String>,
    /// The revision that is being applied or was, as text.
    pub attempted: Option<String>,
    /// Whether an apply is under way.
    pub applying: bool,
    /// The revision that was applied to its end just now or before.
    pub applied: Option<AppliedRevision>,
    /// How many MicroServices are in which state.
    pub counts: Counts,
    /// Findings about manifests.
    pub diagnostics: &'a [Diagnostic],
    /// Wanted paths that the revision does not have.
    pub missing_paths: &'a [String],
    /// What the spec asks for and does not get, by which rule.
    pub refused: Vec<ObjectProblem>,
    /// What the server refused, and its words.
    pub failed: Vec<ObjectProblem>,
    /// What is declared, but not validly.
    pub invalid: Vec<ObjectProblem>,
    /// What is not changed or not deleted, and a person should look at.
    pub faults: Vec<ObjectProblem>,
    /// MicroServices that are left alone as somebody asked, or for a moment.
    pub holds: Vec<ObjectProblem>,
    /// Whether some of the problems may go away by themselves.
    pub retrying: bool,
    /// Whether a revision was read by the spec as it is now.
    pub current: bool,
    /// Whether no revision was read since the daemon started: then what the status says of one stays.
    pub unread: bool,
    /// Fields that differ from Git.
    pub drift: Vec<DriftedField>,
    /// See [`GitSyncStatus::drift_history`].
    pub drift_history: &'a [DriftEpisode],
    /// See [`GitSyncStatus::last_applied_scope`].
    pub scope: Option<String>,
    /// See [`GitSyncStatus::scope_held`].
    pub scope_held: Option<String>,
    /// The plan that waits for approval.
    pub hold: Option<HeldPlan>,
    /// Deletions of the last hour.
    pub recent: Vec<Deletions>,
    /// The last handled request to reconcile.
    pub handled: Option<String>,
    /// The revision that is held as a whole.
    pub revision_hold: Option<HeldPlan>,
    /// The commit that it is pinned to and declares.
    pub pinned: Option<CommitId>,
    /// See [`GitSyncStatus::verified`].
    pub verified: Option<&'a VerifiedRevision>,
    /// The last revisions, newest first.
    pub history: &'a [HistoryEntry],
    /// See [`GitSyncStatus::last_applied_source`].
    pub applied_source: Option<String>,
    /// What is waited for.
    pub waiting: Option<&'a Waiting>,
    /// Rules about drift that decide nothing, in words.
    pub unused_rules: &'a [String],
    /// See [`GitSyncStatus::left_deleted`].
    pub left_deleted: Vec<String>,
    /// What its annotations ask for about corrections.
    pub asked: Option<&'a Asked>,
    /// The pause of corrections, or the last one that was.
    pub pause: Option<&'a PauseStatus>,
}

/// The status that follows. Times come from `previous` where nothing changed.
pub fn status(observed: &Observed<'_>, previous: &GitSyncStatus, now: jiff::Timestamp) -> GitSyncStatus {
    let findings = findings(observed);
    if observed.unread {
        // What only a look can tell stands until one was made.
        let stands =
            |kind: &str| kind == DRIFTED || (kind == SOURCE_STALE && observed.stale && observed.source.is_none());
        let findings: Vec<_> = findings.into_iter().filter(|finding| !stands(finding.kind)).collect();
        let mut conditions = condition::set(&previous.conditions, &findings, observed.generation, now);
        conditions.extend(previous.conditions.iter().filter(|one| stands(&one.type_)).cloned());
        let hold = observed.revision_hold.clone().or_else(|| previous.hold.clone());
        let tried = observed.attempted.clone().or_else(|| previous.last_attempted_revision.clone());
        return GitSyncStatus {
            observed_generation: observed.generation,
            conditions,
            hold,
            last_attempted_revision: tried,
            mirror: observed.mirror.clone(),
            last_handled_reconcile_at: observed.handled.clone(),
            pause: observed.pause.cloned(),
            // It has a writer of its own.
            notify: Vec::new(),
            ..previous.clone()
        };
    }
    GitSyncStatus {
        observed_generation: observed.generation,
        conditions: condition::set(&previous.conditions, &findings, observed.generation, now),
        last_attempted_revision: observed.attempted.clone(),
        mirror: observed.mirror.clone(),
        last_applied_revision: observed.applied.clone(),
        verified: observed.verified.cloned(),
        last_applied_source: observed.applied_source.clone(),
        last_applied_scope: observed.scope.clone(),
        scope_held: observed.scope_held.clone(),
        // While a revision is held, nothing of it is planned: that hold is the one to decide about.
        hold: observed.revision_hold.as_ref().or(observed.hold.as_ref()).cloned(),
        recent_deletions: observed.recent.clone(),
        pinned_revision: observed.pinned.map(|commit| commit.to_string()),
        history: observed.history.to_vec(),
        counts: Some(observed.counts),
        diagnostics: observed.diagnostics.iter().take(LISTED).map(diagnostic).collect(),
        problems: observed.problems().take(LISTED).map(problem).collect(),
        drift: observed.drift.iter().take(LISTED).cloned().collect(),
        left_deleted: observed.left_deleted.iter().take(REMEMBERED).cloned().collect(),
        drift_history: observed.drift_history.to_vec(),
        last_handled_reconcile_at: observed.handled.clone(),
        pause: observed.pause.cloned(),
        progress: observed.waiting.and_then(|waiting| waiting.progress.clone()),
        notify: Vec::new(),
    }
}

impl Observed<'_> {
    /// The plan that nothing lets go but a person, or another commit.
    pub fn plan_hold(&self) -> Option<&HeldPlan> {
        self.hold.as_ref().filter(|hold| hold.reason != RENAME_PENDING)
    }

    /// All that is not as declared, faults first: what was refused now, what is invalid, what a rule holds back.
    fn problems(&self) -> impl Iterator<Item = &ObjectProblem> {
        let now = self.refused.iter().chain(&self.failed);
        now.chain(&self.invalid).chain(&self.faults).chain(&self.holds)
    }
}

/// The record of a revision that was applied to its end.
pub fn applied(snapshot: &Snapshot, now: jiff::Timestamp) -> AppliedRevision {
    let commit = snapshot.commit.as_ref();
    AppliedRevision {
        revision: snapshot.revision.to_string(),
        author: commit.map(|commit| commit.author.clone()),
        subject: commit.map(|commit| commit.subject.clone()),
        committed: commit.map(|commit| Time(truncate_to_seconds(commit.time))),
        applied: Time(truncate_to_seconds(now)),
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> StatusDiagnostic {
    StatusDiagnostic {
        code: diagnostic.code.to_string(),
        place: diagnostic.place(),
        message: shorten(&diagnostic.message, MESSAGE),
    }
}

/// The status less what another writer has in it, so that the two can be compared.
pub fn less_told(mut status: Value) -> Value {
    if let Some(fields) = status.as_object_mut() {
        OTHERS.iter().for_each(|field| drop(fields.remove(*field)));
    }
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != NOTIFIED);
    }
    status
}

/// Problems that a status lists and the one before did not.
pub fn news<'a>(status: &'a GitSyncStatus, before: &'a GitSyncStatus) -> impl Iterator<Item = &'a ObjectProblem> {
    let known = |one: &ObjectProblem| before.problems.iter().any(|b| b.object == one.object && b.reason == one.reason);
    status.problems.iter().filter(move |one| !known(one))
}

fn problem(problem: &ObjectProblem) -> ObjectProblem {
    ObjectProblem {
        code: problem.code.clone().or_else(|| codes::code_of(&problem.reason).map(str::to_owned)),
        message: shorten(&problem.message, MESSAGE),
        ..problem.clone()
    }
}

fn findings(observed: &Observed<'_>) -> Vec<Finding> {
    let mut findings = vec![ready(observed)];
    let truth = findings.first().map(|ready| ready.truth);
    match (&observed.source, stuck(observed)) {
        _ if observed.revision_hold.is_some() => findings.extend(observed.revision_hold.as_ref().map(|hold| {
            let message = shorten(&hold.message, MESSAGE);
            Finding::new(STALLED, true, REVISION_HELD, message)
        })),
        (Some(fault), _) if fault.stalled => findings.push(Finding::new(STALLED, true, &fault.reason, &fault.message)),
        (Some(fault), _) => findings.push(Finding::new(RECONCILING, true, &fault.reason, &fault.message)),
        (None, _) if !observed.applying && waiting(observed).is_some() => {
            findings.extend(waiting(observed).map(held_up));
        }
        (None, _) if observed.applying || observed.retrying => {
            let message = if observed.applying { "applying the revision" } else { "what failed is tried again" };
            findings.push(Finding::new(RECONCILING, true, "Progressing", message));
        }
        (None, Some(stuck)) if !observed.suspended => {
            findings.push(Finding { kind: STALLED, truth: Truth::True, ..stuck });
        }
        (None, None) if renaming(observed).is_some() && !observed.suspended => {
            findings.push(Finding::new(RECONCILING, true, RENAME_PENDING, "a new name is not ready yet"));
        }
        (None, None) if truth == Some(Truth::Unknown) && !observed.suspended => {
            findings.push(Finding::new(RECONCILING, true, "Progressing", "waiting for the first revision"));
        }
        _ => {}
    }
    let drift = drifted(&observed.drift, observed.counts.drifted);
    findings.push(match observed.asked {
        Some(Asked::Holds(pause)) if drift.truth == Truth::True => {
            Finding { message: drift.message + &super::pause::meanwhile(pause.until), ..drift }
        }
        _ => drift,
    });
    findings.extend(super::pause::finding(observed.asked, observed.pause));
    if let Some(first) = observed.unused_rules.first() {
        let more = observed.unused_rules.len() - 1;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let message = shorten(&format!("{first}{more}"), MESSAGE);
        findings.push(Finding::new(UNUSED_RULES, true, RULES_DECIDE_NOTHING, message));
    }
    if let (Some(fault), Some(applied), true) = (&observed.source, &observed.applied, observed.stale) {
        let message = format!("what is applied is {}; {}", applied.revision, fault.message);
        findings.push(Finding::new(SOURCE_STALE, true, &fault.reason, shorten(&message, MESSAGE)));
    }
    findings
}

fn ready(observed: &Observed<'_>) -> Finding {
    let finding = if let Some(hold) = &observed.revision_hold {
        Finding::new(READY, false, REVISION_HELD, shorten(&hold.message, MESSAGE))
    } else if let Some(fault) = &observed.source {
        Finding::new(READY, false, &fault.reason, shorten(&fault.message, MESSAGE))
    } else if observed.applying {
        Finding::new(READY, false, "Progressing", "applying the revision")
    } else if !observed.current {
        let message = "no revision was read by the spec as it is now";
        Finding { truth: Truth::Unknown, ..Finding::new(READY, false, "NotSynced", message) }
    } else if let Some(waiting) = waiting(observed).filter(|waiting| waiting.stalled()) {
        Finding { kind: READY, truth: Truth::False, ..held_up(waiting) }
    } else if let Some(stuck) = stuck(observed) {
        stuck
    } else if let Some(waiting) = waiting(observed) {
        Finding { kind: READY, truth: Truth::False, ..held_up(waiting) }
    } else if observed.retrying {
        Finding::new(READY, false, "Progressing", "what failed is tried again")
    } else if let Some(hold) = renaming(observed) {
        Finding::new(READY, false, RENAME_PENDING, shorten(&hold.message, MESSAGE))
    } else if let Some(applied) = &observed.applied {
        let Counts { declared, ready, .. } = observed.counts;
        Finding::new(
            READY,
            true,
            "Applied",
            format!("{} is applied: {declared} declared, {ready} ready", applied.revision),
        )
    } else {
        Finding { truth: Truth::Unknown, ..Finding::new(READY, false, "NotSynced", "no revision was read yet") }
    };
    let finding = match &observed.pinned {
        Some(commit) => Finding { message: pinned(*commit, &finding.message), ..finding },
        None => finding,
    };
    if observed.suspended {
        let message = format!("suspended, nothing is fetched or written; {}", finding.message);
        return Finding { reason: "Suspended".into(), message, ..finding };
    }
    finding
}

/// What is waited for. Where something is not as declared, that says more than that it is not healthy.
fn waiting<'a>(observed: &Observed<'a>) -> Option<&'a Waiting> {
    observed.waiting.filter(|waiting| waiting.what != WaitsFor::Health || stuck(observed).is_none())
}

/// What is waited for; no more is tried once that takes too long, or a person must act.
fn held_up(waiting: &Waiting) -> Finding {
    let kind = if waiting.stalled() { STALLED } else { RECONCILING };
    Finding::new(kind, true, super::waiting::reason(waiting), super::waiting::message(waiting))
}

/// A held plan that passes by itself: a new name that is not ready yet.
fn renaming<'a>(observed: &'a Observed<'_>) -> Option<&'a HeldPlan> {
    observed.hold.as_ref().filter(|hold| hold.reason == RENAME_PENDING)
}

/// Says it before anything else: a pin that is forgotten keeps every later commit out.
fn pinned(commit: CommitId, message: &str) -> String {
    let words =
        "by gitmoor.dev/pinned-revision: no other commit is applied until it is released (gitmoor rollback --release)";
    shorten(&format!("PINNED to {} {words}; {message}", commit.short()), MESSAGE)
}

/// What is not as declared although the revision was applied.
fn stuck(observed: &Observed<'_>) -> Option<Finding> {
    if let Some(hold) = observed.plan_hold() {
        let message = format!("{}: {}", hold.reason, hold.message);
        return Some(Finding::new(READY, false, "PlanHeld", shorten(&message, MESSAGE)));
    }
    let errors = observed.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    let (first, count) = (errors.clone().next(), errors.count());
    if let Some(first) = first {
        let message = format!("{count} findings; the first: {} {}", first.place(), first.message);
        return Some(Finding::new(READY, false, "InvalidManifests", shorten(&message, MESSAGE)));
    }
    if let Some(path) = observed.missing_paths.first() {
        let message =
            format!("the revision has no {path}; correct spec.paths, or the tree. Nothing is pruned until then");
        return Some(Finding::new(READY, false, "MissingPath", shorten(&message, MESSAGE)));
    }
    if let Some(first) = observed.refused.first() {
        return Some(Finding::new(READY, false, first.reason.as_str(), shorten(&first.message, MESSAGE)));
    }
    let first = observed.failed.iter().chain(&observed.faults).next()?;
    let count = observed.failed.len() + observed.faults.len();
    let message = format!("{count} objects are not as declared; the first: {} {}", first.object, first.message);
    Some(Finding::new(READY, false, first.reason.as_str(), shorten(&message, MESSAGE)))
}

fn drifted(drift: &[DriftedField], objects: u32) -> Finding {
    match drift.first() {
        Some(first) => {
            let message = super::microservice::counted(drift.len(), "differ", &super::drift::sentence(first));
            Finding::new(DRIFTED, true, "FieldsDiffer", shorten(&message, MESSAGE))
        }
        None if objects > 0 => Finding::new(
            DRIFTED,
            true,
            "WorkloadsDiffer",
            format!("{objects} MicroServices have drifted; see their status"),
        ),
        None => Finding::new(DRIFTED, false, "AsDeclared", "everything is as declared"),
    }
}

#[cfg(test)]
mod tests;
