//! What had to stay and did not.

use super::*;

fn deleted(event: Event) -> Event {
    Event { deleted: true, ..event }
}

/// With a UID, of which the service has come to its generation.
fn with_uid(mut event: Event, uid: &str) -> Event {
    event.object["metadata"]["uid"] = json!(uid);
    event
}

/// With the field that somebody adds.
fn with_field(mut event: Event) -> Event {
    event.object["spec"]["terminationGracePeriodSeconds"] = json!(77);
    event
}

/// The Deployment of `ant` in some second, with so many replicas.
fn workload(second: i64, replicas: u32) -> Event {
    let mut event = with_uid(deployment(second, 1, 1), "workload");
    event.object["spec"]["replicas"] = json!(replicas);
    event
}

/// How much is wrong with what happened after the policy said in second 10 that all stays.
#[track_caller]
fn check(edit: Edit, events: Vec<Event>, change: impl Fn(&mut Story), wrong: usize) {
    let left = vec![(Why::Policy, Span { from: time(10), until: None })];
    let edits = vec![edit];
    let commits = vec![commit("c1", 1, Some(1))];
    let mut story = Story { commits, events, edits, left, ..Story::default() };
    change(&mut story);
    let said = story.not_left();
    assert_eq!(said.len(), wrong, "{said:#?}");
}

fn started(seconds: &[i64]) -> Vec<Start> {
    seconds.iter().map(|second| Start { token: "a".into(), at: time(*second) }).collect()
}

fn as_it_is(_: &mut Story) {}

#[test]
fn a_workload_that_somebody_edited_stays_as_it_is() {
    let edit = || by_hand("Deployment", 11, Did::Replicas { replicas: 5, version: 11 });
    let put_back = || vec![ant(2, 1, false), workload(3, 1), workload(11, 5), workload(13, 1)];
    check(edit(), put_back(), as_it_is, 1);
    check(edit(), put_back()[..3].to_vec(), as_it_is, 0);
    check(edit(), put_back(), |story| story.left[0].0 = Why::Pause(Some("ant")), 1);
    check(edit(), put_back(), |story| story.left[0].0 = Why::Pause(Some("bee")), 0);
    check(edit(), put_back(), |story| story.left[0].1.until = Some(time(12)), 0);
    // The service came to what somebody had made of its workload, and went on from there.
    let followed = vec![ant(2, 1, false), workload(11, 5), replicas(12, 5), replicas(13, 2), workload(14, 2)];
    check(edit(), followed, as_it_is, 0);
    check(edit(), vec![ant(2, 1, false), workload(11, 5), replicas(12, 2), workload(14, 2)], as_it_is, 1);
    // It went with its service.
    check(edit(), vec![ant(2, 1, false), workload(11, 5), deleted(workload(12, 5)), workload(14, 2)], as_it_is, 0);
}

#[test]
fn a_field_that_somebody_added_stays() {
    let edit = || by_hand("MicroService", 11, Did::Added { version: 11 });
    let added = || vec![ant(2, 1, false), with_field(ant(11, 1, false))];
    check(edit(), added(), as_it_is, 0);
    check(edit(), [added(), vec![with_field(ant(12, 2, false))]].concat(), as_it_is, 0);
    check(edit(), [added(), vec![ant(12, 1, false)]].concat(), as_it_is, 1);
    check(edit(), [added(), vec![deleted(ant(12, 1, false)), ant(13, 1, false)]].concat(), as_it_is, 0);
}

#[test]
fn a_service_that_somebody_deleted_stays_so_until_a_commit_changes_it() {
    let edit = || by_hand("MicroService", 11, Did::Deleted { uid: "one".into() });
    let gone =
        || vec![with_uid(ant(2, 1, false), "one"), applied(3, "c1"), deleted(with_uid(ant(11, 1, false), "one"))];
    let anew = || [gone(), vec![with_uid(ant(20, 1, false), "two")]].concat();
    check(edit(), gone(), as_it_is, 0);
    check(edit(), anew(), as_it_is, 1);
    check(edit(), anew(), |story| story.commits.push(commit("c2", 12, Some(2))), 0);
    check(edit(), anew(), |story| story.commits.push(commit("c2", 12, Some(1))), 1);
    check(edit(), anew(), |story| story.left[0].0 = Why::Pause(None), 1);
    check(edit(), anew(), |story| story.left[0].0 = Why::Pause(Some("ant")), 0);
    // Who came after that could not know of it, unless the status said so.
    check(edit(), anew(), |story| story.starts = started(&[1, 15]), 0);
    let mut told = applied(12, "c1");
    told.object["status"]["leftDeleted"] = json!(["shop/ant"]);
    let known = || [gone(), vec![told.clone(), with_uid(ant(20, 1, false), "two")]].concat();
    check(edit(), known(), |story| story.starts = started(&[1, 15]), 1);
    // Nothing was applied yet.
    let first = |all: Vec<Event>| all.into_iter().filter(|event| event.kind != "GitSync").collect::<Vec<_>>();
    check(edit(), first(anew()), as_it_is, 0);
}

#[test]
fn a_workload_that_somebody_deleted_stays_so_until_its_service_changes() {
    let edit = || by_hand("Deployment", 11, Did::Deleted { uid: "workload".into() });
    let gone = || vec![ant(2, 1, false), workload(3, 1), deleted(workload(11, 1))];
    check(edit(), gone(), as_it_is, 0);
    check(edit(), [gone(), vec![workload(12, 1)]].concat(), as_it_is, 1);
    check(edit(), [gone(), vec![workload(12, 1)]].concat(), |story| story.starts = started(&[12]), 0);
    let mut changed = ant(12, 2, false);
    changed.object["metadata"]["generation"] = json!(2);
    check(edit(), [gone(), vec![changed, workload(13, 1)]].concat(), as_it_is, 0);
}
