//! How many deliveries a source may send: a bucket for each, and a bounded number of buckets.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Sources that are remembered; of more, those that sent least are forgotten.
const SOURCES: usize = 4096;

/// A bucket: how many deliveries were left in it, and when that was.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Duration,
}

/// The buckets of all sources. Each is filled steadily, and as full at most as a minute fills it.
#[derive(Debug)]
pub struct Rates<S> {
    per_minute: u32,
    buckets: HashMap<S, Bucket>,
}

impl<S: Hash + Eq + Clone> Rates<S> {
    /// So many deliveries a minute of each source, and as many at once.
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), buckets: HashMap::new() }
    }

    /// Whether a source may send one more now; else how long it has to wait. `now` is the time since any fixed moment.
    pub fn take(&mut self, source: &S, now: Duration) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        let left = self.buckets.get(source).map_or(full, |bucket| bucket.left_at(now, full));
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) * 60.0 / full));
        }
        if !self.buckets.contains_key(source) && self.buckets.len() >= SOURCES {
            self.forget(now);
        }
        self.buckets.insert(source.clone(), Bucket { left: left - 1.0, at: now });
        Ok(())
    }

    /// Makes room: a full bucket is as good as none, and of the others the fullest is missed least.
    fn forget(&mut self, now: Duration) {
        let full = f64::from(self.per_minute);
        self.buckets.retain(|_, bucket| bucket.left_at(now, full) < full);
        if self.buckets.len() < SOURCES {
            return;
        }
        let left = |bucket: &Bucket| bucket.left_at(now, full);
        let fullest = self.buckets.iter().max_by(|(_, one), (_, other)| left(one).total_cmp(&left(other)));
        if let Some(source) = fullest.map(|(source, _)| source.clone()) {
            self.buckets.remove(&source);
        }
    }
}

impl Bucket {
    fn left_at(&self, now: Duration, full: f64) -> f64 {
        (self.left + now.saturating_sub(self.at).as_secs_f64() * full / 60.0).min(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// How many of `tries` at each of these seconds are let through, with 60 a minute.
    fn check(tries: &[(f64, usize)], expected: &[usize]) {
        let mut rates = Rates::new(60);
        let through = |(at, count): &(f64, usize)| (0..*count).filter(|_| rates.take(&"a", secs(*at)).is_ok()).count();
        assert_eq!(tries.iter().map(through).collect::<Vec<_>>(), expected, "{tries:?}");
    }

    #[test]
    fn a_minutes_worth_may_come_at_once_and_then_one_a_second() {
        check(&[(0.0, 61)], &[60]);
        check(&[(0.0, 60), (0.5, 1), (1.0, 2)], &[60, 0, 1]);
        check(&[(0.0, 60), (30.0, 60)], &[60, 30]);
        check(&[(0.0, 60), (3600.0, 100)], &[60, 60]);
    }

    #[test]
    fn who_sends_too_much_is_told_how_long_to_wait_and_harms_no_other() {
        let mut rates = Rates::new(60);
        while rates.take(&"a", secs(0.0)).is_ok() {}
        assert_eq!(rates.take(&"a", secs(0.25)), Err(secs(0.75)));
        assert_eq!(rates.take(&"b", secs(0.25)), Ok(()));
        assert_eq!(rates.take(&"a", secs(1.0)), Ok(()));
        // A clock that steps back gives nothing.
        assert!(rates.take(&"a", secs(0.0)).is_err());
    }

    #[test]
    fn sources_are_remembered_within_a_bound_and_the_busiest_stays() {
        let mut rates = Rates::new(60);
        while rates.take(&0, secs(0.0)).is_ok() {}
        (1..SOURCES + 100).for_each(|source| assert!(rates.take(&source, secs(0.0)).is_ok()));
        assert!(rates.buckets.len() <= SOURCES);
        assert!(rates.take(&0, secs(0.0)).is_err(), "a crowd does not make it forgotten");
        // What is full again takes no room.
        assert!(rates.take(&usize::MAX, secs(120.0)).is_ok());
        assert_eq!(rates.buckets.len(), 1);
    }
}
