//! How long this process may write. It is the last word, whatever a loop believes: when the time is over nothing is begun,
//! and what is under way is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The time in which calls may be made. Clones share it.
#[derive(Debug, Clone)]
pub struct Term(Arc<watch::Sender<Reach>>);

#[derive(Debug, Clone, Copy)]
enum Reach {
    /// It has not begun.
    Ahead,
    /// Up to that instant, unless it is extended.
    Until(Instant),
    /// It is over for good.
    Over,
}

impl Default for Term {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Reach::Ahead)))
    }
}

impl Term {
    /// Calls may be made up to that instant. What is over stays over.
    pub fn extend(&self, until: Instant) {
        self.0.send_if_modified(|reach| {
            let lasts = !matches!(reach, Reach::Over);
            if lasts {
                *reach = Reach::Until(until);
            }
            lasts
        });
    }

    /// Nothing may be begun any more, and what is under way is dropped.
    pub fn end(&self) {
        self.0.send_replace(Reach::Over);
    }

    /// How long a call that begins now may take; none where it may not be made.
    pub fn left(&self) -> Option<Duration> {
        match *self.0.borrow() {
            Reach::Until(until) => until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()),
            Reach::Ahead | Reach::Over => None,
        }
    }

    /// Waits until it is ended. A term that just runs out needs no word: no call is given longer than is left of it.
    pub async fn ended(&self) {
        // The sender lives as long as this.
        let _ = self.0.subscribe().wait_for(|reach| matches!(reach, Reach::Over)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_call_has_what_is_left_of_the_term() {
        let term = Term::default();
        assert_eq!(term.left(), None, "it has not begun");
        term.extend(Instant::now() + 10 * SECOND);
        assert_eq!(term.left(), Some(10 * SECOND));
        tokio::time::advance(4 * SECOND).await;
        assert_eq!(term.left(), Some(6 * SECOND));
        term.extend(Instant::now() + 10 * SECOND);
        assert_eq!(term.left(), Some(10 * SECOND));
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(term.left(), None, "it ran out, although nobody said so");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_stays_over() {
        let term = Term::default();
        term.extend(Instant::now() + SECOND);
        assert!(term.ended().now_or_never().is_none());
        term.end();
        term.extend(Instant::now() + SECOND);
        assert_eq!(term.left(), None);
        assert!(term.ended().now_or_never().is_some());
    }
}
