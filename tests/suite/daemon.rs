//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod alone;
mod apply;
mod history;
mod listeners;
mod namespaces;
mod ownership;
mod prune;
mod quarantine;
mod source_drift;
mod suspend;
mod told;
mod workload_drift;
