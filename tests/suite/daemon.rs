//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod alone;
mod apply;
mod applyset;
mod farewell;
mod flags;
mod history;
mod leader;
mod lifetime;
mod listeners;
mod namespaces;
mod nested;
mod ownership;
mod prune;
mod quarantine;
mod rights;
mod rollouts;
mod source_drift;
mod suspend;
pub mod told;
mod workload_drift;
