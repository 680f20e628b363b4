//! What the cluster may look like, by what happened to it. Pure: it knows nothing of daemons.
//!
//! It is deliberately weaker than the engine where the order of two things cannot be known from outside (a commit and an
//! edit of the same field while nothing is synced): then either is allowed. Where nothing happened, nothing may change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::tree::{Policy, Says, Spec, Tree, everybody};

/// One commit, as it was pushed.
#[derive(Debug, Clone)]
pub struct Commit {
    pub id: String,
    pub tree: Tree,
    /// A moment before it was pushed.
    pub at: Timestamp,
}

/// What is known of one service since the last rest.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Replicas that it may have at rest, where they are not as declared.
    edited: BTreeSet<u32>,
    /// Specs that it may have while Git says nothing that can be applied.
    good: Vec<Spec>,
    /// Somebody deleted it, and Git has not said anything new since.
    deleted: bool,
    /// Somebody added a field to it that Git does not declare.
    added: bool,
    /// Somebody or a commit did something to it.
    touched: bool,
}

/// A service as it was found at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub spec: Spec,
    /// It has the field that somebody adds.
    pub added: bool,
    /// Grows with each change of its spec.
    pub generation: u64,
}

/// What is at rest in the cluster.
#[derive(Debug, Clone, Default)]
pub struct AtRest {
    pub services: BTreeMap<String, Found>,
    /// Whether something waits for approval.
    pub held: bool,
}

#[derive(Debug)]
pub struct Model {
    pub commits: Vec<Commit>,
    /// What is done about drift where a service says nothing else.
    policy: Policy,
    known: BTreeMap<&'static str, Known>,
    last: BTreeMap<String, Found>,
}

impl Model {
    pub fn new(policy: Policy) -> Self {
        let known = everybody().map(|name| (name, Known::default())).collect();
        Self { commits: Vec::new(), policy, known, last: BTreeMap::new() }
    }

    /// What the newest commit declares.
    pub fn head(&self) -> Tree {
        self.commits.last().map(|commit| commit.tree.clone()).unwrap_or_default()
    }

    /// Whether what somebody did to a service stays, at rest.
    fn keeps(&self, name: &str) -> bool {
        let own = match self.commits.last().and_then(|commit| commit.tree.get(name)) {
            Some(Says::Good(spec)) => spec.policy,
            _ => None,
        };
        own.unwrap_or(self.policy) != Policy::Correct
    }

    pub fn commit(&mut self, commit: Commit) {
        let before = self.head();
        for (name, known) in &mut self.known {
            let says = commit.tree.get(name);
            // What waits to be deleted may go with any commit.
            known.touched |= says.is_none() || says != before.get(name);
            if says == before.get(name) {
                continue;
            }
            if let Some(Says::Good(spec)) = says {
                known.good.push(spec);
                known.deleted = false;
            }
        }
        self.commits.push(commit);
    }

    /// What is done about drift where a service says nothing else.
    pub fn policy_is(&self) -> Policy {
        self.policy
    }

    /// Another policy holds from now on.
    pub fn policy(&mut self, policy: Policy) {
        if policy != self.policy {
            self.policy = policy;
            self.known.values_mut().for_each(|known| known.touched = true);
        }
    }

    pub fn edited(&mut self, name: &str, replicas: u32) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.edited.insert(replicas);
        }
    }

    pub fn added(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.added = true;
        }
    }

    pub fn deleted(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.deleted = true;
        }
    }

    /// What is held may go.
    pub fn approved(&mut self) {
        let head = self.head();
        for (name, known) in &mut self.known {
            known.touched |= head.get(name).is_none();
        }
    }

    /// What is wrong with the cluster at rest, if anything.
    pub fn wrong(&self, found: &AtRest) -> Vec<String> {
        let head = self.head();
        let waits = found.held || head.is_bad();
        let mut wrong = Vec::new();
        for (name, known) in &self.known {
            let live = found.services.get(*name).copied();
            let says = head.get(name);
            if let Some(why) = known.judge(says, live, self.keeps(name), waits) {
                wrong.push(format!("{name}: {why}: Git says {says:?}, and there is {live:?}; {known:?}"));
            }
            let before = self.last.get(*name).copied();
            if !known.touched && live != before {
                wrong.push(format!("{name}: nobody touched it: it was {before:?}, and is {live:?}"));
            }
        }
        for name in found.services.keys().filter(|name| !self.known.contains_key(name.as_str())) {
            wrong.push(format!("{name}: nobody ever declared it"));
        }
        wrong
    }

    /// What is there at rest is what the next one begins from.
    pub fn rest(&mut self, found: &AtRest) {
        let head = self.head();
        let waits = found.held || head.is_bad();
        let keeps: Vec<_> = self.known.keys().map(|name| self.keeps(name)).collect();
        for ((name, known), keeps) in self.known.iter_mut().zip(keeps) {
            let live = found.services.get(*name).copied();
            // What stays stays until a commit says something else about it.
            let stays = live.map(|live| live.spec.replicas).filter(|_| keeps);
            let edited = known.edited.iter().copied().filter(|replicas| Some(*replicas) == stays).collect();
            let deleted = keeps && known.deleted && live.is_none();
            let added = live.is_some_and(|live| live.added);
            let mut good: Vec<_> = live.map(|live| live.spec).into_iter().collect();
            // What depends on the first GitSync may have yet to come.
            let mut touched = false;
            if let Some(Says::Good(spec)) = head.get(name)
                && waits
            {
                touched = spec.second || live.is_some_and(|live| live.spec.second);
                good.push(spec);
            }
            *known = Known { edited, good, deleted, added, touched };
        }
        self.last = found.services.clone();
    }
}

impl Known {
    /// What is wrong with a service at rest. `waits` is whether there is a reason for which something may not be done yet.
    fn judge(&self, says: Option<Says>, live: Option<Found>, keeps: bool, waits: bool) -> Option<&'static str> {
        let once = |live: Found| self.good.iter().any(|good| good.image == live.spec.image);
        match (says, live) {
            (Some(Says::Good(_)), None) if keeps && self.deleted => None,
            (Some(Says::Good(spec)), None) if spec.second && waits && self.touched => None,
            (Some(Says::Good(_)), None) => Some("it is missing"),
            (Some(Says::Good(spec)), Some(live)) if waits && (spec.second || live.spec.second) => {
                (!once(live)).then_some("it never had that image")
            }
            (Some(Says::Good(spec)), Some(live)) => {
                let kept = keeps && self.edited.contains(&live.spec.replicas);
                if live.spec.image != spec.image {
                    Some("another image")
                } else if live.spec.replicas != spec.replicas && !kept {
                    Some("other replicas")
                } else if live.spec.second != spec.second {
                    Some("another GitSync has it")
                } else if live.added && !(keeps && self.added) {
                    Some("a field that Git does not declare")
                } else {
                    None
                }
            }
            // The last good one, or none where it was never applied.
            (Some(Says::Bad), Some(live)) => (!once(live)).then_some("it never had that image"),
            (Some(Says::Bad) | None, None) => None,
            (None, Some(_)) => (!waits).then_some("it should be gone, and no reason is told"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(image: u32, replicas: u32) -> Spec {
        Spec { image, replicas, ..Spec::default() }
    }

    fn found(name: &str, image: u32, replicas: u32, generation: u64) -> (String, Found) {
        (name.into(), Found { spec: spec(image, replicas), added: false, generation })
    }

    fn commit(says: &[(&'static str, Says)]) -> Commit {
        Commit { id: "c".into(), tree: says.iter().copied().collect(), at: Timestamp::UNIX_EPOCH }
    }

    fn at_rest(services: &[(String, Found)]) -> AtRest {
        AtRest { services: services.iter().cloned().collect(), held: false }
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
        check(Policy::Correct, play, &AtRest { held: true, ..there }, 0);
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
        check(Policy::Correct, blocked, &at_rest(&[found("ant", 1, 1, 1)]), 0);
    }
}
