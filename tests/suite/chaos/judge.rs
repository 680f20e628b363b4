//! What must never be, at any moment of a story. Pure: it reads what was written down.
//!
//! Times are of one machine: that of a commit is taken before it is pushed, that of an observation after it was heard, so
//! that what is judged wrong is wrong whatever the delay between.

mod hands;
mod replicas;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::model::Commit;
use super::record::Event;
use super::tree::{Policy, Says, Spec};
use crate::support::audit::Deed;
use crate::support::canary::secret;
use crate::support::kube::condition;

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

/// An edit of the replicas of a service by hand.
#[derive(Debug, Clone, Copy)]
pub struct Edit {
    pub name: &'static str,
    pub replicas: u32,
    /// Of the object after it.
    pub version: u64,
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
    /// When the GitSync was suspended, and its status said so.
    pub suspended: Vec<Span>,
    /// When what somebody did had to be left, and the status said so.
    pub left: Vec<(Why, Span)>,
    pub edits: Vec<Edit>,
    /// Percent of the members that may be deleted in an hour without a word; none where anything may.
    pub budget: Option<usize>,
    /// Deletions of plans that were approved, by plan.
    pub approved: BTreeMap<String, usize>,
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
        wrong.extend(self.over_budget());
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
        }
        wrong
    }

    /// Commits that a daemon may have been at, at some time: from the last that each GitSync was seen to have applied to
    /// the last that was pushed.
    fn current(&self, at: Timestamp) -> &[Commit] {
        let pushed = self.commits.iter().take_while(|commit| commit.at <= at).count();
        let mut applied: BTreeMap<&str, usize> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.kind == "GitSync" && event.heard < at) {
            applied.insert(event.name(), self.index(revision(&event.object)).unwrap_or_default());
        }
        let least = applied.into_values().min().unwrap_or_default();
        &self.commits[least.min(pushed)..pushed]
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
        let deeds = self.to_services().filter(|deed| deed.call.verb.starts_with("delete") && deed.code == 200);
        let wrong = deeds.filter(|deed| {
            let current = self.current(deed.done);
            deed.call.verb != "delete" || current.iter().all(|commit| commit.tree.get(&deed.call.name).is_some())
        });
        wrong.map(|deed| format!("deleted what Git declares: {deed:?}")).collect()
    }

    /// No more is deleted than the budget allows and somebody approved. Stories are shorter than the hour of a budget, or
    /// this is stricter than it should be.
    fn over_budget(&self) -> Vec<String> {
        let Some(percent) = self.budget else { return Vec::new() };
        let (mut there, mut most) = (BTreeSet::new(), 0);
        for event in self.events.iter().filter(|event| event.kind == "MicroService") {
            let _ = if event.deleted { there.remove(event.name()) } else { there.insert(event.name()) };
            most = most.max(there.len());
        }
        // Each GitSync may delete one.
        let syncs: BTreeSet<_> = self.events.iter().filter(|event| event.kind == "GitSync").map(Event::name).collect();
        let more = syncs.len().saturating_sub(1) + self.approved.values().sum::<usize>();
        let allowed = (most * percent / 100).max(1) + more;
        let deleted = self.to_services().filter(|deed| deed.call.verb == "delete" && deed.code == 200).count();
        let over =
            format!("{deleted} were deleted, and {allowed} could be: {percent} % of {most}, and {:?}", self.approved);
        (deleted > allowed).then_some(over).into_iter().collect()
    }

    /// Nothing is written to the services of a GitSync whose status says that it is suspended.
    fn writes_while_suspended(&self) -> Vec<String> {
        let writes = self.to_services().filter(|deed| deed.is_write() && !self.was_second(&deed.call.name));
        let wrong = writes.filter(|deed| {
            (200..300).contains(&deed.code)
                && self.suspended.iter().any(|span| span.holds_all_through(deed.begun, deed.done))
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
        let may_differ = kept && self.edits.iter().any(|edit| edit.name == name);
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
