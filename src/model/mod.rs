//! The words of the pipeline as types: what flows from the source to the report.
//! Types and their smallest operations only; thinking happens one floor above.

pub mod acceptance;
pub mod account;
pub mod backoff;
pub mod codes;
pub mod declared;
pub mod diagnostic;
pub mod drift;
pub mod duration;
pub mod key;
pub mod letter;
pub mod live;
pub mod narrowing;
pub mod outcome;
pub mod pattern;
pub mod pause;
pub mod plan;
pub mod pointer;
pub mod preflight;
pub mod reference;
pub mod retry_after;
pub mod snapshot;
pub mod waiting;

pub use acceptance::Acceptance;
pub use account::{Account, AccountRule};
pub use backoff::Backoff;
pub use declared::{Declared, DeclaredObject, Document, ParsedFile, Quarantined};
pub use diagnostic::{Code, Diagnostic, Position, Severity};
pub use drift::{Attribution, ChangeKind, FieldDrift};
pub use duration::parse_duration;
pub use key::{Kind, ObjectKey, Target, is_name};
pub use live::LiveObject;
pub use narrowing::Narrowing;
pub use outcome::{Outcome, OutcomeKind};
pub use plan::{Action, Change, HoldReason, Plan, Silence};
pub use reference::Follow;
pub use retry_after::{LONGEST_REST, retry_after};
pub use snapshot::{Ancestry, BlobId, Commit, CommitId, FileEntry, Revision, Snapshot, Unread, UnreadKind};
pub use waiting::{Waiting, WaitsFor};
