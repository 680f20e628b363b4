//! Waiting for a condition, never for a time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Far more than anything takes: a slow machine must not fail a test.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `look` finds what it wants. What it saw instead is in the failure.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    eventually_within(what, DEADLINE, look).await
}

/// The same with a deadline of its own.
pub async fn eventually_within<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let started = Instant::now();
    loop {
        let seen = match look().await {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(started.elapsed() < deadline, "after {deadline:?} still not: {what}\nlast seen: {seen}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// For `eventually`: whether a condition holds, else what was seen.
pub fn holds(condition: bool, seen: impl Debug) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("{seen:#?}")) }
}
