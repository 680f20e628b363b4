//! Waits until the daemon runs, or says why it does not; and, when it goes, until it is gone.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::core::ApiResource;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::act::denied;
use super::super::wait::Teller;
use crate::cluster::{CallError, Cluster, follow_one};
use crate::health::{PodSummary, Progress, TroubleKind, assess, pod_trouble};
use crate::install::{NAME, PODS};
use crate::model::ObjectKey;

/// How often pods are asked for while somebody waits.
const PACE: Duration = Duration::from_secs(2);

/// The resource of the daemon.
pub fn deployments() -> ApiResource {
    ApiResource::erase::<Deployment>(&())
}

/// How it runs, or why it does not at the deadline. A rollout that has failed for good is not waited for.
pub async fn wait(cluster: &Cluster, namespace: &str, deadline: Instant) -> anyhow::Result<Result<String, String>> {
    let key = ObjectKey::new(namespace, NAME);
    let mut news = follow_one(cluster, &deployments(), &key);
    let mut teller = Teller::new();
    let mut why = "the Deployment was not seen".to_owned();
    loop {
        let next = timeout_at(deadline.min(Instant::now() + PACE), news.next()).await;
        match next {
            Ok(Some(Ok(live))) => match progress(live.as_ref()) {
                Ok(how) => return Ok(Ok(how)),
                Err((words, failed)) => {
                    why = words;
                    if failed {
                        return Ok(Err(with_pods(cluster, namespace, &why).await));
                    }
                }
            },
            Ok(Some(Err(error))) => return Err(denied(error, "watch", &deployments(), Some(namespace))),
            Ok(None) => anyhow::bail!("the watch of the Deployment ended"),
            Err(_) if Instant::now() >= deadline => return Ok(Err(with_pods(cluster, namespace, &why).await)),
            // Nothing new: the pods may say why.
            Err(_) => {}
        }
        teller.show(&key, &with_pods(cluster, namespace, &why).await);
    }
}

/// How it runs; or why not, and whether that will not change by itself.
fn progress(live: Option<&Value>) -> Result<String, (String, bool)> {
    let deployment = live.and_then(|live| serde_json::from_value::<Deployment>(live.clone()).ok());
    health_of(deployment.as_ref())
}

/// The same of a Deployment.
pub fn health_of(deployment: Option<&Deployment>) -> Result<String, (String, bool)> {
    let health = assess(deployment);
    match health.progress {
        Progress::Current => {
            let replicas = health.replicas;
            Ok(format!("{} of {} replicas are ready", replicas.ready, replicas.desired))
        }
        Progress::InProgress(why) => Err((health.trouble.map_or(why.message, |trouble| trouble.message), false)),
        Progress::Failed(why) => Err((health.trouble.map_or(why.message, |trouble| trouble.message), true)),
    }
}

/// The same with what keeps the pods from running, in their words. What cannot be listed is not told.
async fn with_pods(cluster: &Cluster, namespace: &str, why: &str) -> String {
    let pods = pods(cluster, namespace).await.unwrap_or_default();
    match pod_trouble(&pods, jiff::Timestamp::now()).filter(|trouble| trouble.kind != TroubleKind::Starting) {
        Some(trouble) => format!("{why}; {}", trouble.message),
        None => why.to_owned(),
    }
}

async fn pods(cluster: &Cluster, namespace: &str) -> Result<Vec<PodSummary>, CallError> {
    let kind = ApiResource::erase::<Pod>(&());
    let pods = cluster.list(&kind, Some(namespace), Some(PODS)).await?;
    Ok(pods.iter().map(PodSummary::from_json).collect())
}

/// Waits until no pod of the daemon is left; false at the deadline.
pub async fn gone(cluster: &Cluster, namespace: &str, deadline: Instant) -> Result<bool, CallError> {
    while !pods(cluster, namespace).await?.is_empty() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rollout_runs_goes_on_or_has_failed() {
        let deployment = |status: Value| {
            json!({
                "metadata": {"name": "gitmoor", "generation": 2},
                "spec": {"replicas": 2, "selector": {}, "template": {}}, "status": status
            })
        };
        let ready = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [{"type": "Available", "status": "True"}]});
        assert_eq!(progress(Some(&deployment(ready))), Ok("2 of 2 replicas are ready".to_owned()));
        let old = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        assert!(progress(Some(&deployment(old))).is_err_and(|(_, failed)| !failed), "the newest is what counts");
        let stuck = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too long"}]});
        assert!(progress(Some(&deployment(stuck))).is_err_and(|(_, failed)| failed));
        assert!(progress(None).is_err_and(|(_, failed)| !failed), "it may be there in a moment");
    }
}
