//! Of several daemons one writes at a time, and it is the one that has the Lease.

use std::collections::BTreeMap;

use super::{Deed, Story};

impl Story {
    /// No two daemons write at a time.
    pub(super) fn two_writers(&self) -> Vec<String> {
        let mut writes: Vec<_> = self.deeds.iter().filter(|deed| deed.is_write()).collect();
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

    /// Who writes is the last that wrote the Lease: nobody writes on after it passed to another.
    pub(super) fn without_lease(&self) -> Vec<String> {
        let mut holders: Vec<_> =
            self.leases.iter().filter(|deed| deed.is_write() && (200..300).contains(&deed.code)).collect();
        holders.sort_by_key(|deed| deed.done);
        let mut wrong = Vec::new();
        for write in self.deeds.iter().filter(|deed| deed.is_write()) {
            let passed = holders.partition_point(|deed| deed.done < write.begun);
            let holder = passed.checked_sub(1).map(|last| holders[last]);
            if let Some(holder) = holder
                && holder.token != write.token
            {
                wrong.push(format!("{write:?} while the Lease was another's: {holder:?}"));
            }
        }
        wrong
    }
}
