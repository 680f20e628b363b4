//! What the reading commands share: a cluster that answers within seconds or is an error, and what is looked at in it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ClusterArgs;
use super::act::{Denied, denied};
use crate::api::GitSync;
use crate::api::names::APPLYSET_NAMESPACES;
use crate::cluster::{self, CallError, Cluster, gitsyncs, microservices};
use crate::model::ObjectKey;
use crate::telemetry::Metrics;
pub use crate::view::{Seen, declared_by, is_named, key, provenance};

/// A person waits: no call takes longer.
const DEADLINE: Duration = Duration::from_secs(6);

/// Where to look.
#[derive(Debug, Clone, Args)]
pub struct ScopeArgs {
    /// Look at the GitSyncs of this namespace with all their MicroServices, and at the MicroServices in it.
    #[arg(long, short, value_name = "NAME", env = "POD_NAMESPACE", hide_env_values = true)]
    #[arg(default_value = "gitmoor-system")]
    pub namespace: String,
    /// Look everywhere.
    #[arg(long, short = 'A')]
    pub all_namespaces: bool,
}

impl ScopeArgs {
    /// The namespace to look in, none for everywhere. A full name, NAMESPACE/NAME, says it, too.
    pub fn namespace<'a>(&'a self, name: Option<&'a str>) -> Option<&'a str> {
        match name.and_then(|name| name.split_once('/')) {
            Some((namespace, _)) => Some(namespace),
            None => (!self.all_namespaces).then_some(self.namespace.as_str()),
        }
    }
}

/// A cluster whose calls are short.
pub async fn reach(args: &ClusterArgs) -> anyhow::Result<Cluster> {
    let client = cluster::connect(&args.connection()).await?;
    Ok(Cluster::new(client, Metrics::new(env!("CARGO_PKG_VERSION")), DEADLINE))
}

/// Lists both kinds. Who may not list MicroServices everywhere is shown those of the namespaces that the GitSyncs name.
pub async fn look(cluster: &Cluster, namespace: Option<&str>) -> anyhow::Result<Seen> {
    let gitsyncs: Vec<GitSync> = all(cluster
        .list(&gitsyncs(), namespace, None)
        .await
        .map_err(|error| denied(error, "list", &gitsyncs(), namespace))?)?;
    let live = match (cluster.list(&microservices(), None, None).await, namespace) {
        (Err(CallError::Forbidden(_)), Some(namespace)) => {
            let mut found = Vec::new();
            for namespace in named(&gitsyncs, namespace) {
                let part = cluster.list(&microservices(), Some(&namespace), None).await;
                found.extend(part.map_err(|error| denied(error, "list", &microservices(), Some(&namespace)))?);
            }
            found
        }
        (answer, _) => answer.map_err(|error| denied(error, "list", &microservices(), None))?,
    };
    Ok(Seen { gitsyncs, services: all(live)? }.within(namespace))
}

/// The same with the GitSyncs that those of the namespace declare elsewhere, where the right to list them is there.
pub async fn look_far(cluster: &Cluster, namespace: Option<&str>) -> anyhow::Result<Seen> {
    match look(cluster, None).await {
        Ok(seen) => Ok(seen.from(namespace)),
        Err(error) if namespace.is_some() && is_forbidden(&error) => look(cluster, namespace).await,
        Err(error) => Err(error),
    }
}

impl Seen {
    /// What a namespace leads to: its GitSyncs, the GitSyncs that they declare anywhere, and so on; what all of them
    /// declare, and whatever is in it.
    fn from(mut self, namespace: Option<&str>) -> Self {
        let Some(namespace) = namespace else { return self };
        let mut kept: BTreeSet<String> = BTreeSet::new();
        loop {
            let declared = |gitsync: &GitSync| declared_by(gitsync).is_some_and(|sync| kept.contains(&sync));
            let own = |gitsync: &GitSync| gitsync.metadata.namespace.as_deref() == Some(namespace);
            let reached = self.gitsyncs.iter().filter(|gitsync| own(gitsync) || declared(gitsync));
            let reached: BTreeSet<String> = reached.map(|gitsync| key(gitsync).to_string()).collect();
            if reached.len() == kept.len() {
                break;
            }
            kept = reached;
        }
        self.gitsyncs.retain(|gitsync| kept.contains(&key(gitsync).to_string()));
        self.services.retain(|service| {
            service.metadata.namespace.as_deref() == Some(namespace)
                || provenance(service).is_some_and(|source| kept.contains(&source.sync))
        });
        self
    }

    /// What belongs to a namespace: its GitSyncs, what they declare anywhere, and whatever is in it.
    #[must_use]
    pub fn within(mut self, namespace: Option<&str>) -> Self {
        if let Some(namespace) = namespace {
            self.gitsyncs.retain(|gitsync| gitsync.metadata.namespace.as_deref() == Some(namespace));
            let syncs: BTreeSet<String> = self.gitsyncs.iter().map(|gitsync| key(gitsync).to_string()).collect();
            self.services.retain(|service| {
                service.metadata.namespace.as_deref() == Some(namespace)
                    || provenance(service).is_some_and(|source| syncs.contains(&source.sync))
            });
        }
        self.gitsyncs.sort_by_key(key);
        self.services.sort_by_key(key);
        self
    }
}

fn is_forbidden(error: &anyhow::Error) -> bool {
    error.is::<Denied>()
}

/// Reads `name` or `namespace/name`.
pub fn full_name(name: &str, namespace: &str) -> anyhow::Result<ObjectKey> {
    match name.split_once('/') {
        None if !name.is_empty() => Ok(ObjectKey::new(namespace, name)),
        Some(_) => ObjectKey::parse(name).with_context(|| format!("{name:?} is neither NAME nor NAMESPACE/NAME")),
        None => bail!("the name is empty"),
    }
}

/// What the API server sent, as our kind.
pub fn typed<T: DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    let name = format!("{}/{}", value["metadata"]["namespace"], value["metadata"]["name"]).replace('"', "");
    serde_json::from_value(value)
        .with_context(|| format!("cannot read {name}; are the CRDs those of another version? See: gitmoor crds"))
}

fn all<T: DeserializeOwned>(values: Vec<Value>) -> anyhow::Result<Vec<T>> {
    values.into_iter().map(typed).collect()
}

fn named(gitsyncs: &[GitSync], own: &str) -> BTreeSet<String> {
    let listed = |gitsync: &GitSync| gitsync.metadata.annotations.as_ref()?.get(APPLYSET_NAMESPACES).cloned();
    let more = gitsyncs.iter().filter_map(listed);
    let more: Vec<String> = more.flat_map(|names| names.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
    more.into_iter().filter(|name| !name.is_empty()).chain([own.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::MicroService;
    use crate::api::names::{SOURCE, SOURCE_PATH, SOURCE_REVISION};
    use serde_json::json;

    fn service(namespace: &str, name: &str, mark: Option<&str>) -> MicroService {
        let annotations =
            mark.map(|mark| json!({SOURCE: mark, SOURCE_PATH: "a:b.yaml:7", SOURCE_REVISION: "main@sha1:1"}));
        let metadata = json!({"namespace": namespace, "name": name, "annotations": annotations});
        serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata, "spec": {"image": "a:1"}
        }))
        .unwrap()
    }

    #[test]
    fn a_namespace_has_its_gitsyncs_all_that_they_declare_and_what_is_in_it() {
        let gitsync = |namespace: &str| {
            serde_json::from_value(json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
                "metadata": {"namespace": namespace, "name": "main"}, "spec": {"url": "https://example.com/x"}
            }))
            .unwrap()
        };
        let seen = Seen {
            gitsyncs: vec![gitsync("ops"), gitsync("team")],
            services: vec![
                service("shop", "b", Some("sync=ops/main; uid=1; object=shop/b")),
                service("shop", "a", Some("sync=team/main; uid=1; object=shop/a")),
                service("ops", "by-hand", None),
            ],
        };
        let names = |seen: &Seen| seen.services.iter().map(|service| key(service).to_string()).collect::<Vec<_>>();
        let ops = seen.clone().within(Some("ops"));
        assert_eq!((ops.gitsyncs.len(), names(&ops)), (1, vec!["ops/by-hand".to_owned(), "shop/b".to_owned()]));
        let all = seen.clone().within(None);
        assert_eq!((all.gitsyncs.len(), all.services.len()), (2, 3));
        assert_eq!(names(&seen.within(Some("shop"))), ["shop/a", "shop/b"]);
    }

    #[test]
    fn a_copy_was_declared_nowhere() {
        let source = provenance(&service("shop", "a", Some("sync=ops/main; uid=1; object=shop/a"))).unwrap();
        assert_eq!((source.file.as_str(), source.line, source.sync.as_str()), ("a:b.yaml", 7, "ops/main"));
        assert_eq!(provenance(&service("shop", "copy", Some("sync=ops/main; uid=1; object=shop/a"))), None);
        assert_eq!(provenance(&service("shop", "a", None)), None);
    }

    #[test]
    fn names_are_read_with_and_without_namespace() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(full_name(name, "own").ok().map(|key| key.to_string()).as_deref(), expected, "{name}");
        };
        check("main", Some("own/main"));
        check("team/main", Some("team/main"));
        for bad in ["", "/main", "team/", "a/b/c"] {
            check(bad, None);
        }
        assert!(is_named("a", &ObjectKey::new("x", "a")) && is_named("x/a", &ObjectKey::new("x", "a")));
        assert!(!is_named("y/a", &ObjectKey::new("x", "a")));
    }
}
