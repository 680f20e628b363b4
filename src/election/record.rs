//! What a Lease says.

use std::time::Duration;

use jiff::Timestamp;

/// The spec of a Lease, as far as the decisions need it. The timestamps are for people: nothing is decided by them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty where nobody does.
    pub holder: String,
    /// How long it holds without a renewal, by the holder's own word.
    pub seconds: i32,
    /// Since when the holder has it.
    pub acquired: Option<Timestamp>,
    /// When it was last renewed.
    pub renewed: Option<Timestamp>,
    /// How often the holder was another.
    pub transitions: i32,
}

/// A record and the version under which the API server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub record: Record,
    /// Its resourceVersion: a write says which one it replaces.
    pub version: String,
}

impl Record {
    /// How long others have to leave it alone; `own` where it does not say.
    pub(super) fn lasts(&self, own: Duration) -> Duration {
        u64::try_from(self.seconds).ok().filter(|seconds| *seconds > 0).map_or(own, Duration::from_secs)
    }
}
