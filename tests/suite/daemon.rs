//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod alone;
mod apply;
mod flags;
mod history;
mod leader;
mod listeners;
mod moves;
mod namespaces;
mod nested;
mod ownership;
mod prune;
mod quarantine;
mod rights;
mod rollouts;
mod source_drift;
mod suspend;
mod take_over;
mod tenancy;
pub mod told;
mod workload_drift;
