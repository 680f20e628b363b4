//! The CronJobs: what the service does by the clock.

use serde_json::{Value, json};

use super::json::{object, of};
use super::subject::Subject;
use super::{ChildKind, Draft, job_pod, names};
use crate::api::microservice::CronJob;

/// The CronJob.
pub(super) static KIND: ChildKind =
    ChildKind { group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs", optional: false, build };

/// Longest name of a CronJob: its Jobs' names have eleven characters more.
const LIMIT: usize = 52;

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    subject.spec.cron_jobs.iter().map(|job| cron_job(subject, job)).collect()
}

fn cron_job(subject: &Subject<'_>, job: &CronJob) -> Draft {
    let task = job_pod::Task { name: &job.name, command: &job.command, args: &job.args };
    let run = object([
        ("activeDeadlineSeconds", job.active_deadline_seconds.map(Value::from)),
        ("backoffLimit", job.backoff_limit.map(Value::from)),
        ("template", Some(job_pod::template(subject, &task))),
    ]);
    let spec = object([
        ("schedule", Some(json!(job.schedule))),
        ("timeZone", job.time_zone.as_ref().map(|zone| json!(zone))),
        ("concurrencyPolicy", of(&job.concurrency_policy.unwrap_or_default())),
        ("jobTemplate", Some(json!({"spec": run}))),
    ]);
    let name = names::fit_to(&format!("{}-{}", subject.owner, job.name), LIMIT);
    Draft { name, annotations: Default::default(), content: json!({"spec": spec}) }
}
