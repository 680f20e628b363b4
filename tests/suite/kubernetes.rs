//! What a real API server says of all that Gitmoor sends, and what the modules that touch it make of its answers.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

mod calls;
mod crds;
mod drift;
mod drift_edits;
mod manifests;
mod store;
mod verdicts;
