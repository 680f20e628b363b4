//! The one table of metrics. Registration, the typed access to each series, the removal of a GitSync's series and
//! docs/metrics.md all follow from it.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{
    AlertResult, CallResult, Domain, DriftLevel, FetchResult, LabelValue, ObjectState, PausedKind, ReconcileResult,
    SyncResult, Verb,
};
use super::process;
use crate::api::drift::Ended;
use crate::api::gitsync::DriftPolicy;
use crate::api::notify::TargetType;
use crate::model::{ChangeKind, ObjectKey};

/// A gauge of seconds.
type Seconds = Gauge<f64, std::sync::atomic::AtomicU64>;
/// One series' labels.
type Labels = Vec<(&'static str, String)>;
/// All series of one metric.
type Series<M> = Family<Labels, M, fn() -> M>;

/// Upper bounds in seconds for what takes milliseconds.
const CALLS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];
/// Upper bounds in seconds for what takes milliseconds, or waits for its turn.
const CORRECTIONS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 300.0];
/// Upper bounds in seconds for what takes seconds.
const WORK: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0];
/// Upper bounds in seconds for what may take until the next poll, or until a person acts.
const WAITS: [f64; 10] = [0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// One metric, as the document shows it.
#[derive(Debug)]
pub(super) struct Row {
    /// With its suffix.
    pub name: &'static str,
    /// OpenMetrics type.
    pub kind: &'static str,
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, Domain)>,
    /// What it says.
    pub help: &'static str,
}

/// An OpenMetrics type.
trait Kind {
    const KIND: &'static str;
}

impl Kind for Counter {
    const KIND: &'static str = "counter";
}

impl<N, A> Kind for Gauge<N, A> {
    const KIND: &'static str = "gauge";
}

impl Kind for Histogram {
    const KIND: &'static str = "histogram";
}

macro_rules! contract {
    ($($name:ident: $metric:ident = $make:expr; { $($label:ident: $type:ty),* } $help:literal)*) => {
        /// Every metric that is counted as things happen.
        #[derive(Debug)]
        pub(super) struct Families {
            $($name: Series<$metric>,)*
        }

        impl Families {
            /// All of them, registered and without series.
            pub(super) fn register(registry: &mut Registry) -> Self {
                let families = Self { $($name: Family::new_with_constructor($make),)* };
                $(
                    let name = concat!("gitmoor_", stringify!($name));
                    // The encoder puts the suffix of counters and the full stop of the help back.
                    let name = name.strip_suffix("_total").unwrap_or(name);
                    registry.register(name, $help.trim_end_matches('.'), families.$name.clone());
                )*
                families
            }

            /// Removes the series of a GitSync.
            pub(super) fn forget(&self, sync: &ObjectKey) {
                $(
                    let labels: &[(&'static str, Domain)] = &[$((stringify!($label), <$type>::DOMAIN)),*];
                    for series in series_of(sync, labels) {
                        self.$name.remove(&series);
                    }
                )*
            }

            $(
                pub(super) fn $name(&self, $($label: $type),*) -> $metric {
                    self.$name.get_or_create_owned(&vec![$((stringify!($label), $label.text())),*])
                }
            )*
        }

        /// The whole contract, in the order of the document.
        pub(super) fn rows() -> Vec<Row> {
            let counted = [$(Row {
                name: concat!("gitmoor_", stringify!($name)),
                kind: <$metric as Kind>::KIND,
                labels: vec![$((stringify!($label), <$type>::DOMAIN)),*],
                help: $help,
            }),*];
            let measured = process::METRICS.iter().map(process::Measured::row);
            counted.into_iter().chain(measured).collect()
        }
    };
}

contract! {
    syncs_total: Counter = Counter::default; { sync: &ObjectKey, result: SyncResult }
        "Syncs that ended."
    sync_duration_seconds: Histogram = || Histogram::new(WORK); { sync: &ObjectKey, result: SyncResult }
        "How long a sync took, from the trigger's turn to the last outcome."
    fetch_duration_seconds: Histogram = || Histogram::new(WORK); { sync: &ObjectKey, result: FetchResult }
        "How long a look at the source took."
    source_last_success_timestamp_seconds: Seconds = Seconds::default; { sync: &ObjectKey }
        "When the source was last seen, changed or not, in seconds since 1970. Its age says how stale the cluster may be."
    commit_to_applied_seconds: Histogram = || Histogram::new(WAITS); { sync: &ObjectKey }
        "Time between a commit and the end of applying it."
    objects: Gauge = Gauge::default; { sync: &ObjectKey, state: ObjectState }
        "MicroServices of a GitSync by state; one may be in several."
    plan_held: Gauge = Gauge::default; { sync: &ObjectKey }
        "1 while some deletions of a GitSync wait for approval, or for a new name to be ready; else 0."
    drifted_objects: Gauge = Gauge::default; { level: DriftLevel }
        "MicroServices that differ now, from Git (source) or in their children (workload)."
    fought_objects: Gauge = Gauge::default; { level: DriftLevel }
        "MicroServices that somebody keeps rewriting now, themselves (source) or in their children (workload): corrections come slowly."
    fights_total: Counter = Counter::default; { level: DriftLevel }
        "Fights that began."
    paused_objects: Gauge = Gauge::default; { kind: PausedKind }
        "Objects whose corrections a person has paused now."
    drift_fields: Gauge = Gauge::default; { sync: &ObjectKey, level: DriftLevel }
        "Fields that differ now, of what a GitSync applied (source) and of the children of its MicroServices (workload)."
    drift_episodes_total: Counter = Counter::default; { policy: DriftPolicy, level: DriftLevel, kind: &'static str, change: ChangeKind }
        "Drifts of a field that began, by the kind of their object and by what is done about it."
    drift_ended_total: Counter = Counter::default; { level: DriftLevel, ended: Ended }
        "Drifts of a field that ended, by how."
    drift_corrected_seconds: Histogram = || Histogram::new(CORRECTIONS); { level: DriftLevel }
        "How long a field that was put back had differed, from when it was seen."
    reconcile_duration_seconds: Histogram = || Histogram::new(WORK); { result: ReconcileResult }
        "How long reconciling one MicroService took."
    queue_depth: Gauge = Gauge::default; { queue: &'static str }
        "What waits to be worked on, by queue."
    api_calls_total: Counter = Counter::default; { verb: Verb, resource: &'static str, result: CallResult }
        "Calls to the API server, by the plural of the resource."
    api_call_duration_seconds: Histogram = || Histogram::new(CALLS); { verb: Verb }
        "How long calls to the API server took, until their answer began."
    webhook_requests_total: Counter = Counter::default; { result: &'static str }
        "Requests to the webhook listener; result is the word in the answer's body: queued, ignored, pong, forbidden and so on."
    alerts_total: Counter = Counter::default; { target: TargetType, result: AlertResult }
        "Messages and commit statuses for the targets of spec.notify, by the type of the target and what came of them."
    defaults_invalid: Gauge = Gauge::default; {}
        "1 while the ConfigMap with the operator's defaults is invalid or cannot be read, so that the last good ones hold; else 0."
    stalled_loops: Gauge = Gauge::default; {}
        "Loops that make no progress now; the log says which, and where they stand. Liveness fails while it is not 0."
    leader: Gauge = Gauge::default; {}
        "1 in the process that acts, 0 in one that stands by. Where the sum is not 1 for longer than a lease, nobody acts."
    build_info: Gauge = Gauge::default; { version: &'static str }
        "Always 1; the version is in the label."
}

/// The label sets that the series of a GitSync can have. None for a metric without the label `sync`.
fn series_of(sync: &ObjectKey, labels: &[(&'static str, Domain)]) -> Vec<Labels> {
    if !labels.iter().any(|(name, _)| *name == "sync") {
        return Vec::new();
    }
    labels.iter().fold(vec![Vec::new()], |sets, (name, domain)| {
        let values = match domain {
            Domain::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Domain::Described(_) => vec![sync.to_string()],
        };
        let extended = |set: &Labels| -> Vec<Labels> {
            values.iter().map(|value| [set.as_slice(), &[(*name, value.clone())]].concat()).collect()
        };
        sets.iter().flat_map(extended).collect()
    })
}
