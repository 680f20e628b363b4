//! Live children of all MicroServices: one store and one watch per kind, and one for their pods.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::kin::Kin;
use super::optional;
use super::queue::Queue;
use crate::api::names::{CONFIG, LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGED_BY};
use crate::cluster::store::{Extra, Store, Update};
use crate::cluster::{Cluster, Services, watch};
use crate::health::PodSummary;
use crate::model::{LiveObject, ObjectKey};
use crate::trace::Tracer;
use crate::workload::{ChildKind, KINDS};

/// Selects what the controller manages.
pub const SELECTOR: &str = "app.kubernetes.io/managed-by=gitmoor";
/// Selects the ReplicaSets that use a ConfigMap of ours.
const CONFIGURED: &str = "app.kubernetes.io/managed-by=gitmoor,gitmoor.dev/config";
/// How long pod news are gathered: a rollout brings many, and none is drift.
const POD_NEWS: std::time::Duration = std::time::Duration::from_millis(150);

/// Who a child belongs to.
#[derive(Debug)]
pub struct Owner {
    /// Name of the MicroService, by owner reference, else by label.
    service: Option<Arc<str>>,
}

impl Extra for Owner {
    fn of(value: &Value) -> Self {
        let owners = value["metadata"]["ownerReferences"].as_array();
        let owner = owners.and_then(|owners| owners.iter().find(|owner| owner["kind"] == "MicroService"));
        let name = owner.and_then(|owner| owner["name"].as_str());
        let name = name.or_else(|| value["metadata"]["labels"][LABEL_INSTANCE].as_str());
        Self { service: name.map(Into::into) }
    }
}

/// What a pod says of itself.
#[derive(Debug)]
pub struct Pod {
    /// Readiness and troubles.
    pub summary: PodSummary,
    /// Whether it has run to its end.
    ended: bool,
    /// Name of the MicroService; with a dot and the job's name for a pod of a job.
    instance: Option<Arc<str>>,
}

impl Pod {
    /// Name of the MicroService.
    fn service(&self) -> Option<&str> {
        self.instance.as_deref()?.split('.').next()
    }
}

impl Extra for Pod {
    fn of(value: &Value) -> Self {
        let metadata = &value["metadata"];
        Self {
            summary: PodSummary::from_json(value),
            ended: matches!(value["status"]["phase"].as_str(), Some("Succeeded" | "Failed")),
            instance: metadata["labels"][LABEL_INSTANCE].as_str().map(Into::into),
        }
    }

    fn trim(value: &mut Value) {
        let kept: Value = ["namespace", "name", "uid", "resourceVersion"]
            .iter()
            .map(|field| ((*field).to_owned(), value["metadata"][*field].take()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        *value = json!({"metadata": kept});
    }

    fn group(&self, object: &LiveObject) -> Option<Arc<str>> {
        self.instance.as_ref().map(|instance| format!("{}/{instance}", object.key.namespace).into())
    }
}

/// A version of a service, as its ReplicaSet tells.
#[derive(Debug)]
pub struct Version {
    /// Hash of its configuration.
    config: Option<String>,
    /// Name of the MicroService.
    instance: Option<Arc<str>>,
}

impl Extra for Version {
    fn of(value: &Value) -> Self {
        let labels = &value["metadata"]["labels"];
        Self {
            config: labels[CONFIG].as_str().map(str::to_owned),
            instance: labels[LABEL_INSTANCE].as_str().map(Into::into),
        }
    }

    fn trim(value: &mut Value) {
        Pod::trim(value);
    }

    fn group(&self, object: &LiveObject) -> Option<Arc<str>> {
        self.instance.as_ref().map(|instance| format!("{}/{instance}", object.key.namespace).into())
    }
}

/// One kind of child.
pub struct Kind {
    /// How it is rendered.
    pub kind: &'static ChildKind,
    /// How it is called.
    pub resource: ApiResource,
    /// What there is of it.
    pub store: Arc<Store<Owner>>,
    /// Whether the cluster has it; none until that is known.
    served: tokio::sync::watch::Sender<Option<bool>>,
}

impl Kind {
    fn new(kind: &'static ChildKind) -> Self {
        let served = tokio::sync::watch::Sender::new((!kind.optional).then_some(true));
        Self { kind, resource: resource(kind), store: Arc::default(), served }
    }

    /// Whether the cluster has it, and all that there is of it is known.
    pub fn is_served(&self) -> bool {
        *self.served.borrow() == Some(true)
    }

    /// Says whether the cluster has it; returns whether that is news.
    pub fn turn(&self, served: bool) -> bool {
        self.served.send_replace(Some(served)) != Some(served)
    }

    /// Waits until it is known whether the cluster has it and, where it has, all that there is of it.
    async fn synced(&self) {
        // The sender lives as long as this.
        let served = self.served.subscribe().wait_for(Option::is_some).await.is_ok_and(|served| *served == Some(true));
        if served {
            self.store.synced().await;
        }
    }
}

/// Live children of all MicroServices.
pub struct Children {
    kinds: Vec<Arc<Kind>>,
    pods: Arc<Store<Pod>>,
    versions: Arc<Store<Version>>,
}

impl Children {
    /// Empty stores for every kind.
    pub fn new() -> Self {
        let kinds = KINDS.iter().map(|kind| Arc::new(Kind::new(kind))).collect();
        Self { kinds, pods: Arc::default(), versions: Arc::default() }
    }

    /// The watches, to be spawned; each change adds the MicroService to the queue. A kind that the cluster comes to have, or
    /// loses, may concern every one of them.
    pub fn watches(
        &self,
        cluster: &Cluster,
        queue: &Queue,
        services: &Arc<Services>,
        tracer: &Tracer,
    ) -> Vec<BoxFuture<'static, ()>> {
        let mut watches: Vec<BoxFuture<'static, ()>> = Vec::new();
        for kind in &self.kinds {
            let all = (queue.clone(), Arc::clone(services));
            let (queue, tracer, name) = (queue.clone(), tracer.clone(), kind.kind.kind);
            kind.store.listen(move |update: &Update<Owner>| {
                let [before, after] =
                    [&update.before, &update.after].map(|entry| entry.as_ref().map(|entry| &entry.object));
                tracer.hands().saw(name, before, after);
                let owners = [&update.before, &update.after].into_iter().flatten();
                for name in owners.filter_map(|entry| entry.extra.service.clone()) {
                    queue.add(ObjectKey { namespace: update.key.namespace.clone(), name });
                }
            });
            if kind.kind.optional {
                let turned = move || all.1.all().iter().for_each(|entry| all.0.add(entry.object.key.clone()));
                watches.push(Box::pin(optional::follow(cluster.clone(), Arc::clone(kind), turned)));
                continue;
            }
            let store = Arc::clone(&kind.store);
            watches.push(Box::pin(watch::follow(cluster.clone(), kind.resource.clone(), Some(SELECTOR), store)));
        }
        watches.push(self.watch_versions(cluster, queue.clone()));
        let queue = queue.clone();
        self.pods.listen(move |update: &Update<Pod>| {
            let entry = update.after.as_ref().or(update.before.as_ref());
            let Some(name) = entry.and_then(|entry| entry.extra.service()) else { return };
            queue.add_after(ObjectKey { namespace: update.key.namespace.clone(), name: name.into() }, POD_NEWS);
        });
        let pods = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        watches.push(Box::pin(watch::follow(cluster.clone(), pods, Some(SELECTOR), Arc::clone(&self.pods))));
        watches
    }

    /// A version that goes may leave a ConfigMap that nobody needs any more.
    fn watch_versions(&self, cluster: &Cluster, queue: Queue) -> BoxFuture<'static, ()> {
        self.versions.listen(move |update: &Update<Version>| {
            let gone = update.before.as_ref().filter(|_| update.after.is_none());
            let Some(name) = gone.and_then(|entry| entry.extra.instance.clone()) else { return };
            queue.add(ObjectKey { namespace: update.key.namespace.clone(), name });
        });
        let kind = ApiResource::erase::<k8s_openapi::api::apps::v1::ReplicaSet>(&());
        Box::pin(watch::follow(cluster.clone(), kind, Some(CONFIGURED), Arc::clone(&self.versions)))
    }

    /// The same stores, for whoever shows what is in them.
    pub fn kin(&self) -> Kin {
        Kin::new(self.kinds.clone(), Arc::clone(&self.pods))
    }

    /// Waits until every first list is complete.
    pub async fn synced(&self) {
        join_all(self.kinds.iter().map(|kind| kind.synced())).await;
        self.pods.synced().await;
        self.versions.synced().await;
    }

    /// The store of a kind.
    pub fn of(&self, kind: &ChildKind) -> Option<&Kind> {
        self.kinds.iter().find(|known| known.kind == kind).map(|kind| &**kind)
    }

    /// Every kind, in the order in which children are applied.
    pub fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    /// Hashes of the configurations that versions of a MicroService use.
    pub fn configs_of(&self, service: &ObjectKey) -> Vec<String> {
        self.versions.group(&service.to_string()).iter().filter_map(|version| version.extra.config.clone()).collect()
    }

    /// The pods of a MicroService, of every version.
    pub fn pods_of(&self, service: &ObjectKey) -> Vec<PodSummary> {
        self.pods.group(&service.to_string()).iter().map(|pod| pod.extra.summary.clone()).collect()
    }

    /// Whether a pod of that instance has yet to end.
    pub fn has_running_pods(&self, instance: &ObjectKey) -> bool {
        self.pods.group(&instance.to_string()).iter().any(|pod| !pod.extra.ended)
    }
}

/// How a kind is called.
pub fn resource(kind: &ChildKind) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(kind.group, kind.version, kind.kind), kind.plural)
}

/// Whether an object has the label that our watches select.
pub fn is_labelled(value: &Value) -> bool {
    value["metadata"]["labels"][LABEL_MANAGED_BY] == MANAGED_BY
}
