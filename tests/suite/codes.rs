//! Every reason word that the sources can produce has a code, and each word of the table is said by somebody.
//!
//! It reads the sources as text: a word in quotes that looks like a reason is one, or is listed here as something else.

use std::collections::{BTreeMap, BTreeSet};

use gitmoor::model::codes;
use regex::Regex;

use crate::floors::sources;

mod examples;

/// Modules whose words can reach a condition, a problem, an Event or a log line as a reason.
const SPEAKERS: [&str; 14] = [
    "alert",
    "alerting",
    "api",
    "model",
    "notify",
    "signature",
    "source",
    "cluster",
    "plan",
    "report",
    "health",
    "page",
    "controller",
    "sync",
];

/// Words in these modules that are something else.
const OTHERS: [(&str, &[&str]); 22] = [
    ("what an alert is about", &["Quarantined", "ServiceFailing", "SyncFailing"]),
    ("what an alert is that has no reason", &["Recovered", "Test"]),
    (
        "a type of target of alerts",
        &["Alertmanager", "CloudEvents", "Forgejo", "GitHub", "GitLab", "Gitea", "Slack", "Teams", "Webhook"],
    ),
    (
        "what a card is made of",
        &[
            "AdaptiveCard",
            "Attention",
            "Bolder",
            "Default",
            "Full",
            "Gitmoor",
            "Good",
            "Medium",
            "RichTextBlock",
            "TextRun",
            "Warning",
        ],
    ),
    ("what kind of thing happened", &["Commit", "DriftEnded", "Fight", "Health", "Hold", "Rollout", "Sync"]),
    (
        "a column that kubectl shows",
        &["Age", "Declared", "Drift", "File", "Healthy", "Image", "Reason", "Replicas", "Revision"],
    ),
    ("a word of a derive, or of a Debug", &["GitSyncStatus", "MicroServiceStatus", "PartialEq", "Redactor"]),
    ("how something is that is waited for", &["Missing", "NotApplied", "Unreadable"]),
    ("how some reasons begin", &["Dependency"]),
    ("a status of a condition", &["True", "False", "Unknown"]),
    (
        "a type of a condition",
        &[
            "Available",
            "Accepted",
            "ChildrenApplied",
            "Complete",
            "Established",
            "Notified",
            "PodScheduled",
            "PreDeployComplete",
            "Reconciling",
            "ResolvedRefs",
            "RoutesAccepted",
            "ScalingActive",
            "SourceDrifted",
            "SourceStale",
            "Stalled",
            "UnusedRules",
            "WorkloadDrifted",
        ],
    ),
    (
        "a kind",
        &[
            "ConfigMap",
            "Deployment",
            "Gateway",
            "GitSync",
            "Ingress",
            "Job",
            "MicroService",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "Namespace",
            "Pod",
            "Secret",
        ],
    ),
    (
        "a value of a field of Kubernetes",
        &[
            "Always",
            "DoNotSchedule",
            "Equal",
            "Exists",
            "IfNotPresent",
            "Localhost",
            "Never",
            "NoExecute",
            "NoSchedule",
            "Pods",
            "PreferNoSchedule",
            "RuntimeDefault",
            "ScheduleAnyway",
            "Update",
        ],
    ),
    ("how a policy finds what it is for", &["Equivalent"]),
    (
        "what an Event was about",
        &["Apply", "Compare", "Correct", "Delete", "Fetch", "Pause", "Prune", "Reconcile", "Wait"],
    ),
    ("what is done about drift", &["Ignore", "Report"]),
    ("how a drift ended", &["Gone", "Ignored", "Reverted"]),
    ("how a field or an object drifted", &["Added", "Deleted", "Disowned", "Modified", "Recreated", "Removed"]),
    (
        "a phase of a pod, or how a container ended",
        &["Succeeded", "Failed", "Completed", "ContainerCannotRun", "Error", "StartError"],
    ),
    ("what every container waits for", &["ContainerCreating"]),
    ("why a condition of Kubernetes is so", &["NewReplicaSetAvailable", "ReadinessGatesNotReady"]),
    (
        "a word of the kubelet's that is told as another",
        &[
            "ErrImageNeverPull",
            "ErrImagePull",
            "ImageInspectError",
            "ImagePullBackOff",
            "InvalidImageName",
            "RegistryUnavailable",
            "SignatureValidationFailed",
        ],
    ),
];

/// Words of the table that are not in these modules, and who says them.
const SAID_BY_OTHERS: [(&str, &[&str]); 2] = [
    ("the Deployment controller of Kubernetes, handed on", &["FailedCreate", "FailedDelete"]),
    // It is said here, too, but its capitals hide it.
    ("the kubelet, handed on", &["OOMKilled"]),
];

/// Words in quotes that look like reasons, with the places.
fn words() -> BTreeMap<String, Vec<String>> {
    let quoted = Regex::new(r#""([A-Z][a-z]+(?:[A-Z][A-Za-z]*)*)""#).unwrap();
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let speakers = sources().into_iter().filter(|file| SPEAKERS.contains(&file.module.as_str()));
    for file in speakers.filter(|file| !file.path.starts_with("src/model/codes")) {
        for (number, line) in &file.lines {
            for found in quoted.captures_iter(line) {
                words.entry(found[1].to_owned()).or_default().push(format!("{}:{number}", file.path));
            }
        }
    }
    words
}

fn listed(list: &[(&str, &[&'static str])]) -> BTreeSet<&'static str> {
    list.iter().flat_map(|(_, words)| words.iter().copied()).collect()
}

#[test]
fn every_reason_word_has_a_code() {
    let others = listed(&OTHERS);
    let mut missing = Vec::new();
    for (word, places) in words() {
        if codes::code_of(&word).is_none() && !others.contains(word.as_str()) {
            missing.push(format!("{word} ({})", places.join(", ")));
        }
    }
    assert!(
        missing.is_empty(),
        "give these an entry in src/model/codes/, or list them here as no reasons:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_word_of_the_table_is_said_by_somebody() {
    let (words, others) = (words(), listed(&SAID_BY_OTHERS));
    // Findings about manifests are named by their code, not by their word.
    let of_findings = |code: &str| gitmoor::model::Code::ALL.iter().any(|known| known.as_str() == code);
    let silent: Vec<_> = codes::all()
        .filter(|entry| !of_findings(entry.code))
        .flat_map(|entry| entry.words)
        .filter(|word| !words.contains_key(**word) && !others.contains(**word))
        .collect();
    assert!(silent.is_empty(), "nobody says these: {silent:?}");
    for word in others {
        assert!(!words.contains_key(word), "{word} is said here: take it off SAID_BY_OTHERS");
    }
}

#[test]
fn no_word_is_both_a_reason_and_something_else() {
    for word in listed(&OTHERS) {
        assert_eq!(codes::code_of(word), None, "{word}");
    }
}
