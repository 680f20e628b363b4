//! The values that labels may have. Every label is a closed set of words, a word of our own source, or the name of a
//! GitSync, so that nothing from outside can make series without bound.

use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::notify::TargetType;
use crate::model::{ChangeKind, ObjectKey};

/// Which values a label may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Domain {
    /// These.
    Words(&'static [&'static str]),
    /// What this says.
    Described(&'static str),
}

/// A value of a label.
pub(super) trait LabelValue {
    /// Which values there are.
    const DOMAIN: Domain;
    /// This one.
    fn text(&self) -> String;
}

/// Declares an enum whose variants are words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl LabelValue for $name {
            const DOMAIN: Domain = Domain::Words(&[$($word),*]);

            fn text(&self) -> String {
                match self { $(Self::$variant => $word,)* }.to_owned()
            }
        }
    };
}

words! {
    /// How a sync ended.
    SyncResult {
        /// Something was changed, and all is as declared.
        Applied = "applied",
        /// All was as declared.
        Unchanged = "unchanged",
        /// Some object was quarantined, refused or held; the others are as declared.
        Partial = "partial",
        /// Nothing could be applied.
        Failed = "failed",
        /// It gave way to a newer commit.
        Superseded = "superseded",
    }
}

words! {
    /// How a look at a source ended.
    FetchResult {
        /// A new revision was read.
        Changed = "changed",
        /// There was none.
        Unchanged = "unchanged",
        /// The source could not be read.
        Failed = "failed",
    }
}

words! {
    /// A state in which MicroServices are counted. One may be in several.
    ObjectState {
        /// Declared by the revision.
        Declared = "declared",
        /// Ready=True.
        Ready = "ready",
        /// Different from Git, or with children that differ.
        Drifted = "drifted",
        /// Invalid or refused, and kept as it was.
        Quarantined = "quarantined",
        /// Not changed or deleted because a guard forbids it.
        Held = "held",
    }
}

words! {
    /// Between what a drift lies.
    DriftLevel {
        /// Git and the MicroService.
        Source = "source",
        /// The MicroService and its children.
        Workload = "workload",
    }
}

words! {
    /// A kind whose corrections can be paused.
    PausedKind {
        /// One MicroService, by itself.
        MicroService = "microservice",
        /// All that a GitSync applied.
        GitSync = "gitsync",
    }
}

words! {
    /// What is asked of the API server.
    Verb {
        /// One object.
        Get = "get",
        /// All objects, or a page of them.
        List = "list",
        /// The start of a watch.
        Watch = "watch",
        /// An object that must not exist.
        Create = "create",
        /// A server-side apply.
        Apply = "apply",
        /// Another patch.
        Patch = "patch",
        /// A deletion.
        Delete = "delete",
    }
}

words! {
    /// What the API server answered.
    CallResult {
        /// It was done.
        Ok = "ok",
        /// A precondition no longer holds, or another field manager owns a field.
        Conflict = "conflict",
        /// It does not exist.
        NotFound = "not_found",
        /// Invalid, forbidden, or refused by admission: trying again does not help.
        Refused = "refused",
        /// No answer, or one that says to try again.
        Error = "error",
    }
}

words! {
    /// How a reconcile of a MicroService ended.
    ReconcileResult {
        /// Something was changed.
        Applied = "applied",
        /// Nothing had to be.
        Unchanged = "unchanged",
        /// It is tried again.
        Failed = "failed",
    }
}

words! {
    /// What came of telling a target of alerts.
    AlertResult {
        /// It took it.
        Told = "told",
        /// It could not be reached, or failed; it is tried again.
        Failed = "failed",
        /// It asked to be told less often.
        RateLimited = "rate_limited",
        /// It does not take it, or must not be told.
        Refused = "refused",
    }
}

impl LabelValue for TargetType {
    const DOMAIN: Domain = Domain::Words(&[
        "slack",
        "teams",
        "webhook",
        "alertmanager",
        "cloudevents",
        "github",
        "gitlab",
        "gitea",
        "forgejo",
    ]);

    fn text(&self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

impl LabelValue for ChangeKind {
    const DOMAIN: Domain =
        Domain::Words(&["modified", "added", "removed", "disowned", "deleted", "recreated", "terminating"]);

    fn text(&self) -> String {
        match self {
            Self::Modified => "modified",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Disowned => "disowned",
            Self::Deleted => "deleted",
            Self::Recreated => "recreated",
            Self::Terminating => "terminating",
        }
        .to_owned()
    }
}

impl LabelValue for Ended {
    const DOMAIN: Domain = Domain::Words(&["corrected", "reverted", "declared", "ignored", "gone"]);

    fn text(&self) -> String {
        match self {
            Self::Corrected => "corrected",
            Self::Reverted => "reverted",
            Self::Declared => "declared",
            Self::Ignored => "ignored",
            Self::Gone => "gone",
        }
        .to_owned()
    }
}

impl LabelValue for DriftPolicy {
    // What is ignored is not counted either.
    const DOMAIN: Domain = Domain::Words(&["correct", "report"]);

    fn text(&self) -> String {
        match self {
            Self::Correct => "correct",
            Self::Report => "report",
            Self::Ignore => "ignore",
        }
        .to_owned()
    }
}

impl LabelValue for &ObjectKey {
    const DOMAIN: Domain = Domain::Described("`namespace/name` of a GitSync");

    fn text(&self) -> String {
        self.to_string()
    }
}

/// A word of our own source.
impl LabelValue for &'static str {
    const DOMAIN: Domain = Domain::Described("a fixed word");

    fn text(&self) -> String {
        (*self).to_owned()
    }
}
