//! Of several daemons one writes at a time, and it is the one that has the Lease.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Deed, Story};
use crate::support::audit::Call;

/// The Secret with the key of what is hidden.
const KEY: &str = "gitmoor-redaction";
/// What a process that was killed had asked for may reach the API server when the next one runs already.
const UNDER_WAY: Duration = Duration::from_secs(2);

impl Story {
    /// What daemons wrote. Who asks what it may do writes nothing; and the key that all of them hide values by is made by
    /// whichever is first, under a version.
    fn writes(&self) -> impl Iterator<Item = &Deed> {
        let is_nobodys = |call: &Call| call.resource.ends_with("reviews") || call.name == KEY;
        self.deeds.iter().filter(move |deed| deed.is_write() && !is_nobodys(&deed.call))
    }

    /// How the Lease was written, in order.
    fn lease_writes(&self) -> Vec<&Deed> {
        let mut writes: Vec<_> = self.leases.iter().filter(|deed| deed.is_write() && deed.is_done()).collect();
        writes.sort_by_key(|deed| deed.done);
        writes
    }

    /// No two daemons write at a time.
    pub(super) fn two_writers(&self) -> Vec<String> {
        let mut writes: Vec<_> = self.writes().collect();
        writes.sort_by_key(|deed| deed.begun);
        let mut ends: BTreeMap<&str, &Deed> = BTreeMap::new();
        let mut wrong = Vec::new();
        for write in writes {
            for other in ends.values().filter(|other| other.token != write.token && other.done > write.begun) {
                wrong.push(format!("two wrote at a time: {other:?} and {write:?}"));
            }
            let last = ends.entry(&write.token).or_insert(write);
            if last.done < write.done {
                *last = write;
            }
        }
        wrong
    }

    /// Who writes is the last that wrote the Lease: nobody writes before that, and on after it passed to another. What the
    /// process before had is not one's own.
    pub(super) fn without_lease(&self) -> Vec<String> {
        let holders = self.lease_writes();
        let mut wrong = Vec::new();
        for write in self.writes() {
            let passed = holders.partition_point(|deed| deed.done < write.begun);
            let started = self.starts.iter().filter(|start| {
                start.token == write.token && start.at.checked_add(UNDER_WAY).is_ok_and(|later| later <= write.begun)
            });
            let started = started.map(|start| start.at).max();
            match passed.checked_sub(1).map(|last| holders[last]) {
                None => wrong.push(format!("{write:?} before anybody had the Lease")),
                Some(holder) if holder.token != write.token => {
                    wrong.push(format!("{write:?} while the Lease was another's: {holder:?}"));
                }
                Some(holder) if started.is_some_and(|started| holder.done < started) => {
                    wrong.push(format!("{write:?} before who was started at {started:?} had the Lease: {holder:?}"));
                }
                Some(_) => {}
            }
        }
        wrong
    }

    /// Who has given the Lease back writes nothing until it has it again.
    pub(super) fn after_release(&self) -> Vec<String> {
        let holders = self.lease_writes();
        let mut wrong = Vec::new();
        for release in self.releases() {
            let mut own = holders.iter().filter(|deed| deed.token == release.token);
            let again = own.find(|deed| deed.done > release.done).map(|deed| deed.done);
            let late = self.writes().filter(|write| write.token == release.token && write.begun > release.done);
            let late = late.filter(|write| again.is_none_or(|again| write.begun < again));
            wrong.extend(late.map(|write| format!("{write:?} after the Lease was given back: {release:?}")));
        }
        wrong
    }

    /// The calls that gave the Lease back. The audit log does not say what was written: what was heard of the Lease is laid
    /// beside its calls, one by one. Where the two do not go together (an API server that was killed has not written down
    /// what it did last) nothing is concluded.
    fn releases(&self) -> Vec<&Deed> {
        let heard = self.events.iter().filter(|event| event.kind == "Lease" && !event.deleted);
        let (mut tokens, mut before, mut releases) = (BTreeMap::new(), None, Vec::new());
        for (event, deed) in heard.zip(self.lease_writes()) {
            let holder = event.object["spec"]["holderIdentity"].as_str().unwrap_or_default();
            let token = deed.token.as_str();
            if holder.is_empty() {
                if before != Some(token) {
                    return Vec::new();
                }
                releases.push(deed);
            } else if tokens.insert(holder, token).is_some_and(|known| known != token) {
                return Vec::new();
            }
            before = Some(token);
        }
        releases
    }
}
