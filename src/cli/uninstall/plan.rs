//! What is there, what of it goes, and what stays. Deciding is separate from asking the cluster.

use serde_json::{Value, json};

use super::super::act::denied;
use super::super::reach::typed;
use super::super::say::count;
use crate::api::GitSync;
use crate::api::names::FINALIZER;
use crate::cluster::{CallError, Cluster, gitsyncs, microservices};
use crate::install::{NAME, Object};

/// What goes beside the daemon and its rights.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    /// The namespace.
    pub namespace: bool,
    /// The CRDs.
    pub crds: bool,
}

/// What a cluster has.
#[derive(Debug, Default)]
pub struct Found {
    /// What was installed, in the order of installation.
    objects: Vec<Object>,
    /// GitSyncs that only the daemon lets go of.
    pub finalized: Vec<GitSync>,
    /// How many GitSyncs there are, and how many of them in the operator's namespace.
    gitsyncs: (usize, usize),
    /// How many MicroServices.
    services: usize,
    namespace: String,
}

impl Found {
    /// Looks at what is there of all that may be.
    pub async fn in_cluster(cluster: &Cluster, all: Vec<Object>, namespace: &str) -> anyhow::Result<Self> {
        let mut found = Self { namespace: namespace.to_owned(), ..Self::default() };
        for object in all.into_iter().chain(lease(namespace)) {
            match cluster.get(&object.kind, &object.key).await {
                Ok(Some(_)) => found.objects.push(object),
                // A kind that the cluster does not have was not installed.
                Ok(None) | Err(CallError::KindMissing(_)) => {}
                Err(error) => return Err(denied(error, "get", &object.kind, Some(&object.key.namespace))),
            }
        }
        let syncs = match cluster.list(&gitsyncs(), None, None).await {
            Err(CallError::KindMissing(_)) => Vec::new(),
            answer => answer.map_err(|error| denied(error, "list", &gitsyncs(), None))?,
        };
        let syncs = syncs.into_iter().map(typed).collect::<anyhow::Result<Vec<GitSync>>>()?;
        found.services = match cluster.list(&microservices(), None, None).await {
            Err(CallError::KindMissing(_)) => 0,
            answer => answer.map_err(|error| denied(error, "list", &microservices(), None))?.len(),
        };
        Ok(found.with(syncs))
    }

    fn with(mut self, syncs: Vec<GitSync>) -> Self {
        let own = syncs.iter().filter(|sync| sync.metadata.namespace.as_deref() == Some(&self.namespace)).count();
        self.gitsyncs = (syncs.len(), own);
        let held = |sync: &GitSync| sync.metadata.finalizers.iter().flatten().any(|one| one == FINALIZER);
        self.finalized = syncs.into_iter().filter(held).collect();
        self
    }

    /// Names of the GitSyncs that only the daemon lets go of.
    pub fn finalized_names(&self) -> Vec<String> {
        self.finalized.iter().map(|sync| super::super::reach::key(sync).to_string()).collect()
    }

    /// What goes, in the order in which it goes, and what is left.
    pub fn divide(&self, ways: Ways) -> (Vec<&Object>, Vec<&Object>) {
        let goes = |one: &&Object| match one.kind.kind.as_str() {
            "Namespace" => ways.namespace,
            "CustomResourceDefinition" => ways.crds,
            // It guards the services that run on; without the kinds there is nothing to guard.
            _ if is_protection(one) => ways.crds,
            _ => true,
        };
        let (mut goes, stays): (Vec<_>, Vec<_>) = self.objects.iter().partition(goes);
        goes.reverse();
        // The guard outlives what it guards, and the namespace has all the rest in it.
        goes.sort_by_key(|one| (one.is("Namespace"), is_protection(one), one.is("CustomResourceDefinition")));
        (goes, stays)
    }

    /// What is lost for good, in lines; none where nothing is.
    pub fn loss(&self, ways: Ways) -> Vec<String> {
        let mut lines = Vec::new();
        if ways.crds && self.services + self.gitsyncs.0 > 0 {
            lines.push(format!(
                "With the CRDs go {} and {}, in all namespaces, and every workload of them.",
                count(self.services, "MicroService"),
                count(self.gitsyncs.0, "GitSync")
            ));
        }
        if ways.namespace {
            lines.push(format!(
                "With the namespace {} go {} and all Secrets and other objects in it.",
                self.namespace,
                count(self.gitsyncs.1, "GitSync")
            ));
        }
        lines
    }
}

/// What is left, in words.
pub fn stays(kept: &[&Object], found: &Found, ways: Ways) -> Vec<String> {
    let mut lines = Vec::new();
    if !ways.crds && found.services > 0 {
        lines.push(format!("{} and their workloads run on", count(found.services, "MicroService")));
    }
    let (all, own) = found.gitsyncs;
    let left = if ways.namespace { all - own } else { all };
    if !ways.crds && left > 0 {
        lines.push(format!("{}, which nobody syncs", count(left, "GitSync")));
    }
    for one in kept {
        let hint = match one.kind.kind.as_str() {
            "Namespace" => "--remove-namespace deletes it with all that is in it",
            "CustomResourceDefinition" => "--remove-crds deletes it with every object of the kind",
            _ => "--remove-crds deletes it, too",
        };
        lines.push(format!("{} ({hint})", one.name()));
    }
    lines
}

fn is_protection(one: &Object) -> bool {
    &*one.key.name == "gitmoor-protection"
}

/// What the daemon makes itself.
fn lease(namespace: &str) -> Option<Object> {
    let lease: Value = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": namespace, "name": NAME}
    });
    Object::of(lease).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::{Choice, objects};

    const NOTHING: Ways = Ways { namespace: false, crds: false };

    fn found() -> Found {
        let sync = |namespace: &str, finalizers: &[&str]| -> GitSync {
            serde_json::from_value(json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
                "metadata": {"namespace": namespace, "name": "main", "finalizers": finalizers}, "spec": {"url": "https://x"}
            }))
            .unwrap()
        };
        let found = Found {
            objects: objects(&Choice { prevention: true, ..Choice::default() }).unwrap(),
            services: 3,
            namespace: "gitmoor-system".into(),
            ..Found::default()
        };
        found.with(vec![sync("gitmoor-system", &[]), sync("team", &["example.com/other", FINALIZER])])
    }

    #[test]
    fn what_runs_on_and_what_guards_it_stays() {
        let found = found();
        let (goes, kept) = found.divide(NOTHING);
        let names: Vec<_> = kept.iter().map(|one| one.name()).collect();
        assert_eq!(
            names,
            [
                "Namespace gitmoor-system",
                "CustomResourceDefinition gitsyncs.gitmoor.dev",
                "CustomResourceDefinition microservices.gitmoor.dev",
                "ValidatingAdmissionPolicy gitmoor-protection",
                "ValidatingAdmissionPolicyBinding gitmoor-protection"
            ]
        );
        // Nobody could edit anything any more, and there would be nobody who does.
        assert!(goes.iter().any(|one| one.name() == "ValidatingAdmissionPolicy gitmoor-prevention"));
        assert!(goes[0].is("Deployment"), "the daemon goes first");
        assert!(found.loss(NOTHING).is_empty(), "nothing is lost");
        let said = stays(&kept, &found, NOTHING);
        assert_eq!(said[..2], ["3 MicroServices and their workloads run on", "2 GitSyncs, which nobody syncs"]);
        assert!(said.iter().any(|line| line.contains("--remove-crds")), "{said:?}");
    }

    #[test]
    fn what_guards_goes_after_what_it_guards_and_the_namespace_last() {
        let found = found();
        let (goes, kept) = found.divide(Ways { namespace: true, crds: true });
        assert!(kept.is_empty());
        let at = |name: &str| goes.iter().position(|one| one.name() == name).unwrap();
        assert!(
            at("CustomResourceDefinition microservices.gitmoor.dev")
                < at("ValidatingAdmissionPolicyBinding gitmoor-protection")
        );
        assert_eq!(at("Namespace gitmoor-system"), goes.len() - 1);
        let loss = found.loss(Ways { namespace: true, crds: true });
        assert!(loss[0].contains("3 MicroServices and 2 GitSyncs"), "{loss:?}");
        assert!(loss[1].contains("go 1 GitSync and all Secrets"), "{loss:?}");
    }

    #[test]
    fn only_our_finalizer_is_in_the_way() {
        assert_eq!(found().finalized_names(), ["team/main"]);
    }
}
