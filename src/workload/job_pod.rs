//! Pods that do something once: like those of the service, but for what belongs to serving.

use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::{labels, pod};

/// What of a container belongs to serving.
const SERVING: [&str; 5] = ["ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"];

/// What a job runs.
pub(super) struct Task<'a> {
    /// Its name within the service.
    pub name: &'a str,
    /// Its command; empty for the service's.
    pub command: &'a [String],
    /// Its args.
    pub args: &'a [String],
}

/// The template of a job's pods. It is made from the service's own: what is mounted there, say, is mounted here.
pub(super) fn template(subject: &Subject<'_>, task: &Task<'_>) -> Value {
    let mut template = pod::template(subject);
    template["metadata"]["labels"] = json!(labels::of_job_pod(subject, task.name));
    if let Some(spec) = template["spec"].as_object_mut() {
        spec.remove("topologySpreadConstraints");
        // The same pod is not started again, so each try keeps its log.
        spec.insert("restartPolicy".into(), json!("Never"));
    }
    if let Some(container) = template["spec"]["containers"][0].as_object_mut() {
        SERVING.iter().for_each(|field| drop(container.remove(*field)));
        run(container, task);
    }
    template
}

/// A command of its own stands alone, as it does in a Pod's container beside the image's.
fn run(container: &mut Map<String, Value>, task: &Task<'_>) {
    if !task.command.is_empty() {
        container.insert("command".into(), json!(task.command));
        container.remove("args");
    }
    if !task.args.is_empty() {
        container.insert("args".into(), json!(task.args));
    }
}
