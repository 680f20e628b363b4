//! What a person pauses: which object a name means, and changing it on the condition that it is still what was looked at.

use anyhow::{anyhow, bail};
use serde_json::{Value, json};

use crate::cli::act::{denied, missing};
use crate::cli::reach::full_name;
use crate::cli::run::CLI_MANAGER;
use crate::cluster::{CallError, Cluster, gitsyncs, resource};
use crate::model::{Kind, Target};

/// How often a change is tried whose object moved meanwhile.
const TRIES: u32 = 10;

/// Reads `NAME` and `NAMESPACE/NAME` of a MicroService, and the same after `gitsync/`, or its short name, of a GitSync.
/// A MicroService in a namespace that is called like a kind is written with its own kind before it.
pub fn parse(text: &str, namespace: &str) -> anyhow::Result<Target> {
    let (kind, name) = match text.split_once('/') {
        Some(("gitsync" | "gitsyncs" | "gs", rest)) => (Kind::GitSync, rest),
        Some(("microservice" | "microservices" | "ms", rest)) => (Kind::MicroService, rest),
        _ => (Kind::MicroService, text),
    };
    Ok(Target::new(kind, full_name(name, namespace)?))
}

/// The name as a person would write it, wherever that person is.
pub fn written(target: &Target) -> String {
    match target.kind {
        Kind::GitSync => format!("gitsync/{}", target.key),
        Kind::MicroService if is_kind(&target.key.namespace) => format!("microservice/{}", target.key),
        Kind::MicroService => target.key.to_string(),
    }
}

fn is_kind(word: &str) -> bool {
    ["gitsync", "gitsyncs", "gs", "microservice", "microservices", "ms"].contains(&word)
}

/// Changes it by a merge patch, which is refused when it moved since it was looked at; then it is looked at anew. Returns
/// it as it was found.
pub async fn change(
    cluster: &Cluster,
    target: &Target,
    decide: impl Fn(&Value) -> Option<Value>,
) -> anyhow::Result<Value> {
    let (kind, key) = (resource(target.kind), &target.key);
    for _ in 0..TRIES {
        let found = match cluster.get(&kind, key).await {
            Ok(Some(live)) => live.value(),
            Ok(None) => return Err(absent(cluster, target).await),
            Err(error) => return Err(denied(error, "get", &kind, Some(&key.namespace))),
        };
        let Some(mut patch) = decide(&found) else { return Ok(found) };
        patch["metadata"]["resourceVersion"] = json!(found["metadata"]["resourceVersion"]);
        match cluster.merge(&kind, key, &patch, CLI_MANAGER).await {
            Ok(_) => return Ok(found),
            Err(CallError::Conflict(_)) => {}
            Err(CallError::NotFound(_)) => return Err(absent(cluster, target).await),
            Err(error) => return Err(denied(error, "patch", &kind, Some(&key.namespace))),
        }
    }
    bail!("{target} was changed by somebody else with each of {TRIES} tries, and nothing was written; try again")
}

/// Says that there is no such object, and what may have been meant.
async fn absent(cluster: &Cluster, target: &Target) -> anyhow::Error {
    let key = &target.key;
    if target.kind == Kind::GitSync {
        return missing(cluster, key).await;
    }
    // It is only for a hint: what cannot be seen is not suggested.
    if let Ok(Some(_)) = cluster.get(&gitsyncs(), key).await {
        return anyhow!("there is no MicroService {key}; the GitSync of that name is gitsync/{key}");
    }
    anyhow!("there is no MicroService {key}; see: gitmoor status -A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_microservice_unless_it_says_otherwise() {
        let check = |text: &str, expected: Option<(Kind, &str)>| {
            let target = parse(text, "own").ok();
            let found = target.as_ref().map(|target| (target.kind, target.key.to_string()));
            assert_eq!(found, expected.map(|(kind, key)| (kind, key.to_owned())), "{text}");
            if let Some(target) = target {
                assert_eq!(parse(&written(&target), "elsewhere").ok().as_ref(), Some(&target), "{text}");
            }
        };
        check("orders", Some((Kind::MicroService, "own/orders")));
        check("shop/orders", Some((Kind::MicroService, "shop/orders")));
        check("gitsync/main", Some((Kind::GitSync, "own/main")));
        check("gs/shop/main", Some((Kind::GitSync, "shop/main")));
        check("ms/shop/orders", Some((Kind::MicroService, "shop/orders")));
        check("microservice/gitsync/orders", Some((Kind::MicroService, "gitsync/orders")));
        for bad in ["", "gitsync/", "/x", "a/b/c", "gitsync/a/b/c", "deployment/shop/orders"] {
            check(bad, None);
        }
    }
}
