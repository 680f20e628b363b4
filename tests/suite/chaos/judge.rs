//! What must never be, at any moment of a story. Pure: it reads what was written down.
//!
//! Times are of one machine: that of a commit is taken before it is pushed, that of an observation after it was heard, so
//! that what is judged wrong is wrong whatever the delay between.

mod budget;
mod hands;
mod replicas;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::model::Commit;
use super::record::Event;
use super::tree::{Policy, Says, Spec};
use crate::support::audit::Deed;
use crate::support::canary::secret;
use crate::support::kube::condition;
pub use budget::Approved;
pub use hands::{Did, Edit, has_added, says_deleted};
pub use values::{APPROVE, REWRITTEN};

/// How each value begins that must be told nowhere.
pub const CANARY: &str = secret!("story-");
/// Name of the second GitSync.
pub const SECOND: &str = "second";

/// A time in which something holds; it has not ended where there is no end.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

impl Span {
    fn holds_all_through(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from <= from && self.until.is_none_or(|end| until <= end)
    }
}

/// Why what somebody does by hand is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The GitSyncs say so.
    Policy,
    /// Corrections of that service are paused, or of all.
    Pause(Option<&'static str>),
}

/// A time in which nothing may be written to the services of a GitSync, and its status said so.
#[derive(Debug, Clone, Copy)]
pub struct Suspended {
    /// Whether that is so of the second GitSync, too.
    pub both: bool,
    pub span: Span,
}

/// A daemon was started, and asks with that token.
#[derive(Debug, Clone)]
pub struct Start {
    pub token: String,
    pub at: Timestamp,
}

/// All that is known of a story when it is over.
#[derive(Debug, Default)]
pub struct Story {
    pub commits: Vec<Commit>,
    pub events: Vec<Event>,
    /// What the daemons asked of the API server, less what concerns their leases and Events.
    pub deeds: Vec<Deed>,
    /// What they asked of their leases.
    pub leases: Vec<Deed>,
    /// When the first GitSync was suspended, or both.
    pub suspended: Vec<Suspended>,
    /// When what somebody did had to be left, and the status said so.
    pub left: Vec<(Why, Span)>,
    pub edits: Vec<Edit>,
    pub starts: Vec<Start>,
    /// Percent of the members that may be deleted in an hour without a word; none where anything may.
    pub budget: Option<usize>,
    /// Deletions that were approved, by plan.
    pub approved: BTreeMap<String, Approved>,
    /// Whether a branch that was rewritten is followed.
    pub follows: bool,
    /// Rewritten revisions that were approved, as commits.
    pub followed: BTreeSet<String>,
    /// Whether what somebody did had to stay at any time.
    pub stays: bool,
    /// Whether one of several daemons leads.
    pub elected: bool,
}

impl Story {
    /// Everything that was wrong.
    pub fn judge(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(self.deletions());
        wrong.extend(self.child_deletions());
        wrong.extend(self.over_budget());
        wrong.extend(self.foreign_values());
        wrong.extend(self.older_values());
        wrong.extend(self.held_values());
        wrong.extend(self.writes_while_suspended());
        wrong.extend(self.not_left());
        wrong.extend(self.claims());
        wrong.extend(self.backwards());
        wrong.extend(self.ready_services());
        wrong.extend(self.strangers());
        wrong.extend(self.told_secrets());
        if self.elected {
            wrong.extend(self.two_writers());
            wrong.extend(self.without_lease());
            wrong.extend(self.after_release());
        }
        wrong
    }

    /// Commits that a daemon may have been at, at some time: from the last that each GitSync was seen to have applied to
    /// the last that was pushed, less those that are held.
    fn current(&self, at: Timestamp) -> Vec<&Commit> {
        let pushed = self.commits.iter().take_while(|commit| commit.at <= at).count();
        let mut applied: BTreeMap<&str, Option<usize>> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.kind == "GitSync" && event.heard < at) {
            applied.insert(event.name(), self.index(revision(&event.object)));
        }
        // Of a first revision nothing is asked.
        let least = applied.into_values().min().flatten();
        let current = least.unwrap_or_default()..pushed;
        let current = current.filter(|index| least.is_none_or(|least| self.is_followed(*index, least)));
        current.map(|index| &self.commits[index]).collect()
    }

    /// Whether a commit may be applied after another: it descends from that, or somebody approved that it does not.
    fn is_followed(&self, index: usize, applied: usize) -> bool {
        let mut ancestors = self.ancestors(index).map(|ancestor| &self.commits[ancestor].id);
        self.follows || self.descends(index, applied) || ancestors.any(|id| self.followed.contains(id))
    }

    fn descends(&self, index: usize, from: usize) -> bool {
        self.ancestors(index).any(|ancestor| ancestor == from)
    }

    /// A commit and all that it descends from.
    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(index), |index| {
            // What takes the place of another has the parent that this had.
            let mut parent = *index;
            while self.commits[parent].rewrites {
                parent = parent.checked_sub(1)?;
            }
            parent.checked_sub(1)
        })
    }

    fn index(&self, revision: &str) -> Option<usize> {
        let commit = revision.rsplit(':').next().filter(|commit| !commit.is_empty())?;
        self.commits.iter().position(|one| one.id == commit)
    }

    fn to_services(&self) -> impl Iterator<Item = &Deed> {
        self.deeds.iter().filter(|deed| deed.call.resource == "microservices" && deed.call.subresource.is_empty())
    }

    /// Whether any commit says that the second GitSync has a service.
    fn was_second(&self, name: &str) -> bool {
        self.commits.iter().any(|commit| matches!(commit.tree.get(name), Some(Says::Good(spec)) if spec.second))
    }

    /// Whether any commit says what is done about its drift.
    fn has_own_policy(&self, name: &str) -> bool {
        self.commits
            .iter()
            .any(|commit| matches!(commit.tree.get(name), Some(Says::Good(spec)) if spec.policy.is_some()))
    }

    /// A daemon deletes nothing that each commit it may know declares.
    fn deletions(&self) -> Vec<String> {
        let deeds = self.to_services().filter(|deed| deed.call.verb.starts_with("delete") && deed.is_done());
        let wrong = deeds.filter(|deed| {
            let current = self.current(deed.done);
            deed.call.verb != "delete" || current.iter().all(|commit| commit.tree.get(&deed.call.name).is_some())
        });
        wrong.map(|deed| format!("deleted what Git declares: {deed:?}")).collect()
    }

    /// A daemon deletes a Deployment only where its service is gone: nothing else takes it out of what is rendered.
    fn child_deletions(&self) -> Vec<String> {
        let deletes = |deed: &&Deed| deed.call.resource == "deployments" && deed.call.verb.starts_with("delete");
        let deeds = self.deeds.iter().filter(deletes).filter(|deed| deed.is_done());
        let wrong = deeds.filter(|deed| {
            let mut about =
                self.events.iter().filter(|event| event.kind == "MicroService" && event.name() == deed.call.name);
            let before = about.clone().rfind(|event| event.heard < deed.begun);
            let next = about.find(|event| event.heard >= deed.begun);
            let gone = before.is_none_or(|event| event.deleted) || next.is_some_and(|event| event.deleted);
            deed.call.verb != "delete" || !gone
        });
        wrong.map(|deed| format!("deleted a Deployment whose service is there: {deed:?}")).collect()
    }

    /// Nothing is written to the services of a GitSync whose status says that it is suspended.
    fn writes_while_suspended(&self) -> Vec<String> {
        let writes = self.to_services().filter(|deed| deed.is_write() && deed.is_done());
        let wrong = writes.filter(|deed| {
            let about = |one: &&Suspended| one.both || !self.was_second(&deed.call.name);
            self.suspended.iter().filter(about).any(|one| one.span.holds_all_through(deed.begun, deed.done))
        });
        wrong.map(|deed| format!("written while suspended: {deed:?}")).collect()
    }

    /// Where a GitSync says that a commit is applied and it is ready, each of its services has once had what it declares.
    fn claims(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut had: BTreeMap<&str, Vec<Spec>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        // What was found by a list only may have been so since what was heard before it.
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by_key(|event| if event.kind == "MicroService" { event.earliest } else { event.version });
        for event in events {
            match event.kind {
                "MicroService" => had.entry(event.name()).or_default().push(spec(&event.object)),
                "GitSync" if condition(&event.object, "Ready")["reason"] == "Applied" => {
                    let Some(index) = self.index(revision(&event.object)) else { continue };
                    if !seen.insert((event.name(), index, event.object["status"].to_string())) {
                        continue;
                    }
                    for (name, says) in self.commits[index].tree.iter() {
                        let specs = had.get(name).map(Vec::as_slice).unwrap_or_default();
                        if !self.as_said(event.name() == SECOND, name, says, specs) {
                            let commit = &self.commits[index].id;
                            wrong.push(format!(
                                "{name} never was as {commit} declares it, {says:?}, and it is said to be applied"
                            ));
                        }
                    }
                }
                _ => {}
            }
        }
        wrong
    }

    /// Whether a service once was as a commit says, or is none of that GitSync's business.
    fn as_said(&self, second: bool, name: &str, says: Says, had: &[Spec]) -> bool {
        // What somebody edited may have to stay.
        let kept = self.stays || self.has_own_policy(name);
        let may_differ = kept && self.edits.iter().any(|edit| edit.name == name && edit.kind == "MicroService");
        match says {
            Says::Good(spec) if spec.second != second => true,
            Says::Good(spec) => {
                had.iter().any(|one| one.image == spec.image && (may_differ || one.replicas == spec.replicas))
            }
            // It is said to be well although a manifest of it is refused.
            Says::Bad => second,
        }
    }

    /// What is applied is a commit of this repository, and never an earlier one than before.
    fn backwards(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.kind == "GitSync") {
            let applied = revision(&event.object);
            if applied.is_empty() {
                continue;
            }
            let before = newest.entry(event.name()).or_default();
            match self.index(applied) {
                Some(index) if index >= *before => *before = index,
                Some(index) => wrong.push(format!("{} went back from commit {before} to {index}", event.name())),
                None => wrong.push(format!("{} applied {applied}, which is none of ours", event.name())),
            }
        }
        wrong
    }

    /// A service that is said to be ready had a Deployment with its image, and pods that were there.
    fn ready_services(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut served: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for event in self.events.iter().filter(|event| !event.deleted) {
            let object = &event.object;
            if event.kind == "Deployment" {
                let (want, has) = (&object["spec"]["replicas"], &object["status"]["availableReplicas"]);
                let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
                if current && want.as_u64() <= Some(has.as_u64().unwrap_or_default()) {
                    let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
                    served.entry(event.name().into()).or_default().insert(image.to_string());
                }
            }
            let ready = condition(object, "Ready");
            let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            if event.kind == "MicroService" && current && ready["status"] == "True" {
                let image = object["spec"]["image"].to_string();
                if !served.get(event.name()).is_some_and(|images| images.contains(&image)) {
                    wrong.push(format!("{} is said to be ready, and {image} never served", event.name()));
                }
            }
        }
        wrong
    }

    /// No service is made that no commit declares.
    fn strangers(&self) -> Vec<String> {
        let declared: BTreeSet<_> =
            self.commits.iter().flat_map(|commit| commit.tree.iter()).map(|(name, _)| name).collect();
        let services = self.events.iter().filter(|event| event.kind == "MicroService");
        let strangers: BTreeSet<_> = services.map(Event::name).filter(|name| !declared.contains(name)).collect();
        strangers.into_iter().map(|name| format!("{name} was never declared")).collect()
    }

    /// No object has a secret's value.
    fn told_secrets(&self) -> Vec<String> {
        let told = self.events.iter().filter(|event| event.object.to_string().contains(CANARY));
        told.map(|event| format!("{} {} has a secret's value", event.kind, event.name())).collect()
    }
}

fn revision(sync: &Value) -> &str {
    sync["status"]["lastAppliedRevision"]["revision"].as_str().unwrap_or_default()
}

/// What a live service has of that which stories change.
pub fn spec(service: &Value) -> Spec {
    let image = service["spec"]["image"].as_str().and_then(|image| image.rsplit(':').next()?.parse().ok());
    let replicas = service["spec"]["replicas"].as_u64().and_then(|count| count.try_into().ok());
    let annotations = &service["metadata"]["annotations"];
    let policy = Policy::ALL.into_iter().find(|policy| annotations["gitmoor.dev/drift-policy"] == policy.word());
    let mark = annotations["gitmoor.dev/source"].as_str().and_then(|mark| mark.split("; ").next());
    let second = mark.is_some_and(|mark| mark.ends_with(&format!("/{SECOND}")));
    Spec { image: image.unwrap_or_default(), replicas: replicas.unwrap_or_default(), policy, second }
}

#[cfg(test)]
mod tests;
