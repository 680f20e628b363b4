//! What the daemon says about itself: log lines, metrics and traces.
//!
//! Nothing here is global but the log subscriber, which [`logs::init`] installs once. No secret reaches either: labels
//! are closed sets of words and names of GitSyncs, and callers log names, never values.

pub mod drift;
pub mod level;
pub mod logs;
pub mod metrics;
pub mod panics;
pub mod spans;

pub use logs::LogFormat;
pub use metrics::Metrics;
pub use spans::Spans;
