//! Waiting for a condition, never for a time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Far more than anything takes: a slow machine must not fail a test.
const DEADLINE: Duration = Duration::from_secs(120);
/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `look` finds what it wants. What it saw instead is in the failure.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    eventually_within(what, DEADLINE, look).await
}

/// The same with a deadline of its own.
pub async fn eventually_within<T>(what: &str, deadline: Duration, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    match looked_for(deadline, look).await {
        Ok(found) => found,
        Err(seen) => panic!("after {deadline:?} still not: {what}\nlast seen: {seen}"),
    }
}

/// The same for what may fail: at the deadline, what was seen last.
pub async fn looked_for<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Result<T, String>) -> Result<T, String> {
    let started = Instant::now();
    loop {
        let seen = match look().await {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        if started.elapsed() >= deadline {
            return Err(seen);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// For `eventually`: whether a condition holds, else what was seen.
pub fn holds(condition: bool, seen: impl Debug) -> Result<(), String> {
    if condition { Ok(()) } else { Err(format!("{seen:#?}")) }
}
