//! How fast a pack comes in. A transfer that is slow goes on until its deadline; one that has all but stopped ends before, so
//! that a mirror or a later try may do better. Only time that was spent waiting counts, for what is slow on this side is not
//! the server's fault. It is told the time.

use std::time::Duration;

use tokio::time::Instant;

/// The slowest that a pack may come in: so many bytes, within so much waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    /// How many bytes.
    pub bytes: u64,
    /// Within how long.
    pub within: Duration,
}

impl Default for Slowest {
    /// A hundred bytes a second, over half a minute.
    fn default() -> Self {
        Self { bytes: 3_000, within: Duration::from_secs(30) }
    }
}

/// The waiting for one pack.
#[derive(Debug)]
pub(super) struct Flow {
    slowest: Slowest,
    /// Whether the pack has begun. Before that a server may think for as long as the deadline lets it.
    begun: bool,
    since: Option<Instant>,
    /// Since so many bytes last came together.
    waited: Duration,
    bytes: u64,
}

impl Flow {
    /// Nothing is waited for yet.
    pub fn new(slowest: Slowest) -> Self {
        Self { slowest, begun: false, since: None, waited: Duration::ZERO, bytes: 0 }
    }

    /// Another conversation begins.
    pub fn begins(&mut self) {
        *self = Self::new(self.slowest);
    }

    /// From now on the server is waited for.
    pub fn waits(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// So many bytes came in, or none will any more; `begun` says whether the pack has.
    pub fn came(&mut self, now: Instant, bytes: usize, begun: bool) {
        let waited = self.waited_at(now);
        self.since = None;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if !self.begun || self.bytes >= self.slowest.bytes {
            (self.waited, self.bytes) = (Duration::ZERO, 0);
        } else {
            self.waited = waited;
        }
        self.begun = begun;
    }

    /// Whether the pack has all but stopped coming.
    pub fn is_too_slow(&self, now: Instant) -> bool {
        self.begun && self.waited_at(now) >= self.slowest.within
    }

    /// The rule.
    pub fn slowest(&self) -> Slowest {
        self.slowest
    }

    fn waited_at(&self, now: Instant) -> Duration {
        self.waited + self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is too slow in the end, after these steps: milliseconds that pass, whether they are waited, and the bytes
    /// that come after that.
    fn check(begun: bool, steps: &[(u64, bool, usize)], expected: bool) {
        let slowest = Slowest { bytes: 100, within: Duration::from_secs(1) };
        let (mut flow, mut now) = (Flow::new(slowest), Instant::now());
        flow.came(now, 0, begun);
        for &(millis, waited, bytes) in steps {
            if waited {
                flow.waits(now);
            }
            now += Duration::from_millis(millis);
            assert!(!flow.is_too_slow(now) || expected, "{steps:?}");
            if bytes > 0 {
                flow.came(now, bytes, begun);
            }
        }
        assert_eq!(flow.is_too_slow(now), expected, "{steps:?}");
    }

    #[test]
    fn what_is_slow_but_lives_goes_on() {
        check(true, &[(900, true, 100); 20], false);
        check(true, &[(90, true, 10); 200], false);
        check(true, &[], false);
    }

    #[test]
    fn what_has_all_but_stopped_ends() {
        check(true, &[(1_000, true, 0)], true);
        check(true, &[(250, true, 10); 4], true);
        check(true, &[(900, true, 100), (500, true, 99), (500, true, 0)], true);
    }

    #[test]
    fn what_takes_long_here_or_before_the_pack_begins_is_not_the_servers_fault() {
        check(true, &[(60_000, false, 1); 3], false);
        check(true, &[(900, true, 1), (60_000, false, 0)], false);
        check(true, &[(900, true, 1), (60_000, false, 0), (100, true, 0)], true);
        check(false, &[(60_000, true, 1); 3], false);
    }
}
