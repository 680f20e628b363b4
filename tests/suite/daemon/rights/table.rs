//! Gitmoor's rights, and what shows that one is missing.

/// What needs a right, and shows that it is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Play {
    /// A daemon that starts.
    Start,
    /// A GitSync that is new.
    New,
    /// A child that exists and is not ours.
    Foreign,
    /// A child that somebody deletes.
    Restored,
    /// A second commit, and what it no longer declares.
    Later,
    /// A push that is announced.
    Announced,
    /// A GitSync that goes with what it applied.
    Left,
    /// A daemon that wants to lead.
    Elect,
    /// Another one beside it.
    Standby,
    /// One that stands by at an API server which streams no lists, so that all that is watched is listed first.
    Old,
}

use Play::{Announced, Elect, Foreign, Later, Left, New, Old, Restored, Standby, Start};

/// Verb, resource with its subresource, and what shows it.
pub const RIGHTS: [(&str, &str, Play); 106] = [
    ("list", "gitsyncs", Start),
    ("watch", "gitsyncs", Start),
    ("create", "gitsyncs", New),
    ("delete", "gitsyncs", Later),
    ("patch", "gitsyncs", New),
    ("patch", "gitsyncs/status", New),
    ("list", "microservices", Start),
    ("watch", "microservices", Start),
    ("create", "microservices", New),
    ("patch", "microservices", New),
    ("get", "microservices", Restored),
    ("delete", "microservices", Later),
    ("patch", "microservices/status", New),
    ("list", "deployments", Old),
    ("watch", "deployments", Start),
    ("create", "deployments", New),
    ("patch", "deployments", New),
    ("get", "deployments", Foreign),
    ("delete", "deployments", Later),
    ("list", "services", Old),
    ("watch", "services", Start),
    ("create", "services", New),
    ("patch", "services", New),
    ("get", "services", Foreign),
    ("delete", "services", Later),
    ("list", "serviceaccounts", Old),
    ("watch", "serviceaccounts", Start),
    ("create", "serviceaccounts", New),
    ("patch", "serviceaccounts", New),
    ("get", "serviceaccounts", Foreign),
    ("delete", "serviceaccounts", Later),
    ("list", "configmaps", Old),
    ("watch", "configmaps", Start),
    ("create", "configmaps", New),
    ("patch", "configmaps", New),
    ("get", "configmaps", Foreign),
    ("delete", "configmaps", Later),
    ("list", "poddisruptionbudgets", Old),
    ("watch", "poddisruptionbudgets", Start),
    ("create", "poddisruptionbudgets", New),
    ("patch", "poddisruptionbudgets", New),
    ("get", "poddisruptionbudgets", Foreign),
    ("delete", "poddisruptionbudgets", Later),
    ("list", "horizontalpodautoscalers", Old),
    ("watch", "horizontalpodautoscalers", Start),
    ("create", "horizontalpodautoscalers", New),
    ("patch", "horizontalpodautoscalers", New),
    ("get", "horizontalpodautoscalers", Foreign),
    ("delete", "horizontalpodautoscalers", Later),
    ("list", "ingresses", Old),
    ("watch", "ingresses", Start),
    ("create", "ingresses", New),
    ("patch", "ingresses", New),
    ("get", "ingresses", Foreign),
    ("delete", "ingresses", Later),
    ("list", "networkpolicies", Old),
    ("watch", "networkpolicies", Start),
    ("create", "networkpolicies", New),
    ("patch", "networkpolicies", New),
    ("get", "networkpolicies", Foreign),
    ("delete", "networkpolicies", Later),
    ("list", "jobs", Old),
    ("watch", "jobs", Start),
    ("create", "jobs", New),
    ("patch", "jobs", New),
    ("get", "jobs", Foreign),
    ("delete", "jobs", Later),
    ("list", "cronjobs", Old),
    ("watch", "cronjobs", Start),
    ("create", "cronjobs", New),
    ("patch", "cronjobs", New),
    ("get", "cronjobs", Foreign),
    ("delete", "cronjobs", Later),
    ("list", "httproutes", Old),
    ("watch", "httproutes", Start),
    ("create", "httproutes", New),
    ("patch", "httproutes", New),
    ("get", "httproutes", Foreign),
    ("delete", "httproutes", Later),
    ("list", "servicemonitors", Old),
    ("watch", "servicemonitors", Start),
    ("create", "servicemonitors", New),
    ("patch", "servicemonitors", New),
    ("get", "servicemonitors", Foreign),
    ("delete", "servicemonitors", Later),
    ("list", "replicasets", Old),
    ("watch", "replicasets", Start),
    ("list", "pods", Old),
    ("watch", "pods", Start),
    ("list", "customresourcedefinitions", Old),
    ("watch", "customresourcedefinitions", Start),
    ("list", "mutatingadmissionpolicies", Old),
    ("watch", "mutatingadmissionpolicies", Start),
    ("list", "mutatingadmissionpolicybindings", Old),
    ("watch", "mutatingadmissionpolicybindings", Start),
    ("create", "events", New),
    ("patch", "events", Later),
    ("create", "namespaces", New),
    ("get", "namespaces", Left),
    ("get", "secrets", Announced),
    ("patch", "secrets", Start),
    ("get", "leases", Elect),
    ("create", "leases", Elect),
    ("list", "leases", Old),
    ("watch", "leases", Standby),
    ("patch", "leases", Elect),
];

/// Rights that no message can show here, and why.
pub const UNSEEN: [(&str, &str, &str); 2] = [
    ("get", "gitsyncs", "asked for where a creation meets one that the watch has not shown yet"),
    ("update", "microservices/finalizers", "asked for by an admission plugin that is off by default"),
];

/// Without these, what comes after is not tried: kinds that the cluster may lack, and the other half of a policy.
pub const KEEPS_OTHERS: [(&str, &str); 4] = [
    ("list", "customresourcedefinitions"),
    ("watch", "customresourcedefinitions"),
    ("list", "mutatingadmissionpolicybindings"),
    ("watch", "mutatingadmissionpolicybindings"),
];
