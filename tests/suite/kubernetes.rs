//! What a real API server says of all that Gitmoor sends, and what the modules that touch it make of its answers.

mod calls;
mod crds;
mod defaults;
mod drift;
mod drift_edits;
mod drift_random;
mod largest;
mod manifests;
mod prevention;
mod protection;
mod shapes;
mod store;
mod verdicts;
mod versions;
