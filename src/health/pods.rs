//! What keeps the newest pods from serving, in their own words: the one thing that tells most.

use serde_json::Value;

/// What is known of one pod; small, so that many fit in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodSummary {
    /// Name.
    pub name: String,
    /// Whether it passes its readiness probe.
    pub ready: bool,
    /// Whether it is being deleted, or has run to its end.
    pub leaving: bool,
    /// The scheduler's words, where no node will do.
    pub unschedulable: Option<String>,
    /// Its containers, init containers first.
    pub containers: Vec<ContainerSummary>,
}

/// From so many restarts on, a container that runs is taken to be in a loop still. Fewer may be
/// long ago: an unready pod that once restarted has another trouble.
const LOOP: i64 = 3;

/// What is known of one container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Name.
    pub name: String,
    /// Why it does not run, where it waits.
    pub waiting: Option<Waiting>,
    /// How it last ended, where it did.
    pub last_exit: Option<LastExit>,
    /// Whether it is running now.
    pub running: bool,
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
}

/// Kinds of trouble, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TroubleKind {
    /// Pods could not even be created.
    ReplicaFailure,
    /// The image cannot be had.
    ImagePullFailed,
    /// The container cannot be made from its spec.
    ContainerConfigError,
    /// It ends again and again.
    CrashLoop,
    /// No node will do.
    Unschedulable,
    /// It does not serve, and gives no reason: any pod that starts is here for a while.
    NotReady,
}

/// What keeps a pod from serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which kind.
    pub kind: TroubleKind,
    /// CamelCase word for machines; it does not flap while the trouble stays the same.
    pub reason: String,
    /// Sentence for people.
    pub message: String,
}

/// The most telling trouble of the newest pods. Of equal ones, that of the pod whose name comes
/// first: the answer does not depend on the order of the pods.
pub fn pod_trouble(pods: &[PodSummary]) -> Option<Trouble> {
    let troubled =
        pods.iter().filter(|pod| !pod.leaving && !pod.ready).filter_map(|pod| Some((trouble(pod)?, &pod.name)));
    troubled.min_by(|(a, pod_a), (b, pod_b)| (a.kind, pod_a).cmp(&(b.kind, pod_b))).map(|(trouble, _)| trouble)
}

impl PodSummary {
    /// Reads a pod as the API server sends it. What it does not say stays empty.
    pub fn from_json(pod: &Value) -> Self {
        let status = &pod["status"];
        let condition = |kind: &str| {
            status["conditions"]
                .as_array()?
                .iter()
                .find(|condition| condition["type"] == kind)
                .filter(|c| c.is_object())
        };
        let containers = |list: &str| status[list].as_array().into_iter().flatten();
        let init = containers("initContainerStatuses").map(|container| ContainerSummary::from_json(container, true));
        let main = containers("containerStatuses").map(|container| ContainerSummary::from_json(container, false));
        Self {
            name: text(&pod["metadata"]["name"]),
            ready: condition("Ready").is_some_and(|ready| ready["status"] == "True"),
            leaving: !pod["metadata"]["deletionTimestamp"].is_null()
                || matches!(status["phase"].as_str(), Some("Succeeded" | "Failed")),
            unschedulable: condition("PodScheduled")
                .filter(|scheduled| scheduled["status"] == "False" && scheduled["reason"] == "Unschedulable")
                .map(|scheduled| text(&scheduled["message"])),
            containers: init.chain(main).collect(),
        }
    }
}

impl ContainerSummary {
    fn from_json(container: &Value, init: bool) -> Self {
        let state = &container["state"];
        let ended =
            [&state["terminated"], &container["lastState"]["terminated"]].into_iter().find(|end| end.is_object());
        Self {
            name: text(&container["name"]),
            waiting: state["waiting"].is_object().then(|| Waiting {
                reason: text(&state["waiting"]["reason"]),
                message: text(&state["waiting"]["message"]),
            }),
            last_exit: ended
                .map(|end| LastExit { code: end["exitCode"].as_i64().unwrap_or(0), reason: text(&end["reason"]) }),
            running: state["running"].is_object(),
            ended: state["terminated"].is_object() && !(init && state["terminated"]["exitCode"] == 0),
            restarts: container["restartCount"].as_i64().unwrap_or(0),
        }
    }
}

fn trouble(pod: &PodSummary) -> Option<Trouble> {
    let of_containers = pod.containers.iter().filter_map(|container| container_trouble(pod, container));
    let of_pod = pod.unschedulable.as_ref().map(|words| Trouble {
        kind: TroubleKind::Unschedulable,
        reason: "Unschedulable".into(),
        message: format!("no node for pod {}: {}", pod.name, or(words, "the scheduler gives no reason")),
    });
    of_containers.chain(of_pod).chain([not_ready(pod)]).min_by_key(|trouble| trouble.kind)
}

fn container_trouble(pod: &PodSummary, container: &ContainerSummary) -> Option<Trouble> {
    let who = format!("container {} of pod {}", container.name, pod.name);
    let Waiting { reason, message } = container.waiting.clone().unwrap_or_default();
    let (kind, word, message) = match reason.as_str() {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "ImageInspectError"
        | "SignatureValidationFailed" => {
            let words = without_back_off(&message);
            (TroubleKind::ImagePullFailed, "ImagePullFailed", format!("{who}: {}", or(words, &reason)))
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PostStartHookError" => {
            let words = format!("{who}: {}{}", or(&message, &reason), hint(&message));
            (TroubleKind::ContainerConfigError, reason.as_str(), words)
        }
        "CrashLoopBackOff" => (TroubleKind::CrashLoop, "CrashLoopBackOff", crash(&who, container)),
        // Between two back-offs it runs, or has just ended: the loop is the same.
        _ if container.ended || container.running && container.restarts >= LOOP => {
            (TroubleKind::CrashLoop, "CrashLoopBackOff", crash(&who, container))
        }
        _ => return None,
    };
    Some(Trouble { kind, reason: word.to_owned(), message })
}

/// The kubelet's message about the back-off changes with every round; how it ended does not.
fn crash(who: &str, container: &ContainerSummary) -> String {
    let restarts = match container.restarts {
        0 => "no restart".to_owned(),
        1 => "1 restart".to_owned(),
        count => format!("{count} restarts"),
    };
    match &container.last_exit {
        Some(LastExit { code, reason }) if reason.is_empty() || reason == "Error" || reason == "Completed" => {
            format!("{who} exited with code {code}, {restarts} so far")
        }
        Some(LastExit { code, reason }) => format!("{who} exited with code {code} ({reason}), {restarts} so far"),
        None => format!("{who} keeps ending, {restarts} so far"),
    }
}

/// The kubelet says the same error with and without this, in turns.
fn without_back_off(message: &str) -> &str {
    match message.strip_prefix("Back-off pulling image ").and_then(|rest| rest.split_once("\": ")) {
        Some((_, error)) => {
            error.split_once(": ").filter(|(word, _)| *word == "ErrImagePull").map_or(error, |(_, e)| e)
        }
        None => message,
    }
}

/// What to do about an image that the Restricted profile refuses.
fn hint(message: &str) -> &'static str {
    if message.contains("runAsNonRoot") || message.contains("run as root") {
        "; run the image as another user than root, or set securityProfile: Baseline"
    } else {
        ""
    }
}

fn not_ready(pod: &PodSummary) -> Trouble {
    let waiting = pod.containers.iter().find_map(|container| Some((container, container.waiting.as_ref()?)));
    let message = match waiting {
        Some((container, waiting)) => {
            format!(
                "container {} of pod {} waits: {}",
                container.name,
                pod.name,
                or(&waiting.reason, "no reason given")
            )
        }
        None if !pod.containers.is_empty() && pod.containers.iter().any(|container| container.running) => {
            format!("pod {} runs, but its readiness probe does not succeed yet", pod.name)
        }
        None => format!("pod {} has not started", pod.name),
    };
    Trouble { kind: TroubleKind::NotReady, reason: "NotReady".into(), message }
}

fn or<'a>(words: &'a str, otherwise: &'a str) -> &'a str {
    if words.is_empty() { otherwise } else { words }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
