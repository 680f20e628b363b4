//! How often one object is corrected: two managers that keep rewriting a field must not burn the API server.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// Corrections of one object in [`WINDOW`] that are made at once.
const AT_ONCE: usize = 5;
/// How far back corrections count.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// The recent corrections of one object.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    recent: VecDeque<Timestamp>,
}

impl Pace {
    /// How long the next correction has to wait; `None` for not at all.
    pub fn wait(&self, now: Timestamp) -> Option<SignedDuration> {
        let nth_last = self.recent.iter().rev().nth(AT_ONCE - 1)?;
        let free_at = nth_last.checked_add(WINDOW).ok()?;
        let left = free_at.duration_since(now);
        // A clock that jumped back must not hold a correction for longer than the window.
        left.is_positive().then_some(left.min(WINDOW))
    }

    /// Takes note of a correction.
    pub fn corrected(&mut self, now: Timestamp) {
        self.recent.push_back(now);
        while self.recent.len() > AT_ONCE {
            self.recent.pop_front();
        }
    }

    /// Whether the last correction is so long ago that nothing has to be remembered.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.recent.back().is_none_or(|last| now.duration_since(*last) > WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_few_corrections_are_made_at_once_and_then_they_wait() {
        let mut pace = Pace::default();
        for second in 0..5 {
            assert_eq!(pace.wait(at(second)), None, "{second}");
            pace.corrected(at(second));
        }
        assert_eq!(pace.wait(at(5)), Some(SignedDuration::from_secs(55)));
        assert_eq!(pace.wait(at(60)), None);
        pace.corrected(at(60));
        assert_eq!(pace.wait(at(60)), Some(SignedDuration::from_secs(1)));
    }

    #[test]
    fn however_long_it_fights_no_more_than_five_a_minute() {
        let mut pace = Pace::default();
        let corrected = (0..3600).filter(|second| {
            let free = pace.wait(at(*second)).is_none();
            if free {
                pace.corrected(at(*second));
            }
            free
        });
        assert_eq!(corrected.count(), 300);
        assert!(!pace.is_idle(at(3600)) && pace.is_idle(at(3700)));
    }

    #[test]
    fn a_clock_that_jumps_back_holds_nothing_for_long() {
        let mut pace = Pace::default();
        (0..5).for_each(|_| pace.corrected(at(100_000)));
        assert_eq!(pace.wait(at(0)), Some(WINDOW));
    }
}
