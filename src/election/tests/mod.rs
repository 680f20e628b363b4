//! Cases of an election: the times, the steps of one candidate, and whole worlds of them.

mod steps;
mod times;
mod worlds;

use std::time::Duration;

use super::Times;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// As they are by default.
fn usual() -> Times {
    Times::new(seconds(15), seconds(10), seconds(2)).unwrap()
}
