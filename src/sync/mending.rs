//! How soon a status that another hand has changed is written again: at once where that happens now and then, and ever more
//! rarely where somebody keeps at it. The time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Backoff;

/// In the first one changes gather.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
/// It was quiet when nobody changed anything for so many of the last pauses.
const QUIET: u32 = 4;

/// The mendings of one status.
#[derive(Debug, Default)]
pub struct Mending {
    /// When the last one is due, and how many there were in a row.
    last: Option<(Instant, u32)>,
}

impl Mending {
    /// How long to wait; none where a change is waiting already.
    pub fn pause(&mut self, now: Instant) -> Option<Duration> {
        let row = match self.last {
            Some((due, _)) if now < due => return None,
            Some((due, row)) if now.duration_since(due) < PAUSES.full(row).saturating_mul(QUIET) => {
                row.saturating_add(1)
            }
            _ => 1,
        };
        let pause = PAUSES.full(row);
        self.last = Some((now + pause, row));
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes at these seconds, and the pause that each begins.
    #[track_caller]
    fn check(changes: &[(u64, Option<u64>)]) {
        let (mut mending, began) = (Mending::default(), Instant::now());
        for (at, expected) in changes {
            let pause = mending.pause(began + Duration::from_secs(*at));
            assert_eq!(pause.map(|pause| pause.as_secs()), *expected, "at {at}");
        }
    }

    #[test]
    fn one_change_now_and_then_is_mended_at_once() {
        check(&[(0, Some(1)), (60, Some(1)), (120, Some(1))]);
    }

    #[test]
    fn who_keeps_at_it_is_met_ever_more_rarely_until_it_was_quiet() {
        check(&[(0, Some(1)), (1, Some(2)), (3, Some(4)), (7, Some(8)), (15, Some(16)), (31 + 64, Some(1))]);
    }

    #[test]
    fn what_changes_meanwhile_is_mended_with_it() {
        check(&[(0, Some(1)), (0, None), (1, Some(2)), (2, None), (3, Some(4))]);
    }

    #[test]
    fn no_pause_is_longer_than_five_minutes() {
        let mut mending = Mending::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause = mending.pause(now).unwrap();
            now += pause;
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }
}
