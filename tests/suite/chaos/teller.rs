//! Makes up stories: the same from the same seed each time.

use fastrand::Rng;

use super::history::{Hand, History, Moment, Server, Step, Strike};
use super::tree::{HERD, NAMES, Policy, Says, Spec, Tree};
use crate::support::storm::{Amid, Weather};

/// How many services the first commit declares.
const FIRST: usize = 6;
/// Commits back that an older copy may be.
const OLDER: usize = 4;
/// So far may a clock be wrong.
const SKEW: i64 = 900;
/// After so many kills all comes to rest.
const ROUND: usize = 10;

impl History {
    /// The story of a seed: its first commit, so many steps, and rest.
    pub fn of(seed: u64, count: usize) -> Self {
        let mut teller = Teller::new(seed);
        let mut steps = teller.beginning();
        for _ in 0..count {
            steps.push(teller.step());
            steps.extend(teller.random.bool().then(|| teller.wait()));
        }
        steps.push(Step::Rest);
        Self { steps, ..teller.history }
    }

    /// A story in which a daemon lacks one thing after the other, each while there is something to do.
    pub fn of_shortages(seed: u64) -> Self {
        let mut teller = Teller::new(seed);
        let daemon = 0;
        teller.alone();
        teller.history = History { daemons: 1, policy: Policy::Correct, follows: true, ..teller.history };
        let mut steps = vec![Step::Commit(teller.tree.clone()), Step::Rest];
        let shortages = [
            [Step::Disk { daemon, full: true }, Step::Disk { daemon, full: false }],
            [Step::Files { daemon, short: true }, Step::Files { daemon, short: false }],
            [Step::Clock { daemon, seconds: SKEW }, Step::Clock { daemon, seconds: -SKEW }],
            [Step::Memory { daemon }, Step::Clock { daemon, seconds: 0 }],
            [Step::Crash(Server::Api), Step::Crash(Server::Etcd)],
        ];
        for [begins, ends] in shortages {
            let (name, hand) = (teller.name(), teller.hand());
            steps.extend([begins, teller.good(), Step::Edit { name, replicas: 5, hand }]);
            steps.extend([Step::Wait { milliseconds: 1500 }, ends, teller.good()]);
        }
        steps.push(Step::Rest);
        Self { steps, ..teller.history }
    }

    /// A story of so many kills, each amid something else, in weather as it should be.
    pub fn of_kills(seed: u64, count: usize) -> Self {
        let mut teller = Teller::new(seed);
        teller.history.budget = 100;
        teller.alone();
        let mut steps = teller.beginning();
        for kill in 0..count {
            if kill % ROUND == 0 {
                steps.push(Step::Rest);
            }
            steps.push(teller.strike());
        }
        steps.push(Step::Rest);
        Self { steps, ..teller.history }
    }
}

struct Teller {
    random: Rng,
    tree: Tree,
    image: u32,
    secret: u32,
    commits: usize,
    history: History,
}

impl Teller {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let policy = if random.u8(..3) == 0 { Policy::Report } else { Policy::Correct };
        let history = History {
            seed,
            daemons: 1 + usize::from(seed % 2 == 1),
            policy,
            budget: [0, 20, 20, 50, 100, 100][random.usize(..6)],
            follows: random.bool(),
            private: random.bool(),
            second: random.u8(..3) == 0,
            steps: Vec::new(),
        };
        let mut teller = Self { random, tree: Tree::default(), image: 1, secret: 1, commits: 0, history };
        for name in &NAMES[..FIRST] {
            let spec = teller.spec();
            teller.tree.insert(name, Says::Good(spec));
        }
        teller
    }

    /// There is no second GitSync.
    fn alone(&mut self) {
        self.history.second = false;
        for name in NAMES {
            if let Some(Says::Good(spec)) = self.tree.get(name) {
                self.tree.insert(name, Says::Good(Spec { second: false, ..spec }));
            }
        }
    }

    /// Names that anything may happen to. The last one stays, where somebody must be in the folder of the second GitSync.
    fn names(&self) -> &'static [&'static str] {
        &NAMES[..NAMES.len() - usize::from(self.history.second)]
    }

    fn beginning(&mut self) -> Vec<Step> {
        if self.history.second {
            let stays = Spec { image: 1, second: true, ..Spec::default() };
            self.tree.insert(NAMES[NAMES.len() - 1], Says::Good(stays));
        }
        let mut steps = vec![Step::Commit(self.tree.clone())];
        // Most stories begin when all is well: what daemons do as they start is seen after each kill, too.
        steps.extend((self.random.u8(..4) > 0).then_some(Step::Rest));
        steps
    }

    fn step(&mut self) -> Step {
        match self.random.u8(..100) {
            0..=21 => self.commit(),
            22..=23 => self.huge(),
            24..=29 => self.git(),
            30..=38 => {
                let (name, hand) = (self.name(), self.hand());
                Step::Edit { name, replicas: self.random.u32(3..6), hand }
            }
            39..=40 => Step::Add { name: self.name(), hand: self.hand() },
            41..=44 => {
                let (name, hand) = (self.name(), self.hand());
                Step::EditChild { name, replicas: self.random.u32(3..6), hand }
            }
            45..=48 => Step::Delete { name: self.name() },
            49..=51 => Step::DeleteChild { name: self.name() },
            52 => self.secret(),
            53..=55 => Step::Policy(Policy::ALL[self.random.usize(..3)]),
            56..=57 => Step::Freeze { name: self.some_name() },
            58..=59 => Step::Thaw { name: self.some_name() },
            60 => Step::Suspend { both: self.random.bool() },
            61..=62 => Step::Resume,
            63..=65 => Step::Approve,
            66..=69 => Step::Kill { daemon: self.daemon() },
            70..=74 => self.strike(),
            75..=76 => Step::Restart { daemon: self.daemon() },
            77..=79 => self.stopped(),
            80..=88 => Step::Weather { daemon: self.daemon(), weather: self.weather() },
            89..=93 => self.scarce(),
            94 => Step::Crash(if self.random.bool() { Server::Api } else { Server::Etcd }),
            95..=97 => self.wait(),
            _ => Step::Rest,
        }
    }

    /// Mostly short, so that things meet; at times as long as daemons need to start.
    fn wait(&mut self) -> Step {
        let longest = if self.random.u8(..6) == 0 { 6000 } else { 600 };
        Step::Wait { milliseconds: self.random.u64(20..longest) }
    }

    /// Mostly shorter than a lease, and at times longer.
    fn stopped(&mut self) -> Step {
        let longest = if self.random.u8(..4) == 0 { 8000 } else { 3000 };
        Step::Pause { daemon: self.daemon(), milliseconds: self.random.u64(100..longest) }
    }

    /// Something that a daemon needs is short.
    fn scarce(&mut self) -> Step {
        let daemon = self.daemon();
        match self.random.u8(..8) {
            0..=2 => Step::Clock { daemon, seconds: self.random.i64(-SKEW..SKEW) },
            3..=4 => Step::Disk { daemon, full: self.random.bool() },
            5..=6 => Step::Files { daemon, short: self.random.bool() },
            _ => Step::Memory { daemon },
        }
    }

    /// Something of the Git server or of the branch.
    fn git(&mut self) -> Step {
        match self.random.u8(..6) {
            0 if self.history.follows || self.random.bool() => {
                self.change();
                Step::Rewrite(self.tree.clone())
            }
            0 => Step::Older { back: self.random.usize(1..OLDER) },
            1 if !self.history.follows => Step::Other,
            2 if self.history.private => Step::Rotate { milliseconds: self.random.u64(..1500) },
            _ => Step::Git { status: [0, 0, 500, 503, 404, 429][self.random.usize(..6)] },
        }
    }

    fn commit(&mut self) -> Step {
        for _ in 0..self.random.usize(1..4) {
            self.change();
        }
        self.commits += 1;
        Step::Commit(self.tree.clone())
    }

    /// Hundreds of services come, change, or go.
    fn huge(&mut self) -> Step {
        self.image += 1;
        self.tree.herd = match self.tree.herd {
            Some(_) if self.random.bool() => None,
            _ => Some((self.random.u32(HERD / 3..HERD), self.image)),
        };
        Step::Commit(self.tree.clone())
    }

    fn change(&mut self) {
        let name = self.name();
        let says = match (self.random.u8(..10), self.tree.get(name)) {
            (0..=2, Some(_)) if self.tree.len() > 2 => return self.tree.remove(name),
            (3, _) => Says::Bad,
            (4, Some(Says::Good(spec))) if self.history.second => {
                // It moves, and nothing else.
                Says::Good(Spec { second: !spec.second, ..spec })
            }
            _ => Says::Good(self.spec()),
        };
        self.tree.insert(name, says);
    }

    fn spec(&mut self) -> Spec {
        self.image += 1;
        let policy = (self.random.u8(..6) == 0).then(|| Policy::ALL[self.random.usize(..3)]);
        let second = self.history.second && self.random.u8(..3) == 0;
        Spec { image: self.image, replicas: self.random.u32(0..3), policy, second }
    }

    fn secret(&mut self) -> Step {
        self.secret += 1;
        Step::Secret { version: self.secret }
    }

    /// A kill amid something, with what brings that about.
    fn strike(&mut self) -> Step {
        let elected = self.history.daemons > 1;
        let amid = match self.random.u8(..if elected { 14 } else { 12 }) {
            0..=2 => Moment::Api(Amid::Apply),
            3..=4 => Moment::Api(Amid::Prune),
            5..=6 => Moment::Api(Amid::Status),
            7..=8 => Moment::Api(Amid::Child),
            9..=11 => Moment::Fetch,
            _ => Moment::Api(Amid::Lease),
        };
        let then = match amid {
            Moment::Api(Amid::Prune) => self.removal(),
            Moment::Api(Amid::Lease) => Step::Wait { milliseconds: 20 },
            _ => self.good(),
        };
        Step::Strike { strike: Strike { amid, after: self.random.bool() }, then: Box::new(then) }
    }

    /// A commit that changes something and breaks nothing.
    fn good(&mut self) -> Step {
        for name in NAMES {
            if self.tree.get(name) == Some(Says::Bad) {
                let spec = self.spec();
                self.tree.insert(name, Says::Good(spec));
            }
        }
        let (name, spec) = (self.name(), self.spec());
        self.tree.insert(name, Says::Good(Spec { policy: None, second: false, ..spec }));
        Step::Commit(self.tree.clone())
    }

    /// A commit that makes one go.
    fn removal(&mut self) -> Step {
        let gone = self.names().iter().rfind(|name| self.tree.get(name).is_some());
        if let Some(name) = gone.filter(|_| self.tree.len() > 2) {
            self.tree.remove(name);
            return Step::Commit(self.tree.clone());
        }
        self.good()
    }

    fn name(&mut self) -> &'static str {
        let names = self.names();
        names[self.random.usize(..names.len())]
    }

    fn some_name(&mut self) -> Option<&'static str> {
        self.random.bool().then(|| self.name())
    }

    fn hand(&mut self) -> Hand {
        Hand::ALL[self.random.usize(..Hand::ALL.len())]
    }

    fn daemon(&mut self) -> usize {
        self.random.usize(..self.history.daemons)
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
    let all: Vec<_> = (0..40).flat_map(|seed| History::of(seed, 100).steps).collect();
    let words: std::collections::BTreeSet<_> = all.iter().map(Step::word).collect();
    assert_eq!(words.len(), 30, "{words:?}");
    assert!(all.iter().any(|step| matches!(step, Step::Commit(tree) if tree.is_bad())));
    assert!(all.iter().any(|step| matches!(step, Step::Commit(tree) if tree.herd.is_some())));
}

#[test]
fn where_there_is_one_gitsync_nothing_is_the_seconds() {
    for seed in 0..40 {
        for history in [History::of(seed, 40), History::of_kills(seed, 20), History::of_shortages(seed)] {
            let seconds = history.steps.iter().any(|step| format!("{step:?}").contains("/second"));
            assert!(history.second || !seconds, "{history:#?}");
        }
    }
}

#[test]
fn kills_come_amid_everything() {
    let all: Vec<_> = (0..20).flat_map(|seed| History::of_kills(seed, 20).steps).collect();
    let strikes: std::collections::BTreeSet<_> = all
        .iter()
        .filter_map(|step| match step {
            Step::Strike { strike, .. } => Some(format!("{strike:?}")),
            _ => None,
        })
        .collect();
    assert_eq!(strikes.len(), 12, "{strikes:?}");
}
