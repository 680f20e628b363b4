//! How a reconcile ends: the service's health, and its status.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;

use super::{COUNTS, Next, Work, surroundings};
use crate::api::names::CONTROLLER_MANAGER;
use crate::cluster::{CallError, microservices};
use crate::health::{self, Progress, TroubleKind};
use crate::model::ObjectKey;
use crate::report::microservice::{self as report, Rollout};
use crate::workload::Child;

impl Work<'_> {
    pub(super) fn judge(&mut self, children: &[Child]) {
        let deployment = children.iter().find(|child| child.kind.kind == "Deployment");
        let live: Option<Deployment> = deployment.and_then(|child| {
            let key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
            self.controller.children.of(child.kind)?.store.get(&key)?.object.parse().ok()
        });
        self.observed.scaling = surroundings::scaling(self.controller, self.key, children);
        let health = health::assess(live.as_ref());
        self.observed.replicas = live.is_some().then_some(health.replicas);
        self.observed.available = health.available;
        self.observed.running_image = health.running_image;
        let pods = self.controller.children.pods_of(self.key);
        // A pod that is not ready yet is what every rollout has; it is trouble only when the rollout failed.
        let failed = matches!(health.progress, Progress::Failed(_));
        let of_pods = health::pod_trouble(&pods).filter(|trouble| failed || trouble.kind != TroubleKind::NotReady);
        let trouble = health.trouble.or(of_pods);
        self.observed.rollout = match (health.progress, trouble) {
            _ if live.is_none() => Rollout::Unknown,
            (Progress::Current, _) => Rollout::Complete,
            (Progress::InProgress(why), None) => Rollout::InProgress(why.reason.into(), why.message),
            (Progress::InProgress(why), Some(trouble)) => {
                Rollout::InProgress(trouble.reason, format!("{}; {}", trouble.message, why.message))
            }
            (Progress::Failed(why), None) => Rollout::Failed(why.reason.into(), why.message),
            (Progress::Failed(why), Some(trouble)) => {
                Rollout::Failed(why.reason.into(), format!("{}; {}", why.message, trouble.message))
            }
        };
    }

    pub(super) async fn write_status(&mut self, live: &Value) -> Result<(), CallError> {
        let mut status = report::status(self.service, &self.observed, jiff::Timestamp::now());
        status.workload_drift.iter_mut().for_each(|drift| self.controller.tracer.complete(drift));
        // A status type is plain data.
        let wanted = serde_json::to_value(&status).unwrap_or_default();
        let there = report::own_part(live.get("status").unwrap_or(&Value::Null));
        if wanted == there {
            self.controller.memory.ended_told(self.key);
            return Ok(());
        }
        if self.is_hushed() {
            return Ok(());
        }
        if report::only_counts_differ(&wanted, &there)
            && let Some(wait) = self.controller.memory.counts_wait(self.key, COUNTS)
        {
            self.sooner(Next::After(wait));
            return Ok(());
        }
        let answer =
            self.controller.cluster.apply_status(&microservices(), self.key, &wanted, CONTROLLER_MANAGER).await;
        match answer {
            Ok(object) => {
                self.wrote = true;
                self.controller.memory.status_written(self.key);
                self.controller.log_transition(self.key, self.service, &status);
                self.controller.tell_restraints(self.key, self.service, &status);
                self.controller.services.answered(object);
                Ok(())
            }
            // It went while we looked.
            Err(CallError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
