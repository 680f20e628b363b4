//! Judges all deletions of a plan together: what may go now, and what a person must approve first.
//!
//! Its argument is what [`super::decide`] let through. Either all that the guards hold is held, or nothing: a plan of which
//! the first few deletions are carried out is nobody's plan. Only what waits for its new name is held by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::approval::{self, Approved, Doomed, Permit};
use super::budget::{self, Bill, Budget, Judged};
use crate::api::gitsync_status::Deletions;
use crate::model::{HoldReason, ObjectKey, Target};

/// The words of [`HoldReason::reason`] for which deletions are held until a person approves them. A whole revision may be held
/// for others.
pub const REASONS: [&str; 5] = ["MissingPath", "EmptyTree", "LastObject", "PruneBudget", "RenamePending"];

/// All deletions that a plan asks for, and what there is to know about them.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// UID of the GitSync.
    pub sync_uid: &'a str,
    /// What is to be deleted: proven, and not protected.
    pub deletions: &'a [Doomed],
    /// Live members that the plan leaves.
    pub stay: usize,
    /// Members that it makes.
    pub creations: usize,
    /// The revision's own guard; see [`super::Guards::asks`].
    pub asks: Option<&'a HoldReason>,
    /// What is declared and could not be made: anything may be its old name.
    pub unborn: Option<&'a Target>,
    /// From the old name to the new one, where that is not ready.
    pub renamed: &'a BTreeMap<Target, Target>,
    /// What the spec allows.
    pub budget: Budget,
    /// `status.recentDeletions`.
    pub recent: &'a [Deletions],
    /// `status.hold.members`, where a plan stands held.
    pub held_of: Option<u32>,
    /// The plan that a person approves.
    pub approve: Option<&'a str>,
    /// The plan that was approved before and is being carried out.
    pub approved: Option<&'a Approved>,
    /// The time.
    pub now: Timestamp,
}

/// What becomes of a plan's deletions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What may go now.
    pub permit: Permit,
    /// What may not.
    pub held: Option<Held>,
    /// The budget's arithmetic.
    pub sum: Judged,
}

/// What of a plan is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its hash.
    pub plan: String,
    /// Why; for renames, why the first one is.
    pub reason: HoldReason,
    /// What is not deleted, in order of name, and why.
    pub deletions: Vec<(Doomed, HoldReason)>,
}

impl Held {
    /// Whether it passes by itself, as soon as something is ready.
    pub fn passes(&self) -> bool {
        !self.reason.is_fault()
    }

    /// Whether creations that go with a held deletion are held, too. Where only the rename itself is waited for, they
    /// are what is waited for; and where the last object would go, they are what stays.
    pub fn holds_creations(&self) -> bool {
        matches!(self.reason, HoldReason::PruneBudget(_) | HoldReason::EmptyTree | HoldReason::MissingPath(_))
    }
}

impl Held {
    /// Whether the deletion of that object is held.
    pub fn holds(&self, key: &Target) -> bool {
        self.deletions.binary_search_by(|(doomed, _)| doomed.key.cmp(key)).is_ok()
    }

    /// What the held deletions wait for, where that is a new name.
    pub fn awaited(&self) -> impl Iterator<Item = &str> {
        self.deletions.iter().filter_map(|(_, reason)| match reason {
            HoldReason::RenameNotReady(new) | HoldReason::RenamePending(new) => Some(new.as_str()),
            _ => None,
        })
    }

    /// What is held, why, and what to do about it.
    pub fn message(&self, sync: &ObjectKey) -> String {
        let why = match &self.reason {
            HoldReason::PruneBudget(sum) => sum.clone(),
            HoldReason::LastObject => "nothing that this GitSync applied would be left".into(),
            HoldReason::EmptyTree => "the revision declares nothing at all".into(),
            HoldReason::MissingPath(path) => format!("the revision has no {path}; correct spec.paths, or the tree"),
            HoldReason::RenamePending(new) => {
                format!("{new} is declared, could not be applied, and may be a new name of what would go")
            }
            HoldReason::RenameNotReady(new) => format!("{new}, a new name of what would go, is not ready"),
            other => other.message(),
        };
        let ObjectKey { namespace, name } = sync;
        let count = self.deletions.len();
        let waits = if count == 1 { "1 deletion waits" } else { &format!("{count} deletions wait") };
        format!(
            "{waits}: {why}. To delete exactly this: gitmoor approve {name} -n {namespace} --plan {}; to keep it, declare it again",
            self.plan
        )
    }
}

/// Judges a plan.
pub fn judge(case: &Case<'_>) -> Verdict {
    let sum = budget::judge(&Bill {
        budget: case.budget,
        recent: case.recent,
        deletions: case.deletions.len(),
        members: case.deletions.len() + case.stay,
        held_of: case.held_of,
        now: case.now,
    });
    let waiting = waiting(case);
    let reason = if case.deletions.is_empty() { None } else { guard(case, &sum) };
    let approved = approved(case, reason.as_ref(), waiting.as_ref());
    if let Some(reason) = reason.filter(|_| approved.is_none()) {
        let deletions = case.deletions.iter().map(|one| (one.clone(), reason.clone())).collect();
        return Verdict { permit: Permit::default(), held: Some(held(case, reason, deletions)), sum };
    }
    let (held, let_go) = match waiting {
        Some(held) if case.approve == Some(&held.plan) => (None, case.approve),
        waiting => (waiting, None),
    };
    let waits = |one: &&Doomed| held.is_some() && case.renamed.contains_key(&one.key);
    let free = case.deletions.iter().filter(|one| !waits(one)).cloned();
    Verdict { permit: Permit::new(approved.or(let_go), free), held, sum }
}

/// The plan that a person approved, if this is that plan or just what is left of it.
fn approved<'a>(case: &Case<'a>, reason: Option<&HoldReason>, waiting: Option<&Held>) -> Option<&'a str> {
    let approve = case.approve?;
    let anew = waiting.is_some_and(|held| held.plan == approve);
    if let Some(begun) = case.approved.filter(|begun| begun.is_left(case.deletions) && (anew || begun.plan == approve))
    {
        return Some(&begun.plan);
    }
    let plan = approval::hash(case.sync_uid, case.deletions, reason?.reason());
    (plan == approve).then_some(approve)
}

/// What waits for its new name to be ready.
fn waiting(case: &Case<'_>) -> Option<Held> {
    let waiting = |one: &Doomed| {
        let new = case.renamed.get(&one.key)?;
        Some((one.clone(), HoldReason::RenameNotReady(new.to_string())))
    };
    let deletions: Vec<_> = case.deletions.iter().filter_map(waiting).collect();
    let (_, first) = deletions.first().cloned()?;
    Some(held(case, first, deletions))
}

/// The first guard that holds the whole plan.
fn guard(case: &Case<'_>, sum: &Judged) -> Option<HoldReason> {
    if let Some(reason) = case.asks {
        return Some(reason.clone());
    }
    if case.stay + case.creations == 0 {
        return Some(HoldReason::LastObject);
    }
    if !sum.fits() {
        return Some(HoldReason::PruneBudget(sum.to_string()));
    }
    case.unborn.map(|new| HoldReason::RenamePending(new.to_string()))
}

fn held(case: &Case<'_>, reason: HoldReason, deletions: Vec<(Doomed, HoldReason)>) -> Held {
    let mut deletions = deletions;
    deletions.sort_by(|(a, _), (b, _)| a.cmp(b));
    let doomed: Vec<_> = deletions.iter().map(|(doomed, _)| doomed.clone()).collect();
    Held { plan: approval::hash(case.sync_uid, &doomed, reason.reason()), reason, deletions }
}
