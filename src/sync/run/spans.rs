//! What the loop tells of a commit's way into the cluster, as spans: that it was fetched, parsed, compared and applied.
//!
//! Corrections of drift at an unchanged revision are no part of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::SyncLoop;
use crate::api::gitsync_status::Counts;
use crate::model::{OutcomeKind, Snapshot};
use crate::sync::apply::Ran;
use crate::sync::state::Way;
use crate::telemetry::spans::{Attributes, Said};

impl SyncLoop {
    /// A new revision was read by a look that took so long, and so long of that was reading and parsing.
    pub(super) fn way_begins(&mut self, took: Duration, parsing: Duration) {
        let Some(state) = &mut self.state else { return };
        let before = state.way.take();
        let uid = state.settings.sync.uid.as_str();
        // What a process before this one applied has had its trace.
        let new = state.snapshot.as_ref().filter(|_| !state.is_applied());
        let commit = new.and_then(|snapshot| snapshot.revision.commit());
        let journey = commit.and_then(|commit| self.deps.spans.journey(uid, &commit.to_string()));
        let (now, counts) = (Timestamp::now(), (state.declared.objects.len(), state.declared.quarantined.len()));
        if let Some(journey) = journey {
            let (since, fetched) = (ago(now, took), ago(now, parsing));
            state.way = Some(Way { journey, since });
            self.deps.spans.tell(journey.part("fetch", since, fetched, self.named()));
            let mut said = self.named();
            said.push(("gitmoor.declared", counts.0.into()));
            said.push(("gitmoor.quarantined", counts.1.into()));
            self.deps.spans.tell(journey.part("parse", fetched, now, said));
        }
        if let Some(way) = before {
            // The newer one is on its own way, and this one's revision is known by its trace.
            let whole = way.journey.whole(way.since, now, vec![("gitmoor.sync", self.key.to_string().into())]);
            self.deps.spans.tell(whole.failed("it gave way to a newer revision"));
        }
    }

    /// Everything was compared with what is live.
    pub(super) fn way_looked(&self, began: Instant) {
        let Some(way) = self.way() else { return };
        let (now, mut said) = (Timestamp::now(), self.named());
        said.push(("gitmoor.differing", self.todo.len().into()));
        self.deps.spans.tell(way.journey.part("look", ago(now, began.elapsed()), now, said));
    }

    /// A part of the plan for that snapshot was carried out: all of it, or what a wave had for it.
    pub(super) fn way_went_on(&self, of: &Arc<Snapshot>, ran: &Ran) {
        // A run that gave way is no part of the newer revision's way.
        let current = self.state.as_ref().and_then(|state| state.snapshot.as_ref());
        let is_current = current.is_some_and(|current| Arc::ptr_eq(current, of));
        let Some(way) = self.way().filter(|_| is_current && !ran.outcomes.is_empty()) else { return };
        let count = |fits: fn(&OutcomeKind) -> bool| {
            let outcomes = ran.outcomes.iter();
            outcomes.filter(|(_, outcome)| fits(&outcome.kind)).count()
        };
        let failed = count(|kind| matches!(kind, OutcomeKind::Failed { .. }));
        let (now, mut said) = (Timestamp::now(), self.named());
        said.push(("gitmoor.objects", ran.outcomes.len().into()));
        said.push(("gitmoor.deleted", count(|kind| *kind == OutcomeKind::Deleted).into()));
        said.push(("gitmoor.failed", failed.into()));
        let span = way.journey.part("apply", ago(now, ran.took), now, said);
        let span = if failed > 0 { span.failed(format!("{failed} were refused or failed")) } else { span };
        self.deps.spans.tell(span);
    }

    /// The revision is applied, but for so many objects.
    pub(super) fn way_ends(&mut self, counts: &Counts, unsettled: usize) {
        let Some(way) = self.state.as_mut().and_then(|state| state.way.take()) else { return };
        let mut said = self.named();
        let counted = |count: u32| Said::from(usize::try_from(count).unwrap_or(usize::MAX));
        said.push(("gitmoor.applied", counted(counts.applied)));
        said.push(("gitmoor.pruned", counted(counts.pruned)));
        let whole = way.journey.whole(way.since, Timestamp::now(), said);
        let whole = if unsettled > 0 { whole.failed(format!("{unsettled} failed or are held")) } else { whole };
        self.deps.spans.tell(whole);
    }

    fn way(&self) -> Option<Way> {
        self.state.as_ref()?.way
    }

    /// Whose way it is, and of what.
    fn named(&self) -> Attributes {
        let snapshot = self.state.as_ref().and_then(|state| state.snapshot.as_ref());
        let revision = snapshot.map(|snapshot| ("gitmoor.revision", snapshot.revision.to_string().into()));
        std::iter::once(("gitmoor.sync", self.key.to_string().into())).chain(revision).collect()
    }
}

fn ago(now: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or_default();
    now.checked_sub(duration).unwrap_or(now)
}
