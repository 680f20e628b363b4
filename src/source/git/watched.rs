//! What happens beside a conversation while it goes on: how far it is gets told, and one whose pack has all but stopped coming is
//! given up. Nothing of what is received is looked at here.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Attempt;
use crate::source::SourceError;

/// How often it is told how far a long conversation is.
const TOLD: Duration = Duration::from_secs(10);
/// How often it is looked at, where the rule is not finer.
const LOOKED_AT: Duration = Duration::from_secs(1);

/// Ends where the conversation has all but stopped.
pub(super) async fn until_too_slow(attempt: &Attempt) -> SourceError {
    let every = (attempt.slowest().within / 10).clamp(Duration::from_millis(10), LOOKED_AT);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut before) = (Instant::now(), attempt.received());
    loop {
        let now = ticks.tick().await;
        if let Some(slow) = attempt.too_slow() {
            return slow;
        }
        let (passed, received) = (now.saturating_duration_since(told), attempt.received());
        if passed >= TOLD {
            // What is only looked at on disk receives nothing, and has nothing to tell.
            if received > 0 {
                let bytes_per_second = (received - before) / passed.as_secs().max(1);
                tracing::info!(received_bytes = received, bytes_per_second, "a fetch goes on");
            }
            (told, before) = (now, received);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::Subscriber;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    use super::super::flow::Slowest;
    use super::*;

    /// Counts what is told.
    struct Count(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if event.metadata().target().contains("watched") {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// After so many seconds in which a packet of a pack comes in each second: how often it was told how far it is, and whether
    /// it goes on.
    async fn check(content: &[u8], seconds: u64, expected: (usize, bool)) {
        let attempt = Attempt::new("https://h/x".into(), u64::MAX, Slowest { bytes: 300, ..Slowest::default() });
        let told = Arc::new(AtomicUsize::new(0));
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(Count(Arc::clone(&told))));
        let packet = [format!("{:04x}", content.len() + 4).as_bytes(), content].concat();
        let comes = async {
            for _ in 0..seconds {
                attempt.waits();
                tokio::time::sleep(Duration::from_secs(1)).await;
                attempt.count(&packet).unwrap();
            }
        };
        let goes_on = tokio::select! {
            () = comes => true,
            slow = until_too_slow(&attempt) => {
                assert_eq!(slow.reason(), "TooSlow");
                false
            }
        };
        assert_eq!((told.load(Ordering::Relaxed), goes_on), expected, "{} bytes a second", packet.len());
    }

    #[tokio::test(start_paused = true)]
    async fn how_far_it_is_is_told_each_ten_seconds_and_what_drips_ends() {
        check(&[1; 46], 65, (6, true)).await;
        check(&[1; 5], 65, (3, false)).await;
        check(&[2; 5], 65, (6, true)).await;
    }
}
