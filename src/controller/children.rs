//! Live children of all MicroServices: one store and one watch per kind, and one for their pods.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::queue::Queue;
use crate::api::names::{LABEL_INSTANCE, LABEL_MANAGED_BY, MANAGED_BY};
use crate::cluster::store::{Extra, Store, Update};
use crate::cluster::{Cluster, watch};
use crate::health::PodSummary;
use crate::model::{LiveObject, ObjectKey};
use crate::trace::Tracer;
use crate::workload::{ChildKind, KINDS};

/// Selects what the controller manages.
const SELECTOR: &str = "app.kubernetes.io/managed-by=gitmoor";
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
    /// Name of the MicroService.
    instance: Option<Arc<str>>,
}

impl Extra for Pod {
    fn of(value: &Value) -> Self {
        let metadata = &value["metadata"];
        Self {
            summary: PodSummary::from_json(value),
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

/// One kind of child.
pub struct Kind {
    /// How it is rendered.
    pub kind: &'static ChildKind,
    /// How it is called.
    pub resource: ApiResource,
    /// What there is of it.
    pub store: Arc<Store<Owner>>,
}

/// Live children of all MicroServices.
pub struct Children {
    kinds: Vec<Kind>,
    pods: Arc<Store<Pod>>,
}

impl Children {
    /// Empty stores for every kind.
    pub fn new() -> Self {
        let kinds = KINDS.iter().map(|kind| Kind { kind, resource: resource(kind), store: Arc::default() }).collect();
        Self { kinds, pods: Arc::default() }
    }

    /// The watches, to be spawned; each change adds the MicroService to the queue.
    pub fn watches(&self, cluster: &Cluster, queue: &Queue, tracer: &Tracer) -> Vec<BoxFuture<'static, ()>> {
        let mut watches: Vec<BoxFuture<'static, ()>> = Vec::new();
        for kind in &self.kinds {
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
            let store = Arc::clone(&kind.store);
            watches.push(Box::pin(watch::follow(cluster.clone(), kind.resource.clone(), Some(SELECTOR), store)));
        }
        let queue = queue.clone();
        self.pods.listen(move |update: &Update<Pod>| {
            let entry = update.after.as_ref().or(update.before.as_ref());
            let Some(name) = entry.and_then(|entry| entry.extra.instance.clone()) else { return };
            queue.add_after(ObjectKey { namespace: update.key.namespace.clone(), name }, POD_NEWS);
        });
        let pods = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        watches.push(Box::pin(watch::follow(cluster.clone(), pods, Some(SELECTOR), Arc::clone(&self.pods))));
        watches
    }

    /// Waits until every first list is complete.
    pub async fn synced(&self) {
        join_all(self.kinds.iter().map(|kind| kind.store.synced())).await;
        self.pods.synced().await;
    }

    /// The store of a kind.
    pub fn of(&self, kind: &ChildKind) -> Option<&Kind> {
        self.kinds.iter().find(|known| known.kind == kind)
    }

    /// Every kind, in the order in which children are applied.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The pods of a MicroService, of every version.
    pub fn pods_of(&self, service: &ObjectKey) -> Vec<PodSummary> {
        self.pods.group(&service.to_string()).iter().map(|pod| pod.extra.summary.clone()).collect()
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
