//! What somebody does by hand is left where a policy or a pause says so: edits, added fields and deletions, of services and
//! of their Deployments.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{Event, SECOND, Span, Story, Why, revision};
use crate::chaos::tree::READERS;

/// Something that somebody did by hand, and that was done.
#[derive(Debug, Clone)]
pub struct Edit {
    pub kind: &'static str,
    pub name: &'static str,
    /// A moment before.
    pub at: Timestamp,
    pub did: Did,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    /// It has so many replicas, as of that version of it.
    Replicas { replicas: u32, version: u64 },
    /// It has a field that nobody declares, as of that version of it.
    Added { version: u64 },
    /// What had that UID is gone.
    Deleted { uid: String },
}

impl Edit {
    /// The version that came of it; what is gone has none.
    pub fn version(&self) -> Option<u64> {
        match self.did {
            Did::Replicas { version, .. } | Did::Added { version } => Some(version),
            Did::Deleted { .. } => None,
        }
    }

    /// Whether that is how it was heard of.
    fn is(&self, event: &Event) -> bool {
        match &self.did {
            Did::Deleted { uid } => event.deleted && event.object["metadata"]["uid"] == **uid,
            Did::Replicas { version, .. } | Did::Added { version } => !event.deleted && event.version == *version,
        }
    }

    /// Whether an object is as somebody left it.
    fn stands(&self, event: &Event) -> bool {
        match self.did {
            Did::Replicas { replicas, .. } => event.object["spec"]["replicas"] == replicas,
            Did::Added { .. } => has_added(&event.object),
            Did::Deleted { .. } => false,
        }
    }
}

/// Whether a service has the field that somebody adds.
pub fn has_added(service: &Value) -> bool {
    service["spec"].get("terminationGracePeriodSeconds").is_some()
}

impl Story {
    /// What was done while it had to be left, and was undone meanwhile.
    pub(super) fn not_left(&self) -> Vec<String> {
        let by_hand: BTreeSet<_> = self.edits.iter().filter_map(Edit::version).collect();
        let mut wrong = Vec::new();
        for edit in &self.edits {
            let mut about = self.events.iter().filter(|one| one.kind == edit.kind && one.name() == edit.name);
            let Some(edited) = about.find(|event| edit.is(event)) else { continue };
            let then: Vec<_> = about.collect();
            for (why, span) in self.left.iter().filter(|(why, span)| self.leaves(*why, *span, edit)) {
                let in_time = then.iter().take_while(|event| span.until.is_none_or(|until| event.heard < until));
                let next = in_time.into_iter().find(|event| event.deleted || !edit.stands(event));
                if let Some(next) = next
                    && !next.deleted
                    && !by_hand.contains(&next.version)
                    && !self.may_undo(edit, edited, next)
                {
                    wrong.push(format!("{edit:?} had to stay by {why:?}, {span:?}, and then: {:#}", next.object));
                }
            }
        }
        wrong
    }

    /// Whether something has to stay as long as that holds.
    fn leaves(&self, why: Why, span: Span, edit: &Edit) -> bool {
        let about = match why {
            // What the service says itself comes first.
            Why::Policy => !self.has_own_policy(edit.name),
            // A service that is gone has taken its own pause along.
            Why::Pause(Some(_)) if edit.kind == "MicroService" && matches!(edit.did, Did::Deleted { .. }) => false,
            Why::Pause(name) => name.is_none_or(|name| name == edit.name),
        };
        // Who takes a service over begins with what its own commit says.
        about && !self.was_second(edit.name) && span.from < edit.at
    }

    /// Whether what came next is no correction of what somebody did.
    fn may_undo(&self, edit: &Edit, edited: &Event, next: &Event) -> bool {
        match (edit.kind, &edit.did) {
            // Where it is what the service says, it is no drift, or no longer: then it follows the service again.
            ("Deployment", Did::Replicas { replicas, .. }) => {
                let services = self.states("MicroService", edit.name, edited.version, next.version);
                services.iter().any(|service| service.object["spec"]["replicas"] == *replicas)
            }
            ("Deployment", Did::Deleted { .. }) => self.made_for_another_reason(edit, edited, next),
            ("MicroService", Did::Deleted { .. }) => self.declared_anew(edit, edited, next),
            _ => false,
        }
    }

    /// How an object was at a version, and how it was from then until another.
    fn states(&self, kind: &str, name: &str, from: u64, until: u64) -> Vec<&Event> {
        let about: Vec<_> = self.events.iter().filter(|one| one.kind == kind && one.name() == name).collect();
        let begins = about.partition_point(|event| event.version <= from).saturating_sub(1);
        let ends = about.partition_point(|event| event.version < until);
        about[begins.min(ends)..ends].to_vec()
    }

    /// Whether a deleted Deployment may have come with a change of its service, or by somebody who knows nothing of the
    /// deletion.
    fn made_for_another_reason(&self, edit: &Edit, edited: &Event, next: &Event) -> bool {
        let services = self.states("MicroService", edit.name, edited.version, next.version);
        let same = services.first().is_some_and(|first| {
            let settled = first.object["status"]["observedGeneration"] == first.object["metadata"]["generation"];
            let is_same = |one: &&Event| {
                ["uid", "generation"]
                    .iter()
                    .all(|field| one.object["metadata"][field] == first.object["metadata"][field])
            };
            settled && services.iter().all(|one| !one.deleted && is_same(one))
        });
        !same || READERS.contains(&edit.name) || self.changed_hands(edit.at, next.heard)
    }

    /// Whether a deleted service may have come with a commit that changed it, or by somebody who could not know of the
    /// deletion: what the status says is known to each successor.
    fn declared_anew(&self, edit: &Edit, edited: &Event, next: &Event) -> bool {
        let syncs = || self.events.iter().filter(|event| event.kind == "GitSync" && event.name() != SECOND);
        let applied = syncs().rfind(|event| event.version < edited.version);
        let Some(applied) = applied.and_then(|event| self.index(revision(&event.object))) else { return true };
        let pushed = self.commits.iter().take_while(|commit| commit.at <= next.heard).count();
        let said = self.commits[applied].tree.get(edit.name);
        let changed = self.commits[applied..pushed.max(applied)].iter().any(|one| one.tree.get(edit.name) != said);
        let known = syncs()
            .filter(|event| edited.version < event.version && event.version < next.version)
            .any(|event| says_deleted(&event.object, edit.name));
        said.is_none() || changed || (!known && self.changed_hands(edit.at, next.heard))
    }

    /// Whether another process than the one that had seen something may have taken over in that time.
    fn changed_hands(&self, from: Timestamp, until: Timestamp) -> bool {
        let in_time = |at: Timestamp| from <= at && at <= until;
        let before = self.leases.iter().rfind(|deed| deed.is_write() && deed.done < from);
        let within = self.leases.iter().filter(|deed| deed.is_write() && in_time(deed.done));
        let writers: BTreeSet<_> = before.into_iter().chain(within).map(|deed| &deed.token).collect();
        writers.len() > 1 || self.starts.iter().any(|start| in_time(start.at))
    }
}

/// Whether the status of a GitSync says that somebody deleted a service of that name, and that it stays so.
pub fn says_deleted(sync: &Value, name: &str) -> bool {
    let ends = |object: &Value| object.as_str().is_some_and(|text| text.ends_with(&format!("/{name}")));
    let list = |field: &str| sync["status"][field].as_array().into_iter().flatten();
    list("leftDeleted").any(ends) || list("drift").any(|field| field["change"] == "Deleted" && ends(&field["object"]))
}
