//! Everything is well again, and the cluster is as it should be.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::judge::{SECOND, Why, has_added, spec};
use super::super::model::{AtRest, Found};
use super::super::standing::{Live, Standing};
use super::super::tree::{Policy, READERS, Says};
use super::Play;
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
            let mut syncs = Vec::new();
            for name in self.syncs() {
                let sync = self.scene.kube.get("GitSync", &self.scene.home, name).await;
                let status = &sync["status"];
                self.approve_rewrite(name, &status["hold"]).await;
                let applied = status["lastAppliedRevision"]["revision"].as_str().unwrap_or_default();
                let handled = status["lastHandledReconcileAt"] == *request;
                let current = status["observedGeneration"] == sync["metadata"]["generation"];
                // What depends on one that is not ready waits for it.
                if !handled || !current || (!applied.ends_with(&head) && !waits) {
                    return Err(format!("{head} is not applied by {name}: {status:#}"));
                }
                waits |= name == SYNC && condition(&sync, "Ready")["status"] != "True";
                syncs.push(sync);
            }
            let (services, unready) = self.look().await;
            let (found, mut wrong) = self.stands(&syncs, &services, waits);
            wrong.extend(self.model.wrong(&found));
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

    /// What is there, with what the GitSyncs say of it; and what of that is wrong.
    fn stands(&self, syncs: &[Value], services: &BTreeMap<String, Live>, waits: bool) -> (AtRest, Vec<String>) {
        let head = self.model.head();
        let found = services.iter().map(|(name, live)| (name.clone(), live.found)).collect();
        let mut at_rest = AtRest { services: found, waits, ..AtRest::default() };
        let mut wrong = Vec::new();
        for sync in syncs {
            let name = text(&sync["metadata"]["name"]);
            let (second, policy, budget) = (name == SECOND, self.model.policy_is(), self.history.budget);
            let standing = Standing { sync, second, waits, head: &head, services, policy, budget };
            let (mut held, all) = standing.held();
            if !all {
                // Who counts them right is believed for those that a status has no room for.
                held.extend(standing.undeclared().into_iter().map(str::to_owned));
            }
            at_rest.held.extend(held);
            wrong.extend(standing.wrong().into_iter().map(|why| format!("{name}: {why}")));
        }
        (at_rest, wrong)
    }

    /// What is there, and which services should be ready and are not.
    async fn look(&mut self) -> (BTreeMap<String, Live>, Vec<String>) {
        let mut services = BTreeMap::new();
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
            let ready = condition(&service, "Ready")["status"] == "True";
            if !current || (!ready && !excused) {
                unready.push(format!("{name}: {:#}", service["status"]));
            }
            let none = Value::Null;
            let deployment = deployments.get(&name).unwrap_or(&none);
            let differs = other(deployment, &service);
            if !keeps {
                if differs {
                    unready.push(format!("{name}: its Deployment is {:#}", deployment["spec"]));
                }
                unready.extend(self.other_sum(&name, deployment));
            }
            let found = Found { spec: spec(&service), added: has_added(&service), generation };
            services.insert(name, Live { found, ready, differs });
        }
        (services, unready)
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
