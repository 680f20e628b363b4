//! When what could not be told is tried again.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Backoff;

/// The pauses of ours.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(600) };
/// The longest pause that a target may ask for.
const ASKED: Duration = Duration::from_secs(3600);
/// Failures in a row after which a person is told.
pub const KEEPS_FAILING: u32 = 3;

/// How often something failed in a row, and when it is tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    failures: u32,
    at: Option<Timestamp>,
}

impl Retry {
    /// It failed. `jitter` is between 0 and 1; `asked` is what the other side asks for; `hopeless` says that a person must
    /// act first, so it is tried rarely.
    pub fn failed(&mut self, now: Timestamp, jitter: f64, asked: Option<Duration>, hopeless: bool) {
        self.failures = self.failures.saturating_add(1);
        let full = PAUSES.full(self.failures);
        let pause = if hopeless { full.max(Duration::from_secs(60)) } else { full };
        let pause = pause.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0));
        let pause = pause.max(asked.unwrap_or_default().min(ASKED));
        self.at = now.checked_add(pause).ok();
    }

    /// It succeeded.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// When it is tried again; none where nothing failed.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(count: usize, jitter: f64, asked: Option<u64>, hopeless: bool) -> Vec<i64> {
        let mut retry = Retry::default();
        let now = Timestamp::UNIX_EPOCH;
        let fails = |_| {
            retry.failed(now, jitter, asked.map(Duration::from_secs), hopeless);
            retry.at().unwrap().as_second()
        };
        (0..count).map(fails).collect()
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_are_spread() {
        assert_eq!(pauses(9, 0.5, None, false), [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(pauses(2, 0.0, None, false), [4, 8]);
        assert_eq!(pauses(2, 1.0, None, false), [6, 12]);
        assert_eq!(pauses(40, 0.5, None, false).last(), Some(&600));
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept_within_an_hour() {
        assert_eq!(pauses(1, 0.5, Some(120), false), [120]);
        assert_eq!(pauses(1, 0.5, Some(1), false), [5]);
        assert_eq!(pauses(1, 0.5, Some(1_000_000), false), [3600]);
    }

    #[test]
    fn what_a_person_must_mend_is_tried_rarely() {
        assert_eq!(pauses(2, 0.5, None, true), [60, 60]);
    }
}
