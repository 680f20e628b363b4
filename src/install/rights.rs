//! The rights that the daemon needs, one by one, as the manifests grant them.

use serde::Serialize;
use serde_json::{Value, json};

/// One verb on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// As in `patch`.
    pub verb: String,
    /// API group, empty for that of Pods.
    pub group: String,
    /// Plural, with its subresource where there is one.
    pub resource: String,
    /// The one object that it is for; empty for all.
    pub name: String,
    /// Where; empty for everywhere.
    pub namespace: String,
}

impl Right {
    /// What a SubjectAccessReview asks.
    pub fn attributes(&self) -> Value {
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((&self.resource, ""));
        json!({
            "verb": self.verb, "group": self.group, "resource": resource, "subresource": subresource,
            "name": self.name, "namespace": self.namespace
        })
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        match self.namespace.as_str() {
            "" => Ok(()),
            namespace => write!(f, " in {namespace}"),
        }
    }
}

/// What the roles grant that are bound to the account `gitmoor` of a namespace.
pub(super) fn of(manifests: &[Value], namespace: &str) -> Vec<Right> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ours = |binding: &&Value| {
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        subjects.into_iter().any(|one| one["kind"] == "ServiceAccount" && one["namespace"] == namespace)
    };
    let mut all = Vec::new();
    for binding in manifests.iter().filter(|one| one["roleRef"].is_object()).filter(ours) {
        let place = text(&binding["metadata"]["namespace"]);
        let is_role = |one: &&Value| {
            one["kind"] == binding["roleRef"]["kind"]
                && one["metadata"]["name"] == binding["roleRef"]["name"]
                && (one["kind"] == "ClusterRole" || one["metadata"]["namespace"] == binding["metadata"]["namespace"])
        };
        let rules = manifests.iter().filter(is_role).filter_map(|role| role["rules"].as_array()).flatten();
        for rule in rules {
            let list = |field: &str| rule[field].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
            let names = Some(list("resourceNames")).filter(|names| !names.is_empty());
            let names = names.unwrap_or_else(|| vec![String::new()]);
            for (group, resource) in
                list("apiGroups").iter().flat_map(|g| list("resources").into_iter().map(move |r| (g.clone(), r)))
            {
                for (verb, name) in list("verbs").iter().flat_map(|v| names.iter().map(move |n| (v.clone(), n.clone())))
                {
                    let (group, resource, namespace) = (group.clone(), resource.clone(), place.clone());
                    all.push(Right { verb, group, resource, name, namespace });
                }
            }
        }
    }
    all.sort();
    all.dedup();
    all
}
