//! What stories did, counted: each run writes it down, and the page about it is made of that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::history::{History, Step};
use crate::support::audit::Deed;
use crate::support::plane::root;
use crate::support::storm::{Counts, count};

/// Counts of one run.
pub struct Figures {
    began: Instant,
    /// Steps of a story, or its kills, where all have as many.
    length: Option<usize>,
    seeds: Vec<u64>,
    steps: BTreeMap<String, usize>,
    kills: BTreeMap<String, usize>,
    faults: Counts,
    /// Kills for which what they wait for never came.
    missed: usize,
    /// Daemons that were started again.
    started_again: usize,
    rests: usize,
    /// Versions of objects that the judges read.
    moments: usize,
    reads: usize,
    writes: usize,
    /// Of those, by daemons of which one leads; and what they asked of the Lease.
    elected: usize,
    leases: usize,
    wrong: Vec<u64>,
}

impl Figures {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            length: None,
            seeds: Vec::new(),
            steps: BTreeMap::new(),
            kills: BTreeMap::new(),
            faults: Counts::default(),
            missed: 0,
            started_again: 0,
            rests: 0,
            moments: 0,
            reads: 0,
            writes: 0,
            elected: 0,
            leases: 0,
            wrong: Vec::new(),
        }
    }

    /// Of stories that have so many steps, or kills.
    pub fn of_stories(length: usize) -> Self {
        Self { length: Some(length), ..Self::new() }
    }

    /// Where those who break something count what they did.
    pub fn faults(&self) -> Counts {
        Arc::clone(&self.faults)
    }

    pub fn step(&mut self, step: &Step) {
        *self.steps.entry(step.word()).or_default() += 1;
    }

    /// Something was broken, where that could be done on this machine.
    pub fn fault(&self, what: &str, done: bool) {
        if done {
            count(&self.faults, what);
        }
    }

    pub fn killed(&mut self, when: &str) {
        *self.kills.entry(when.to_owned()).or_default() += 1;
    }

    /// Daemons that were killed.
    pub fn kills(&self) -> usize {
        self.kills.values().sum()
    }

    pub fn missed(&mut self) {
        self.missed += 1;
    }

    pub fn ended(&mut self) {
        self.started_again += 1;
    }

    pub fn rested(&mut self) {
        self.rests += 1;
    }

    /// A story is over, with so much to judge.
    pub fn story(&mut self, history: &History, moments: usize, deeds: &[Deed], leases: usize) {
        self.seeds.push(history.seed);
        self.moments += moments;
        let writes = deeds.iter().filter(|deed| deed.is_write()).count();
        self.writes += writes;
        self.reads += deeds.len() - writes;
        if history.daemons > 1 {
            self.elected += writes;
            self.leases += leases;
        }
    }

    /// The story of that seed went wrong.
    pub fn wrong(&mut self, seed: u64) {
        self.wrong.push(seed);
    }

    /// All of it, with the machine that it is of.
    pub fn record(&self) -> Value {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone();
        json!({
            "seconds": self.began.elapsed().as_secs(),
            "date": jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            "machine": machine(),
            "commit": commit(),
            "length": self.length,
            "stories": self.seeds.len(),
            "seeds": self.seeds,
            "wrong": self.wrong,
            "steps": self.steps,
            "kills": self.kills,
            "kills that missed": self.missed,
            "daemons started again": self.started_again,
            "rests": self.rests,
            "moments": self.moments,
            "reads": self.reads,
            "writes": self.writes,
            "writes of replicas": self.elected,
            "calls about leases": self.leases,
            "faults": faults,
        })
    }

    /// Writes it down, for whoever wants to read it after the run.
    pub fn write(&self, name: &str) {
        let folder = std::env::var_os("GITMOOR_CHAOS_RECORD")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos"), PathBuf::from);
        std::fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string_pretty(&self.record()).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), text + "\n").unwrap();
    }
}

/// The record of several runs that went side by side: what each counted is added, and they took as long as the longest.
pub fn together(records: &[Value]) -> Value {
    let mut all = json!({});
    for record in records {
        for (name, value) in record.as_object().unwrap() {
            add(&mut all[name], name, value);
        }
    }
    all
}

fn add(to: &mut Value, name: &str, more: &Value) {
    match (&mut *to, more) {
        (Value::Null, _) => *to = more.clone(),
        // These are of the machine, and of each story alone.
        (_, _) if ["machine", "length"].contains(&name) => {}
        (Value::Array(list), Value::Array(more)) => list.extend(more.iter().cloned()),
        (Value::Object(_), Value::Object(more)) => {
            for (name, value) in more {
                add(&mut to[name], name, value);
            }
        }
        (Value::Number(_), Value::Number(_)) => {
            let (one, other) = (to.as_u64().unwrap(), more.as_u64().unwrap());
            *to = if name == "seconds" { one.max(other) } else { one + other }.into();
        }
        _ => {}
    }
}

/// What this was built from, as Git calls it.
fn commit() -> Option<String> {
    let mut describe = Command::new("git");
    describe.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(root());
    let output = describe.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The machine that this runs on, as far as figures depend on it.
fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        Some(text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1.trim().to_owned())
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let kilobytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    json!({
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "memory": format!("{} GiB", kilobytes >> 20),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "architecture": std::env::consts::ARCH,
    })
}

#[test]
fn what_was_counted_is_in_the_record() {
    let mut figures = Figures::of_stories(5);
    let history = History::of(7, 5);
    history.steps.iter().for_each(|step| figures.step(step));
    figures.killed("before Fetch");
    figures.killed("before Fetch");
    figures.fault("clock jump", true);
    figures.fault("full disk of the store", false);
    figures.story(&history, 12, &[], 3);
    let record = figures.record();
    assert_eq!(
        (&record["stories"], &record["moments"], &record["calls about leases"]),
        (&json!(1), &json!(12), &json!(3))
    );
    assert_eq!((&record["kills"], &record["faults"]), (&json!({"before Fetch": 2}), &json!({"clock jump": 1})));
    let steps: u64 = record["steps"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(usize::try_from(steps).unwrap(), history.steps.len());
    assert!(record["machine"]["cores"].as_u64() > Some(0), "{record:#}");
    assert_eq!(record["length"], 5);
}

#[test]
fn what_several_runs_counted_is_added() {
    let record = |seconds: u64, seed: u64, kills: Value| {
        let machine = json!({"cores": 2});
        json!({"seconds": seconds, "date": "2026-01-02", "length": 20, "machine": machine, "seeds": [seed], "wrong": [], "kills": kills})
    };
    let (one, other) = (record(7, 1, json!({"apply": 2})), record(9, 2, json!({"apply": 3, "fetch": 1})));
    let mut both = record(9, 1, json!({"apply": 5, "fetch": 1}));
    both["seeds"] = json!([1, 2]);
    assert_eq!(together(&[one.clone(), other]), both);
    assert_eq!(together(std::slice::from_ref(&one)), one);
}
