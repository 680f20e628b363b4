//! How far one cluster goes, by the lines through what was measured and the limits of others; and over how many clusters
//! more are spread. Pure.

use crate::cost::{Cost, FullRow, SyncRow};
use crate::fit::Line;

/// What Kubernetes is tested with, as its scalability group says: Services of a cluster.
pub const SERVICES: f64 = 10_000.0;
/// And pods.
pub const PODS: f64 = 150_000.0;
/// What etcd suggests at most, in bytes.
pub const ETCD: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;
/// Of that, what objects may take: versions of them are kept until they are compacted, and a file has gaps.
const ETCD_SHARE: f64 = 0.5;
/// Memory that a daemon may have, in bytes.
pub const MEMORY: f64 = 4.0 * 1024.0 * 1024.0 * 1024.0;
/// How long a commit that changes everything may take, in seconds.
pub const PATIENCE: f64 = 600.0;

/// How long a daemon that starts may take until it has seen everything, in seconds.
pub const START: f64 = 60.0;

/// A figure, and the line through it.
#[derive(Debug, Clone)]
pub struct Figure {
    /// In words.
    pub what: &'static str,
    /// How its values are shown.
    pub unit: Unit,
    /// The line.
    pub line: Line,
}

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Millions of bytes.
    Megabytes,
    /// Seconds.
    Seconds,
    /// Thousandths of one.
    Millis,
    /// A number.
    Calls,
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Wall {
    /// In words.
    pub what: String,
    /// At how many MicroServices.
    pub at: f64,
    /// What it is about.
    pub why: &'static str,
}

/// All lines.
#[derive(Debug, Clone)]
pub struct Model {
    /// Without children.
    pub sync: Vec<Figure>,
    /// With children.
    pub full: Vec<Figure>,
    /// Most memory, with children.
    pub peak: Line,
    /// Memory at rest, with children.
    pub resident: Line,
    /// Start until all is seen, with children.
    pub restart: Line,
    /// CPU seconds of a changed file, with children.
    pub change: Line,
    /// The cache on disk.
    pub cache: Line,
    /// What the API server holds for one MicroService and its children, in bytes.
    pub object_bytes: f64,
    /// Pods of one MicroService.
    pub pods: f64,
    /// Writes of the daemon for one MicroService that is new.
    pub writes: f64,
    /// Writes of the API server in a second.
    pub writes_per_second: f64,
    /// The largest size that was measured with children.
    pub measured: usize,
}

impl Model {
    /// The lines through what was measured; none of fewer than two sizes of each.
    pub fn of(cost: &Cost) -> Option<Self> {
        let sync = |what, unit, of: fn(&SyncRow) -> f64| figure(&cost.sync, what, unit, |row| row.services, of);
        let full = |what, unit, of: fn(&FullRow) -> f64| figure(&cost.full, what, unit, |row| row.services, of);
        let last = cost.full.iter().max_by_key(|row| row.services)?;
        let count = last.services as f64;
        let pods = last.watched.iter().filter(|kind| kind.kind == "Pod").map(|kind| kind.objects).sum::<u64>() as f64;
        let bytes = last.watched.iter().map(|kind| kind.bytes).sum::<u64>() as f64;
        let peak = full("memory, peak", Unit::Megabytes, |row| row.peak_bytes.max(row.restart.peak_bytes) as f64)?;
        let resident = full("memory at rest", Unit::Megabytes, |row| row.resident_bytes as f64)?;
        let restart = full("a restart, until all is seen", Unit::Seconds, |row| row.restart.seconds)?;
        let change = full("CPU of a changed file, with its rollout", Unit::Millis, |row| {
            row.changes.cpu_seconds / row.changes.changes.max(1) as f64
        })?;
        let cache = sync("the cache on disk", Unit::Megabytes, |row| row.cache_bytes as f64)?;
        let model = Self {
            peak: peak.line,
            resident: resident.line,
            restart: restart.line,
            change: change.line,
            cache: cache.line,
            object_bytes: bytes / count,
            pods: pods / count,
            writes: last.calls.all_writes() as f64 / count,
            writes_per_second: cost.writes_per_second,
            measured: last.services,
            sync: vec![
                sync("memory, peak of the first sync", Unit::Megabytes, |row| row.first.peak_bytes as f64)?,
                sync("memory at rest", Unit::Megabytes, |row| row.resident_bytes as f64)?,
                sync("the first sync", Unit::Seconds, |row| row.first.seconds)?,
                sync("its CPU", Unit::Seconds, |row| row.first.cpu_seconds)?,
                sync("its calls", Unit::Calls, |row| row.first.calls.total() as f64)?,
                sync("a start with the cache", Unit::Seconds, |row| row.warm.seconds)?,
                sync("a start with an empty cache", Unit::Seconds, |row| row.without_cache.seconds)?,
                sync("CPU of a look that finds nothing new", Unit::Millis, |row| row.look.cpu_ms / 1000.0)?,
                sync("CPU of a changed file", Unit::Millis, |row| row.changed.cpu_ms / 1000.0)?,
                sync("a changed file, from the webhook until applied, median", Unit::Millis, |row| {
                    row.changed.applied.median / 1000.0
                })?,
                sync("calls of a changed file", Unit::Calls, |row| {
                    row.changed.calls.total() as f64 / row.changed.applied.runs.max(1) as f64
                })?,
                cache,
            ],
            full: vec![
                peak,
                resident,
                full("until the last object is written, from nothing", Unit::Seconds, |row| row.applied_seconds)?,
                full("until all are ready, from nothing", Unit::Seconds, |row| row.seconds)?,
                full("CPU for that", Unit::Seconds, |row| row.cpu_seconds)?,
                full("calls for that", Unit::Calls, |row| row.calls.total() as f64)?,
                change,
                full("calls of a changed file, with its rollout", Unit::Calls, |row| {
                    row.changes.calls.total() as f64 / row.changes.changes.max(1) as f64
                })?,
                restart,
                full("CPU of a restart", Unit::Seconds, |row| row.restart.cpu_seconds)?,
            ],
        };
        Some(model)
    }

    /// What breaks, and at how many MicroServices of one cluster; what breaks first comes first.
    pub fn walls(&self) -> Vec<Wall> {
        let mut walls = vec![
            Wall { what: "10,000 Services".into(), at: SERVICES, why: SERVICES_WHY },
            Wall {
                what: format!("150,000 pods, at {:.1} a service", self.pods),
                at: PODS / self.pods.max(f64::MIN_POSITIVE),
                why: PODS_WHY,
            },
            Wall {
                what: format!("half of 8 GiB of etcd, at {:.0} kB a service", self.object_bytes / 1000.0),
                at: ETCD * ETCD_SHARE / self.object_bytes.max(1.0),
                why: ETCD_WHY,
            },
            Wall {
                what: format!(
                    "ten minutes for a commit that changes everything, at {:.1} writes a service and {:.0} a second",
                    self.writes, self.writes_per_second
                ),
                at: PATIENCE * self.writes_per_second / self.writes.max(f64::MIN_POSITIVE),
                why: WRITES_WHY,
            },
        ];
        // What does not grow is in nobody's way.
        if let Some(at) = self.peak.reaches(MEMORY) {
            walls.push(Wall { what: "4 GiB of memory for the daemon".into(), at, why: MEMORY_WHY });
        }
        if let Some(at) = self.restart.reaches(START) {
            walls.push(Wall {
                what: "a minute until a daemon that starts has seen everything".into(),
                at,
                why: START_WHY,
            });
        }
        walls.sort_by(|one, other| one.at.total_cmp(&other.at));
        walls
    }

    /// What a daemon with so many MicroServices should ask for and be allowed.
    pub fn request(&self, services: f64) -> Request {
        let mebi = 1024.0 * 1024.0;
        let up = |bytes: f64, step: f64| (bytes / mebi / step).ceil() * step;
        // A quarter more than was seen at rest.
        let memory = up(self.resident.at(services) * 1.25, 32.0).max(64.0);
        Request {
            memory,
            limit: up(self.peak.at(services) * HEADROOM, 128.0).max(256.0).max(memory),
            // One changed file a second.
            cpu: ((self.change.at(services) * 1000.0 / 10.0).ceil() * 10.0).max(50.0),
            // While a cache is compacted there are two.
            cache: up(self.cache.at(services) * 2.0, 64.0).max(64.0),
        }
    }
}

/// What a limit of memory is, by the peak of a first sync: many edits and commits at once took 1.8 times as much.
pub const HEADROOM: f64 = 2.0;

/// What a Deployment says; in mebibytes, and in thousandths of a core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Memory that it asks for.
    pub memory: f64,
    /// Memory that it may have.
    pub limit: f64,
    /// CPU that it asks for.
    pub cpu: f64,
    /// For its cache.
    pub cache: f64,
}

/// Clusters for so many MicroServices, where each takes so many.
pub fn shards(services: f64, each: f64) -> f64 {
    (services / each.max(1.0)).ceil()
}

fn figure<Row>(
    rows: &[Row],
    what: &'static str,
    unit: Unit,
    size: impl Fn(&Row) -> usize,
    of: impl Fn(&Row) -> f64,
) -> Option<Figure> {
    let points: Vec<(f64, f64)> = rows.iter().map(|row| (size(row) as f64, of(row))).collect();
    Some(Figure { what, unit, line: Line::through(&points)? })
}

const SERVICES_WHY: &str = "what Kubernetes is tested with; each MicroService with ports has a Service. Beyond it, rules of kube-proxy come late first";
const PODS_WHY: &str = "what Kubernetes is tested with, on 5,000 nodes";
const ETCD_WHY: &str = "beyond its quota etcd takes no writes. The other half is for versions that are not compacted yet, for Events, ReplicaSets \
     and EndpointSlices";
const WRITES_WHY: &str = "the API server writes no faster; newer commits go first, so they wait for none of it";
const START_WHY: &str =
    "the API server sends it every object once; the daemon that stands by has them already, and takes over at once";
const MEMORY_WHY: &str = "every live object is kept as it is, with its managed fields";

#[cfg(test)]
mod tests {
    use super::*;

    fn line(intercept: f64, slope: f64) -> Line {
        Line { intercept, slope, residual: 0.0 }
    }

    fn model() -> Model {
        Model {
            sync: Vec::new(),
            full: Vec::new(),
            peak: line(30e6, 40_000.0),
            resident: line(25e6, 30_000.0),
            restart: line(0.2, 0.001),
            change: line(0.02, 0.0),
            cache: line(1e6, 1000.0),
            object_bytes: 26_000.0,
            pods: 1.5,
            writes: 8.0,
            writes_per_second: 400.0,
            measured: 4000,
        }
    }

    #[test]
    fn walls_stand_in_the_order_in_which_one_meets_them() {
        let walls = model().walls();
        let at: Vec<u64> = walls.iter().map(|wall| wall.at.round() as u64).collect();
        assert_eq!(at, [10_000, 30_000, 59_800, 100_000, 106_624, 165_191]);
        assert!(walls[1].what.starts_with("ten minutes") && walls[5].what.starts_with("half of 8 GiB"), "{walls:?}");
    }

    #[test]
    fn what_does_not_grow_is_no_wall() {
        let flat = Model { peak: line(30e6, 0.0), restart: line(1.0, 0.0), pods: 0.0, ..model() };
        let walls = flat.walls();
        assert!(walls.iter().all(|wall| !wall.what.contains("memory") && !wall.what.contains("starts")), "{walls:?}");
        assert!(walls.last().is_some_and(|last| last.what.contains("pods") && last.at > 1e9), "{walls:?}");
    }

    #[test]
    fn requests_are_round_and_never_less_than_what_starts() {
        let check = |services: f64, expected: [f64; 4]| {
            let Request { memory, limit, cpu, cache } = model().request(services);
            assert_eq!([memory, limit, cpu, cache], expected, "{services}");
        };
        check(0.0, [64.0, 256.0, 50.0, 64.0]);
        check(1000.0, [96.0, 256.0, 50.0, 64.0]);
        check(10_000.0, [416.0, 896.0, 50.0, 64.0]);
        check(100_000.0, [3616.0, 7808.0, 50.0, 256.0]);
    }

    #[test]
    fn shards_are_whole() {
        assert_eq!(
            [(1.0, 10.0), (10.0, 10.0), (11.0, 10.0), (1e6, 1e4)].map(|(n, each)| shards(n, each)),
            [1.0, 1.0, 2.0, 100.0]
        );
    }
}
