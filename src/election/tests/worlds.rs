//! Many small worlds: candidates with clocks of their own, and an API server that is slow, loses requests and loses
//! answers. Whatever happens, no two lead at a time, and somebody leads when nothing is wrong.

use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use super::{millis, seconds};
use crate::election::{Candidate, Record, Step, Stored, Times};

/// Time goes by in these steps.
const TICK: Duration = Duration::from_millis(50);

/// A call under way.
struct Call {
    /// What is written; nothing for a read.
    write: Option<(Option<String>, Record)>,
    begun: Duration,
    /// When it reaches the server, if it does.
    arrives: Option<Duration>,
    /// When its answer is back, if it comes.
    answers: Option<Duration>,
    /// When it is given up.
    given_up: Duration,
    answer: Option<Result<Option<Stored>, ()>>,
}

struct Process {
    candidate: Candidate,
    /// The time at which it began: its own clock counts from there, and its wall clock is off by hours.
    born: Duration,
    wall: Timestamp,
    call: Option<Call>,
    /// It does nothing before that time: a machine that stops the process, or starves it.
    frozen: Duration,
    /// Cut off from the server until then.
    cut: Duration,
    /// It has ended what it did, and gives the lease away.
    ended: bool,
}

struct World {
    rng: Rng,
    now: Duration,
    times: Times,
    lease: Option<Stored>,
    version: u64,
    processes: Vec<Process>,
    born: u64,
    /// Whether things go wrong.
    trouble: bool,
    leaders: Vec<String>,
}

impl World {
    fn new(seed: u64, times: Times) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            now: Duration::ZERO,
            times,
            lease: None,
            version: 0,
            processes: Vec::new(),
            born: 0,
            trouble: true,
            leaders: Vec::new(),
        }
    }

    fn process(&mut self) -> Process {
        self.born += 1;
        let hours = self.rng.i64(-50_000..50_000);
        Process {
            candidate: Candidate::new(format!("p{}", self.born), self.times),
            born: self.now,
            wall: Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap(),
            call: None,
            frozen: Duration::ZERO,
            cut: Duration::ZERO,
            ended: false,
        }
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.trouble && self.rng.u32(0..one_in) == 0
    }

    fn some_time(&mut self, longest: Duration) -> Duration {
        millis(self.rng.u64(0..=u64::try_from(longest.as_millis()).unwrap()))
    }

    fn call(&mut self, cut: bool, write: Option<(Option<String>, Record)>) -> Call {
        let slow = if self.chance(4) { self.times.renew() } else { millis(20) };
        let arrives = self.now + self.some_time(slow);
        let lost = cut || self.chance(8);
        let answers = arrives + self.some_time(slow);
        let unanswered = lost || self.chance(8);
        Call {
            write,
            begun: self.now,
            arrives: (!lost).then_some(arrives),
            answers: (!unanswered).then_some(answers),
            given_up: self.now + self.times.renew() / 2,
            answer: None,
        }
    }

    /// What the API server does with a call that reaches it.
    fn serve(&mut self, write: &Option<(Option<String>, Record)>) -> Result<Option<Stored>, ()> {
        let Some((version, record)) = write else { return Ok(self.lease.clone()) };
        if version.as_deref() != self.lease.as_ref().map(|lease| lease.version.as_str()) {
            return Err(());
        }
        self.version += 1;
        self.lease = Some(Stored { record: record.clone(), version: self.version.to_string() });
        Ok(self.lease.clone())
    }

    fn tick(&mut self) {
        self.now += TICK;
        let mut processes = std::mem::take(&mut self.processes);
        self.rng.shuffle(&mut processes);
        for mut process in processes {
            if !self.step(&mut process) {
                // It ends, as the program does, and is started anew.
                process = self.process();
            }
            self.processes.push(process);
        }
        self.lead_alone();
    }

    /// Returns whether the process lives on.
    fn step(&mut self, process: &mut Process) -> bool {
        if self.chance(400) {
            process.frozen = self.now + self.some_time(self.times.lease() * 2);
        }
        if self.chance(200) {
            process.cut = self.now + self.some_time(self.times.lease() * 2);
        }
        if self.chance(600) {
            return false;
        }
        let mut call = process.call.take();
        if let Some(call) = &mut call
            && call.arrives.is_some_and(|arrives| arrives <= self.now)
            && call.answer.is_none()
        {
            call.answer = Some(self.serve(&call.write));
        }
        process.call = call;
        if process.frozen > self.now {
            return true;
        }
        let own = self.now - process.born;
        if let Some(call) = process.call.take() {
            let back = call.answers.is_some_and(|answers| answers <= self.now && answers <= call.given_up);
            if process.ended && (back || self.now >= call.given_up) {
                return false;
            }
            match (back, call.answer.clone(), &call.write) {
                (true, Some(Ok(stored)), None) => process.candidate.saw(stored, own),
                (true, Some(Ok(Some(stored))), Some(_)) => {
                    process.candidate.wrote(stored, call.begun - process.born, own);
                }
                (true, Some(Err(())), _) => process.candidate.refused(),
                _ if self.now >= call.given_up => {
                    let spread = self.rng.f64();
                    process.candidate.failed(own, spread);
                }
                _ => process.call = Some(call),
            }
            if process.call.is_some() {
                return !self.is_over(process);
            }
        } else if self.chance(3) && process.cut <= self.now && process.candidate.leads_until().is_none() {
            // The watch brings it, sometimes late or not at all.
            process.candidate.saw(self.lease.clone(), own);
        }
        if self.chance(500)
            && let Some((version, record)) = process.candidate.release(own, process.wall)
        {
            process.call = Some(self.call(process.cut > self.now, Some((Some(version), record))));
            process.ended = true;
            return true;
        }
        match process.candidate.next(own, process.wall) {
            Step::Wait(_) => {}
            Step::Read => process.call = Some(self.call(process.cut > self.now, None)),
            Step::Write { version, record } => {
                process.call = Some(self.call(process.cut > self.now, Some((version, record))));
            }
            Step::Lost(_) => return false,
        }
        true
    }

    /// A leader ends by its clock, whatever it waits for.
    fn is_over(&self, process: &Process) -> bool {
        matches!(process.candidate.next(self.now - process.born, process.wall), Step::Lost(_))
    }

    /// Nobody may act while somebody else may: a frozen process that led counts until its own deadline only, because a
    /// call after that is refused by its clock.
    fn lead_alone(&mut self) {
        let leads = |process: &&Process| {
            !process.ended
                && process
                    .candidate
                    .leads_until()
                    .is_some_and(|until| process.born + until + self.times.margin() / 2 > self.now)
        };
        let leaders: Vec<_> =
            self.processes.iter().filter(leads).map(|process| process.candidate.holder().to_owned()).collect();
        assert!(leaders.len() <= 1, "at {:?}: {leaders:?}", self.now);
        if let Some(leader) = leaders.first()
            && self.leaders.last() != Some(leader)
        {
            self.leaders.push(leader.clone());
        }
    }
}

#[test]
fn no_two_lead_at_a_time_whatever_happens_and_somebody_leads_when_all_is_well() {
    let mut changes = 0;
    for seed in 0..120 {
        let times =
            if seed % 2 == 0 { super::usual() } else { Times::new(seconds(2), millis(1500), millis(300)).unwrap() };
        let mut world = World::new(seed, times);
        let processes: Vec<_> = (0..3).map(|_| world.process()).collect();
        world.processes = processes;
        for _ in 0..4000 {
            world.tick();
        }
        changes += world.leaders.len();
        world.trouble = false;
        for process in &mut world.processes {
            (process.frozen, process.cut) = (Duration::ZERO, Duration::ZERO);
        }
        let calm = world.now;
        while world.now < calm + times.lease() * 4 {
            world.tick();
        }
        let leads = |process: &Process| process.candidate.leads_until().is_some();
        assert_eq!(world.processes.iter().filter(|process| leads(process)).count(), 1, "seed {seed}");
        let leader = world.leaders.last().cloned();
        for _ in 0..1000 {
            world.tick();
        }
        assert_eq!(world.leaders.last().cloned(), leader, "seed {seed}: who leads stays when nothing happens");
    }
    // Otherwise the worlds were too calm to show anything.
    assert!(changes > 500, "{changes}");
}
