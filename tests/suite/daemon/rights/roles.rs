//! Gitmoor's roles, less a right or several, and what the API server makes of it.

use gitmoor::install::{self, Choice, Right};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::support::files::documents;
use crate::support::plane::root;
use crate::support::{Kube, eventually, holds};

const ACCOUNT: &str = "system:serviceaccount:gitmoor-system:gitmoor";

/// What Gitmoor may as it is installed, less what has words of its own: see tenancy.
pub fn granted() -> Vec<Right> {
    let mut all = install::rights(&Choice::default()).unwrap();
    all.retain(|right| !right.verb.starts_with("impersonate"));
    assert!(all.len() > 100, "{all:?}");
    all
}

/// The roles that say so.
fn roles() -> Vec<Value> {
    let mut all = documents(&root().join("deploy/access.yaml"));
    // Those of people; and two that have words of their own: see tenancy, and restarts.
    let others = ["gitmoor-view", "gitmoor-operate", "gitmoor-admin", "gitmoor-impersonation", "gitmoor-restarts"];
    all.retain(|one| {
        let role = one["kind"] == "ClusterRole" || one["kind"] == "Role";
        role && !others.iter().any(|name| one["metadata"]["name"] == *name)
    });
    assert!(all.len() >= 2, "Gitmoor has a ClusterRole and a Role: {all:#?}");
    all
}

/// Takes rights away, and waits until they are gone.
pub async fn take(kube: &Kube, verb: &str, resources: &[&str]) {
    let mut taken = 0;
    for mut role in roles() {
        let (mut less, before) = (Vec::new(), taken);
        for rule in role["rules"].as_array().unwrap() {
            for one in rule["resources"].as_array().unwrap() {
                let mut rule = rule.clone();
                rule["resources"] = json!([one]);
                let verbs = rule["verbs"].as_array_mut().unwrap();
                let all = verbs.len();
                verbs.retain(|known| known != verb || !resources.iter().any(|resource| one == resource));
                taken += all - verbs.len();
                if !verbs.is_empty() {
                    less.push(rule);
                }
            }
        }
        if taken > before {
            role["rules"] = json!(less);
            kube.apply("kubectl", &role).await.unwrap();
        }
    }
    assert_eq!(taken, resources.len(), "the right to {verb} {resources:?} is given once");
    become_so(kube, verb, resources, false).await;
}

/// Gives them back, and waits until they are there.
pub async fn give_back(kube: &Kube, verb: &str, resources: &[&str]) {
    for role in roles() {
        kube.apply("kubectl", &role).await.unwrap();
    }
    become_so(kube, verb, resources, true).await;
}

async fn become_so(kube: &Kube, verb: &str, resources: &[&str], allowed: bool) {
    let api = Api::<SubjectAccessReview>::all(kube.client.clone());
    let concerned = |right: &Right| right.verb == verb && resources.contains(&right.resource.as_str());
    for right in granted().into_iter().filter(concerned) {
        let spec = json!({"user": ACCOUNT, "resourceAttributes": right.attributes()});
        let review: SubjectAccessReview = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        eventually(&format!("RBAC has heard of {right}"), async || {
            let answer = api.create(&PostParams::default(), &review).await.unwrap().status.unwrap();
            holds(answer.allowed == allowed, answer)
        })
        .await;
    }
}
