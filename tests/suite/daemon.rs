//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod apply;
mod namespaces;
mod ownership;
mod prune;
mod quarantine;
mod source_drift;
mod suspend;
mod told;
mod workload_drift;
