//! Whether the daemon is installed, which version it is, and whether it runs.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;

use super::super::install::{deployments, health_of};
use super::finding::Finding;
use crate::cluster::Cluster;
use crate::install::{NAME, Page, VERSION_LABEL, is_older};
use crate::model::ObjectKey;
use crate::model::preflight::Fault;

const DAEMON: &str = "daemon";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the daemon is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Installed {
    /// That could not be seen.
    Unknown,
    /// It is not.
    No,
    /// It is, with this page.
    With(Page),
}

/// What is there.
pub async fn check(cluster: &Cluster, namespace: &str) -> (Vec<Finding>, Installed) {
    match cluster.get(&deployments(), &ObjectKey::new(namespace, NAME)).await {
        Err(error) => {
            let found = Finding::unknown(DAEMON, format!("whether it is installed cannot be seen: {error}"));
            (vec![found], Installed::Unknown)
        }
        Ok(None) => {
            let found = Finding::odd(DAEMON, format!("it is not installed in {namespace}"));
            (vec![found.hint("install it with: gitmoor install")], Installed::No)
        }
        Ok(Some(live)) => {
            let live = live.value();
            (found(&live, namespace), Installed::With(Page::of(&live)))
        }
    }
}

fn found(live: &Value, namespace: &str) -> Vec<Finding> {
    let deployment = serde_json::from_value::<Deployment>(live.clone()).ok();
    let look = format!("look at: kubectl -n {namespace} get pods, and: kubectl -n {namespace} logs deployment/{NAME}");
    let health = match health_of(deployment.as_ref()) {
        Ok(how) => Finding::ok(DAEMON, how),
        Err((why, _)) => Finding::wrong(DAEMON, Fault::DaemonNotReady, why).hint(look),
    };
    let version = match live["metadata"]["labels"][VERSION_LABEL].as_str() {
        Some(version) if version == VERSION => Finding::ok(DAEMON, format!("it is version {version}, as this program")),
        Some(version) => {
            let upgrade = if is_older(version, VERSION) {
                "upgrade it with: gitmoor install"
            } else {
                "use the program of its version"
            };
            Finding::odd(DAEMON, format!("it is version {version}, and this program is {VERSION}")).hint(upgrade)
        }
        None => Finding::unknown(DAEMON, "its Deployment does not say which version it is"),
    };
    vec![health, version]
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_and_health_are_told_apart() {
        let live = |version: &str, ready: i32| {
            json!({
                "metadata": {"name": "gitmoor", "generation": 1, "labels": {VERSION_LABEL: version}},
                "spec": {"replicas": 2, "selector": {}, "template": {}},
                "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": ready,
                    "availableReplicas": ready, "conditions": [{"type": "Available", "status": "True"}]}
            })
        };
        let states = |live: &Value| found(live, "ops").iter().map(|one| (one.state, one.code)).collect::<Vec<_>>();
        assert_eq!(states(&live(VERSION, 2)), [(State::Ok, None), (State::Ok, None)]);
        assert_eq!(states(&live("0.0.1", 1)), [(State::Wrong, Some("GM495")), (State::Odd, None)]);
        let old = found(&live("0.0.1", 2), "ops");
        assert!(old[1].hint.as_ref().unwrap().contains("gitmoor install"));
        assert!(!found(&live("99.0.0", 2), "ops")[1].hint.as_ref().unwrap().contains("gitmoor install"));
    }
}
