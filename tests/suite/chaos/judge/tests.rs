//! Each judge sees what is wrong, and nothing else.

use serde_json::json;

use super::*;
use crate::chaos::tree::Tree;
use crate::support::audit::Call;

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A commit of that second, with one service of that image, or with none.
fn commit(id: &str, second: i64, image: Option<u32>) -> Commit {
    let says = image.map(|image| ("ant", Says::Good(Spec { image, replicas: 1, ..Spec::default() })));
    Commit { id: id.into(), tree: says.into_iter().collect(), at: time(second), rewrites: false }
}

fn event(second: i64, kind: &'static str, object: Value) -> Event {
    let version = second.try_into().unwrap();
    Event { version, earliest: version, heard: time(second), kind, deleted: false, object }
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

/// Who did that got the Lease a moment before.
fn with_lease(deed: &Deed) -> Deed {
    let mut lease = deed.clone();
    (lease.call.verb, lease.call.resource) = ("update".into(), "leases".into());
    lease.done = deed.begun - jiff::SignedDuration::from_millis(500);
    Deed { begun: lease.done, ..lease }
}

/// What is said of a story of a commit in second 1, another without the service in second 5, and these things.
fn check(events: Vec<Event>, deeds: Vec<Deed>, wrong: &[&str]) {
    let commits = vec![commit("c1", 1, Some(1)), commit("c2", 5, None)];
    let suspended = vec![Suspended { both: false, span: Span { from: time(20), until: Some(time(30)) } }];
    let leases = deeds.iter().map(with_lease).collect();
    let story = Story { commits, events, deeds, leases, suspended, elected: true, ..Story::default() };
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
        ..Story::default()
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
    // Found by a list after an API server was away: it may have been so before.
    check(vec![applied(3, "c1"), Event { earliest: 2, ..ant(4, 1, false) }], vec![], &[]);
    check(vec![ant(2, 7, false), applied(3, "c1")], vec![], &["has what nobody gave it", "never was as c1"]);
    check(vec![applied(6, "c2")], vec![], &[]);
}

#[test]
fn a_refused_manifest_is_never_said_to_be_applied() {
    let tree = [("ant", Says::Bad)].into_iter().collect();
    let commits = vec![Commit { tree, ..commit("c1", 1, None) }];
    let events = vec![applied(3, "c1")];
    let story = Story { commits, events, ..Story::default() };
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
    check(vec![], vec![deed("a", "patch", 1, 9), deed("a", "patch", 2, 3), deed("b", "patch", 5, 6)], &["two wrote"]);
}

fn edit(version: u64, replicas: u32) -> Edit {
    Edit { did: Did::Replicas { replicas, version }, ..by_hand("MicroService", version, Did::Added { version }) }
}

/// What somebody did to `ant` in some second.
fn by_hand(kind: &'static str, second: u64, did: Did) -> Edit {
    Edit { kind, name: "ant", at: time(second.try_into().unwrap()), did }
}

/// The service `ant` in some second, with so many replicas.
fn replicas(second: i64, replicas: u32) -> Event {
    let mut event = ant(second, 1, false);
    event.object["spec"]["replicas"] = json!(replicas);
    event
}

#[test]
fn what_somebody_did_is_left_where_it_has_to_be() {
    let story = |why, until, events: Vec<Event>, edits: Vec<Edit>| {
        let left = vec![(why, Span { from: time(10), until: Some(time(until)) })];
        let commits = vec![commit("c1", 1, Some(1))];
        Story { commits, events, edits, left, ..Story::default() }.judge()
    };
    let none = Vec::<String>::new();
    let put_back = || vec![replicas(9, 1), replicas(11, 5), replicas(13, 1)];
    assert_eq!(story(Why::Policy, 20, put_back(), vec![edit(11, 5)]).len(), 1, "it was put back");
    assert_eq!(story(Why::Pause(Some("ant")), 20, put_back(), vec![edit(11, 5)]).len(), 1);
    assert_eq!(story(Why::Pause(Some("bee")), 20, put_back(), vec![edit(11, 5)]), none, "another is paused");
    assert_eq!(story(Why::Policy, 12, put_back(), vec![edit(11, 5)]), none, "the time was over");
    assert_eq!(story(Why::Policy, 20, put_back(), vec![edit(11, 5), edit(13, 1)]), none, "somebody did so");
    let before = vec![replicas(9, 5), replicas(13, 1)];
    assert_eq!(story(Why::Policy, 20, before, vec![edit(9, 5)]), none, "it was edited before");
}

#[test]
fn no_more_is_deleted_than_the_budget_allows_and_somebody_approved() {
    // Twenty come in second 3, and of them so many go in second 100, by hand.
    let events = |gone: i64| {
        let one = |index: i64, second: i64, deleted: bool| {
            let mut event = Event { deleted, ..ant(second, 1, false) };
            event.object["metadata"]["name"] = json!(format!("herd-{index:03}"));
            event.object["spec"]["replicas"] = json!(0);
            event
        };
        let come = (0..20).map(|index| one(index, 3, false));
        come.chain((0..gone).map(|index| one(index, 100, true))).collect::<Vec<_>>()
    };
    let mut tree = Tree::default();
    tree.herd = Some((20, 1));
    let commits = vec![Commit { tree, ..commit("c1", 1, None) }, commit("c2", 2, None)];
    let story = |gone: i64, budget: usize, approved: usize, seconds: &[i64]| {
        let deeds = seconds.iter().map(|second| deed("a", "delete", *second, *second + 1)).collect();
        let approved = [("plan".to_owned(), Approved { second: false, deletions: approved })].into();
        let (events, budget) = (events(gone), Some(budget));
        Story { commits: commits.clone(), events, deeds, budget, approved, ..Story::default() }.judge().len()
    };
    let deleted = |count: usize, approved: usize| story(0, 20, approved, &vec![6; count]);
    assert_eq!((deleted(4, 0), deleted(5, 0), deleted(9, 5), deleted(10, 5)), (0, 1, 0, 1));
    assert_eq!((story(0, 0, 0, &[6]), story(0, 0, 1, &[6])), (1, 0), "nothing goes without a word");
    assert_eq!(story(15, 20, 0, &[300, 301]), 1, "there were no more than five then");
    assert_eq!(story(0, 20, 0, &[6, 6, 6, 6, 3700, 3700, 3700, 3700]), 0, "that was another hour");
    assert_eq!(story(0, 20, 0, &[6, 6, 6, 6, 3500]), 1, "and that was not");
}

#[test]
fn what_is_applied_is_ours_and_never_older() {
    let applied = |commits: &[&str]| {
        let events = (10..).zip(commits).map(|(second, id)| applied(second, id)).collect();
        let commits = vec![commit("c1", 1, None), commit("c2", 2, None)];
        Story { commits, events, ..Story::default() }.judge().len()
    };
    assert_eq!((applied(&["c1", "c2"]), applied(&["c2", "c1"]), applied(&["c1", "foreign"])), (0, 1, 1));
}

#[test]
fn each_gitsync_answers_for_its_own() {
    let second = Says::Good(Spec { image: 1, replicas: 1, second: true, policy: None });
    let commits = vec![Commit { tree: [("ant", second)].into_iter().collect(), ..commit("c1", 1, None) }];
    let said = |name: &str| {
        let mut event = applied(3, "c1");
        event.object["metadata"]["name"] = json!(name);
        Story { commits: commits.clone(), events: vec![event], ..Story::default() }.judge().len()
    };
    assert_eq!((said("main"), said(SECOND)), (0, 1));
}

#[test]
fn who_writes_has_the_lease() {
    let lease = |token: &str, second| {
        let mut deed = deed(token, "update", second, second);
        deed.call.resource = "leases".into();
        deed
    };
    let check = |deeds: Vec<Deed>| {
        let leases = vec![lease("a", 1), lease("b", 10), lease("a", 20)];
        let commits = vec![commit("c1", 1, Some(1))];
        Story { commits, deeds, leases, elected: true, ..Story::default() }.judge().len()
    };
    let write = |token: &str, second| deed(token, "patch", second, second + 1);
    assert_eq!(check(vec![write("a", 5), write("b", 12), write("a", 22)]), 0);
    assert_eq!(check(vec![write("a", 11)]), 1, "it has passed to the other");
    assert_eq!(check(vec![write("b", 5)]), 1, "it is not yet the other's");
    assert_eq!(check(vec![deed("b", "list", 5, 6)]), 0, "who reads needs none");
    assert_eq!(check(vec![write("a", 0)]), 1, "nobody has it yet");
    let started = |at| {
        let (commits, leases) = (vec![commit("c1", 1, Some(1))], vec![lease("a", 1)]);
        let starts = vec![Start { token: "a".into(), at: time(at) }];
        Story { commits, leases, starts, deeds: vec![write("a", 5)], elected: true, ..Story::default() }.judge().len()
    };
    assert_eq!((started(0), started(3)), (0, 1), "it was the process before that had it");
}

#[test]
fn who_has_given_the_lease_back_writes_no_more() {
    let lease = |token: &str, second| with_lease(&deed(token, "update", second, second));
    let heard = |second, holder: &str| event(second, "Lease", json!({"spec": {"holderIdentity": holder}}));
    let check = |heard: Vec<Event>, second| {
        let leases = vec![lease("a", 1), lease("a", 5), lease("a", 10)];
        let (commits, deeds) = (vec![commit("c1", 1, Some(1))], vec![deed("a", "patch", second, second)]);
        Story { commits, events: heard, deeds, leases, elected: true, ..Story::default() }.judge().len()
    };
    let given_back = || vec![heard(1, "pod-1"), heard(5, ""), heard(10, "pod-2")];
    assert_eq!((check(given_back(), 3), check(given_back(), 7), check(given_back(), 12)), (0, 1, 0));
    assert_eq!(check(vec![heard(1, "pod-1"), heard(5, "pod-1"), heard(10, "pod-1")], 7), 0, "it was renewed");
}

#[test]
fn a_value_of_a_secret_is_seen_wherever_it_is() {
    let mut told = ant(3, 1, false);
    told.object["status"]["message"] = json!(format!("the password is {CANARY}7"));
    check(vec![told], vec![], &["has a secret's value"]);
}

#[test]
fn a_deployment_is_deleted_only_where_its_service_is_gone() {
    let mut deletes = deed("a", "delete", 6, 7);
    deletes.call.resource = "deployments".into();
    check(vec![ant(2, 1, false)], vec![deletes.clone()], &["whose service is there"]);
    check(vec![ant(2, 1, false), Event { deleted: true, ..ant(5, 1, false) }], vec![deletes.clone()], &[]);
    check(vec![ant(2, 1, false), Event { deleted: true, ..ant(7, 1, false) }], vec![deletes], &[]);
}

#[test]
fn nothing_is_written_while_both_are_suspended_whosever_it_is() {
    let second = Says::Good(Spec { image: 1, replicas: 1, second: true, policy: None });
    let written = |both| {
        let commits = vec![Commit { tree: [("ant", second)].into_iter().collect(), ..commit("c1", 1, None) }];
        let suspended = vec![Suspended { both, span: Span { from: time(20), until: None } }];
        let deeds = vec![deed("a", "patch", 21, 22)];
        Story { commits, deeds, suspended, ..Story::default() }.judge().len()
    };
    assert_eq!((written(false), written(true)), (0, 1));
}

mod hands;
mod values;
