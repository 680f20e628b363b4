//! Which deliveries were taken a short while ago: one that a forge sends again, because it did not hear the answer, counts
//! once. Forgotten after a while and beyond a bound: to look once too often does no harm.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::model::ObjectKey;

/// How long a delivery is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many are.
const DELIVERIES: usize = 8192;

/// What tells a delivery from others.
pub type Fingerprint = [u8; 16];

/// The last deliveries.
#[derive(Debug, Default)]
pub struct Seen {
    known: HashSet<Fingerprint>,
    order: VecDeque<(Duration, Fingerprint)>,
}

/// What tells a delivery from others: for whom, its id, and its body. An id is not signed, so another body is another
/// delivery, whatever it calls itself.
pub fn fingerprint(sync: &ObjectKey, id: &str, body: &[u8]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in [sync.namespace.as_bytes(), sync.name.as_bytes(), id.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(body);
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|index| digest[index])
}

impl Seen {
    /// Whether a delivery is seen for the first time. `now` is the time since any fixed moment.
    pub fn is_new(&mut self, delivery: Fingerprint, now: Duration) -> bool {
        while let Some((at, oldest)) = self.order.front()
            && (now.saturating_sub(*at) > REMEMBERED || self.order.len() >= DELIVERIES)
        {
            self.known.remove(oldest);
            self.order.pop_front();
        }
        let new = self.known.insert(delivery);
        if new {
            self.order.push_back((now, delivery));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sync: &str, id: &str, body: &str) -> Fingerprint {
        fingerprint(&ObjectKey::parse(sync).unwrap(), id, body.as_bytes())
    }

    #[test]
    fn a_delivery_is_new_once_and_again_after_a_while() {
        let mut seen = Seen::default();
        let mut check = |seconds: u64, delivery: Fingerprint, new: bool| {
            assert_eq!(seen.is_new(delivery, Duration::from_secs(seconds)), new, "{seconds}");
        };
        check(0, of("a/b", "1", "{}"), true);
        check(1, of("a/b", "1", "{}"), false);
        check(1, of("a/b", "2", "{}"), true);
        check(1, of("a/c", "1", "{}"), true);
        check(1, of("a/b", "1", "{ }"), true);
        check(600, of("a/b", "1", "{}"), false);
        check(601, of("a/b", "1", "{}"), true);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(of("a/b", "1", "2{}"), of("a/b", "12", "{}"));
        assert_ne!(of("a/bb", "1", "{}"), of("a/b", "b1", "{}"));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let mut seen = Seen::default();
        for number in 0..3 * DELIVERIES {
            assert!(seen.is_new(of("a/b", &number.to_string(), ""), Duration::ZERO));
        }
        assert!(seen.known.len() <= DELIVERIES && seen.order.len() == seen.known.len());
        assert!(!seen.is_new(of("a/b", &(3 * DELIVERIES - 1).to_string(), ""), Duration::ZERO));
        assert!(seen.is_new(of("a/b", "0", ""), Duration::ZERO));
    }
}
