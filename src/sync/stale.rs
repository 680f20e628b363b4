//! Since when a source cannot be read, and from when on that makes what is applied stale. It knows no clock.
//!
//! One look that fails is told at once by other means; this is for whoever wants to be woken only when it lasts.

use std::time::Duration;

use tokio::time::Instant;

/// So many intervals without one look that succeeded.
const INTERVALS: u32 = 5;

/// How long a source could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Staleness {
    /// The first of the looks that failed since one succeeded.
    since: Option<Instant>,
    /// Whether it was told.
    told: bool,
}

impl Staleness {
    /// What a status says, which a restart does not take back.
    pub fn restored(told: bool) -> Self {
        Self { since: None, told }
    }

    /// A look failed.
    pub fn failed(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// A look succeeded. Whether that ended what was told.
    pub fn succeeded(&mut self) -> bool {
        self.since = None;
        std::mem::take(&mut self.told)
    }

    /// Whether what is applied is stale.
    pub fn is_told(&self) -> bool {
        self.told
    }

    /// When it becomes so, unless a look succeeds.
    pub fn due(&self, interval: Duration) -> Option<Instant> {
        let since = self.since.filter(|_| !self.told)?;
        since.checked_add(interval.saturating_mul(INTERVALS))
    }

    /// Whether it became so now.
    pub fn becomes(&mut self, interval: Duration, now: Instant) -> bool {
        let becomes = self.due(interval).is_some_and(|due| due <= now);
        self.told |= becomes;
        becomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Plays minutes: `f`ailed, `s`ucceeded, and a dot where nothing happens; says at which ones it became stale.
    fn check(mut stale: Staleness, minutes: &str, expected: &[usize], in_the_end: bool) {
        let begin = Instant::now();
        let mut became = Vec::new();
        for (minute, event) in minutes.chars().enumerate() {
            let now = begin + MINUTE * u32::try_from(minute).unwrap();
            match event {
                'f' => stale.failed(now),
                's' => drop(stale.succeeded()),
                _ => {}
            }
            if stale.becomes(MINUTE, now) {
                became.push(minute);
            }
        }
        assert_eq!((became.as_slice(), stale.is_told()), (expected, in_the_end), "{minutes}");
    }

    #[test]
    fn five_intervals_without_a_look_that_succeeds_make_it_stale_once() {
        let new = Staleness::default();
        check(new, "ffff", &[], false);
        check(new, "fffff.ff", &[5], true);
        check(new, "f.......", &[5], true);
        check(new, "ffffsffff", &[], false);
        check(new, "ffffffffs", &[5], false);
        check(new, "ffffffsffffff", &[5, 12], true);
    }

    #[test]
    fn a_restart_does_not_take_it_back_and_a_look_that_succeeds_does() {
        let told = Staleness::restored(true);
        check(told, "..fff", &[], true);
        check(told, "..s", &[], false);
        check(told, "..sffffff", &[8], true);
    }

    #[test]
    fn it_is_known_when_to_look_again() {
        let (mut stale, now) = (Staleness::default(), Instant::now());
        assert_eq!(stale.due(MINUTE), None);
        stale.failed(now);
        stale.failed(now + MINUTE);
        assert_eq!(stale.due(MINUTE), Some(now + 5 * MINUTE));
        assert!(stale.becomes(MINUTE, now + 5 * MINUTE));
        assert_eq!(stale.due(MINUTE), None);
    }
}
