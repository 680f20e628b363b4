//! The rules of kstatus, as its project publishes them (sigs.k8s.io/cli-utils/pkg/kstatus): what tools that know nothing of
//! Gitmoor conclude from an object. Written from those rules and not from ours, so that the two can be compared.

use serde_json::Value;

use super::kube::condition;

/// What kstatus says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Current,
    InProgress,
    Failed,
    Terminating,
}

/// Of any object, by the conventions that all follow.
pub fn generic(object: &Value) -> Verdict {
    special(object).unwrap_or_else(|| match condition(object, "Ready")["status"].as_str() {
        None | Some("True") => Verdict::Current,
        Some(_) => Verdict::InProgress,
    })
}

/// What ends the matter, whatever the kind.
fn special(object: &Value) -> Option<Verdict> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Some(Verdict::Terminating);
    }
    if let Some(observed) = object["status"]["observedGeneration"].as_i64()
        && Some(observed) != object["metadata"]["generation"].as_i64()
    {
        return Some(Verdict::InProgress);
    }
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions.iter().filter(|one| one["status"] == "True").find_map(|one| match one["type"].as_str() {
        Some("Reconciling") => Some(Verdict::InProgress),
        Some("Stalled") => Some(Verdict::Failed),
        _ => None,
    })
}

/// Of a Deployment, by the rules of its own.
pub fn deployment(object: &Value) -> Verdict {
    if let Some(verdict) = special(object) {
        return verdict;
    }
    let count = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let progressing = condition(object, "Progressing");
    if progressing["reason"] == "ProgressDeadlineExceeded" {
        return Verdict::Failed;
    }
    let counted = count("replicas") == wanted
        && count("updatedReplicas") == wanted
        && count("availableReplicas") == wanted
        && count("readyReplicas") == wanted;
    let concluded = progressing["status"] == "True"
        && progressing["reason"] == "NewReplicaSetAvailable"
        && condition(object, "Available")["status"] == "True";
    if counted && concluded { Verdict::Current } else { Verdict::InProgress }
}
