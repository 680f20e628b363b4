//! What applying a change did.

use super::key::Target;

/// What applying a change did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutcomeKind {
    /// It was created.
    Created,
    /// It was changed.
    Updated,
    /// It became this GitSync's.
    TakenOver {
        /// The GitSync that had it; none where nobody did.
        from: Option<String>,
        /// What of it was another before, in words.
        changed: Vec<String>,
    },
    /// The server found nothing to change.
    Unchanged,
    /// It was deleted.
    Deleted,
    /// A drifted object was put back.
    Corrected,
    /// The server refused, or could not be reached.
    Failed {
        /// CamelCase word.
        reason: String,
        /// The server's words.
        message: String,
    },
}

/// What applying a change to one object did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The object.
    pub key: Target,
    /// What was done.
    pub kind: OutcomeKind,
}
