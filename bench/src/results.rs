//! What was measured, for machines, and what it should have been.

use serde::{Deserialize, Serialize};

use crate::change::{Changed, Drifted};
use crate::children::WithChildren;
use crate::limit::{Bare, Kubectl};
use crate::plan::Plans;
use crate::source::History;
use crate::stats::median;
use crate::sync::{Cold, Unchanged};

/// Everything.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    /// When, as it was given.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Of what.
    pub versions: Versions,
    /// What a reader of these numbers must know beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Calls in flight, of the daemon and of the bare loop.
    pub concurrency: usize,
    /// By size.
    pub sizes: Vec<Size>,
    /// With the controller on.
    pub with_children: Option<WithChildren>,
    /// A repository with a long history, and the source alone. Earlier results have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// What should have come of it, and what did.
    #[serde(skip_deserializing)]
    pub targets: Vec<Target>,
}

/// The machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// Their name.
    pub processor: String,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Linux.
    pub kernel: String,
    /// What else ran: the load of the last minute when the benchmark began.
    pub load_before: f64,
}

/// Versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Versions {
    /// The daemon.
    pub gitmoor: String,
    /// The commit that it was built from.
    pub commit: String,
    /// The API server.
    pub kubernetes: String,
    /// Git, which serves.
    pub git: String,
}

/// One size of fleet.
#[derive(Debug, Serialize, Deserialize)]
pub struct Size {
    /// MicroServices, one file each.
    pub services: usize,
    /// Their namespaces.
    pub namespaces: usize,
    /// Bytes of all files.
    pub manifest_bytes: usize,
    /// The bare loop, in turn with the cold syncs.
    pub bare: Vec<Bare>,
    /// The daemon.
    pub cold: Vec<Cold>,
    /// The daemon, when all is there already.
    pub restart: Cold,
    /// Announcements without a commit.
    pub unchanged: Unchanged,
    /// Commits that touch no manifest.
    pub touched: Unchanged,
    /// One changed file.
    pub changed: Changed,
    /// One field changed by hand.
    pub drifted: Drifted,
    /// The plan alone. Earlier results have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plans: Option<Plans>,
    /// Most memory of the daemon at the end of all that.
    pub peak_bytes: u64,
    /// Its memory then.
    pub resident_bytes: u64,
    /// What others do.
    pub others: Option<Others>,
}

/// Others with the same fleet, side by side.
#[derive(Debug, Serialize, Deserialize)]
pub struct Others {
    /// The bare loop when all is there already.
    pub bare_again: Bare,
    /// `kubectl apply --server-side --recursive` into an empty cluster.
    pub kubectl_apply: Kubectl,
    /// The same when all is there already.
    pub kubectl_apply_again: Kubectl,
    /// `kubectl diff --server-side --recursive` then.
    pub kubectl_diff: Kubectl,
}

/// What should have been, and was or was not.
#[derive(Debug, Serialize)]
pub struct Target {
    /// Stable name.
    pub id: &'static str,
    /// MicroServices.
    pub services: usize,
    /// In words.
    pub what: &'static str,
    /// At most this.
    pub at_most: f64,
    /// What it is counted in.
    pub unit: &'static str,
    /// What was measured.
    pub measured: f64,
    /// Whether it is.
    pub met: bool,
    /// Why not.
    pub reason: Option<String>,
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cores, processor, memory_bytes, kernel, load_before } = self;
        let memory = memory_bytes / 1_000_000_000;
        write!(f, "{cores} cores ({processor}), {memory} GB, Linux {kernel}, load before {load_before}")
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { gitmoor, commit, kubernetes, git } = self;
        write!(f, "{gitmoor} at {commit}, Kubernetes {kubernetes}, {git}")
    }
}

impl Machine {
    /// Whether it had something else to do.
    pub fn was_busy(&self) -> bool {
        self.load_before > self.cores as f64 / 2.0
    }
}

impl Results {
    /// Whether the machine had something else to do: then times are no better than a hint.
    pub fn is_busy(&self) -> bool {
        self.machine.was_busy()
    }

    /// Compares with the targets.
    pub fn judged(mut self) -> Self {
        let busy = self.is_busy();
        self.targets = self.sizes.iter().flat_map(|size| size.targets(busy)).collect();
        self
    }
}

impl Size {
    /// Median of the bare loops, in seconds.
    pub fn bare_seconds(&self) -> f64 {
        median(self.bare.iter().map(|run| run.seconds))
    }

    /// Median of the cold syncs, in seconds.
    pub fn cold_seconds(&self) -> f64 {
        median(self.cold.iter().map(|run| run.seconds))
    }

    /// How much longer a cold sync takes than the bare loop.
    pub fn ratio(&self) -> f64 {
        self.cold_seconds() / self.bare_seconds()
    }

    /// Most memory of the daemon, in any of its runs.
    pub fn peak(&self) -> u64 {
        let runs = self.cold.iter().map(|run| run.peak_bytes);
        runs.chain([self.restart.peak_bytes, self.peak_bytes]).max().unwrap_or_default()
    }

    /// Megabytes that the daemon should stay under.
    pub fn memory_target(&self) -> f64 {
        if self.services > 1000 { 150.0 } else { 60.0 }
    }

    /// Every target of this size; `busy` says that the machine had something else to do.
    fn targets(&self, busy: bool) -> Vec<Target> {
        let runs = self.changed.applied.runs.max(1) as f64;
        let looks = (self.unchanged.calls.microservices() + self.touched.calls.microservices()) as f64;
        let all = [
            ("cold", "cold sync, as a multiple of a bare apply loop", 1.3, "×", self.ratio()),
            ("unchanged-calls", "calls for an unchanged pass", 0.0, "", self.unchanged.calls.total() as f64),
            ("touched-calls", "MicroService calls for a commit that touches none", 0.0, "", looks),
            ("unchanged-cpu", "CPU of an unchanged pass", 20.0, " ms", self.unchanged.cpu_ms),
            (
                "changed-median",
                "webhook until one changed file is applied, median",
                100.0,
                " ms",
                self.changed.applied.median,
            ),
            ("changed-writes", "MicroService writes for one changed file", 1.0, "", self.changed.writes as f64 / runs),
            ("drift-median", "hand edit until it is reported, median", 50.0, " ms", self.drifted.reported.median),
            ("memory", "peak memory without children", self.memory_target(), " MB", self.peak() as f64 / 1e6),
        ];
        let target = |(id, what, at_most, unit, measured): (&'static str, &'static str, f64, &'static str, f64)| {
            let met = measured <= at_most;
            let reason = (!met).then(|| reason(id, busy));
            Target { id, services: self.services, what, at_most, unit, measured, met, reason }
        };
        let plan = self.plans.as_ref().map(Plans::of_a_commit);
        let plan =
            plan.map(|median| ("plan", "the plan of a revision, without its writes, median", 50.0, " ms", median));
        all.into_iter().chain(plan).map(target).collect()
    }
}

/// Where the time or the memory goes, for a target that is missed.
fn reason(id: &str, busy: bool) -> String {
    let why = match id {
        "cold" => "beside the writes it starts, clones and parses, and the API server sends it every object once more",
        "changed-median" => {
            "most of the time is Git's: three requests to git http-backend, the last of which makes a shallow pack"
        }
        "drift-median" => "the way is an API call, a watch event and a comparison, and they wait for the same cores",
        "plan" => "every object is looked up, and what changed is compared field by field",
        "memory" => "every live object is kept with its managed fields, which tell who changed what",
        _ => "see the calls in results.json",
    };
    if busy {
        format!("the machine had other work at the same time, so the time is not the daemon's alone; {why}")
    } else {
        why.into()
    }
}

/// Holds a page of `docs` to what committed results give; where there are none, there must be no page either.
/// `UPDATE_GOLDEN=1` writes it.
#[cfg(test)]
pub fn check_page<T: serde::de::DeserializeOwned>(results: &str, page: &str, write: impl Fn(&T) -> String) {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let (results, path) = (root.join("bench/results").join(results), root.join("docs").join(page));
    let Ok(results) = std::fs::read_to_string(results) else {
        assert!(!path.exists(), "{} claims what nobody measured", path.display());
        return;
    };
    let wanted = write(&serde_json::from_str(&results).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == wanted, "docs/{page} is stale: UPDATE_GOLDEN=1 writes it");
}
