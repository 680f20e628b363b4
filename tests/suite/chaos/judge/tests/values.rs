//! Values that come from nowhere, from the past, or from what is held.

use super::*;

/// The GitSync `main` in some second, which has applied a commit and holds another.
fn held(second: i64, commit: &str, held: &str, approved: bool) -> Event {
    let mut event = applied(second, commit);
    event.object["status"]["hold"] = json!({"reason": REWRITTEN, "plan": "p", "revision": format!("main@sha1:{held}")});
    if approved {
        event.object["metadata"]["annotations"] = json!({APPROVE: "p"});
    }
    event
}

fn story(commits: Vec<Commit>, events: Vec<Event>) -> Story {
    Story { commits, events, ..Story::default() }
}

#[test]
fn what_a_service_has_is_what_a_commit_or_somebody_gave_it() {
    let wrong = |event: Event, edits: Vec<Edit>| {
        let story = Story { edits, ..story(vec![commit("c1", 1, Some(1)), commit("c2", 9, Some(2))], vec![event]) };
        story.foreign_values().len()
    };
    assert_eq!((wrong(ant(5, 1, false), vec![]), wrong(ant(9, 2, false), vec![])), (0, 0));
    assert_eq!(wrong(ant(5, 3, false), vec![]), 1, "of another repository");
    assert_eq!(wrong(ant(5, 2, false), vec![]), 1, "of a commit that is yet to come");
    assert_eq!((wrong(replicas(5, 4), vec![]), wrong(replicas(5, 4), vec![edit(5, 4)])), (1, 0));
    assert_eq!(wrong(replicas(5, 4), vec![edit(6, 4)]), 1, "that was later");
    let mut grown = ant(5, 1, false);
    grown.object["spec"]["terminationGracePeriodSeconds"] = json!(77);
    let added = by_hand("MicroService", 5, Did::Added { version: 5 });
    assert_eq!((wrong(grown.clone(), vec![]), wrong(grown, vec![added])), (1, 0));
    let mut ignored = ant(5, 1, false);
    ignored.object["metadata"]["annotations"] = json!({"gitmoor.dev/drift-policy": "Ignore"});
    assert_eq!(wrong(ignored, vec![]), 1, "nobody said so");
}

#[test]
fn no_value_is_older_than_what_is_applied() {
    let commits = || vec![commit("c1", 1, Some(1)), commit("c2", 2, Some(2)), commit("c3", 3, Some(3))];
    let wrong = |events: Vec<Event>| story(commits(), events).older_values().len();
    assert_eq!(wrong(vec![ant(4, 1, false), ant(5, 2, false), applied(6, "c2"), ant(7, 3, false)]), 0);
    assert_eq!(wrong(vec![ant(5, 2, false), applied(6, "c2"), ant(7, 1, false)]), 1);
    assert_eq!(wrong(vec![ant(5, 2, false), applied(6, "c2"), Event { earliest: 5, ..ant(7, 1, false) }]), 0);
    let gone = Event { deleted: true, ..ant(7, 2, false) };
    assert_eq!(wrong(vec![ant(5, 2, false), applied(6, "c2"), gone, ant(8, 1, false)]), 1, "it came again");
}

#[test]
fn nothing_of_a_held_revision_comes_into_the_cluster_before_somebody_approves_it() {
    // The third takes the place of the second.
    let third = || Commit { rewrites: true, ..commit("c3", 3, Some(3)) };
    let commits = || vec![commit("c1", 1, Some(1)), commit("c2", 2, Some(2)), third(), commit("c4", 4, Some(4))];
    let wrong = |events: Vec<Event>| story(commits(), events).held_values().len();
    let before = || vec![ant(5, 2, false), held(6, "c2", "c3", false)];
    assert_eq!(wrong([before(), vec![ant(7, 3, false)]].concat()), 1);
    assert_eq!(wrong([before(), vec![held(7, "c2", "c3", true), ant(8, 3, false)]].concat()), 0);
    assert_eq!(wrong([before(), vec![applied(7, "c3"), ant(8, 3, false)]].concat()), 0);
    assert_eq!(wrong(vec![held(6, "c2", "c4", false), ant(7, 4, false)]), 1, "it descends from what is held");
    assert_eq!(wrong(vec![held(6, "c1", "c3", false), ant(7, 3, false)]), 0, "it descends from what is applied");
    // What is put back is what is applied.
    assert_eq!(wrong([before(), vec![Event { deleted: true, ..ant(7, 2, false) }, ant(8, 2, false)]].concat()), 0);
}

#[test]
fn a_held_revision_is_no_reason_to_delete() {
    let third = Commit { rewrites: true, ..commit("c3", 3, None) };
    let commits = vec![commit("c1", 1, Some(1)), commit("c2", 2, Some(1)), third];
    let wrong = |follows, followed: &[&str]| {
        let followed = followed.iter().map(|id| (*id).to_owned()).collect();
        let deeds = vec![deed("a", "delete", 6, 7)];
        let story = Story { deeds, follows, followed, ..story(commits.clone(), vec![applied(5, "c2")]) };
        story.deletions().len()
    };
    assert_eq!((wrong(false, &[]), wrong(true, &[]), wrong(false, &["c3"])), (1, 0, 0));
}
