//! What a real API server says of all that Gitmoor sends, and what the modules that touch it make of its answers.

mod calls;
mod crds;
mod drift;
mod drift_edits;
mod manifests;
mod prevention;
mod protection;
mod store;
mod verdicts;
