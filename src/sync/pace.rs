//! How long a loop waits before it looks at its source without having been told to: the interval; longer while webhooks can
//! be relied on; ever longer after failures. It knows no clock.

use std::time::Duration;

use crate::model::Backoff;

/// Pauses after failed looks. The longest is the interval where that is longer, within [`FAILING`].
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
/// A source that fails is looked at this often, however long the interval: nobody waits a day for what is mended.
const FAILING: Duration = Duration::from_secs(1800);
/// Between two looks while each push is announced, where the interval is not longer.
const ANNOUNCED: Duration = Duration::from_secs(600);

/// What a loop has learned about its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    failures: u32,
    /// For how long the server asked not to be asked.
    rest: Duration,
    /// Whether webhooks can be relied on.
    relies: bool,
    /// A webhook came since the last look began.
    pending: bool,
    /// A webhook asked for the look that is being made.
    asked: bool,
}

impl Pace {
    /// A look failed; the server may have asked to be left alone for so long.
    pub fn failed(&mut self, rest: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        self.rest = rest.unwrap_or_default();
    }

    /// A genuine webhook came.
    pub fn announced(&mut self) {
        self.pending = true;
    }

    /// A look begins.
    pub fn begins(&mut self) {
        self.asked = std::mem::take(&mut self.pending);
    }

    /// Whether a webhook asked for the look that is being made.
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// A look succeeded. Where it was announced, the webhook works: looks become rare. Where something new was there that
    /// nobody had announced, it does not, or does no more.
    pub fn succeeded(&mut self, new: bool) {
        (self.failures, self.rest) = (0, Duration::ZERO);
        // What was announced meanwhile may be what was found.
        let announced = self.asked || self.pending;
        if announced || new {
            self.relies = announced;
        }
    }

    /// Whether the last look failed.
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// How long to wait; `chance`, from 0 to 1, varies it by five percent either way.
    pub fn pause(&self, interval: Duration, chance: f64) -> Duration {
        let pause = match self.failures {
            0 if self.relies => interval.max(ANNOUNCED),
            0 => interval,
            failures => Backoff { longest: interval.clamp(PAUSES.longest, FAILING), ..PAUSES }.full(failures),
        };
        let pause = pause.mul_f64(0.95 + chance / 10.0);
        // Never sooner than the server said, and not all at the same moment.
        pause.max(self.rest + self.rest.mul_f64(chance / 10.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// The pause in seconds after these looks: `f`ailed, `u`nchanged, `n`ew; in capitals where it was announced.
    fn check(looks: &str, interval: Duration, expected: u64) {
        let mut pace = Pace::default();
        for look in looks.chars() {
            if look.is_uppercase() {
                pace.announced();
            }
            pace.begins();
            match look {
                'f' => pace.failed(None),
                look => pace.succeeded(look.eq_ignore_ascii_case(&'n')),
            }
        }
        assert_eq!(pace.pause(interval, 0.5).as_secs_f64().round() as u64, expected, "{looks}");
        assert_eq!(pace.is_failing(), looks.to_lowercase().ends_with('f'), "{looks}");
    }

    #[test]
    fn without_webhooks_the_interval_counts() {
        for looks in ["", "u", "n", "nun", "fu"] {
            check(looks, MINUTE, 60);
        }
        check("n", 60 * MINUTE, 3600);
    }

    #[test]
    fn while_each_push_is_announced_looks_are_rare() {
        for looks in ["N", "U", "Nuuuu", "nN", "NfffU", "NfU", "Nfu"] {
            check(looks, MINUTE, 600);
        }
        check("N", 60 * MINUTE, 3600);
    }

    #[test]
    fn a_commit_that_nobody_announced_ends_that() {
        check("Nuun", MINUTE, 60);
        check("Nuunu", MINUTE, 60);
        // It was just faster than its webhook.
        check("NnU", MINUTE, 600);
    }

    #[test]
    fn after_failures_looks_come_soon_and_ever_later() {
        for (looks, expected) in
            [("f", 1), ("ff", 2), ("fff", 4), ("fffffff", 60), ("ffffffffffffffffff", 60), ("Nf", 1)]
        {
            check(looks, MINUTE, expected);
        }
        check("ffffffffffffffffff", 10 * MINUTE, 600);
        check("ffffffffffffffffff", 24 * 60 * MINUTE, 1800);
        check("ffff", Duration::from_secs(1), 8);
    }

    #[test]
    fn what_is_announced_while_a_poll_finds_it_counts_as_announced() {
        let mut pace = Pace::default();
        pace.begins();
        pace.announced();
        pace.succeeded(true);
        assert_eq!(pace.pause(MINUTE, 0.5).as_secs(), 600);
    }

    #[test]
    fn a_server_that_asks_for_patience_is_left_alone_until_then() {
        let mut pace = Pace::default();
        pace.failed(Some(Duration::from_secs(300)));
        let seconds = |pace: &Pace, chance| pace.pause(MINUTE, chance).as_secs();
        assert_eq!((seconds(&pace, 0.0), seconds(&pace, 1.0)), (300, 330));
        pace.failed(Some(Duration::from_secs(1)));
        assert_eq!(seconds(&pace, 0.5), 2, "back-off goes on");
        pace.failed(None);
        assert_eq!(seconds(&pace, 0.5), 4);
        pace.succeeded(false);
        assert_eq!(seconds(&pace, 0.5), 60);
    }

    #[test]
    fn looks_vary_by_chance() {
        let pace = Pace::default();
        assert_eq!((pace.pause(MINUTE, 0.0).as_secs(), pace.pause(MINUTE, 1.0).as_secs()), (57, 63));
    }
}
