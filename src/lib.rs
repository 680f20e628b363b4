//! Gitmoor keeps a Kubernetes cluster moored to Git. See ARCHITECTURE.md for the map of this crate.
//!
//! Four floors; imports point down only, and modules on one floor do not know each other
//! (`tests/suite/floors.rs` walks the imports).

// Floor 0: vocabulary. Types only.
pub mod api;
pub mod model;

// Floor 1: thinking. Pure: no async, no clock, no file, no network, no client.
pub mod alert;
pub mod drift;
pub mod election;
pub mod health;
pub mod install;
pub mod manifest;
pub mod page;
pub mod plan;
pub mod report;
pub mod signature;
pub mod view;
pub mod webhook;
pub mod workload;

// Floor 2: touching. Does what floor 1 decided.
pub mod cluster;
pub mod notify;
pub mod server;
pub mod source;
pub mod telemetry;
pub mod trace;

// Floor 3: running.
pub mod alerting;
pub mod app;
pub mod cli;
pub mod controller;
pub mod sync;

pub use app::MicroServiceController;
