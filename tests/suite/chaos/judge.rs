//! What must never be, at any moment of a story. Pure: it reads what was written down.
//!
//! Times are of one machine: that of a commit is taken before it is pushed, that of an observation after it was heard, so
//! that what is judged wrong is wrong whatever the delay between.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::history::{Says, Spec};
use super::model::Commit;
use super::record::Event;
use crate::support::audit::Deed;
use crate::support::kube::condition;

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

/// All that is known of a story when it is over.
pub struct Story {
    pub commits: Vec<Commit>,
    pub events: Vec<Event>,
    /// What the daemons asked of the API server, less what concerns their leases and Events.
    pub deeds: Vec<Deed>,
    /// When the GitSync was suspended, and its status said so.
    pub suspended: Vec<Span>,
    /// Whether drift stays.
    pub reports: bool,
    /// Whether one of several daemons leads.
    pub elected: bool,
}

impl Story {
    /// Everything that was wrong.
    pub fn judge(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(self.deletions());
        wrong.extend(self.writes_while_suspended());
        wrong.extend(self.claims());
        wrong.extend(self.ready_services());
        wrong.extend(self.strangers());
        if self.elected {
            wrong.extend(self.two_writers());
        }
        wrong
    }

    /// Commits that a daemon may have been at, at some time: from the last that it was seen to have applied to the last
    /// that was pushed.
    fn current(&self, at: Timestamp) -> &[Commit] {
        let pushed = self.commits.iter().take_while(|commit| commit.at <= at).count();
        let statuses = self.events.iter().filter(|event| event.kind == "GitSync" && event.heard < at);
        let applied = statuses.filter_map(|event| self.index(revision(&event.object))).next_back().unwrap_or(0);
        &self.commits[applied.min(pushed)..pushed]
    }

    fn index(&self, revision: &str) -> Option<usize> {
        let commit = revision.rsplit(':').next().filter(|commit| !commit.is_empty())?;
        self.commits.iter().position(|one| one.id == commit)
    }

    fn to_services(&self) -> impl Iterator<Item = &Deed> {
        self.deeds.iter().filter(|deed| deed.call.resource == "microservices" && deed.call.subresource.is_empty())
    }

    /// A daemon deletes nothing that each commit it may know declares.
    fn deletions(&self) -> Vec<String> {
        let deeds = self.to_services().filter(|deed| deed.call.verb.starts_with("delete") && deed.code == 200);
        let wrong = deeds.filter(|deed| {
            let current = self.current(deed.done);
            deed.call.verb != "delete" || current.iter().all(|commit| commit.tree.contains_key(deed.call.name.as_str()))
        });
        wrong.map(|deed| format!("deleted what Git declares: {deed:?}")).collect()
    }

    /// Nothing is written to the services of a GitSync whose status says that it is suspended.
    fn writes_while_suspended(&self) -> Vec<String> {
        let writes = self.to_services().filter(|deed| deed.is_write());
        let wrong = writes.filter(|deed| {
            (200..300).contains(&deed.code)
                && self.suspended.iter().any(|span| span.holds_all_through(deed.begun, deed.done))
        });
        wrong.map(|deed| format!("written while suspended: {deed:?}")).collect()
    }

    /// Where the GitSync says that a commit is applied and it is ready, each service has once had what it declares.
    fn claims(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut had: BTreeMap<&str, Vec<Spec>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for event in &self.events {
            match event.kind {
                "MicroService" => had.entry(event.name()).or_default().push(spec(&event.object)),
                "GitSync" if condition(&event.object, "Ready")["reason"] == "Applied" => {
                    let Some(index) = self.index(revision(&event.object)) else { continue };
                    if !seen.insert((index, event.object["status"].to_string())) {
                        continue;
                    }
                    for (name, says) in &self.commits[index].tree {
                        let specs = had.get(name).map(Vec::as_slice).unwrap_or_default();
                        let as_said = match says {
                            Says::Good(spec) => specs
                                .iter()
                                .any(|one| one.image == spec.image && (self.reports || one.replicas == spec.replicas)),
                            // It is said to be well although a manifest of it is refused.
                            Says::Bad => false,
                        };
                        if !as_said {
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
        let declared: BTreeSet<_> = self.commits.iter().flat_map(|commit| commit.tree.keys().copied()).collect();
        let services = self.events.iter().filter(|event| event.kind == "MicroService");
        let strangers: BTreeSet<_> = services.map(Event::name).filter(|name| !declared.contains(name)).collect();
        strangers.into_iter().map(|name| format!("{name} was never declared")).collect()
    }

    /// No two daemons write at a time.
    fn two_writers(&self) -> Vec<String> {
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
}

fn revision(sync: &Value) -> &str {
    sync["status"]["lastAppliedRevision"]["revision"].as_str().unwrap_or_default()
}

/// What a live service has of that which stories change.
pub fn spec(service: &Value) -> Spec {
    let image = service["spec"]["image"].as_str().and_then(|image| image.rsplit(':').next()?.parse().ok());
    let replicas = service["spec"]["replicas"].as_u64().and_then(|count| count.try_into().ok());
    Spec { image: image.unwrap_or_default(), replicas: replicas.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::support::audit::Call;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A commit of that second, with one service of that image, or with none.
    fn commit(id: &str, second: i64, image: Option<u32>) -> Commit {
        let says = image.map(|image| ("ant", Says::Good(Spec { image, replicas: 1 })));
        Commit { id: id.into(), tree: says.into_iter().collect(), at: time(second) }
    }

    fn event(second: i64, kind: &'static str, object: Value) -> Event {
        Event { version: second.try_into().unwrap(), heard: time(second), kind, deleted: false, object }
    }

    fn applied(second: i64, commit: &str) -> Event {
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Applied"}]);
        let status = json!({"lastAppliedRevision": {"revision": format!("main@sha1:{commit}")}, "conditions": ready});
        event(second, "GitSync", json!({"metadata": {"name": "main"}, "status": status}))
    }

    fn ant(second: i64, image: u32, ready: bool) -> Event {
        let ready = json!([{"type": "Ready", "status": if ready { "True" } else { "False" }}]);
        let object = json!({
            "metadata": {"name": "ant", "generation": 1}, "status": {"observedGeneration": 1, "conditions": ready},
            "spec": {"image": format!("example.com/ant:{image}"), "replicas": 1}
        });
        event(second, "MicroService", object)
    }

    fn deployment(second: i64, image: u32, available: u32) -> Event {
        let object = json!({
            "metadata": {"name": "ant", "generation": 1},
            "status": {"observedGeneration": 1, "availableReplicas": available},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"image": format!("example.com/ant:{image}")}]}}}
        });
        event(second, "Deployment", object)
    }

    fn deed(token: &str, verb: &str, begun: i64, done: i64) -> Deed {
        let text = str::to_owned;
        let (resource, subresource, name) = (text("microservices"), String::new(), text("ant"));
        let call = Call { verb: verb.into(), resource, subresource, name };
        Deed { token: token.into(), call, begun: time(begun), done: time(done), code: 200 }
    }

    /// What is said of a story of a commit in second 1, another without the service in second 5, and these things.
    fn check(events: Vec<Event>, deeds: Vec<Deed>, wrong: &[&str]) {
        let commits = vec![commit("c1", 1, Some(1)), commit("c2", 5, None)];
        let suspended = vec![Span { from: time(20), until: Some(time(30)) }];
        let story = Story { commits, events, deeds, suspended, reports: false, elected: true };
        let said = story.judge();
        assert_eq!(said.len(), wrong.len(), "{said:#?}");
        for (said, wrong) in said.iter().zip(wrong) {
            assert!(said.contains(wrong), "{said} has no {wrong:?}");
        }
    }

    #[test]
    fn what_is_declared_may_not_be_deleted_and_what_is_not_may() {
        check(vec![], vec![deed("a", "delete", 3, 4)], &["deleted what Git declares"]);
        check(vec![], vec![deed("a", "delete", 6, 7)], &[]);
        check(vec![], vec![deed("a", "deletecollection", 6, 7)], &["deleted what Git declares"]);
    }

    #[test]
    fn an_older_commit_than_the_applied_one_is_no_reason_to_delete() {
        let commits = vec![commit("c1", 1, Some(1)), commit("c2", 2, None), commit("c3", 3, Some(3))];
        let story = |heard| Story {
            commits: commits.clone(),
            events: vec![ant(3, 3, false), applied(heard, "c3")],
            deeds: vec![deed("a", "delete", 6, 7)],
            suspended: vec![],
            reports: false,
            elected: false,
        };
        assert_eq!(story(5).judge().len(), 1);
        assert_eq!(story(9).judge(), Vec::<String>::new(), "it may not have got to know of it");
    }

    #[test]
    fn nothing_is_written_while_suspended() {
        check(vec![], vec![deed("a", "patch", 21, 22)], &["written while suspended"]);
        check(vec![], vec![deed("a", "patch", 19, 21), deed("a", "patch", 29, 31)], &[]);
    }

    #[test]
    fn what_is_said_to_be_applied_was_so_once() {
        check(vec![ant(2, 1, false), applied(3, "c1")], vec![], &[]);
        check(vec![applied(3, "c1"), ant(4, 1, false)], vec![], &["never was as c1 declares it"]);
        check(vec![ant(2, 7, false), applied(3, "c1")], vec![], &["never was as c1 declares it"]);
        check(vec![applied(6, "c2")], vec![], &[]);
    }

    #[test]
    fn a_refused_manifest_is_never_said_to_be_applied() {
        let tree = [("ant", Says::Bad)].into_iter().collect();
        let commits = vec![Commit { id: "c1".into(), tree, at: time(1) }];
        let events = vec![applied(3, "c1")];
        let story = Story { commits, events, deeds: vec![], suspended: vec![], reports: false, elected: false };
        assert_eq!(story.judge().len(), 1);
    }

    #[test]
    fn a_ready_service_serves_its_image() {
        check(vec![deployment(2, 1, 1), ant(3, 1, true)], vec![], &[]);
        check(vec![deployment(2, 1, 0), ant(3, 1, true)], vec![], &["is said to be ready"]);
        check(vec![deployment(2, 2, 1), ant(3, 1, true)], vec![], &["is said to be ready"]);
        check(vec![ant(3, 1, true), deployment(4, 1, 1)], vec![], &["is said to be ready"]);
    }

    #[test]
    fn a_service_that_no_commit_declares_is_none_of_ours() {
        let mut yak = ant(2, 1, false);
        yak.object["metadata"]["name"] = json!("yak");
        check(vec![yak], vec![], &["yak was never declared"]);
    }

    #[test]
    fn two_daemons_do_not_write_at_a_time() {
        check(vec![], vec![deed("a", "patch", 1, 2), deed("b", "patch", 2, 3)], &[]);
        check(vec![], vec![deed("a", "patch", 1, 3), deed("a", "patch", 2, 4)], &[]);
        check(vec![], vec![deed("a", "patch", 1, 3), deed("b", "patch", 2, 4)], &["two wrote at a time"]);
        check(
            vec![],
            vec![deed("a", "patch", 1, 9), deed("a", "patch", 2, 3), deed("b", "patch", 5, 6)],
            &["two wrote"],
        );
    }
}
