//! The cluster: the only place that holds a client. Watches, applies, deletes, writes status and events.
//!
//! It does what floor 1 decided. Every call has a deadline, is counted, and ends in a [`CallError`]
//! that says what kind of failure it was; a failed read is an error, never "absent".

mod acting;
mod answer;
mod attribution;
mod calls;
mod connect;
mod error;
mod events;
mod fence;
mod gitsyncs;
mod lease;
mod metadata;
mod namespaces;
mod one;
mod preflight;
mod raw;
mod renewed;
mod review;
mod secrets;
mod services;
mod statuses;
pub mod store;
mod stream;
mod targets;
mod term;
pub mod watch;
mod who;

pub use attribution::follow_attribution;
pub use calls::{Apply, Cluster};
pub use connect::{Connection, connect, connect_within, is_on_this_machine, server};
pub use error::{CallError, was_refused};
pub use events::{EventNote, Events};
pub use fence::Fence;
pub use gitsyncs::{GitSyncs, Spec};
pub use lease::LeaseCalls;
pub use metadata::{MetadataNews, follow_metadata, follow_named};
pub use one::follow_one;
pub use preflight::{Greeting, account_name};
pub use secrets::{SecretContent, SecretError};
pub use services::{Service, Services};
pub use store::{Entry, Store, Update};
pub use targets::{Glance, Member, Targets, resource};
pub use term::Term;

use kube::core::ApiResource;

use crate::api::{GitSync, MicroService};

/// The resource of MicroServices.
pub fn microservices() -> ApiResource {
    ApiResource::erase::<MicroService>(&())
}

/// The resource of GitSyncs.
pub fn gitsyncs() -> ApiResource {
    ApiResource::erase::<GitSync>(&())
}
