//! The GitSync loop: fetches, plans, applies, reports.
//!
//! One loop per GitSync ([`run::SyncLoop`]), woken by its inbox: a changed spec, a push, a MicroService that changed.
//! A fetch and an apply run beside the loop, so that a newer commit is seen while an older one is being applied.

mod fetch;
mod inbox;

mod settings;

pub use inbox::Inbox;
