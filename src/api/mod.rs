//! The two kinds, `GitSync` and `MicroService`, as Rust types and as CRDs, and the
//! words that Gitmoor puts on objects. Types only: nothing here reads or writes a cluster.

pub mod condition;
pub mod crds;
pub mod drift;
pub mod gitsync;
pub mod gitsync_status;
pub mod json_schema;
pub mod microservice;
pub mod names;
pub mod notify;
mod schema;
pub mod source_mark;
pub mod status;

pub use gitsync::{GitSync, GitSyncSpec};
pub use gitsync_status::GitSyncStatus;
pub use microservice::{MicroService, MicroServiceSpec};
pub use source_mark::SourceMark;
pub use status::MicroServiceStatus;

/// API group of both kinds.
pub const GROUP: &str = "gitmoor.dev";
/// Served and stored version of both kinds.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of both kinds.
pub const API_VERSION: &str = "gitmoor.dev/v1alpha1";
