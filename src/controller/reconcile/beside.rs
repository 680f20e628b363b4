//! What is beside the Deployment: the job before a rollout, an autoscaler that is to go, kinds that the cluster lacks,
//! overrides without a child, and how far routes are accepted.

use tracing::{debug, info};

use super::{MESSAGE, Next, RACE, Work, unrendered};
use crate::cluster::CallError;
use crate::controller::children::{Kind, is_labelled};
use crate::controller::settle::{Relation, relation, settle, was_applied_by_us};
use crate::health::{self, JobProgress, TroubleKind};
use crate::model::{Acceptance, LiveObject, ObjectKey};
use crate::report::microservice::Problem;
use crate::report::progress::PreDeploy;
use crate::report::shorten;
use crate::workload::{AUTOSCALER, Child, ChildKind, DEPLOYMENT, overrides, pre_deploy};

impl Work<'_> {
    /// Brings the job before the rollout as far as it can be brought. What has succeeded once is remembered in status, so
    /// the Job itself may go.
    pub(super) async fn pre_deploy(&mut self, children: &[Child]) {
        let Some(job) = children.iter().find(|child| pre_deploy::is_job(child.kind)) else { return };
        let Some(hash) = pre_deploy::hash(&self.service.spec) else { return };
        let Some(kind) = self.controller.children.of(job.kind) else { return };
        let live = kind.store.get(&self.key_of(job)).map(|entry| entry.object.clone());
        if let Some(live) = live.as_ref().filter(|live| self.is_ours(live)) {
            self.exists(job, live);
        }
        let remembered = self.service.status.as_ref().and_then(|status| status.pre_deploy.as_ref());
        let state = match live {
            _ if remembered.is_some_and(|known| known.last_succeeded_hash == hash) => PreDeploy::Succeeded(hash),
            Some(live) => self.how_far(job, &live, hash),
            None if self.rules.suspended => PreDeploy::Running("suspended, so the job is not started".into()),
            None => match self.start(kind, job).await {
                Some(live) => self.how_far(job, &live, hash),
                None => PreDeploy::Running(format!("Job {} waits to be started", job.name)),
            },
        };
        if let Some((reason, message, stalled)) = state.obstacle() {
            let problem = Problem { reason: reason.into(), message: message.to_owned(), stalled };
            self.observed.problem.get_or_insert(problem);
        }
        self.observed.pre_deploy = Some(state);
    }

    /// Whether children of a kind have to wait: for the job before the rollout, or for an autoscaler that has yet to go.
    pub(super) fn is_held(&self, kind: &ChildKind) -> bool {
        let obstacle = self.observed.pre_deploy.as_ref().and_then(PreDeploy::obstacle);
        obstacle.is_some() && pre_deploy::holds(kind) || self.autoscaled && kind == DEPLOYMENT
    }

    /// Deletes an autoscaler that is no longer rendered. It goes before the Deployment says again how many replicas there
    /// are, for it would write over that: as long as it cannot be deleted, the Deployment alone stays as it is.
    pub(super) async fn remove_autoscaler(&mut self, rendered: &[Child]) {
        let Some(kind) = self.controller.children.of(AUTOSCALER) else { return };
        for live in unrendered(kind, rendered, self.rules.service_uid, self.key) {
            info!(service = %self.key, kind = kind.kind.kind, child = %live.key, "deleting a child that is no longer rendered");
            // Its status changes by itself; the UID says that it is the object that we own.
            if let Err(error) = self.controller.cluster.delete(&kind.resource, &live.key, &live.uid, None).await {
                self.autoscaled = true;
                self.not_deleted(kind.kind.kind, &live.key, &error);
            }
        }
    }

    /// What is not as asked for, although every call succeeded.
    pub(super) fn lacks(&mut self, children: &[Child]) {
        let lacking = |child: &&Child| self.controller.children.of(child.kind).is_some_and(|kind| !kind.is_served());
        if let Some(child) = children.iter().find(lacking) {
            let message = format!(
                "{} {} is not made: the cluster does not serve {} {}; it is made once {} is installed",
                child.kind.kind,
                child.name,
                child.kind.api_version(),
                child.kind.kind,
                child.kind.definition()
            );
            self.lack("KindNotServed", message);
        }
        if let Some(place) = overrides::unmatched(&self.service.spec, children).first()
            && let Some(over) = self.service.spec.overrides.get(*place)
        {
            let name = over.target.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            let (version, kind) = (&over.target.api_version, &over.target.kind);
            let message =
                format!("spec.overrides[{place}].target: {version} {kind}{name} is not rendered for this service");
            self.lack("OverrideUnmatched", message);
        }
    }

    fn lack(&mut self, reason: &str, message: String) {
        self.observed.lack.get_or_insert(Problem { reason: reason.into(), message, stalled: true });
    }

    /// What those say who serve the routes.
    pub(super) fn routes(&mut self, children: &[Child]) {
        for child in children {
            let judge = match child.kind.kind {
                "Ingress" => health::ingress,
                "HTTPRoute" => health::http_route,
                _ => continue,
            };
            let kind = self.controller.children.of(child.kind);
            let live = kind.and_then(|kind| kind.store.get(&self.key_of(child)));
            let known = match live {
                Some(entry) if self.is_ours(&entry.object) => judge(&entry.object.value()),
                _ => Acceptance::Unknown("it was not observed yet".into()),
            };
            self.observed.routes.push((format!("{} {}", child.kind.kind, child.name), known));
        }
    }

    fn key_of(&self, child: &Child) -> ObjectKey {
        ObjectKey::new(self.key.namespace.clone(), child.name.as_str())
    }

    fn how_far(&self, job: &Child, live: &LiveObject, hash: String) -> PreDeploy {
        match relation(live, self.rules.service_uid, &self.key.name) {
            Relation::Ours => {}
            Relation::Leaving => return PreDeploy::Running(format!("an earlier Job {} has yet to go", job.name)),
            Relation::Foreign => {
                let message = format!("Job {} exists and belongs to somebody else; delete it", job.name);
                return PreDeploy::Failed(message);
            }
        }
        match health::job_progress(&live.value()) {
            JobProgress::Succeeded => PreDeploy::Succeeded(hash),
            JobProgress::Failed(why) => PreDeploy::Failed(format!(
                "Job {} failed: {why}; the version before goes on. Change what it runs, or delete the Job to try again",
                job.name
            )),
            JobProgress::Running => {
                let pods = self.controller.children.pods_of(&self.instance());
                // A job's pod is never ready: that it is not is no trouble.
                let trouble = health::pod_trouble(&pods, jiff::Timestamp::now())
                    .filter(|trouble| !matches!(trouble.kind, TroubleKind::NotReady | TroubleKind::Starting));
                let waits = format!("Job {} has yet to succeed", job.name);
                match trouble {
                    None => PreDeploy::Running(waits),
                    Some(trouble) => {
                        let message = shorten(&format!("{waits}; {}", trouble.message), MESSAGE);
                        PreDeploy::Hindered(trouble.reason, message)
                    }
                }
            }
        }
    }

    fn instance(&self) -> ObjectKey {
        ObjectKey::new(self.key.namespace.clone(), pre_deploy::instance(&self.key.name).as_str())
    }

    /// Starts the Job, unless an earlier one is there: two never run at once. What runs no more for this spec is ended.
    async fn start(&mut self, kind: &Kind, job: &Child) -> Option<LiveObject> {
        let earlier = kind.store.group(self.rules.service_uid);
        let mut earlier: Vec<_> = earlier.iter().map(|entry| &entry.object).collect();
        earlier.retain(|live| was_applied_by_us(live));
        for live in earlier.iter().filter(|live| !live.deleting) {
            debug!(service = %self.key, job = %live.key, "ending a job that another one follows");
            let version = Some(live.resource_version);
            let deleted = self.controller.cluster.delete(&kind.resource, &live.key, &live.uid, version).await;
            if let Err(error) = deleted {
                self.not_deleted(job.kind.kind, &live.key, &error);
            }
        }
        if !earlier.is_empty() || self.controller.children.has_running_pods(&self.instance()) {
            return None;
        }
        let cluster = &self.controller.cluster;
        let settled = settle(cluster, kind, job, self.key, None, false, &self.rules).await;
        if let Some(trouble) = &settled.problem {
            self.trouble(job, trouble);
        }
        let live = settled.live?;
        self.wrote = true;
        self.exists(job, &live);
        if is_labelled(&live.value()) {
            kind.store.answered(live.clone());
        }
        Some(live)
    }

    pub(super) fn not_deleted(&mut self, kind: &str, child: &ObjectKey, error: &CallError) {
        if matches!(error, CallError::Conflict(_)) {
            debug!(service = %self.key, %child, %error, "a deletion lost a race; looking again");
            self.sooner(Next::After(RACE));
            return;
        }
        self.deletion_failed(kind, child, error);
    }
}
