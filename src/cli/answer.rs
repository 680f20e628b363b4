//! What the status of a GitSync answers to somebody who asked for something. Pure.

use std::io::{self, Write};

use anstyle::Style;
use serde::Serialize;

use super::act::annotation;
use super::inert::inert;
use super::reach::key;
use super::say::{commit, count};
use super::status::Verdict;
use super::table::{BAD, FAINT, GOOD, ODD, PLAIN, painted};
use crate::api::condition::{self, RECONCILING, STALLED};
use crate::api::gitsync_status::{AppliedRevision, Deletions, HeldPlan, ObjectProblem, Progress, StatusDiagnostic};
use crate::api::names::RECONCILE_REQUESTED_AT;
use crate::api::{GitSync, GitSyncStatus};

/// Findings and problems that are printed of a GitSync that is not ready.
const SHOWN: usize = 10;
/// Reasons of Ready that pass by themselves.
const PASSING: [&str; 5] = ["Progressing", "NotObserved", "NotSynced", "DependencyNotReady", "WaveWaiting"];

/// What was asked for: a request to reconcile, and what should be so once it is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The request, as the annotation has it.
    pub request: String,
    /// What should be so.
    pub goal: Goal,
}

/// What should be so once a request is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// Nothing more.
    Reconciled,
    /// A held plan is carried out.
    CarriedOut(Plan),
    /// The GitSync is pinned to this commit.
    Pinned(String),
    /// It is pinned no more.
    Released,
}

/// A held plan, and what there was before it: what came after shows that it was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its hash.
    pub hash: String,
    revision: String,
    applied: Option<AppliedRevision>,
    deletions: Vec<Deletions>,
}

impl Plan {
    /// The plan that a GitSync holds.
    pub fn of(status: &GitSyncStatus) -> Option<Self> {
        let held = status.hold.as_ref()?;
        Some(Self {
            hash: held.plan.clone(),
            revision: held.revision.clone(),
            applied: status.last_applied_revision.clone(),
            deletions: status.recent_deletions.clone(),
        })
    }

    /// The history tells which approved revisions were applied; approved deletions are told by what was deleted since.
    fn is_carried_out(&self, status: &GitSyncStatus) -> bool {
        let told = status.history.iter().any(|entry| entry.approved.as_ref() == Some(&self.hash));
        let is_it = |applied: &Option<AppliedRevision>| applied.as_ref().is_some_and(|at| at.revision == self.revision);
        let applied = is_it(&status.last_applied_revision) && !is_it(&self.applied);
        let newest = |all: &[Deletions]| all.iter().map(|one| one.at.0).max();
        let sum = |all: &[Deletions]| all.iter().map(|one| u64::from(one.count)).sum::<u64>();
        let (before, now) = (&self.deletions, &status.recent_deletions);
        let deleted = newest(now) > newest(before) || sum(now) > sum(before);
        let held = status.hold.as_ref().is_some_and(|held| held.plan == self.hash);
        !held && (told || applied || deleted)
    }
}

/// What a status answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// It does not yet; what is waited for.
    Waiting(String),
    /// It does, and what was asked for should follow in a moment: a request may be answered before what came with it is.
    Soon(String),
    /// It will not say more.
    Over,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    name: String,
    /// What was asked, as `status.lastHandledReconcileAt` echoes it.
    requested: String,
    handled: bool,
    /// Whether what was asked for is so.
    reached: bool,
    suspended: bool,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HeldPlan>,
    diagnostics: Vec<StatusDiagnostic>,
    problems: Vec<ObjectProblem>,
}

/// Whether the status answers already.
pub fn judge(gitsync: &GitSync, asked: &Asked) -> Judged {
    let verdict = Verdict::of_sync(gitsync);
    if gitsync.spec.suspended() || gitsync.metadata.deletion_timestamp.is_some() {
        return Judged::Over;
    }
    if !is_handled(gitsync, &asked.request) {
        return Judged::Waiting(format!("the daemon has yet to answer; {}", verdict.line()));
    }
    let status = gitsync.status.as_ref();
    let conditions = status.map_or(&[][..], |status| &status.conditions);
    if !verdict.is_ready() && !condition::is_true(conditions, STALLED) {
        if let Some(progress) = status.and_then(|status| status.progress.as_ref()) {
            return Judged::Waiting(progress_line(progress));
        }
        let under_way = condition::is_true(conditions, RECONCILING) || verdict.ready == "Unknown";
        if under_way && PASSING.contains(&verdict.reason.as_str()) {
            return Judged::Waiting(verdict.line());
        }
    }
    let goes_on = verdict.is_ready() || status.is_some_and(|status| status.hold.is_some());
    match &asked.goal {
        goal if is_reached(gitsync, goal) || !goes_on => Judged::Over,
        Goal::Reconciled => Judged::Over,
        Goal::CarriedOut(plan) => Judged::Soon(format!("plan {} is being carried out", plan.hash)),
        Goal::Pinned(_) | Goal::Released => Judged::Soon("the daemon has yet to take up the pin".into()),
    }
}

/// Whether the daemon has answered a request, or a later one of somebody else, which took its place.
fn is_handled(gitsync: &GitSync, request: &str) -> bool {
    let handled = gitsync.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
    let newest = annotation(gitsync, RECONCILE_REQUESTED_AT).unwrap_or(request);
    handled.is_some_and(|handled| handled == request || handled == newest)
}

fn is_reached(gitsync: &GitSync, goal: &Goal) -> bool {
    let Some(status) = &gitsync.status else { return false };
    match goal {
        Goal::Reconciled => true,
        Goal::CarriedOut(plan) => plan.is_carried_out(status),
        Goal::Pinned(wanted) => status.pinned_revision.as_deref().is_some_and(|pinned| commit(pinned) == wanted),
        Goal::Released => status.pinned_revision.is_none(),
    }
}

/// How far an apply in waves is, in one line.
pub fn progress_line(progress: &Progress) -> String {
    let Progress { wave, waves, done, total, waiting_for, .. } = progress;
    let far = format!("wave {wave} ({}), {done} of {total} done", count(*waves as usize, "wave"));
    match waiting_for.as_slice() {
        [] => far,
        names => {
            let more = if names.len() > 3 { ", …" } else { "" };
            format!("{far}; waits for {}{more}", names.iter().take(3).cloned().collect::<Vec<_>>().join(", "))
        }
    }
}

impl Answer {
    /// What is known of a request now.
    pub fn of(gitsync: &GitSync, asked: &Asked) -> Self {
        let status = gitsync.status.clone().unwrap_or_default();
        let handled = is_handled(gitsync, &asked.request);
        Self {
            name: key(gitsync).to_string(),
            requested: asked.request.clone(),
            handled,
            suspended: gitsync.spec.suspended(),
            reached: handled && is_reached(gitsync, &asked.goal),
            verdict: Verdict::of_sync(gitsync),
            revision: status.last_applied_revision.map(|applied| applied.revision),
            progress: status.progress,
            hold: status.hold,
            diagnostics: status.diagnostics,
            problems: status.problems,
        }
    }

    /// 0 where it is done and all is ready, 1 where it is handled and something is not as it should be, 2 where the
    /// daemon has not answered.
    pub fn code(&self) -> u8 {
        match (self.handled, self.reached && self.verdict.is_ready()) {
            (false, _) => 2,
            (true, true) => 0,
            (true, false) => 1,
        }
    }

    /// A line, and what is wrong below it.
    pub fn print(&self, goal: &Goal, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let Self { name, verdict, .. } = self;
        let (words, style) = match verdict.ready.as_str() {
            "True" => ("ready", GOOD),
            "False" => ("not ready", BAD),
            _ => ("not known to be ready", ODD),
        };
        if self.handled {
            let words = painted(words, style, color);
            writeln!(out, "{} is {words}: {}: {}", inert(name), inert(&verdict.reason), inert(&verdict.message))?;
        } else {
            let words = painted("the request is not answered", BAD, color);
            writeln!(out, "{}: {words}; its status says: {}", inert(name), inert(&verdict.line()))?;
        }
        for (line, style) in self.notes(goal) {
            writeln!(out, "    {}", painted(&line, style, color))?;
        }
        Ok(())
    }

    fn notes(&self, goal: &Goal) -> Vec<(String, Style)> {
        let name = &self.name;
        if !self.handled {
            let hint = match (self.suspended, self.verdict.reason.as_str()) {
                (true, _) => format!("it is suspended; go on with: gitmoor resume {name}"),
                (false, "Terminating") => "it is being deleted".into(),
                _ => "the daemon did not answer in time; does it run, and does it reach the source?".into(),
            };
            return vec![(hint, ODD)];
        }
        let missed = missed(goal).filter(|_| !self.reached).map(|missed| (missed, BAD));
        let held = self.hold.as_ref().map(|held| {
            let HeldPlan { plan, reason, .. } = held;
            (format!("plan {plan} is held: {reason}; see: gitmoor approve {name}"), ODD)
        });
        let mut notes: Vec<_> = missed.into_iter().chain(held).collect();
        if self.verdict.is_ready() {
            return notes;
        }
        let found = self.diagnostics.iter().map(|found| format!("{} {} {}", found.place, found.code, found.message));
        let problems = self.problems.iter().map(|one| format!("{} {}: {}", one.object, one.reason, one.message));
        let listed: Vec<String> = found.chain(problems).collect();
        let more = listed.len() > SHOWN;
        notes.extend(listed.into_iter().take(SHOWN).map(|line| (line, PLAIN)));
        if more {
            notes.push((format!("and more; see: gitmoor status {name}"), FAINT));
        }
        notes
    }
}

fn missed(goal: &Goal) -> Option<String> {
    Some(match goal {
        Goal::Reconciled => return None,
        Goal::CarriedOut(Plan { hash, .. }) => {
            format!("plan {hash} was not carried out: it is still held, or it is asked for no more")
        }
        Goal::Pinned(commit) => format!("it is not pinned to {commit} yet"),
        Goal::Released => "it is still pinned".into(),
    })
}

#[cfg(test)]
mod tests;
