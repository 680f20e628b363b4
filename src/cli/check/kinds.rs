//! Whether the two kinds are there, served, and those of this version.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::ApiResource;

use super::finding::Finding;
use crate::api::crds;
use crate::cluster::Cluster;
use crate::install::{Freshness, freshness};
use crate::model::ObjectKey;
use crate::model::preflight::Fault;

const KINDS: &str = "kinds";

/// Looks at each.
pub async fn check(cluster: &Cluster) -> Vec<Finding> {
    let kind = ApiResource::erase::<CustomResourceDefinition>(&());
    let mut findings = Vec::new();
    for ours in crds::all() {
        let name = ours.metadata.name.clone().unwrap_or_default();
        findings.push(match cluster.get(&kind, &ObjectKey::new("", name.as_str())).await {
            Ok(live) => found(&name, &freshness(&ours, live.map(|live| live.value()).as_ref())),
            Err(error) => Finding::unknown(KINDS, format!("CRD {name} cannot be looked at: {error}")),
        });
    }
    findings
}

fn found(name: &str, freshness: &Freshness) -> Finding {
    let install = "install those of this version: gitmoor crds | kubectl apply --server-side -f -";
    match freshness {
        Freshness::Same => Finding::ok(KINDS, format!("CRD {name} is that of this version")),
        Freshness::Missing => {
            Finding::wrong(KINDS, Fault::CrdMissing, format!("CRD {name} is not installed")).hint(install)
        }
        Freshness::Unserved(words) => {
            Finding::wrong(KINDS, Fault::CrdMissing, format!("CRD {name} is not served: {words}"))
                .hint("see: kubectl describe crd")
        }
        Freshness::Unspoken => Finding::wrong(
            KINDS,
            Fault::CrdOther,
            format!("CRD {name} does not serve the version that this program speaks"),
        )
        .hint(install),
        Freshness::Other => {
            Finding::odd(KINDS, format!("CRD {name} is that of another version than this program's")).hint(install)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn what_is_not_served_is_wrong_and_another_version_is_odd() {
        let check = |freshness: Freshness, state: State, code: Option<&str>| {
            let found = found("gitsyncs.gitmoor.dev", &freshness);
            assert_eq!((found.state, found.code), (state, code), "{freshness:?}");
            assert!(found.message.contains("gitsyncs.gitmoor.dev"));
        };
        check(Freshness::Same, State::Ok, None);
        check(Freshness::Missing, State::Wrong, Some("GM492"));
        check(Freshness::Unserved("names".into()), State::Wrong, Some("GM492"));
        check(Freshness::Unspoken, State::Wrong, Some("GM493"));
        check(Freshness::Other, State::Odd, None);
    }
}
