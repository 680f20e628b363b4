//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod alone;
mod apply;
mod approve;
mod crashes;
mod flags;
mod guards;
mod history;
mod input;
mod leader;
mod listeners;
mod namespaces;
mod nested;
mod ownership;
mod pinned;
mod prune;
mod quarantine;
mod refused;
mod rename;
mod rewrites;
mod rights;
mod rollouts;
mod source_drift;
mod starts;
mod suspend;
pub mod told;
mod workload_drift;
