//! What any object says of its own progress, by the conventions of kstatus.

use serde_json::Value;

/// How far an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// What was asked for is so.
    Current,
    /// Work is under way.
    InProgress,
    /// Nothing will change until a person acts.
    Failed,
    /// It is being deleted.
    Terminating,
}

/// Reads `deletionTimestamp`, `observedGeneration` and the conditions Stalled, Reconciling and
/// Ready. An object that has none of them is what it says it is: current.
pub fn kstatus(object: &Value) -> Status {
    let condition = |kind: &str| {
        let conditions = object["status"]["conditions"].as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
    };
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Status::Terminating;
    }
    let observed = object["status"]["observedGeneration"].as_i64();
    let generation = object["metadata"]["generation"].as_i64();
    if observed.zip(generation).is_some_and(|(observed, generation)| observed < generation) {
        return Status::InProgress;
    }
    if condition("Stalled") == Some("True") {
        return Status::Failed;
    }
    if condition("Reconciling") == Some("True") || condition("Ready").is_some_and(|ready| ready != "True") {
        return Status::InProgress;
    }
    Status::Current
}
