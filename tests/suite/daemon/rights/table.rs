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
pub const RIGHTS: [(&str, &str, Play); 65] = [
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
    ("watch", "networkpolicies", Start),
    ("create", "networkpolicies", New),
    ("watch", "jobs", Start),
    ("create", "jobs", New),
    ("watch", "cronjobs", Start),
    ("create", "cronjobs", New),
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

/// Why no message shows a right to a kind that a cluster may lack.
const OPTIONAL: &str = "no cluster without the kind asks for it; daemon::optional runs with these rights alone";

/// Rights that no message can show here, and why.
pub const UNSEEN: [(&str, &str, &str); 43] = [
    ("get", "gitsyncs", "asked for where a creation meets one that the watch has not shown yet"),
    ("list", "deployments", "watches list by themselves on servers of today; older ones need the verb"),
    ("list", "services", "the same"),
    ("list", "serviceaccounts", "the same"),
    ("list", "poddisruptionbudgets", "the same"),
    ("list", "configmaps", "the same"),
    ("list", "horizontalpodautoscalers", "the same"),
    ("list", "replicasets", "the same"),
    ("list", "pods", "the same"),
    ("list", "leases", "the same"),
    ("list", "mutatingadmissionpolicies", "the same"),
    ("list", "mutatingadmissionpolicybindings", "the same"),
    ("delete", "deployments", "every MicroService has one; a kind of child that is no longer rendered is deleted"),
    ("get", "ingresses", "asked as for the kinds above, where a creation meets what exists"),
    ("list", "ingresses", "the same as for the kinds above: watches list by themselves"),
    ("patch", "ingresses", "asked as for the kinds above"),
    ("delete", "ingresses", "asked as for the kinds above"),
    ("get", "networkpolicies", "asked as for the kinds above, where a creation meets what exists"),
    ("list", "networkpolicies", "the same as for the kinds above: watches list by themselves"),
    ("patch", "networkpolicies", "asked as for the kinds above"),
    ("delete", "networkpolicies", "asked as for the kinds above"),
    ("get", "jobs", "asked as for the kinds above, where a creation meets what exists"),
    ("list", "jobs", "the same as for the kinds above: watches list by themselves"),
    ("patch", "jobs", "asked as for the kinds above"),
    ("delete", "jobs", "asked as for the kinds above"),
    ("get", "cronjobs", "asked as for the kinds above, where a creation meets what exists"),
    ("list", "cronjobs", "the same as for the kinds above: watches list by themselves"),
    ("patch", "cronjobs", "asked as for the kinds above"),
    ("delete", "cronjobs", "asked as for the kinds above"),
    ("get", "httproutes", OPTIONAL),
    ("list", "httproutes", OPTIONAL),
    ("watch", "httproutes", OPTIONAL),
    ("create", "httproutes", OPTIONAL),
    ("patch", "httproutes", OPTIONAL),
    ("delete", "httproutes", OPTIONAL),
    ("get", "servicemonitors", OPTIONAL),
    ("list", "servicemonitors", OPTIONAL),
    ("watch", "servicemonitors", OPTIONAL),
    ("create", "servicemonitors", OPTIONAL),
    ("patch", "servicemonitors", OPTIONAL),
    ("delete", "servicemonitors", OPTIONAL),
    ("list", "customresourcedefinitions", "watches list by themselves on servers of today; older ones need the verb"),
    ("update", "microservices/finalizers", "asked for by an admission plugin that is off by default"),
];

/// Without these, what comes after is not tried: the other children, and the other half of a policy.
pub const KEEPS_OTHERS: [(&str, &str); 5] = [
    ("create", "jobs"),
    // A job's pods are only made where there is their account, and an apply is a patch.
    ("create", "serviceaccounts"),
    ("patch", "serviceaccounts"),
    ("delete", "horizontalpodautoscalers"),
    ("watch", "mutatingadmissionpolicybindings"),
];
