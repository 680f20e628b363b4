//! How a reconcile ends: the service's health, and its status.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;

use super::{COUNTS, MESSAGE, Next, Work, surroundings};
use crate::api::names::CONTROLLER_MANAGER;
use crate::cluster::{CallError, microservices};
use crate::health::{self, Progress, Trouble, TroubleKind};
use crate::model::ObjectKey;
use crate::report::microservice::{self as report, Rollout};
use crate::report::shorten;
use crate::report::written::Written;
use crate::workload::Child;

/// A timer may be early by its grain.
const AFTER: Duration = Duration::from_millis(50);

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
        let trouble = health.trouble.or_else(|| self.trouble_of_pods(&health.progress));
        self.observed.rollout = match (health.progress, trouble) {
            _ if live.is_none() => Rollout::Unknown,
            (Progress::Current, _) => Rollout::Complete,
            (Progress::InProgress(why), None) => Rollout::InProgress(why.reason.into(), why.message),
            (Progress::InProgress(why), Some(trouble)) => {
                Rollout::InProgress(trouble.reason, format!("{}; {}", shorten(&trouble.message, MESSAGE), why.message))
            }
            (Progress::Failed(why), None) => Rollout::Failed(why.reason.into(), why.message),
            (Progress::Failed(why), Some(trouble)) => {
                Rollout::Failed(why.reason.into(), format!("{}; {}", why.message, shorten(&trouble.message, MESSAGE)))
            }
        };
    }

    /// What keeps pods from serving, while they do not. A pod that starts is what every rollout has; that it has not
    /// started is worth a word only when the rollout failed.
    fn trouble_of_pods(&self, progress: &Progress) -> Option<Trouble> {
        if *progress == Progress::Current {
            return None;
        }
        let (pods, now) = (self.controller.children.pods_of(self.key), jiff::Timestamp::now());
        if let Some(due) = health::look_again(&pods, now) {
            self.controller.queue.add_after(self.key.clone(), due.duration_since(now).unsigned_abs() + AFTER);
        }
        let failed = matches!(progress, Progress::Failed(_));
        health::pod_trouble(&pods, now).filter(|trouble| failed || trouble.kind != TroubleKind::Starting)
    }

    pub(super) async fn write_status(&mut self, live: &Value) -> Result<(), CallError> {
        let mut status = report::status(self.service, &self.observed, jiff::Timestamp::now());
        status.workload_drift.iter_mut().for_each(|drift| self.controller.tracer.complete(drift));
        // A status type is plain data.
        let wanted = serde_json::to_value(&status).unwrap_or_default();
        let there = report::own_part(live.get("status").unwrap_or(&Value::Null));
        if wanted == there || self.controller.memory.is_written(self.key, &wanted, &there) {
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
        let cluster = &self.controller.cluster;
        let answer =
            cluster.apply_whole_status(&microservices(), self.key, &wanted, CONTROLLER_MANAGER, &report::OTHERS).await;
        match answer {
            Ok(object) => {
                self.wrote = true;
                let stored = report::own_part(&object.value()["status"]);
                self.controller.memory.status_written(self.key, Written::new(&wanted, &stored));
                self.controller.tell_turns(self.key, self.service, &status);
                self.controller.tell_ready(self.key, self.service, &status);
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
