//! Logs and metrics.

/// stub
#[derive(Clone)]
pub struct Metrics;
/// stub
impl Metrics {
    /// stub
    pub fn api_call(&self, _verb: &str, _resource: &str, _result: &str, _took: std::time::Duration) {}
    /// stub
    pub fn queue_depth(&self, _queue: &str, _depth: usize) {}
    /// stub
    pub fn reconciled(&self, _result: &str, _took: std::time::Duration) {}
    /// stub
    pub fn drifted(&self, _level: &str, _kind: &str, _change: &str, _policy: &str) {}
}
