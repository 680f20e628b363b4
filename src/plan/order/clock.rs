//! Since when something is waited for, and until when that is in order.

use std::time::Duration;

use jiff::Timestamp;

/// One thing that is waited for: as long as it is the same, the time runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// GitSyncs that this one depends on, for the revision.
    Dependencies(String),
    /// A wave of the revision; true for its deletions.
    Wave(String, i32, bool),
    /// The health of what the revision declares.
    Health(String),
}

/// Since when what is waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clock {
    running: Option<(Stretch, Timestamp)>,
    /// Whether the time may still begin anew: see [`Clock::start_over`].
    fresh: bool,
    /// What another process left.
    found: Option<(Stretch, Timestamp)>,
}

impl Clock {
    /// A clock that goes on where another process left off, should it wait for the same.
    pub fn restored(found: Option<(Stretch, Timestamp)>) -> Self {
        Self { running: None, fresh: false, found }
    }

    /// It waits for this; returns since when.
    pub fn wait(&mut self, stretch: Stretch, now: Timestamp) -> Timestamp {
        if let Some((known, since)) = &self.running
            && *known == stretch
        {
            return *since;
        }
        let before = self.found.take().filter(|(known, since)| *known == stretch && *since <= now);
        self.fresh = before.is_none();
        let since = before.map_or(now, |(_, since)| since);
        self.running = Some((stretch, since));
        since
    }

    /// The work that had to be done first has ended: only what follows is waiting. Once for each thing that is waited
    /// for, and never for one that another process waited for already, or trying again would put off the end for ever.
    pub fn worked(&mut self, now: Timestamp) {
        if let Some((_, since)) = self.running.as_mut().filter(|_| self.fresh) {
            *since = now;
        }
        self.fresh = false;
    }

    /// It waits for nothing.
    pub fn stop(&mut self) {
        self.running = None;
        self.found = None;
    }

    /// Since when it waits, if it does.
    pub fn since(&self) -> Option<Timestamp> {
        self.running.as_ref().map(|(_, since)| *since)
    }

    /// How long it is until `limit` is over; zero once it is, `None` while nothing is waited for.
    pub fn left(&self, limit: Duration, now: Timestamp) -> Option<Duration> {
        let waited = now.duration_since(self.since()?);
        let waited = Duration::try_from(waited).unwrap_or_default();
        Some(limit.saturating_sub(waited))
    }
}
