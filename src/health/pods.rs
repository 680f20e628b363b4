//! What keeps the newest pods from serving, in their own words: the one thing that tells most.
//!
//! It decides by what the pods say and by the time that it is given. It never says of a pod that just starts that it is
//! in trouble.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::pod_summary::{ContainerSummary, LastExit, Lost, PodSummary, Role, Waiting};

/// From so many restarts on, a container that runs is taken to be in a loop still. Fewer may be
/// long ago: an unready pod that once restarted has another trouble.
const LOOP: i64 = 3;
/// How long the loss of a pod is told, if nothing else is wrong: what is lost stays there for ever.
const LOSS: SignedDuration = SignedDuration::from_mins(5);
/// How long a container may be in the making: a large image takes its time, and a volume that cannot be mounted for ever.
const MAKING: SignedDuration = SignedDuration::from_mins(2);
/// The kubelet's word for that.
const CREATING: &str = "ContainerCreating";
/// Bytes of the runtime's words.
const WORDS: usize = 256;

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
    /// It runs, and its probes have failed as often as they may.
    NotReady,
    /// Nodes gave pods up.
    Lost,
    /// It does not serve yet, and nothing is wrong so far: any pod that starts is here for a while.
    Starting,
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

/// The most telling trouble of a service's pods; what is wrong with the newest version before what is wrong with others.
/// Of equal ones, that of the pod whose name comes first: the answer does not depend on the order of the pods.
pub fn pod_trouble(pods: &[PodSummary], now: Timestamp) -> Option<Trouble> {
    let newest = newest_version(pods);
    let troubled = pods.iter().filter_map(|pod| Some((trouble(pod, now)?, pod)));
    let rank = |(trouble, pod): &(Trouble, &PodSummary)| {
        let elsewhere = newest.is_some_and(|newest| newest != pod.version);
        (trouble.kind == TroubleKind::Starting, elsewhere, trouble.kind)
    };
    troubled.min_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.1.name.cmp(&b.1.name))).map(|(trouble, _)| trouble)
}

/// When the answer may be another one although no pod says anything new.
pub fn look_again(pods: &[PodSummary], now: Timestamp) -> Option<Timestamp> {
    let waiting = || pods.iter().filter(|pod| !pod.leaving && !pod.ready);
    let probed = waiting().flat_map(|pod| &pod.containers).filter(|container| !container.ready).filter_map(due);
    let making = waiting().filter_map(made);
    let lost = pods.iter().filter_map(|pod| forgotten(pod.lost.as_ref()?));
    probed.chain(making).chain(lost).filter(|due| *due > now).min()
}

/// The newest version. No pod says which that is; but most versions begin after the one before, so it is the one whose
/// oldest pod is the youngest: an old version may replace a pod in the middle of a rollout. It is wrong where somebody
/// goes back to a version that has pods still, so it is a preference only.
fn newest_version(pods: &[PodSummary]) -> Option<&str> {
    let mut began: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.leaving) {
        let first = began.entry(&pod.version).or_insert(pod.created);
        *first = (*first).min(pod.created);
    }
    began.into_iter().max_by_key(|(_, first)| *first).map(|(version, _)| version)
}

fn trouble(pod: &PodSummary, now: Timestamp) -> Option<Trouble> {
    if let Some(lost) = &pod.lost {
        return forgotten(lost).is_some_and(|end| now < end).then(|| given_up(pod, lost));
    }
    if pod.ready || pod.leaving {
        return None;
    }
    let of_containers = pod.containers.iter().filter_map(|container| container_trouble(pod, container, now));
    let of_pod = pod.unschedulable.as_ref().map(|words| Trouble {
        kind: TroubleKind::Unschedulable,
        reason: "Unschedulable".into(),
        message: format!("no node for pod {}: {}", pod.name, or(words, "the scheduler gives no reason")),
    });
    of_containers.chain(of_pod).chain([not_ready(pod, now)]).min_by_key(|trouble| trouble.kind)
}

fn container_trouble(pod: &PodSummary, container: &ContainerSummary, now: Timestamp) -> Option<Trouble> {
    let who = who(pod, container);
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
        "CrashLoopBackOff" => crash(pod, container),
        // Between two back-offs it runs, or has just ended: the loop is the same.
        _ if container.ended || restarted(container, now) => crash(pod, container),
        _ => return None,
    };
    Some(Trouble { kind, reason: word.to_owned(), message })
}

/// Whether it runs only because it was restarted, and may end again any moment.
fn restarted(container: &ContainerSummary, now: Timestamp) -> bool {
    let fresh = due(container).is_some_and(|due| now < due);
    container.running && !container.ready && (container.restarts >= LOOP || container.restarts > 0 && fresh)
}

/// When its probes will have failed as often as they may.
fn due(container: &ContainerSummary) -> Option<Timestamp> {
    container.running_since?.checked_add(container.patience).ok()
}

/// The kubelet's message about the back-off changes with every round; how it ended does not.
fn crash(pod: &PodSummary, container: &ContainerSummary) -> (TroubleKind, &'static str, String) {
    let who = who(pod, container);
    let restarts = restarts(container);
    let exit = container.last_exit.clone().unwrap_or_default();
    let word = match exit.reason.as_str() {
        "" | "Error" | "Completed" => String::new(),
        word => format!(" ({word})"),
    };
    let ended = match &container.last_exit {
        Some(LastExit { code, .. }) => format!("{who} exited with code {code}{word}, {restarts} so far"),
        None => format!("{who} keeps ending, {restarts} so far"),
    };
    if !exit.message.is_empty() {
        return (TroubleKind::CrashLoop, "CrashLoopBackOff", format!("{ended}: {}", shortened(&exit.message)));
    }
    let (reason, limit) = match exit.reason.as_str() {
        "OOMKilled" => ("OOMKilled", "; it needs more memory than its limit allows"),
        _ => ("CrashLoopBackOff", ""),
    };
    // What has ended and is not restarted yet has no log before this one.
    let previous = if container.ended { "" } else { " --previous" };
    let log = format!("kubectl logs -n {} {} -c {}{previous}", pod.namespace, pod.name, container.name);
    (TroubleKind::CrashLoop, reason, format!("{ended}{limit}; its last words: {log}"))
}

fn restarts(container: &ContainerSummary) -> String {
    match container.restarts {
        0 => "no restart".to_owned(),
        1 => "1 restart".to_owned(),
        count => format!("{count} restarts"),
    }
}

fn given_up(pod: &PodSummary, lost: &Lost) -> Trouble {
    let (reason, did) = match lost.reason.as_str() {
        "Evicted" => ("Evicted", "was evicted by its node".to_owned()),
        word => ("PodFailed", format!("was given up by its node ({word})")),
    };
    let message = format!("pod {} {did}: {}", pod.name, or(&lost.message, "the node gives no reason"));
    Trouble { kind: TroubleKind::Lost, reason: reason.to_owned(), message }
}

fn forgotten(lost: &Lost) -> Option<Timestamp> {
    lost.at?.checked_add(LOSS).ok()
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

/// A pod whose containers say nothing that is wrong. What a probe got is in no status, only in Events of the pod.
fn not_ready(pod: &PodSummary, now: Timestamp) -> Trouble {
    let told = |kind, message| Trouble { kind, reason: "NotReady".into(), message };
    let waiting = pod.containers.iter().find_map(|container| Some((container, container.waiting.as_ref()?)));
    if let Some((container, waiting)) = waiting {
        let waits = format!("{} waits: {}", who(pod, container), or(&waiting.reason, "no reason given"));
        if waiting.reason != CREATING || made(pod).is_none_or(|made| now < made) {
            return told(TroubleKind::Starting, waits);
        }
        let events = describe(pod);
        return told(TroubleKind::NotReady, format!("{waits} for minutes; what its image or a volume lacks: {events}"));
    }
    let Some(container) = pod.containers.iter().find(|container| container.running && !container.ready) else {
        return match &pod.gates {
            Some(words) => told(TroubleKind::NotReady, format!("pod {} runs and waits: {words}", pod.name)),
            None => told(TroubleKind::Starting, format!("pod {} has not started", pod.name)),
        };
    };
    let probe = if container.starting { "startup" } else { "readiness" };
    let runs = format!("{} runs, but its {probe} probe does not succeed", who(pod, container));
    if due(container).is_none_or(|due| now < due) {
        return told(TroubleKind::Starting, format!("{runs} yet"));
    }
    let restarts = if container.restarts > 0 { format!(" ({})", restarts(container)) } else { String::new() };
    told(TroubleKind::NotReady, format!("{runs}{restarts}; what the probe got: {}", describe(pod)))
}

/// When a container should have been made.
fn made(pod: &PodSummary) -> Option<Timestamp> {
    pod.taken?.checked_add(MAKING).ok()
}

fn describe(pod: &PodSummary) -> String {
    format!("kubectl describe pod -n {} {}", pod.namespace, pod.name)
}

fn who(pod: &PodSummary, container: &ContainerSummary) -> String {
    let role = match container.role {
        Role::Main => "container",
        Role::Init => "init container",
        Role::Sidecar => "sidecar",
    };
    format!("{role} {} of pod {}", container.name, pod.name)
}

fn shortened(words: &str) -> &str {
    let line = words.lines().next().unwrap_or_default();
    let end = (0..=WORDS.min(line.len())).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    &line[..end]
}

fn or<'a>(words: &'a str, otherwise: &'a str) -> &'a str {
    if words.is_empty() { otherwise } else { words }
}

#[cfg(test)]
mod tests;
