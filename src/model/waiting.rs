//! What a GitSync waits for, before it goes on or before it says that it is ready.

use super::key::ObjectKey;
use crate::api::gitsync_status::Progress;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// A person: it names GitSyncs that it may not depend on.
    Permission(Vec<ObjectKey>),
    /// A person: it depends on itself through these. The first is not repeated at the end.
    Ring(Vec<ObjectKey>),
    /// GitSyncs that it depends on.
    Dependencies {
        /// Those that do not exist.
        missing: Vec<ObjectKey>,
        /// Those that are not ready.
        unready: Vec<ObjectKey>,
    },
    /// A wave of what it applies.
    Wave {
        /// Its number.
        wave: i32,
        /// Whether its deletions are meant.
        deleting: bool,
        /// Whether something of it is invalid, refused or held by a rule.
        failed: bool,
    },
    /// The health of everything that it declares.
    Health,
}

impl WaitsFor {
    /// Whether a person must change a spec.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::Permission(_) | Self::Ring(_))
    }
}

/// What a GitSync waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What.
    pub what: WaitsFor,
    /// The first of it, and in a word how that is.
    pub first: Option<(String, String)>,
    /// How much of it is as it should be, and of how much.
    pub counted: (usize, usize),
    /// Changes that are not made until then.
    pub held_back: usize,
    /// Whether it takes longer than it may.
    pub overdue: bool,
    /// For the status.
    pub progress: Option<Progress>,
}

impl Waiting {
    /// Whether a person, or something outside, must act before it can be over.
    pub fn needs_help(&self) -> bool {
        let helpless = match self.what {
            WaitsFor::Permission(_) | WaitsFor::Ring(_) | WaitsFor::Dependencies { .. } => true,
            WaitsFor::Wave { failed, .. } => failed,
            WaitsFor::Health => false,
        };
        helpless || self.overdue
    }

    /// Whether no more is tried until a person acts.
    pub fn stalled(&self) -> bool {
        self.overdue || self.what.is_fault()
    }
}
