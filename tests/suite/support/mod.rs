//! What the tests share: a control plane, a client per test, repositories, daemons, and waiting for a condition.
//!
//! Nothing here sleeps for a fixed time, and nothing outlives the test process, whatever ends it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests

pub mod files;
pub mod kube;
pub mod kubectl;
pub mod plane;
pub mod wait;

pub use kube::Kube;
pub use plane::ControlPlane;
pub use wait::{eventually, eventually_within, holds};
