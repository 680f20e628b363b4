//! What the tests share: a control plane, a client per test, repositories, daemons, and waiting for a condition.
//!
//! Nothing here sleeps for a fixed time, and nothing outlives the test process, whatever ends it.

pub mod alone;
pub mod audit;
pub mod authority;
pub mod canary;
pub mod chronicle;
pub mod daemon;
pub mod files;
pub mod git_server;
pub mod http;
pub mod kstatus;
pub mod kube;
pub mod kubectl;
pub mod kubelet;
pub mod log;
pub mod plane;
pub mod proxy;
pub mod repository;
pub mod scene;
pub mod speech;
pub mod storm;
pub mod throttle;
pub mod wait;
pub mod way;

pub use daemon::Daemon;
pub use kube::Kube;
pub use wait::{eventually, eventually_within, holds};
