//! The listeners on loopback, spoken to in bytes: every answer of the webhook route, what ends a connection, and the
//! routes for the cluster's machinery.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests

mod client;
mod connections;
mod forges;
mod hooks;
mod ops;
mod tls;
