//! What is said of live objects, in the shapes that the commands print with `--output json` and the page's API answers.
//!
//! Pure: an object in, a value out; the time is an argument. It prints nothing, and knows nothing that status does not say.

mod concerns;
pub mod drift;
mod gitsync;
pub mod held;
pub mod history;
mod mark;
mod restraint;
pub mod say;
mod seen;
mod service;
pub mod tree;
mod verdict;

pub use concerns::{concerns, reasons};
pub use gitsync::{Loud, SyncRow};
pub use mark::Marks;
pub use restraint::{fights, paused, paused_service};
pub use seen::{Seen, annotation, declared_by, is_named, key, policy_annotation, provenance};
pub use service::ServiceRow;
pub use verdict::Verdict;
