//! No more is deleted within an hour than the budget allows and somebody approved, as docs/syncing.md says it: a percentage is
//! of the live members that there were before the first deletion of that hour, or of fewer.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Story, spec};
use crate::support::audit::Deed;

/// What a budget is for.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// So old may be what a daemon knows of its members, in a storm.
const LAG: SignedDuration = SignedDuration::from_secs(60);

/// How many deletions somebody approved, and of which GitSync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    pub second: bool,
    pub deletions: usize,
}

impl Story {
    pub(super) fn over_budget(&self) -> Vec<String> {
        let Some(percent) = self.budget else { return Vec::new() };
        let members = self.members();
        let mut deletions: Vec<_> =
            self.to_services().filter(|deed| deed.call.verb == "delete" && deed.is_done()).collect();
        deletions.sort_by_key(|deed| deed.begun);
        let mut wrong = Vec::new();
        for second in [false, true] {
            let approved = self.approved.values().filter(|one| one.second == second).map(|one| one.deletions).sum();
            let own: Vec<_> = deletions.iter().filter(|deed| self.is_seconds(deed) == second).copied().collect();
            wrong.extend(beyond(&own, percent, approved, |at| most(&members, second, at)));
        }
        wrong
    }

    /// Whether what was deleted was the second GitSync's.
    fn is_seconds(&self, deed: &Deed) -> bool {
        let about = self.events.iter().filter(|one| one.kind == "MicroService" && one.name() == deed.call.name);
        about.take_while(|one| one.heard < deed.begun).last().is_some_and(|one| spec(&one.object).second)
    }

    /// How many members each of the two GitSyncs had, from a time on.
    fn members(&self) -> Vec<(Timestamp, [usize; 2])> {
        let mut live: [BTreeSet<&str>; 2] = Default::default();
        let mut members = Vec::new();
        for event in self.events.iter().filter(|event| event.kind == "MicroService") {
            live.iter_mut().for_each(|live| {
                live.remove(event.name());
            });
            if !event.deleted {
                live[usize::from(spec(&event.object).second)].insert(event.name());
            }
            members.push((event.heard, [live[0].len(), live[1].len()]));
        }
        members
    }
}

/// The most members of a GitSync that a daemon may have known of at a time.
fn most(members: &[(Timestamp, [usize; 2])], second: bool, at: Timestamp) -> usize {
    let known = members.partition_point(|(heard, _)| *heard < at - LAG).saturating_sub(1);
    let known = members[known..].iter().take_while(|(heard, _)| *heard < at);
    known.map(|(_, counts)| counts[usize::from(second)]).max().unwrap_or_default()
}

/// Deletions for which there was neither a budget nor an approval left.
fn beyond(deletions: &[&Deed], percent: usize, approved: usize, most: impl Fn(Timestamp) -> usize) -> Vec<String> {
    let mut left = approved;
    let mut wrong = Vec::new();
    for (index, deed) in deletions.iter().enumerate() {
        let first = deletions.partition_point(|other| other.begun <= deed.begun - HOUR);
        let earlier = index - first;
        let base = most(deletions[first].begun).min(most(deed.begun) + earlier);
        let allowed = if percent == 0 { 0 } else { (base * percent / 100).max(1) };
        if earlier < allowed {
            continue;
        }
        match left.checked_sub(1) {
            Some(less) => left = less,
            None => wrong.push(format!(
                "the {}th deletion of an hour, {allowed} were allowed: {percent} % of {base}, and {approved} were approved: {deed:?}",
                earlier + 1
            )),
        }
    }
    wrong
}
