//! One process that stands for election: what it knows of the Lease, and what it does next.

use std::time::Duration;

use jiff::Timestamp;

use super::record::{Record, Stored};
use super::times::Times;

/// What a candidate does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read the Lease.
    Read,
    /// Write it, if it still has that version; make it where there is none.
    Write {
        /// The version that it replaces; none for a Lease that does not exist.
        version: Option<String>,
        /// What to write.
        record: Record,
    },
    /// Nothing before that time, unless somebody says that the Lease changed.
    Wait(Duration),
    /// It led, and does so no more: nothing may be begun, and what is under way must be dropped.
    Lost(Lost),
}

/// Why a leader leads no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It could not renew in time.
    NotRenewed,
    /// Somebody else has the lease.
    TakenBy(String),
    /// Somebody emptied the Lease.
    Released,
    /// Somebody deleted the Lease.
    Deleted,
}

/// One process that stands for election. It makes no call: it is told what came of those that [`Candidate::next`] names.
#[derive(Debug)]
pub struct Candidate {
    me: String,
    times: Times,
    /// The Lease as last seen, or that there is none.
    stored: Option<Stored>,
    /// When we first saw that version, whatever its own timestamps say.
    since: Duration,
    /// Whether the Lease must be read before anything else.
    unread: bool,
    /// When the last write of ours that was confirmed was begun: from then on the lease counts.
    held: Option<Duration>,
    /// Nothing is tried before.
    again: Duration,
    lost: Option<Lost>,
}

impl Candidate {
    /// A candidate that knows nothing yet. `me` must be another in each process that ever runs.
    pub fn new(me: impl Into<String>, times: Times) -> Self {
        Self {
            me: me.into(),
            times,
            stored: None,
            since: Duration::ZERO,
            unread: true,
            held: None,
            again: Duration::ZERO,
            lost: None,
        }
    }

    /// What to do next. `wall` is what a record would say of the time, and decides nothing.
    pub fn next(&self, now: Duration, wall: Timestamp) -> Step {
        if let Some(lost) = &self.lost {
            return Step::Lost(lost.clone());
        }
        let until = self.leads_until();
        if until.is_some_and(|until| now >= until) {
            return Step::Lost(Lost::NotRenewed);
        }
        if now < self.again {
            return Step::Wait(until.map_or(self.again, |until| until.min(self.again)));
        }
        if self.unread {
            return Step::Read;
        }
        let free_at = self.free_at();
        if until.is_none() && now < free_at {
            return Step::Wait(free_at);
        }
        let version = self.stored.as_ref().map(|stored| stored.version.clone());
        Step::Write { version, record: self.mine(wall) }
    }

    /// Until when it leads without another renewal; none for one that does not lead.
    pub fn leads_until(&self) -> Option<Duration> {
        self.held.filter(|_| self.lost.is_none()).map(|begun| begun + self.times.renew())
    }

    /// Who has the lease, as last seen; empty for nobody.
    pub fn holder(&self) -> &str {
        self.stored.as_ref().map_or("", |stored| &stored.record.holder)
    }

    /// The Lease was read, or the watch brought it.
    pub fn saw(&mut self, stored: Option<Stored>, now: Duration) {
        if self.held.is_some() {
            match &stored {
                None => self.lost = Some(Lost::Deleted),
                Some(stored) if stored.record.holder.is_empty() => self.lost = Some(Lost::Released),
                Some(stored) if stored.record.holder != self.me => {
                    self.lost = Some(Lost::TakenBy(stored.record.holder.clone()));
                }
                Some(_) => {}
            }
        }
        // A Lease that vanished may still have a holder that does not know it: its time runs on.
        let vanished = stored.is_none() && self.stored.as_ref().is_some_and(|before| self.is_anothers(before));
        self.unread = false;
        if vanished {
            let before = self.stored.take();
            self.again = self.again.max(self.since + before.map_or(Duration::ZERO, |before| self.lasts(&before)));
            return;
        }
        // Any other version, even of the same record: a holder whose clock stands still renews all the same.
        if stored != self.stored {
            self.since = now;
        }
        self.stored = stored;
    }

    /// A write that was begun at `begun` was confirmed.
    pub fn wrote(&mut self, stored: Stored, begun: Duration, now: Duration) {
        self.stored = Some(stored);
        self.since = now;
        self.unread = false;
        self.held = Some(begun);
        self.again = begun + self.times.retry();
    }

    /// A write was refused, because the Lease has another version, exists already or is gone. That is no loss yet: an
    /// earlier write of ours whose answer was lost may be what is stored.
    pub fn refused(&mut self) {
        self.unread = true;
    }

    /// A call failed; whether it was done is not known. `spread`, from 0 to 1, keeps several candidates apart.
    pub fn failed(&mut self, now: Duration, spread: f64) {
        self.unread = true;
        self.again = self.again.max(now + self.times.retry().mul_f64(1.0 + spread.clamp(0.0, 1.0) / 5.0));
    }

    /// What to write in order to let others lead at once; none for one that does not lead.
    pub fn release(&self, now: Duration, wall: Timestamp) -> Option<(String, Record)> {
        self.leads_until().filter(|until| now < *until)?;
        let stored = self.stored.as_ref()?;
        let record = Record { holder: String::new(), seconds: 1, renewed: Some(wall), ..stored.record.clone() };
        Some((stored.version.clone(), record))
    }

    fn mine(&self, wall: Timestamp) -> Record {
        let before = self.stored.as_ref().map(|stored| &stored.record);
        let again = before.filter(|before| before.holder == self.me);
        let transitions = before.map_or(0, |before| before.transitions);
        Record {
            holder: self.me.clone(),
            seconds: i32::try_from(self.times.lease().as_secs()).unwrap_or(i32::MAX),
            acquired: again.map_or(Some(wall), |again| again.acquired),
            renewed: Some(wall),
            transitions: if again.is_some() || before.is_none() { transitions } else { transitions.saturating_add(1) },
        }
    }

    /// When the lease may be taken.
    fn free_at(&self) -> Duration {
        match &self.stored {
            Some(stored) if self.is_anothers(stored) => self.since + self.lasts(stored),
            _ => Duration::ZERO,
        }
    }

    fn is_anothers(&self, stored: &Stored) -> bool {
        !stored.record.holder.is_empty() && stored.record.holder != self.me
    }

    fn lasts(&self, stored: &Stored) -> Duration {
        stored.record.lasts(self.times.lease())
    }
}
