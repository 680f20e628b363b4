//! What the cluster may look like, by what happened to it. Pure: it knows nothing of daemons.
//!
//! It is deliberately weaker than the engine where the order of two things cannot be known from outside (a commit and an
//! edit of the same field while nothing is synced): then either is allowed. Where nothing happened, nothing may change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::history::{NAMES, Says, Spec, Tree};

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
    /// Somebody or a commit did something to it.
    touched: bool,
}

/// A service as it was found at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub spec: Spec,
    /// Grows with each change of its spec.
    pub generation: u64,
}

/// What is at rest in the cluster.
#[derive(Debug, Clone, Default)]
pub struct AtRest {
    pub services: BTreeMap<String, Found>,
    /// Names that the status says to wait for approval or for a manifest to be mended.
    pub held: bool,
}

#[derive(Debug)]
pub struct Model {
    pub commits: Vec<Commit>,
    /// Under Report what somebody did stays.
    reports: bool,
    known: BTreeMap<&'static str, Known>,
    last: BTreeMap<String, Found>,
}

impl Model {
    pub fn new(policy: &str) -> Self {
        let known = NAMES.iter().map(|name| (*name, Known::default())).collect();
        Self { commits: Vec::new(), reports: policy == "Report", known, last: BTreeMap::new() }
    }

    /// What the newest commit declares.
    pub fn head(&self) -> Tree {
        self.commits.last().map(|commit| commit.tree.clone()).unwrap_or_default()
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
                known.good.push(*spec);
                known.deleted = false;
            }
        }
        self.commits.push(commit);
    }

    pub fn edited(&mut self, name: &str, replicas: u32) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.edited.insert(replicas);
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
            known.touched |= !head.contains_key(name);
        }
    }

    /// What is wrong with the cluster at rest, if anything.
    pub fn wrong(&self, found: &AtRest) -> Vec<String> {
        let head = self.head();
        let bad = head.values().any(|says| *says == Says::Bad);
        let mut wrong = Vec::new();
        for (name, known) in &self.known {
            let live = found.services.get(*name).copied();
            let says = head.get(name).copied();
            if let Some(why) = judge(says, live, known, self.reports, found.held || bad) {
                wrong.push(format!("{name}: {why}: Git says {says:?}, and there is {live:?}; {known:?}"));
            }
            let before = self.last.get(*name).copied();
            if !known.touched && live != before {
                wrong.push(format!("{name}: nobody touched it: it was {before:?}, and is {live:?}"));
            }
        }
        for name in found.services.keys().filter(|name| !NAMES.contains(&name.as_str())) {
            wrong.push(format!("{name}: nobody ever declared it"));
        }
        wrong
    }

    /// What is there at rest is what the next one begins from.
    pub fn rest(&mut self, found: &AtRest) {
        for (name, known) in &mut self.known {
            let live = found.services.get(*name).copied();
            // What stays under Report stays until a commit says something else about it.
            let stays = self.reports.then(|| live.map(|live| live.spec.replicas)).flatten();
            let edited = known.edited.iter().copied().filter(|replicas| Some(*replicas) == stays).collect();
            let deleted = self.reports && known.deleted && live.is_none();
            let good = live.map(|live| live.spec).into_iter().collect();
            *known = Known { edited, good, deleted, touched: false };
        }
        self.last = found.services.clone();
    }
}

fn judge(
    says: Option<Says>,
    live: Option<Found>,
    known: &Known,
    reports: bool,
    may_wait: bool,
) -> Option<&'static str> {
    match (says, live) {
        (Some(Says::Good(_)), None) if reports && known.deleted => None,
        (Some(Says::Good(_)), None) => Some("it is missing"),
        (Some(Says::Good(spec)), Some(live)) => {
            let kept = reports && known.edited.contains(&live.spec.replicas);
            if live.spec.image != spec.image {
                Some("another image")
            } else if live.spec.replicas != spec.replicas && !kept {
                Some("other replicas")
            } else {
                None
            }
        }
        // The last good one, or none where it was never applied.
        (Some(Says::Bad), Some(live)) => {
            let fits = |good: &Spec| good.image == live.spec.image;
            (!known.good.iter().any(fits)).then_some("it never had that image")
        }
        (Some(Says::Bad) | None, None) => None,
        (None, Some(_)) => (!may_wait).then_some("it should be gone, and no reason is told"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(image: u32, replicas: u32) -> Spec {
        Spec { image, replicas }
    }

    fn found(name: &str, image: u32, replicas: u32, generation: u64) -> (String, Found) {
        (name.into(), Found { spec: spec(image, replicas), generation })
    }

    fn commit(says: &[(&'static str, Says)]) -> Commit {
        Commit { id: "c".into(), tree: says.iter().copied().collect(), at: Timestamp::UNIX_EPOCH }
    }

    fn at_rest(services: &[(String, Found)]) -> AtRest {
        AtRest { services: services.iter().cloned().collect(), held: false }
    }

    /// Plays on a model and says how many things are wrong at rest.
    fn check(policy: &str, play: impl Fn(&mut Model), then: &AtRest, wrong: usize) {
        let mut model = Model::new(policy);
        play(&mut model);
        let said = model.wrong(then);
        assert_eq!(said.len(), wrong, "{said:#?}");
    }

    #[test]
    fn what_is_declared_is_there_as_declared() {
        let play = |model: &mut Model| model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
        check("Correct", play, &at_rest(&[found("ant", 1, 2, 1)]), 0);
        check("Correct", play, &at_rest(&[found("ant", 2, 2, 1)]), 1);
        check("Correct", play, &at_rest(&[found("ant", 1, 3, 1)]), 1);
        check("Correct", play, &at_rest(&[]), 1);
        check("Correct", play, &at_rest(&[found("ant", 1, 2, 1), found("bee", 1, 1, 1)]), 1);
        check("Correct", play, &at_rest(&[found("ant", 1, 2, 1), found("yak", 1, 1, 1)]), 1);
    }

    #[test]
    fn what_somebody_did_stays_only_where_it_is_reported() {
        let play = |model: &mut Model| {
            model.commit(commit(&[("ant", Says::Good(spec(1, 2))), ("bee", Says::Good(spec(1, 2)))]));
            model.edited("ant", 5);
            model.deleted("bee");
        };
        check("Report", play, &at_rest(&[found("ant", 1, 5, 2)]), 0);
        check("Correct", play, &at_rest(&[found("ant", 1, 5, 2)]), 2);
        check("Correct", play, &at_rest(&[found("ant", 1, 2, 3), found("bee", 1, 2, 1)]), 0);
    }

    #[test]
    fn a_refused_manifest_leaves_what_was_there() {
        let play = |model: &mut Model| {
            model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
            model.commit(commit(&[("ant", Says::Bad)]));
        };
        check("Correct", play, &at_rest(&[found("ant", 1, 2, 1)]), 0);
        check("Correct", play, &at_rest(&[]), 0);
        check("Correct", play, &at_rest(&[found("ant", 7, 2, 1)]), 1);
    }

    #[test]
    fn what_is_gone_from_git_is_gone_or_a_reason_is_told() {
        let play = |model: &mut Model| {
            model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
            model.commit(commit(&[]));
        };
        let there = at_rest(&[found("ant", 1, 2, 1)]);
        check("Correct", play, &at_rest(&[]), 0);
        check("Correct", play, &there, 1);
        check("Correct", play, &AtRest { held: true, ..there }, 0);
    }

    #[test]
    fn what_nobody_touched_is_not_written() {
        let mut model = Model::new("Correct");
        model.commit(commit(&[("ant", Says::Good(spec(1, 2)))]));
        model.rest(&at_rest(&[found("ant", 1, 2, 1)]));
        assert_eq!(model.wrong(&at_rest(&[found("ant", 1, 2, 1)])), Vec::<String>::new());
        assert_eq!(model.wrong(&at_rest(&[found("ant", 1, 2, 2)])).len(), 1, "it was written");
    }
}
