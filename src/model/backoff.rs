//! How long to wait after failures: longer each time, so that what is down is left alone, and never all at the same moment.

use std::time::Duration;

/// Pauses that double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after so many failures in a row, without its chance.
    pub fn full(self, failures: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(self.longest)
    }

    /// The same, less up to half: `chance` is from 0, for half of it, to 1, for all of it.
    pub fn pause(self, failures: u32, chance: f64) -> Duration {
        self.full(failures).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pause in milliseconds of one that begins with 500 ms and ends at five minutes.
    fn check(failures: u32, chance: f64, expected: u128) {
        let backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(300) };
        assert_eq!(backoff.pause(failures, chance).as_millis(), expected, "after {failures}, {chance}");
    }

    #[test]
    fn it_doubles_up_to_a_bound() {
        check(0, 1.0, 500);
        check(1, 1.0, 500);
        check(2, 1.0, 1_000);
        check(3, 1.0, 2_000);
        check(5, 1.0, 8_000);
        check(10, 1.0, 256_000);
        check(11, 1.0, 300_000);
        check(33, 1.0, 300_000);
        check(u32::MAX, 1.0, 300_000);
    }

    #[test]
    fn chance_takes_away_up_to_half() {
        check(1, 0.0, 250);
        check(1, 0.5, 375);
        check(11, 0.0, 150_000);
        check(1, -7.0, 250);
        check(1, 7.0, 500);
    }
}
