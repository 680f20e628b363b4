//! What is kept of a pod: as much as tells what keeps it from serving, and no more, for there are many.
//!
//! Reads the JSON that the API server sends. It judges nothing; what a pod does not say stays empty.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What is known of one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodSummary {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Hash of the template that it was made from: pods of one version have the same.
    pub version: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Since when its node has it.
    pub taken: Option<Timestamp>,
    /// Whether it passes its readiness probe.
    pub ready: bool,
    /// Whether it is being deleted, or has run to its end.
    pub leaving: bool,
    /// How its node gave it up, where it did.
    pub lost: Option<Lost>,
    /// The scheduler's words, where no node will do.
    pub unschedulable: Option<String>,
    /// What is said of readiness gates, where only they are missing.
    pub gates: Option<String>,
    /// Its containers, init containers first; none of a pod that is ready, for nobody asks.
    pub containers: Vec<ContainerSummary>,
}

/// How a node gave a pod up: evicted it, or never took it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// CamelCase word of the kubelet.
    pub reason: String,
    /// The kubelet's words; may be empty.
    pub message: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// What a container is for its pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// It serves.
    #[default]
    Main,
    /// It has to end well before others start.
    Init,
    /// It runs beside those that serve.
    Sidecar,
}

/// What is known of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Name.
    pub name: String,
    /// What it is for its pod.
    pub role: Role,
    /// Why it does not run, where it waits.
    pub waiting: Option<Waiting>,
    /// How it last ended, where it did.
    pub last_exit: Option<LastExit>,
    /// Whether it is running now.
    pub running: bool,
    /// Since when, where the kubelet says.
    pub running_since: Option<Timestamp>,
    /// How long its probes give it, from its start, until they count it as failing.
    pub patience: SignedDuration,
    /// Whether it passes its readiness probe.
    pub ready: bool,
    /// Whether its startup probe has yet to succeed.
    pub starting: bool,
    /// Whether it has ended now, and was not meant to: an init container ends well with code 0.
    pub ended: bool,
    /// How often it was restarted.
    pub restarts: i64,
}

/// Why a container waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// CamelCase word of the kubelet.
    pub reason: String,
    /// The kubelet's words; may be empty.
    pub message: String,
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastExit {
    /// Exit code.
    pub code: i64,
    /// Word of the kubelet, as `OOMKilled`.
    pub reason: String,
    /// Words of the runtime, where it could not even start. What the program itself left as its last message is not
    /// kept: nobody knows what is in it.
    pub message: String,
}

/// The label that tells versions apart.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// Seconds between two tries of a probe that does not say, and failures that it takes.
const PERIOD: i64 = 10;
/// Failures in a row that a probe takes which does not say.
const FAILURES: i64 = 3;
/// Even without probes the kubelet takes a moment to say that a container is ready.
const MOMENT: SignedDuration = SignedDuration::from_secs(2);

impl PodSummary {
    /// Reads a pod as the API server sends it.
    pub fn from_json(pod: &Value) -> Self {
        let (metadata, status) = (&pod["metadata"], &pod["status"]);
        let conditions = list(&status["conditions"]);
        let condition = |kind: &str| conditions.iter().find(|condition| condition["type"] == kind);
        let ready = condition("Ready").is_some_and(|ready| ready["status"] == "True");
        let failed = status["phase"] == "Failed";
        let leaving = !metadata["deletionTimestamp"].is_null();
        Self {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            version: text(&metadata["labels"][TEMPLATE_HASH]),
            created: time(&metadata["creationTimestamp"]),
            taken: time(&status["startTime"]),
            ready,
            leaving: leaving || failed || status["phase"] == "Succeeded",
            lost: (failed && !leaving && status["reason"].is_string()).then(|| Lost {
                reason: text(&status["reason"]),
                message: text(&status["message"]),
                at: conditions.iter().filter_map(|one| time(&one["lastTransitionTime"])).max(),
            }),
            unschedulable: condition("PodScheduled")
                .filter(|scheduled| scheduled["status"] == "False" && scheduled["reason"] == "Unschedulable")
                .map(|scheduled| text(&scheduled["message"])),
            gates: condition("Ready")
                .filter(|ready| ready["reason"] == "ReadinessGatesNotReady")
                .map(|ready| text(&ready["message"])),
            containers: if ready { Vec::new() } else { containers(pod) },
        }
    }
}

fn containers(pod: &Value) -> Vec<ContainerSummary> {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let init = list(&status["initContainerStatuses"]).iter().map(|container| {
        let declared = named(&spec["initContainers"], &container["name"]);
        let sidecar = declared["restartPolicy"] == "Always";
        ContainerSummary::from_json(container, declared, if sidecar { Role::Sidecar } else { Role::Init })
    });
    let main = list(&status["containerStatuses"]).iter().map(|container| {
        ContainerSummary::from_json(container, named(&spec["containers"], &container["name"]), Role::Main)
    });
    init.chain(main).collect()
}

impl ContainerSummary {
    fn from_json(container: &Value, declared: &Value, role: Role) -> Self {
        let state = &container["state"];
        let last = &container["lastState"]["terminated"];
        let ended = [&state["terminated"], last].into_iter().find(|end| end.is_object());
        let done = role == Role::Init && state["terminated"]["exitCode"] == 0;
        Self {
            name: text(&container["name"]),
            role,
            waiting: state["waiting"].is_object().then(|| Waiting {
                reason: text(&state["waiting"]["reason"]),
                message: text(&state["waiting"]["message"]),
            }),
            last_exit: ended.map(LastExit::from_json),
            running: state["running"].is_object(),
            running_since: time(&state["running"]["startedAt"]),
            patience: patience(declared),
            ready: container["ready"] == true,
            starting: state["running"].is_object() && container["started"] == false,
            ended: state["terminated"].is_object() && !done,
            restarts: container["restartCount"].as_i64().unwrap_or(0),
        }
    }
}

impl LastExit {
    fn from_json(end: &Value) -> Self {
        let reason = text(&end["reason"]);
        let by_runtime = matches!(reason.as_str(), "StartError" | "ContainerCannotRun");
        let message = if by_runtime { text(&end["message"]) } else { String::new() };
        Self { code: end["exitCode"].as_i64().unwrap_or(0), reason, message }
    }
}

/// What its probes give a container: each the time of as many failures as it takes.
fn patience(declared: &Value) -> SignedDuration {
    let of_probe = |probe: &Value| {
        let number = |field: &str, otherwise: i64| probe[field].as_i64().unwrap_or(otherwise).clamp(0, i32::MAX.into());
        let seconds =
            number("initialDelaySeconds", 0) + number("periodSeconds", PERIOD) * number("failureThreshold", FAILURES);
        SignedDuration::from_secs(if probe.is_object() { seconds } else { 0 })
    };
    let probes = of_probe(&declared["startupProbe"]).saturating_add(of_probe(&declared["readinessProbe"]));
    probes.saturating_add(MOMENT)
}

fn named<'a>(containers: &'a Value, name: &Value) -> &'a Value {
    list(containers).iter().find(|container| container["name"] == *name).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
