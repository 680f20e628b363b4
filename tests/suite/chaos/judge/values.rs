//! Where the values come from that services have: from a commit of ours that may be applied by then, or from somebody's hand.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Commit, Did, Edit, Event, SECOND, Story, has_added, revision, spec};
use crate::chaos::tree::{Says, Spec};
use crate::support::scene::SYNC;

/// Why a revision is held as a whole.
pub const REWRITTEN: &str = "RewrittenHistory";
/// The annotation that lets a held plan go.
pub const APPROVE: &str = "gitmoor.dev/approve-plan";

/// A service that has another image than before.
struct Turn<'a> {
    event: &'a Event,
    spec: Spec,
}

impl Story {
    /// Each version of a service has what some commit says, but for what somebody did to it.
    pub(super) fn foreign_values(&self) -> Vec<String> {
        let mut wrong = BTreeSet::new();
        for event in self.events.iter().filter(|event| event.kind == "MicroService" && !event.deleted) {
            let (name, live) = (event.name(), spec(&event.object));
            let pushed = self.commits.iter().filter(|commit| commit.at <= event.heard);
            let said: Vec<_> = pushed
                .filter_map(|commit| match commit.tree.get(name) {
                    Some(Says::Good(spec)) => Some(spec),
                    _ => None,
                })
                .collect();
            // What is never declared has a judge of its own.
            if said.is_empty() {
                continue;
            }
            let before = |edit: &&Edit| edit.version().is_some_and(|version| version <= event.version);
            let edits = self.edits.iter().filter(|edit| edit.kind == "MicroService" && edit.name == name);
            let did: Vec<_> = edits.filter(before).map(|edit| &edit.did).collect();
            let edited =
                did.iter().any(|did| matches!(did, Did::Replicas { replicas, .. } if *replicas == live.replicas));
            let known = said.iter().any(|one| {
                one.image == live.image && one.policy == live.policy && (edited || one.replicas == live.replicas)
            });
            let added = has_added(&event.object) && !did.iter().any(|did| matches!(did, Did::Added { .. }));
            if !known {
                wrong.insert(format!("{name} has what nobody gave it: {live:?}"));
            }
            if added {
                wrong.insert(format!("{name} has a field that nobody added"));
            }
        }
        wrong.into_iter().collect()
    }

    /// No service gets the image of a commit before that which its GitSync was seen to have applied.
    pub(super) fn older_values(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for Turn { event, spec } in self.turns() {
            let sync = if spec.second { SECOND } else { SYNC };
            let Some(applied) = self.applied_before(sync, event.earliest) else { continue };
            if !self.may_come_from(applied..self.commits.len(), event, spec) {
                let applied = &self.commits[applied].id;
                wrong.push(format!("{} has an image from before {applied}, which is applied: {spec:?}", event.name()));
            }
        }
        wrong
    }

    /// While a revision is held as a whole, no service gets its image, unless what is applied, or what follows that, has it.
    pub(super) fn held_values(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for Turn { event, spec } in self.turns() {
            let sync = if spec.second { SECOND } else { SYNC };
            let told = self.syncs(sync, event.earliest).last();
            let (Some(held), Some(applied)) =
                (told.and_then(|told| self.held(&told.object)), self.applied_before(sync, event.earliest))
            else {
                continue;
            };
            let brings = self.may_come_from(held..held + 1, event, spec);
            let mut others = (applied..self.commits.len()).filter(|index| self.descends(*index, applied));
            if brings && !others.any(|index| self.may_come_from(index..index + 1, event, spec)) {
                let held = &self.commits[held].id;
                wrong.push(format!("{} has an image of {held}, which is held: {spec:?}", event.name()));
            }
        }
        wrong
    }

    /// Services that came with an image, or got another one.
    fn turns(&self) -> Vec<Turn<'_>> {
        let mut images: BTreeMap<&str, u32> = BTreeMap::new();
        let mut turns = Vec::new();
        for event in self.events.iter().filter(|event| event.kind == "MicroService") {
            if event.deleted {
                images.remove(event.name());
                continue;
            }
            let spec = spec(&event.object);
            if images.insert(event.name(), spec.image) != Some(spec.image) {
                turns.push(Turn { event, spec });
            }
        }
        turns
    }

    /// What a GitSync was like before a version.
    fn syncs(&self, name: &str, version: u64) -> impl Iterator<Item = &Event> {
        let syncs = self.events.iter().filter(move |event| event.kind == "GitSync" && event.version < version);
        syncs.filter(move |event| event.name() == name)
    }

    fn applied_before(&self, sync: &str, version: u64) -> Option<usize> {
        self.syncs(sync, version).filter_map(|event| self.index(revision(&event.object))).max()
    }

    /// The commit that a GitSync holds as a whole, where nobody has approved that.
    fn held(&self, sync: &Value) -> Option<usize> {
        let hold = &sync["status"]["hold"];
        let waits = hold["reason"] == REWRITTEN && sync["metadata"]["annotations"][APPROVE] != hold["plan"];
        self.index(hold["revision"].as_str().filter(|_| waits)?)
    }

    /// Whether one of these commits gives a service its image, and was pushed by then.
    fn may_come_from(&self, commits: std::ops::Range<usize>, event: &Event, live: Spec) -> bool {
        let gives = |commit: &Commit| matches!(commit.tree.get(event.name()), Some(Says::Good(spec)) if spec.image == live.image);
        self.commits[commits].iter().any(|commit| commit.at <= event.heard && gives(commit))
    }
}
