//! A daemon of a story with all that it lives in: its way to the API server, its disk, its clock, and whoever starts it again
//! when it ends.

use std::process::Command;

use jiff::Timestamp;

use super::judge::Start;
use super::surroundings::{Clock, Disk};
use crate::support::alone::{Alone, Credentials};
use crate::support::daemon::Daemon;
use crate::support::log::Log;
use crate::support::storm::{Amid, Counts, Storm, Weather};

/// A lease that a slow machine can renew in time.
const ELECTION: [&str; 7] =
    ["--leader-elect", "--lease-duration", "5s", "--renew-deadline", "3s", "--retry-period", "500ms"];
/// Bytes of memory that a daemon gets beside what it has, where it is short: less than its next look at anything needs.
const CRUMBS: u64 = 1 << 20;

/// A daemon and whoever keeps it.
pub struct Keeper {
    credentials: Credentials,
    storm: Storm,
    disk: Disk,
    clock: Option<Clock>,
    elected: bool,
    running: Option<Running>,
    /// What those that have ended have logged.
    logs: Vec<Log>,
    /// When each was started.
    starts: Vec<Start>,
}

struct Running {
    daemon: Daemon,
    /// Memory was short: how it ends is its own affair.
    starved: bool,
}

impl Keeper {
    /// Its clock is its own only where a story needs that: who asks for the time is slower then.
    pub async fn new(alone: &Alone, seed: u64, elected: bool, skewed: bool, counts: Counts) -> Self {
        let credentials = alone.credentials().await;
        let storm = Storm::before(&credentials.kubeconfig(), seed, counts).await;
        let clock = if skewed { Clock::new() } else { None };
        let (disk, running, logs, starts) = (Disk::new(), None, Vec::new(), Vec::new());
        let mut keeper = Self { credentials, storm, disk, clock, elected, running, logs, starts };
        keeper.keep();
        keeper
    }

    /// Starts another where one has ended, as Kubernetes would; whether that was so.
    pub fn keep(&mut self) -> bool {
        if self.is_running() {
            return false;
        }
        self.ended();
        // To another process nobody has told what there was: it takes the first list for what is so.
        self.storm.forget();
        let cache = self.disk.path().to_str().unwrap();
        let mut flags = vec!["--cache-dir", cache];
        flags.extend(ELECTION.iter().filter(|_| self.elected));
        let environment = self.clock.as_ref().map(Clock::environment).unwrap_or_default();
        self.starts.push(Start { token: self.credentials.id.clone(), at: Timestamp::now() });
        let daemon = Daemon::spawn_in(&self.storm.kubeconfig(), &flags, &environment);
        self.running = Some(Running { daemon, starved: false });
        true
    }

    pub fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| running.daemon.is_running())
    }

    /// Whether it has ended because it was killed.
    pub fn was_killed(&mut self) -> bool {
        self.running.as_mut().is_some_and(|running| running.daemon.was_killed())
    }

    /// Kills it, and starts another; whether there was one to be killed.
    pub fn kill(&mut self) -> bool {
        let running = self.is_running();
        if let Some(running) = &self.running {
            running.daemon.signal_if_there("KILL");
        }
        while self.is_running() {
            std::thread::yield_now();
        }
        self.keep();
        running
    }

    pub fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// What the last one has logged is kept, unless it was not itself.
    fn ended(&mut self) {
        if let Some(running) = self.running.take()
            && !running.starved
        {
            self.logs.push(running.daemon.log.clone());
        }
    }

    pub fn signal(&self, name: &str) {
        if let Some(running) = &self.running {
            running.daemon.signal_if_there(name);
        }
    }

    /// What all but the starved have logged.
    pub fn logs(&self) -> Vec<Log> {
        let now = self.running.iter().filter(|running| !running.starved).map(|running| &running.daemon.log);
        self.logs.iter().chain(now).cloned().collect()
    }

    /// What the one that runs has logged.
    pub fn log(&self) -> Option<Log> {
        self.running.as_ref().map(|running| running.daemon.log.clone())
    }

    /// Whether the one that runs has said that it leads.
    pub fn leads(&self) -> bool {
        !self.elected || self.log().is_some_and(|log| !log.lines(|line| line["message"] == "leading").is_empty())
    }

    pub fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.daemon.process())
    }

    pub fn weather(&self, weather: Weather) {
        self.storm.becomes(weather);
    }

    /// It is killed when it asks for that next.
    pub fn aim(&self, amid: Amid, after: bool) {
        if let Some(process) = self.process() {
            self.storm.aim(process, amid, after);
        }
    }

    /// Nobody is killed by the way.
    pub fn spare(&self) {
        self.storm.rest();
    }

    /// Whether its clock could be set.
    pub fn clock(&self, seconds: i64) -> bool {
        self.clock.as_ref().is_some_and(|clock| clock.set(seconds))
    }

    /// Whether its disk could be filled or emptied.
    pub fn disk(&self, full: bool) -> bool {
        self.disk.fill(full)
    }

    /// It may open no more files than it has, or as many as usual.
    pub fn files(&self, short: bool) -> bool {
        let Some(process) = self.process() else { return false };
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
        limit(process, "nofile", &if short { format!("{open}:") } else { "1024:".into() })
    }

    /// It gets no more memory than it has, until it ends.
    pub fn starve(&mut self) -> bool {
        let Some(running) = &mut self.running else { return false };
        let process = running.daemon.process();
        let status = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        let pages: Option<u64> = status.split(' ').next().and_then(|pages| pages.parse().ok());
        let starved = pages.is_some_and(|pages| limit(process, "as", &format!("{}:", pages * 4096 + CRUMBS)));
        running.starved |= starved;
        starved
    }

    /// All that it lives in is as it should be.
    pub fn heal(&mut self) {
        self.weather(Weather::Calm);
        self.spare();
        self.signal("CONT");
        self.clock(0);
        self.disk(false);
        self.files(false);
        if let Some(process) = self.process().filter(|_| self.running.as_ref().is_some_and(|one| one.starved)) {
            limit(process, "as", "unlimited:");
        }
    }
}

/// Bounds what a process gets; the bound beyond which it may not raise that stays as it is.
fn limit(process: u32, what: &str, bound: &str) -> bool {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &process.to_string(), &format!("--{what}={bound}")]);
    command.output().is_ok_and(|output| output.status.success())
}
