//! What happens in a story: a list of steps from a seed, which plays again as it was. Nothing here does anything.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::support::storm::Weather;

/// Names of all services that a story may have.
pub const NAMES: [&str; 8] = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"];
/// Those that its first commit declares.
const FIRST: usize = 6;

/// What Git says about one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// An image and a number of replicas.
    Good(Spec),
    /// A manifest that is refused.
    Bad,
}

/// What of a service stories change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Version of its image.
    pub image: u32,
    pub replicas: u32,
}

/// All that Git declares, by name.
pub type Tree = BTreeMap<&'static str, Says>;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A commit with all that it declares.
    Commit(Tree),
    /// The branch is another one: not a descendant of what was there.
    Rewrite(Tree),
    /// Somebody changes a service.
    Edit {
        name: &'static str,
        replicas: u32,
    },
    /// Somebody changes the Deployment of a service.
    EditChild {
        name: &'static str,
        replicas: u32,
    },
    /// Somebody deletes a service.
    Delete {
        name: &'static str,
    },
    /// Somebody deletes the Deployment of a service.
    DeleteChild {
        name: &'static str,
    },
    Suspend,
    Resume,
    /// Whoever watches over the GitSync approves what is held.
    Approve,
    /// A daemon is killed at once, and another started.
    Kill {
        daemon: usize,
    },
    /// A daemon is told to end, and another started.
    Restart {
        daemon: usize,
    },
    /// A daemon is stopped for so long and goes on.
    Pause {
        daemon: usize,
        milliseconds: u64,
    },
    /// The way to the API server is like that from now on.
    Weather {
        daemon: usize,
        weather: Weather,
    },
    /// The Git server answers with that status from now on; 0 is as it should.
    Git {
        status: u16,
    },
    /// Time passes.
    Wait {
        milliseconds: u64,
    },
    /// Everything is well again and comes to rest.
    Rest,
}

/// A story before it is played.
#[derive(Debug, Clone)]
pub struct History {
    pub seed: u64,
    /// How many daemons there are, of which one leads.
    pub daemons: usize,
    /// What is done about drift.
    pub policy: &'static str,
    /// How many may be deleted without a word.
    pub budget: &'static str,
    pub steps: Vec<Step>,
}

impl History {
    /// The story of a seed: its first commit, so many steps, and rest.
    pub fn of(seed: u64, count: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let daemons = 1 + usize::from(seed % 2 == 1);
        let policy = if random.u8(..3) == 0 { "Report" } else { "Correct" };
        let budget = if random.u8(..3) == 0 { "20%" } else { "100%" };
        let mut teller = Teller { random, tree: Tree::new(), image: 1, daemons };
        for name in &NAMES[..FIRST] {
            let spec = teller.spec();
            teller.tree.insert(name, Says::Good(spec));
        }
        let mut steps = vec![Step::Commit(teller.tree.clone())];
        // Most stories begin when all is well: what daemons do as they start is seen after each kill, too.
        steps.extend((teller.random.u8(..4) > 0).then_some(Step::Rest));
        for _ in 0..count {
            steps.push(teller.step());
            steps.extend(teller.random.bool().then(|| teller.wait()));
        }
        steps.push(Step::Rest);
        Self { seed, daemons, policy, budget, steps }
    }
}

struct Teller {
    random: Rng,
    tree: Tree,
    image: u32,
    daemons: usize,
}

impl Teller {
    fn step(&mut self) -> Step {
        match self.random.u8(..100) {
            0..=27 => self.commit(),
            28..=29 => {
                self.change();
                Step::Rewrite(self.tree.clone())
            }
            30..=37 => Step::Edit { name: self.name(), replicas: self.random.u32(3..6) },
            38..=43 => Step::EditChild { name: self.name(), replicas: self.random.u32(3..6) },
            44..=47 => Step::Delete { name: self.name() },
            48..=51 => Step::DeleteChild { name: self.name() },
            52..=53 => Step::Suspend,
            54..=56 => Step::Resume,
            57..=59 => Step::Approve,
            60..=68 => Step::Kill { daemon: self.daemon() },
            69..=70 => Step::Restart { daemon: self.daemon() },
            71..=73 => Step::Pause { daemon: self.daemon(), milliseconds: self.random.u64(100..3000) },
            74..=84 => Step::Weather { daemon: self.daemon(), weather: self.weather() },
            85..=88 => Step::Git { status: [0, 0, 500, 503, 404][self.random.usize(..5)] },
            89..=95 => self.wait(),
            _ => Step::Rest,
        }
    }

    /// Mostly short, so that things meet; at times as long as daemons need to start.
    fn wait(&mut self) -> Step {
        let longest = if self.random.u8(..6) == 0 { 6000 } else { 600 };
        Step::Wait { milliseconds: self.random.u64(20..longest) }
    }

    fn commit(&mut self) -> Step {
        for _ in 0..self.random.usize(1..4) {
            self.change();
        }
        Step::Commit(self.tree.clone())
    }

    fn change(&mut self) {
        let name = self.name();
        let says = match (self.random.u8(..10), self.tree.get(name)) {
            (0..=2, Some(_)) if self.tree.len() > 2 => {
                self.tree.remove(name);
                return;
            }
            (3, _) => Says::Bad,
            _ => Says::Good(self.spec()),
        };
        self.tree.insert(name, says);
    }

    fn spec(&mut self) -> Spec {
        self.image += 1;
        Spec { image: self.image, replicas: self.random.u32(0..3) }
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.random.usize(..NAMES.len())]
    }

    fn daemon(&mut self) -> usize {
        self.random.usize(..self.daemons)
    }

    fn weather(&mut self) -> Weather {
        match self.random.u8(..10) {
            0..=2 => Weather::Calm,
            3..=7 => Weather::Rough(self.random.u8(3..40)),
            8 => Weather::Silent,
            _ => Weather::Closed,
        }
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time_and_another_one_another() {
    let told = |seed| History::of(seed, 60).steps;
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

#[test]
fn every_step_is_told_some_day() {
    let all: Vec<_> = (0..20).flat_map(|seed| History::of(seed, 100).steps).collect();
    let names: std::collections::BTreeSet<_> =
        all.iter().map(|step| format!("{step:?}").split([' ', '(']).next().unwrap_or_default().to_owned()).collect();
    assert_eq!(names.len(), 16, "{names:?}");
    assert!(all.iter().any(|step| matches!(step, Step::Commit(tree) if tree.values().any(|says| *says == Says::Bad))));
}
