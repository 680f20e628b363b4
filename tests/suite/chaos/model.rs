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
    /// Whether it took the place of the one before, and does not descend from it.
    pub rewrites: bool,
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
    /// Somebody deleted it, or a commit did not declare it, at any time.
    left: bool,
    /// Somebody or a commit did something to it.
    touched: bool,
    must: Must,
}

/// What of a service has to be so at rest: somebody did it by hand while the policy said that it stays and all of Git was
/// applied, and neither of these nor somebody changed anything about it since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Must {
    replicas: Option<u32>,
    added: bool,
    gone: bool,
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
    /// Services that are not declared, and whose deletion waits, as a status says.
    pub held: BTreeSet<String>,
    /// Whether the first GitSync is not ready, so that the second may have yet to do what Git says.
    pub waits: bool,
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
            known.left |= says.is_none();
            if says == before.get(name) {
                continue;
            }
            known.must = Must::default();
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
            for known in self.known.values_mut() {
                (known.touched, known.must) = (true, Must::default());
            }
        }
    }

    /// Whether what is done to a service follows other rules than those of its GitSync: its own, or those of the second one.
    pub fn is_special(&self, name: &str) -> bool {
        let special = |says| matches!(says, Some(Says::Good(spec)) if spec.second || spec.policy.is_some());
        self.commits.iter().any(|commit| special(commit.tree.get(name)))
    }

    pub fn edited(&mut self, name: &str, replicas: u32) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.edited.insert(replicas);
        }
    }

    /// The same, and it was done: whether it stays.
    pub fn is_edited(&mut self, name: &str, replicas: u32, stays: bool) {
        if let Some(known) = self.known.get_mut(name) {
            known.must.replicas = stays.then_some(replicas);
        }
    }

    pub fn added(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            known.touched = true;
            known.added = true;
        }
    }

    /// The same, and it was done: whether it stays.
    pub fn is_added(&mut self, name: &str, stays: bool) {
        if let Some(known) = self.known.get_mut(name) {
            known.must.added |= stays;
        }
    }

    /// It was deleted: whether it stays so.
    pub fn is_gone(&mut self, name: &str, stays: bool) {
        if let Some(known) = self.known.get_mut(name) {
            known.must = Must { gone: stays, ..Must::default() };
        }
    }

    pub fn deleted(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            (known.touched, known.deleted, known.left) = (true, true, true);
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
        let mut wrong = Vec::new();
        for (name, known) in &self.known {
            let live = found.services.get(*name).copied();
            let before = self.last.get(*name).copied();
            let says = head.get(name);
            let excuse = Excuse { keeps: self.keeps(name), waits: found.waits, held: found.held.contains(*name) };
            let why = known.judge(says, live, excuse).or_else(|| known.missed(says, before, live));
            if let Some(why) = why {
                wrong.push(format!("{name}: {why}: Git says {says:?}, and there is {live:?}; {known:?}"));
            }
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
                && found.waits
            {
                touched = spec.second || live.is_some_and(|live| live.spec.second);
                good.push(spec);
            }
            *known = Known { edited, good, deleted, added, left: false, touched, must: known.must };
        }
        self.last = found.services.clone();
    }
}

/// Why a service may not be as Git says.
#[derive(Debug, Clone, Copy)]
struct Excuse {
    /// What somebody does to it stays.
    keeps: bool,
    /// The second GitSync waits for the first.
    waits: bool,
    /// Its deletion is held, and a status says so.
    held: bool,
}

impl Known {
    /// What is not as it was, although nothing that happened is a reason.
    fn missed(&self, says: Option<Says>, before: Option<Found>, live: Option<Found>) -> Option<&'static str> {
        match live {
            Some(_) if self.must.gone => Some("somebody deleted it, which had to stay"),
            Some(live) if self.must.replicas.is_some_and(|replicas| replicas != live.spec.replicas) => {
                Some("what somebody edited had to stay")
            }
            Some(live) if self.must.added && !live.added => Some("what somebody added had to stay"),
            // Who moves comes and goes.
            None if says == Some(Says::Bad) && !self.left && !self.good.iter().any(|good| good.second) => {
                before.map(|_| "a refused manifest took it away")
            }
            _ => None,
        }
    }

    /// What is wrong with a service at rest.
    fn judge(&self, says: Option<Says>, live: Option<Found>, excuse: Excuse) -> Option<&'static str> {
        let Excuse { keeps, waits, held } = excuse;
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
            (None, Some(live)) => {
                let waits = waits && live.spec.second;
                (!held && !waits).then_some("it should be gone, and no reason is told")
            }
        }
    }
}

#[cfg(test)]
mod tests;
