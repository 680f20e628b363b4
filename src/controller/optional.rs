//! Kinds that a cluster has or has not, and may come to have: each is followed for as long as it is served.
//!
//! What tells is a watch of the kind's own definition, by its name: nothing is asked again and again, a kind that is not
//! there is never watched in vain, and one that appears is picked up at once. Nothing here decides what follows from it.

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::ApiResource;
use serde_json::{Value, json};
use tokio::sync::watch::{self, Receiver};
use tracing::info;

use super::children::{Kind, SELECTOR};
use crate::cluster::store::{Extra, Store};
use crate::cluster::{Cluster, watch as watching};
use crate::model::ObjectKey;

/// What a definition says that matters here.
#[derive(Debug)]
pub struct Definition {
    /// Versions that the API server serves.
    versions: Vec<String>,
}

impl Extra for Definition {
    fn of(value: &Value) -> Self {
        let conditions = value["status"]["conditions"].as_array();
        let holds = |kind: &str| {
            conditions.is_some_and(|all| all.iter().any(|one| one["type"] == kind && one["status"] == "True"))
        };
        let leaving = value["metadata"].get("deletionTimestamp").is_some();
        let versions = value["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let served = versions.iter().filter(|version| holds("Established") && !leaving && version["served"] == true);
        Self { versions: served.filter_map(|version| version["name"].as_str()).map(str::to_owned).collect() }
    }

    /// A definition is large, and what it defines is nobody's business here.
    fn trim(value: &mut Value) {
        let kept: Value = ["name", "uid", "resourceVersion", "deletionTimestamp"]
            .iter()
            .filter_map(|field| Some(((*field).to_owned(), value["metadata"].get_mut(*field)?.take())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        *value = json!({"metadata": kept});
    }
}

/// Follows a kind while the cluster has it, until dropped. `turned` is called when that changes.
pub async fn follow(cluster: Cluster, kind: Arc<Kind>, turned: impl Fn()) {
    let definitions: Arc<Store<Definition>> = Arc::default();
    let (told, news) = watch::channel(());
    definitions.listen(move |_| told.send_replace(()));
    let name = kind.kind.definition();
    let definition = watching::follow_named(
        cluster.clone(),
        ApiResource::erase::<CustomResourceDefinition>(&()),
        name.clone(),
        Arc::clone(&definitions),
    );
    let served = || {
        let entry = definitions.get(&ObjectKey::new("", name.as_str()));
        entry.is_some_and(|entry| entry.extra.versions.iter().any(|version| version == kind.kind.version))
    };
    let acting = async {
        definitions.synced().await;
        let mut news = news;
        loop {
            if served() {
                tokio::select! {
                    () = watching::follow(cluster.clone(), kind.resource.clone(), Some(SELECTOR), Arc::clone(&kind.store)) => {}
                    () = announce(&kind, &turned) => {}
                    () = until(&mut news, || !served()) => {}
                }
                // Before what there was of it is forgotten: a child that went with its kind is not missing.
                turn(&kind, false, &turned);
                kind.store.forget();
            }
            turn(&kind, false, &turned);
            until(&mut news, &served).await;
        }
    };
    tokio::select! {
        () = definition => {}
        () = acting => {}
    }
}

/// The kind is there once all that there is of it is known; then this has nothing more to do.
async fn announce(kind: &Kind, turned: &impl Fn()) {
    kind.store.synced().await;
    turn(kind, true, turned);
    std::future::pending::<()>().await;
}

fn turn(kind: &Kind, served: bool, turned: &impl Fn()) {
    if kind.turn(served) {
        info!(kind = kind.kind.kind, served, "an optional kind of the cluster");
        turned();
    }
}

/// Waits until it is so, looking at each news.
async fn until(news: &mut Receiver<()>, is_so: impl Fn() -> bool) {
    while !is_so() {
        if news.changed().await.is_err() {
            // Whoever tells is as old as this: it ends with it.
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(status: &str, served: bool, leaving: bool) -> Vec<String> {
        let mut definition = json!({
            "metadata": {"name": "httproutes.gateway.networking.k8s.io"},
            "spec": {"versions": [{"name": "v1", "served": served}, {"name": "v1beta1", "served": true}]},
            "status": {"conditions": [{"type": "Established", "status": status}]}
        });
        if leaving {
            definition["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        Definition::of(&definition).versions
    }

    #[test]
    fn a_definition_serves_what_is_established_and_stays() {
        assert_eq!(versions("True", true, false), ["v1", "v1beta1"]);
        assert_eq!(versions("True", false, false), ["v1beta1"]);
        assert!(versions("False", true, false).is_empty());
        assert!(versions("True", true, true).is_empty());
    }
}
