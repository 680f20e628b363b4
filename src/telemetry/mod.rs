//! Logs and metrics.

/// stub
#[derive(Clone)]
pub struct Metrics;
impl Metrics {
    /// stub
    pub fn api_call(&self, _verb: &str, _resource: &str, _result: &str, _took: std::time::Duration) {}
}
