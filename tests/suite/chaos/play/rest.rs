//! Everything is well again, and the cluster is as it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::judge::spec;
use super::super::model::{AtRest, Found};
use super::super::tree::{Policy, READERS, Says};
use super::{Play, Why};
use crate::support::chronicle::version;
use crate::support::holds;
use crate::support::kube::{condition, text};
use crate::support::scene::SYNC;
use crate::support::wait::looked_for;

/// Beyond all that daemons wait by design: leases, back-off, and the pace of corrections.
const REST: Duration = Duration::from_secs(240);

impl Play<'_> {
    pub(super) async fn rest(&mut self) -> Result<(), String> {
        self.git.fault(None, 0).await;
        self.goes_straight();
        self.keepers.iter_mut().for_each(super::Keeper::heal);
        self.thaw_all().await?;
        self.resume().await;
        let head = self.model.commits.last().map(|commit| commit.id.clone()).unwrap_or_default();
        let request = self.request().await;
        let rested = looked_for(REST, async || {
            self.keep();
            let mut waits = false;
            let mut held = false;
            for name in self.syncs() {
                let sync = self.scene.kube.get("GitSync", &self.scene.home, name).await;
                let status = &sync["status"];
                let applied = status["lastAppliedRevision"]["revision"].as_str().unwrap_or_default();
                let handled = status["lastHandledReconcileAt"] == *request;
                let current = status["observedGeneration"] == sync["metadata"]["generation"];
                // What depends on one that is not ready waits for it.
                if !handled || !current || (!applied.ends_with(&head) && !waits) {
                    return Err(format!("{head} is not applied by {name}: {status:#}"));
                }
                held |= !status["hold"].is_null();
                waits |= name == SYNC && condition(&sync, "Ready")["status"] != "True";
            }
            let (found, unready) = self.look(held).await;
            let wrong = self.model.wrong(&found);
            holds(wrong.is_empty() && unready.is_empty(), (&wrong, &unready)).map(|()| found)
        })
        .await?;
        self.model.rest(&rested);
        self.figures.rested();
        if self.model.policy_is() != Policy::Correct {
            self.begins(Why::Policy, Some(Timestamp::now()));
        }
        let newest = self.scene.kube.list("MicroService", &self.scene.namespace).await.iter().map(version).max();
        self.record.has("MicroService", newest.unwrap_or_default()).await;
        self.record.has("GitSync", version(&self.scene.get_sync().await)).await;
        Ok(())
    }

    /// What is there, and which services should be ready and are not.
    async fn look(&mut self, held: bool) -> (AtRest, Vec<String>) {
        let mut at_rest = AtRest { held, ..AtRest::default() };
        let mut unready = Vec::new();
        let namespace = self.scene.namespace.clone();
        let deployments = self.scene.kube.list("Deployment", &namespace).await;
        let deployments: BTreeMap<_, _> =
            deployments.into_iter().map(|one| (text(&one["metadata"]["name"]).to_owned(), one)).collect();
        for service in self.scene.kube.list("MicroService", &namespace).await {
            let name = text(&service["metadata"]["name"]).to_owned();
            let generation = service["metadata"]["generation"].as_u64().unwrap_or_default();
            let current = service["status"]["observedGeneration"] == generation;
            // What it says itself, as far as it has come to it.
            let keeps = spec(&service).policy.unwrap_or(self.model.policy_is()) != Policy::Correct;
            // Where drift stays, a Deployment that somebody deleted stays so, and that is no matter of health.
            let excused = keeps && deployments.get(&name).is_none_or(|one| other(one, &service));
            if !current || (condition(&service, "Ready")["status"] != "True" && !excused) {
                unready.push(format!("{name}: {:#}", service["status"]));
            }
            if !keeps {
                let none = Value::Null;
                let deployment = deployments.get(&name).unwrap_or(&none);
                if other(deployment, &service) {
                    unready.push(format!("{name}: its Deployment is {:#}", deployment["spec"]));
                }
                unready.extend(self.other_sum(&name, deployment));
            }
            let added = service["spec"].get("terminationGracePeriodSeconds").is_some();
            at_rest.services.insert(name, Found { spec: spec(&service), added, generation });
        }
        (at_rest, unready)
    }

    /// How the Deployment of a service does not follow the Secret that it reads: each value has a sum of its own.
    fn other_sum(&mut self, name: &str, deployment: &Value) -> Option<String> {
        let reads = matches!(self.model.head().get(name), Some(Says::Good(_))) && READERS.contains(&name);
        let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
        let Some(sum) = annotations["gitmoor.dev/referenced-hash"].as_str().filter(|_| reads) else {
            return reads.then(|| format!("{name}: its Deployment knows nothing of the Secret"));
        };
        let mut others = self.sums.iter().filter(|((of, secret), _)| of == name && *secret != self.secret);
        if others.any(|(_, known)| known == sum) {
            return Some(format!("{name}: {sum} is of another value than {}: {:?}", self.secret, self.sums));
        }
        self.sums.insert((name.to_owned(), self.secret), sum.to_owned());
        None
    }
}

/// Whether a Deployment is not as its service says.
fn other(deployment: &Value, service: &Value) -> bool {
    let (says, is) = (&service["spec"], &deployment["spec"]);
    is["template"]["spec"]["containers"][0]["image"] != says["image"] || is["replicas"] != says["replicas"]
}
