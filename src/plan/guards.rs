//! What a revision as a whole says about deletions: some guards forbid them, some ask a person first.
//!
//! One object at a time is judged in [`super::decide`], all deletions of a plan together in [`super::judge`].

use crate::model::{Declared, HoldReason};

/// What stands against the deletions of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guards {
    forbids: Option<HoldReason>,
    asks: Option<HoldReason>,
}

impl Guards {
    /// The first guard of each sort that holds for this revision.
    pub fn new(declared: &Declared, prunes: bool, scope_changed: bool) -> Self {
        let forbids = if !prunes {
            Some(HoldReason::PruneDisabled)
        } else if declared.unreadable {
            Some(HoldReason::Unreadable)
        } else {
            scope_changed.then_some(HoldReason::ScopeChanged)
        };
        let empty = declared.objects.is_empty() && declared.quarantined.is_empty();
        let missing = declared.missing_paths.first().map(|path| HoldReason::MissingPath(path.clone()));
        Self { forbids, asks: missing.or_else(|| empty.then_some(HoldReason::EmptyTree)) }
    }

    /// Why nothing is deleted, whoever approves it: what the revision wants is not known, or the spec forbids it.
    pub fn forbids(&self) -> Option<&HoldReason> {
        self.forbids.as_ref()
    }

    /// Why nothing is deleted until a person approves exactly that.
    pub fn asks(&self) -> Option<&HoldReason> {
        self.asks.as_ref()
    }
}
