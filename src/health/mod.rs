//! Health of a MicroService, computed from its Deployment and pods alone.
//!
//! Three pure questions: how far is the rollout ([`assess`]), what keeps its pods from
//! serving ([`pod_trouble`]), and what does any object say of itself ([`kstatus`], [`unready`]). None of them
//! looks at a clock: the time is an argument, and how long something may take its probes or the Deployment say.

mod job;
mod kstatus;
mod pod_summary;
mod pods;
mod readiness;
mod routes;
#[cfg(test)]
mod tests;

pub use job::{JobProgress, job_progress};
pub use kstatus::{Status, kstatus};
pub use pod_summary::{ContainerSummary, LastExit, Lost, PodSummary, Role, Waiting};
pub use pods::{Trouble, TroubleKind, look_again, pod_trouble};
pub use readiness::unready;
pub use routes::{http_route, ingress};

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};

use crate::api::status::Replicas;

/// What a Deployment says of a MicroService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Replica counts, as last observed.
    pub replicas: Replicas,
    /// Whether enough replicas serve, whatever their version.
    pub available: bool,
    /// How far the rollout is.
    pub progress: Progress,
    /// The image of a complete rollout. None while one is under way: then the last one known still holds.
    pub running_image: Option<String>,
    /// Why pods could not be created, in the server's words.
    pub trouble: Option<Trouble>,
}

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// All replicas run the newest version and are available.
    Current,
    /// It is under way.
    InProgress(Why),
    /// It does not get on, and will not by itself.
    Failed(Why),
}

/// A word for machines and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// CamelCase word.
    pub reason: &'static str,
    /// Plain sentence, without a full stop.
    pub message: String,
}

/// Reads a Deployment as `kubectl rollout status` and kstatus do; `None` when there is none.
pub fn assess(deployment: Option<&Deployment>) -> Health {
    let Some(deployment) = deployment else {
        return Health {
            replicas: Replicas::default(),
            available: false,
            progress: in_progress("DeploymentMissing", "the Deployment does not exist yet"),
            running_image: None,
            trouble: None,
        };
    };
    let progress = progress(deployment);
    let running_image = if progress == Progress::Current { image(deployment) } else { None };
    Health {
        replicas: replicas(deployment),
        available: condition(deployment, "Available").is_some_and(is_true),
        progress,
        running_image,
        trouble: replica_failure(deployment),
    }
}

fn replicas(deployment: &Deployment) -> Replicas {
    let status = deployment.status.as_ref();
    let count = |of: fn(&DeploymentStatus) -> Option<i32>| status.and_then(of).unwrap_or(0);
    Replicas {
        desired: deployment.spec.replicas.unwrap_or(1),
        updated: count(|status| status.updated_replicas),
        ready: count(|status| status.ready_replicas),
        available: count(|status| status.available_replicas),
    }
}

/// What the condition Progressing says of a rollout that is complete.
const COMPLETE: &str = "NewReplicaSetAvailable";

/// The order matters: what was not observed yet says nothing, and a rollout past its deadline is
/// stuck however its counts look.
fn progress(deployment: &Deployment) -> Progress {
    if deployment.metadata.deletion_timestamp.is_some() {
        return in_progress("DeploymentTerminating", "the Deployment is being deleted");
    }
    let status = deployment.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation).unwrap_or(0);
    if observed < deployment.metadata.generation.unwrap_or(0) {
        return in_progress("RolloutNotObserved", "the cluster has not acted on the newest version yet");
    }
    if let Some(stuck) = condition(deployment, "Progressing")
        && stuck.reason.as_deref() == Some("ProgressDeadlineExceeded")
    {
        let counts = rollout(deployment).map_or_else(String::new, |why| format!(": {}", why.message));
        let message = format!("the rollout did not get on before its deadline{counts}");
        return Progress::Failed(Why { reason: "ProgressDeadlineExceeded", message });
    }
    rollout(deployment).map_or(Progress::Current, Progress::InProgress)
}

/// What is missing to a complete rollout.
fn rollout(deployment: &Deployment) -> Option<Why> {
    let Replicas { desired, updated, ready, available } = replicas(deployment);
    let total = deployment.status.as_ref().and_then(|status| status.replicas).unwrap_or(0);
    let why = |reason, message| Some(Why { reason, message });
    if updated < desired {
        let paused = deployment.spec.paused.unwrap_or(false);
        return if paused {
            why("RolloutPaused", format!("the rollout is paused: {updated} of {desired} replicas are updated"))
        } else {
            why("ReplicasUpdating", format!("{updated} of {desired} replicas {} updated", are(updated)))
        };
    }
    if total > updated {
        let old = total - updated;
        let replicas = if old == 1 { "old replica has" } else { "old replicas have" };
        return why("OldReplicasTerminating", format!("{old} {replicas} yet to end"));
    }
    if available < updated {
        let state = if ready > available { "ready but not yet available long enough" } else { "available" };
        let count = if ready > available { ready } else { available };
        return why("ReplicasUnavailable", format!("{count} of {updated} updated replicas {} {state}", are(count)));
    }
    // Kubernetes counts first and concludes a moment later; other tools go by its conclusions.
    if condition(deployment, "Progressing").is_some_and(|one| is_true(one) && one.reason.as_deref() != Some(COMPLETE)) {
        return why("ReplicasUpdating", "the cluster has not yet said that the rollout is complete".into());
    }
    if condition(deployment, "Available").is_some_and(|available| !is_true(available)) {
        return why("ReplicasUnavailable", "the cluster has not yet said that enough replicas are available".into());
    }
    None
}

fn are(count: i32) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn replica_failure(deployment: &Deployment) -> Option<Trouble> {
    let failure = condition(deployment, "ReplicaFailure").filter(|failure| is_true(failure))?;
    let message = failure.message.as_deref().unwrap_or("pods cannot be created");
    Some(Trouble {
        kind: TroubleKind::ReplicaFailure,
        reason: failure.reason.clone().unwrap_or_else(|| "ReplicaFailure".into()),
        message: format!("{message}{}", refused(message)),
    })
}

/// What to do about a namespace that takes no such pods.
fn refused(message: &str) -> &'static str {
    if message.contains("violates PodSecurity") {
        "; securityProfile: Restricted, the default, keeps to every level, unless an override changes it"
    } else {
        ""
    }
}

/// The image of the container that is named after the Deployment, else of the first.
fn image(deployment: &Deployment) -> Option<String> {
    let containers = &deployment.spec.template.spec.as_ref()?.containers;
    let own = containers.iter().find(|container| Some(&container.name) == deployment.metadata.name.as_ref());
    own.or(containers.first())?.image.clone()
}

fn condition<'a>(deployment: &'a Deployment, kind: &str) -> Option<&'a DeploymentCondition> {
    deployment.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_.as_deref() == Some(kind))
}

fn is_true(condition: &DeploymentCondition) -> bool {
    condition.status.as_deref() == Some("True")
}

fn in_progress(reason: &'static str, message: &str) -> Progress {
    Progress::InProgress(Why { reason, message: message.to_owned() })
}
