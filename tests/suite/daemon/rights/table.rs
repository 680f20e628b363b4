//! Gitmoor's rights, and what shows that one is missing.

/// What needs a right, and shows that it is missing.
#[derive(Clone, Copy, PartialEq)]
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
}

use Play::{Announced, Elect, Foreign, Later, Left, New, Restored, Standby, Start};

/// Verb, resource with its subresource, and what shows it.
pub const RIGHTS: [(&str, &str, Play); 87] = [
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
    ("watch", "deployments", Start),
    ("create", "deployments", New),
    ("patch", "deployments", New),
    ("get", "deployments", Foreign),
    ("watch", "services", Start),
    ("create", "services", New),
    ("patch", "services", New),
    ("get", "services", Foreign),
    ("delete", "services", Later),
    ("watch", "serviceaccounts", Start),
    ("create", "serviceaccounts", New),
    ("patch", "serviceaccounts", New),
    ("get", "serviceaccounts", Foreign),
    ("delete", "serviceaccounts", Later),
    ("watch", "poddisruptionbudgets", Start),
    ("create", "poddisruptionbudgets", New),
    ("patch", "poddisruptionbudgets", New),
    ("get", "poddisruptionbudgets", Foreign),
    ("delete", "poddisruptionbudgets", Later),
    ("watch", "configmaps", Start),
    ("create", "configmaps", New),
    ("patch", "configmaps", New),
    ("get", "configmaps", Foreign),
    ("delete", "configmaps", Later),
    ("watch", "horizontalpodautoscalers", Start),
    ("create", "horizontalpodautoscalers", New),
    ("patch", "horizontalpodautoscalers", New),
    ("get", "horizontalpodautoscalers", Foreign),
    ("delete", "horizontalpodautoscalers", Later),
    ("watch", "replicasets", Start),
    ("watch", "ingresses", Start),
    ("create", "ingresses", New),
    ("patch", "ingresses", New),
    ("get", "ingresses", Foreign),
    ("delete", "ingresses", Later),
    ("watch", "networkpolicies", Start),
    ("create", "networkpolicies", New),
    ("patch", "networkpolicies", New),
    ("get", "networkpolicies", Foreign),
    ("delete", "networkpolicies", Later),
    ("watch", "jobs", Start),
    ("create", "jobs", New),
    ("patch", "jobs", New),
    ("get", "jobs", Foreign),
    ("delete", "jobs", Later),
    ("watch", "cronjobs", Start),
    ("create", "cronjobs", New),
    ("patch", "cronjobs", New),
    ("get", "cronjobs", Foreign),
    ("delete", "cronjobs", Later),
    ("watch", "httproutes", Start),
    ("create", "httproutes", New),
    ("patch", "httproutes", New),
    ("get", "httproutes", Foreign),
    ("delete", "httproutes", Later),
    ("watch", "servicemonitors", Start),
    ("create", "servicemonitors", New),
    ("patch", "servicemonitors", New),
    ("get", "servicemonitors", Foreign),
    ("delete", "servicemonitors", Later),
    ("watch", "customresourcedefinitions", Start),
    ("watch", "pods", Start),
    ("watch", "mutatingadmissionpolicies", Start),
    ("watch", "mutatingadmissionpolicybindings", Start),
    ("create", "events", New),
    ("patch", "events", Later),
    ("create", "namespaces", New),
    ("get", "namespaces", Left),
    ("get", "secrets", Announced),
    ("patch", "secrets", Start),
    ("get", "leases", Elect),
    ("create", "leases", Elect),
    ("watch", "leases", Standby),
    ("patch", "leases", Elect),
];

/// Why no message shows the right to list what is watched.
const LISTS: &str = "watches list by themselves on servers of today; older ones need the verb";

/// Rights that no message can show here, and why.
pub const UNSEEN: [(&str, &str, &str); 21] = [
    ("get", "gitsyncs", "asked for where a creation meets one that the watch has not shown yet"),
    ("delete", "deployments", "every MicroService has one; a kind of child that is no longer rendered is deleted"),
    ("update", "microservices/finalizers", "asked for by an admission plugin that is off by default"),
    ("list", "deployments", LISTS),
    ("list", "services", LISTS),
    ("list", "serviceaccounts", LISTS),
    ("list", "poddisruptionbudgets", LISTS),
    ("list", "configmaps", LISTS),
    ("list", "horizontalpodautoscalers", LISTS),
    ("list", "replicasets", LISTS),
    ("list", "pods", LISTS),
    ("list", "leases", LISTS),
    ("list", "mutatingadmissionpolicies", LISTS),
    ("list", "mutatingadmissionpolicybindings", LISTS),
    ("list", "ingresses", LISTS),
    ("list", "networkpolicies", LISTS),
    ("list", "jobs", LISTS),
    ("list", "cronjobs", LISTS),
    ("list", "httproutes", LISTS),
    ("list", "servicemonitors", LISTS),
    ("list", "customresourcedefinitions", LISTS),
];

/// Without these, what comes after is not tried: the other children, and the other half of a policy.
pub const KEEPS_OTHERS: [(&str, &str); 7] = [
    ("create", "jobs"),
    ("patch", "jobs"),
    ("get", "jobs"),
    // A job's pods are only made where there is their account, and an apply is a patch.
    ("create", "serviceaccounts"),
    ("patch", "serviceaccounts"),
    ("delete", "horizontalpodautoscalers"),
    ("watch", "mutatingadmissionpolicybindings"),
];
