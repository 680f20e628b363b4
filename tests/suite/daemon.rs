//! The main job, end to end: the daemon as a process, between a real Git server and a real API server.

mod apply;
