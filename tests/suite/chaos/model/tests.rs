//! What is right and what is wrong at rest, by what happened before.

use super::*;

fn spec(image: u32, replicas: u32) -> Spec {
    Spec { image, replicas, ..Spec::default() }
}

fn found(name: &str, image: u32, replicas: u32, generation: u64) -> (String, Found) {
    (name.into(), Found { spec: spec(image, replicas), added: false, generation })
}

fn commit(says: &[(&'static str, Says)]) -> Commit {
    Commit { id: "c".into(), tree: says.iter().copied().collect(), at: Timestamp::UNIX_EPOCH, rewrites: false }
}

fn at_rest(services: &[(String, Found)]) -> AtRest {
    AtRest { services: services.iter().cloned().collect(), ..AtRest::default() }
}

/// Plays on a model and says how many things are wrong at rest.
fn check(policy: Policy, play: impl Fn(&mut Model), then: &AtRest, wrong: usize) {
    let mut model = Model::new(policy);
    play(&mut model);
    let said = model.wrong(then);
    assert_eq!(said.len(), wrong, "{said:#?}");
}

#[test]
fn what_is_declared_is_there_as_declared() {
    let play = |model: &mut Model| model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 1)]), 0);
    check(Policy::Correct, play, &at_rest(&[found("ant", 2, 2, 1)]), 1);
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 3, 1)]), 1);
    check(Policy::Correct, play, &at_rest(&[]), 1);
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 1), found("bee", 1, 1, 1)]), 1);
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 1), found("yak", 1, 1, 1)]), 1);
}

#[test]
fn what_somebody_did_stays_only_where_it_is_reported() {
    let play = |model: &mut Model| {
        model.commit(commit(&[("ant", Says::Good(spec(1, 2))), ("bee", Says::Good(spec(1, 2)))]));
        model.edited("ant", 5);
        model.deleted("bee");
    };
    check(Policy::Report, play, &at_rest(&[found("ant", 1, 5, 2)]), 0);
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 5, 2)]), 2);
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 3), found("bee", 1, 2, 1)]), 0);
}

#[test]
fn what_somebody_did_has_to_stay_where_it_is_reported_until_something_else_happens() {
    let (declared, changed) = (Says::Good(spec(1, 2)), Says::Good(spec(2, 2)));
    let found = |replicas, added, image| {
        let (name, found) = found("ant", image, replicas, 3);
        at_rest(&[(name, Found { added, ..found })])
    };
    // Somebody did all of it, and it stays or not.
    let edited = |stays: bool| {
        move |model: &mut Model| {
            model.commit(commit(&[("ant", declared)]));
            model.edited("ant", 5);
            model.is_edited("ant", 5, stays);
            model.added("ant");
            model.is_added("ant", stays);
        }
    };
    let deleted = |stays: bool| {
        move |model: &mut Model| {
            edited(true)(model);
            model.deleted("ant");
            model.is_gone("ant", stays);
        }
    };
    check(Policy::Report, edited(true), &found(5, true, 1), 0);
    check(Policy::Report, edited(true), &found(2, true, 1), 1);
    check(Policy::Report, edited(true), &found(5, false, 1), 1);
    check(Policy::Report, edited(false), &found(2, false, 1), 0);
    check(Policy::Report, deleted(true), &at_rest(&[]), 0);
    check(Policy::Report, deleted(true), &found(2, false, 1), 1);
    check(Policy::Report, deleted(false), &found(2, false, 1), 0);
    let commits = |model: &mut Model| {
        edited(true)(model);
        model.commit(commit(&[("ant", changed)]));
    };
    check(Policy::Report, commits, &found(2, false, 2), 0);
    let commits_another = |model: &mut Model| {
        edited(true)(model);
        model.commit(commit(&[("ant", declared), ("bee", declared)]));
        model.commit(commit(&[("ant", declared)]));
    };
    check(Policy::Report, commits_another, &found(2, true, 1), 1);
    let other_policy = |model: &mut Model| {
        edited(true)(model);
        model.policy(Policy::Correct);
    };
    check(Policy::Report, other_policy, &found(2, false, 1), 0);
    // What stays goes on to stay.
    let mut model = Model::new(Policy::Report);
    edited(true)(&mut model);
    model.rest(&found(5, true, 1));
    assert_eq!(model.wrong(&found(2, true, 1)).len(), 2, "it was put back, and nobody touched it");
}

#[test]
fn a_refused_manifest_takes_nothing_away() {
    let mut model = Model::new(Policy::Correct);
    model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
    model.rest(&at_rest(&[found("ant", 1, 2, 1)]));
    model.commit(commit(&[("ant", Says::Bad)]));
    assert_eq!(model.wrong(&at_rest(&[found("ant", 1, 2, 1)])), Vec::<String>::new());
    assert_eq!(model.wrong(&at_rest(&[])).len(), 1);
    model.deleted("ant");
    assert_eq!(model.wrong(&at_rest(&[])), Vec::<String>::new(), "somebody did");
}

#[test]
fn a_refused_manifest_leaves_what_was_there() {
    let play = |model: &mut Model| {
        model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
        model.commit(commit(&[("ant", Says::Bad)]));
    };
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 1)]), 0);
    check(Policy::Correct, play, &at_rest(&[]), 0);
    check(Policy::Correct, play, &at_rest(&[found("ant", 7, 2, 1)]), 1);
}

#[test]
fn what_is_gone_from_git_is_gone_or_a_reason_is_told() {
    let play = |model: &mut Model| {
        model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
        model.commit(commit(&[]));
    };
    let there = at_rest(&[found("ant", 1, 2, 1)]);
    check(Policy::Correct, play, &at_rest(&[]), 0);
    check(Policy::Correct, play, &there, 1);
    let held = |name: &str| AtRest { held: [name.to_owned()].into(), ..there.clone() };
    check(Policy::Correct, play, &held("ant"), 0);
    check(Policy::Correct, play, &held("bee"), 1);
    // Another manifest that is refused is no reason.
    let refused = |model: &mut Model| {
        play(model);
        model.commit(commit(&[("bee", Says::Bad)]));
    };
    check(Policy::Correct, refused, &there, 1);
}

#[test]
fn what_nobody_touched_is_not_written() {
    let mut model = Model::new(Policy::Correct);
    model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
    model.rest(&at_rest(&[found("ant", 1, 2, 1)]));
    assert_eq!(model.wrong(&at_rest(&[found("ant", 1, 2, 1)])), Vec::<String>::new());
    assert_eq!(model.wrong(&at_rest(&[found("ant", 1, 2, 2)])).len(), 1, "it was written");
}

#[test]
fn another_policy_holds_for_all_and_the_word_of_a_service_before_it() {
    let own = |policy| Says::Good(Spec { policy, ..spec(1, 2) });
    let play = |model: &mut Model| {
        model.commit(commit(&[("ant", own(None)), ("bee", own(Some(Policy::Ignore)))]));
        for name in ["ant", "bee"] {
            model.edited(name, 5);
            model.added(name);
        }
    };
    let kept = |name, added| {
        let (name, found) = found(name, 1, 5, 2);
        (name, Found { added, ..found })
    };
    check(Policy::Correct, play, &at_rest(&[found("ant", 1, 2, 3), kept("bee", true)]), 0);
    check(Policy::Correct, play, &at_rest(&[kept("ant", true), kept("bee", true)]), 1);
    check(Policy::Report, play, &at_rest(&[kept("ant", true), kept("bee", false)]), 0);
    let changes = |model: &mut Model| {
        play(model);
        model.policy(Policy::Correct);
    };
    check(Policy::Report, changes, &at_rest(&[kept("ant", true), kept("bee", true)]), 1);
}

#[test]
fn what_depends_on_the_first_waits_for_it_and_a_move_ends_with_the_other() {
    let second = Says::Good(Spec { second: true, ..spec(2, 1) });
    let play = |model: &mut Model| {
        model.commit(commit(&[("ant", Says::Good(spec(1, 1)))]));
        model.commit(commit(&[("ant", second)]));
    };
    let moved = |second| {
        let (name, found) = found("ant", 2, 1, 2);
        (name, Found { spec: Spec { second, ..found.spec }, ..found })
    };
    check(Policy::Correct, play, &at_rest(&[moved(true)]), 0);
    check(Policy::Correct, play, &at_rest(&[moved(false)]), 1);
    let blocked = |model: &mut Model| {
        play(model);
        model.commit(commit(&[("ant", second), ("bee", Says::Bad)]));
    };
    let at_rest = |waits| AtRest { waits, ..at_rest(&[found("ant", 1, 1, 1)]) };
    check(Policy::Correct, blocked, &at_rest(true), 0);
    check(Policy::Correct, blocked, &at_rest(false), 1);
}
