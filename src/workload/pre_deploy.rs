//! The Job that must succeed before a rollout. Its name ends with a hash of what it runs, so each change has a Job of its
//! own, and nothing else that changes starts it again.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::json::object;
use super::subject::Subject;
use super::{ChildKind, Draft, job_pod, labels, names};
use crate::api::MicroServiceSpec;

/// The Job.
pub(super) static KIND: ChildKind =
    ChildKind { group: "batch", version: "v1", kind: "Job", plural: "jobs", optional: false, build };

/// Its name within the service; no cron job is called so, for a name has no dot.
pub const TASK: &str = "pre.deploy";
/// Digits of the hash in the Job's name.
const DIGITS: usize = 10;

/// What must wait for the Job: whatever runs the new version, and who says how many pods do.
pub fn holds(kind: &ChildKind) -> bool {
    matches!(kind.kind, "Deployment" | "HorizontalPodAutoscaler" | "CronJob")
}

/// Whether this is the kind of the Job.
pub fn is_job(kind: &ChildKind) -> bool {
    *kind == KIND
}

/// The hash of what the Job runs; none where there is no Job.
pub fn hash(spec: &MicroServiceSpec) -> Option<String> {
    let job = spec.pre_deploy.as_ref()?;
    let runs = json!([spec.image, spec.command, spec.args, spec.env, spec.env_from, job.command, job.args]);
    let mut hash = HEXLOWER.encode(&Sha256::digest(runs.to_string()));
    hash.truncate(32);
    Some(hash)
}

/// The instance that the Job's pods of a service are.
pub fn instance(service: &str) -> String {
    names::fit(&labels::job_instance(&names::fit(service), TASK))
}

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let (Some(job), Some(hash)) = (&subject.spec.pre_deploy, hash(subject.spec)) else { return Vec::new() };
    let task = job_pod::Task { name: TASK, command: &job.command, args: &job.args };
    let spec = object([
        ("activeDeadlineSeconds", job.active_deadline_seconds.map(Value::from)),
        ("backoffLimit", job.backoff_limit.map(Value::from)),
        ("template", Some(job_pod::template(subject, &task))),
    ]);
    let name = names::fit(&format!("{}-pre-deploy-{}", subject.owner, &hash[..DIGITS]));
    vec![Draft { name, annotations: Default::default(), content: json!({"spec": spec}) }]
}
