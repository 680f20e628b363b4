//! What a loop tells somebody who runs one GitSync and waits for it: each outcome, and each status in full.

use tokio::sync::mpsc::UnboundedSender;

use crate::api::gitsync_status::{Counts, HeldPlan, ObjectProblem};
use crate::model::{Diagnostic, Outcome};
use crate::report;
use crate::report::gitsync::{Fault, Observed};

/// Who is told. Nobody reads after the end; that is no error.
pub type Teller = UnboundedSender<Told>;

/// One piece of news.
#[derive(Debug, Clone)]
pub enum Told {
    /// What was done about one MicroService.
    Outcome(Outcome),
    /// What the GitSync's status says now.
    Account(Box<Account>),
}

/// A GitSync's state as its status has it, with nothing left out.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The last handled request to reconcile.
    pub handled: Option<String>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Why the source could not be read.
    pub fault: Option<Fault>,
    /// Whether this process has read a revision: before, all the rest is what another one left in the status.
    pub read: bool,
    /// Whether an apply is under way.
    pub applying: bool,
    /// The applied revision.
    pub revision: Option<String>,
    /// How many MicroServices are in which state.
    pub counts: Counts,
    /// All findings about manifests.
    pub diagnostics: Vec<Diagnostic>,
    /// Wanted paths that the revision does not have.
    pub missing_paths: Vec<String>,
    /// All MicroServices that are not as declared, and why.
    pub faults: Vec<ObjectProblem>,
    /// What keeps changes from being made.
    pub waiting: Option<String>,
    /// All MicroServices that are left alone as somebody asked, or for a moment.
    pub holds: Vec<ObjectProblem>,
}

/// A revision that is held is not as declared, like an object.
fn held(plan: &HeldPlan) -> ObjectProblem {
    ObjectProblem {
        object: plan.revision.clone(),
        reason: plan.reason.clone(),
        message: plan.message.clone(),
        ..ObjectProblem::default()
    }
}

impl From<&Observed<'_>> for Account {
    fn from(observed: &Observed<'_>) -> Self {
        Self {
            handled: observed.handled.clone(),
            suspended: observed.suspended,
            fault: observed.source.clone(),
            read: observed.attempted.is_some(),
            applying: observed.applying,
            revision: observed.applied.as_ref().map(|applied| applied.revision.clone()),
            counts: observed.counts,
            diagnostics: observed.diagnostics.to_vec(),
            missing_paths: observed.missing_paths.to_vec(),
            faults: {
                let whole = observed.revision_hold.iter().chain(observed.plan_hold()).map(held);
                let refused = observed.refused.iter().chain(&observed.failed);
                whole.chain(refused.chain(&observed.faults).cloned()).collect()
            },
            waiting: observed
                .waiting
                .filter(|waiting| waiting.held_back > 0 || waiting.what.is_fault())
                .map(report::waiting::message),
            holds: observed.holds.clone(),
        }
    }
}
