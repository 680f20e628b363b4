//! Whether the API server stamps who changes what Gitmoor manages: whether the admission policy of `deploy/attribution.yaml`
//! is installed as it is offered, for everything that it is for. Another policy by that name, or one that leaves something
//! out, proves nothing, because a stamp could be anybody's then.
//!
//! Two watches of one object each; it never reads anything else of admission.

use futures::StreamExt;
use kube::core::{ApiResource, GroupVersionKind};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

use super::calls::Cluster;
use super::error::CallError;
use super::one::follow_one;
use crate::model::ObjectKey;

/// What is offered.
const OFFERED: &str = include_str!("../../deploy/attribution.yaml");
/// The name of both objects.
const NAME: &str = "gitmoor-attribution";
/// The condition that names Gitmoor's own account, which each installation may call as it likes.
const ACCOUNT: &str = "by-somebody-else";

/// Follows the policy and its binding, and tells whether stamps can be believed; until dropped, or until it turns out that
/// they cannot be watched. Until it has told otherwise they cannot be believed.
pub async fn follow_attribution(cluster: Cluster, told: impl Fn(bool)) {
    let key = ObjectKey::new("", NAME);
    let mut policies = follow_one(&cluster, &resource("MutatingAdmissionPolicy", "mutatingadmissionpolicies"), &key);
    let mut bindings =
        follow_one(&cluster, &resource("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"), &key);
    let (mut policy, mut binding, mut before) = (None, None, false);
    loop {
        let seen = tokio::select! {
            seen = policies.next() => seen.map(|seen| seen.map(|seen| policy = seen)),
            seen = bindings.next() => seen.map(|seen| seen.map(|seen| binding = seen)),
        };
        match seen {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                told(false);
                say_blind(&error);
                return;
            }
            None => return told(false),
        }
        let wrong = match (&policy, &binding) {
            (Some(policy), Some(binding)) => difference(policy, binding),
            _ => Some("it is not installed"),
        };
        let installed = wrong.is_none();
        if installed != before {
            info!(installed, "who changes what is stamped by the API server, or no longer");
        }
        if let Some(wrong) = wrong.filter(|_| policy.is_some() && binding.is_some()) {
            warn!(
                policy = NAME,
                wrong, "the admission policy that stamps who changes what is not as it is offered, and not believed"
            );
        }
        before = installed;
        told(installed);
    }
}

/// A cluster of before, or an account that may not look: users stay unknown, and nothing else is missing.
fn say_blind(error: &CallError) {
    info!(policy = NAME, reason = error.reason(), %error, "whether the API server stamps who changes what cannot be seen; users stay unknown");
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind), plural)
}

/// What keeps the two from proving whose a stamp is; none where they are as they are offered.
fn difference(policy: &Value, binding: &Value) -> Option<&'static str> {
    let offered = offered();
    let (live, ours) = (&policy["spec"], &offered["spec"]);
    if live["mutations"] != ours["mutations"] || live["failurePolicy"] != ours["failurePolicy"] {
        return Some("the policy writes something else");
    }
    if !conditions(live).eq(conditions(ours)) || account(live).is_none() {
        return Some("the policy has other conditions");
    }
    let rules = |spec: &Value| spec["matchConstraints"]["resourceRules"].as_array().cloned().unwrap_or_default();
    let live_rules = rules(live);
    let covers = |ours: &Value| live_rules.iter().any(|rule| is_covered(ours, rule));
    if !rules(ours).iter().all(covers) || is_narrowed(&live["matchConstraints"]) {
        return Some("the policy leaves something out");
    }
    if binding["spec"]["policyName"] != NAME {
        return Some("the binding is another policy's");
    }
    let resources = &binding["spec"]["matchResources"];
    if is_narrowed(resources) || !is_empty(&resources["resourceRules"]) || !is_empty(&binding["spec"]["paramRef"]) {
        return Some("the binding leaves something out");
    }
    None
}

fn offered() -> Value {
    let policy = serde_yaml::Deserializer::from_str(OFFERED).next();
    // It is part of the program, and a test reads it.
    policy.and_then(|policy| Value::deserialize(policy).ok()).unwrap_or_default()
}

/// The conditions, less that of the account.
fn conditions(spec: &Value) -> impl Iterator<Item = &Value> {
    spec["matchConditions"].as_array().into_iter().flatten().filter(|one| one["name"] != ACCOUNT)
}

/// The account that is not stamped: a plain text, or the condition could say anything.
fn account(spec: &Value) -> Option<&str> {
    let all = spec["matchConditions"].as_array()?;
    let expression = all.iter().find(|one| one["name"] == ACCOUNT)?["expression"].as_str()?;
    let account = expression.trim().strip_prefix("request.userInfo.username != '")?.strip_suffix('\'')?;
    (!account.contains(['\'', '\\'])).then_some(account)
}

/// Whether a rule is for all that ours is for.
fn is_covered(ours: &Value, rule: &Value) -> bool {
    let all = |field: &str| {
        let there = rule[field].as_array();
        ours[field].as_array().into_iter().flatten().all(|one| there.is_some_and(|there| there.contains(one)))
    };
    ["apiGroups", "apiVersions", "operations", "resources"].into_iter().all(all)
        && is_empty(&rule["resourceNames"])
        && (rule["scope"].is_null() || rule["scope"] == "*")
}

/// Whether selectors leave something out.
fn is_narrowed(constraints: &Value) -> bool {
    let narrows = |field: &str| !is_empty(&constraints[field]);
    ["namespaceSelector", "objectSelector", "excludeResourceRules"].into_iter().any(narrows)
        || constraints["matchPolicy"].as_str().is_some_and(|policy| policy != "Equivalent")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::names::{CHANGED_BY, CHANGED_FROM};
    use crate::workload::KINDS;

    fn both() -> (Value, Value) {
        let mut all = serde_yaml::Deserializer::from_str(OFFERED).map(|one| Value::deserialize(one).unwrap());
        (all.next().unwrap(), all.next().unwrap())
    }

    #[test]
    fn what_is_offered_stamps_all_that_is_managed() {
        let (policy, binding) = both();
        assert_eq!(difference(&policy, &binding), None);
        assert_eq!(account(&policy["spec"]), Some("system:serviceaccount:gitmoor-system:gitmoor"));
        let mutation = policy["spec"]["mutations"].to_string();
        assert!(mutation.contains(CHANGED_BY) && mutation.contains(CHANGED_FROM), "{mutation}");
        let rules = policy["spec"]["matchConstraints"]["resourceRules"].as_array().unwrap();
        let has = |group: &str, plural: &str| {
            let named = |rule: &Value, field: &str, text: &str| rule[field].as_array().unwrap().contains(&json!(text));
            rules.iter().any(|rule| named(rule, "apiGroups", group) && named(rule, "resources", plural))
        };
        assert!(has("gitmoor.dev", "microservices"));
        for kind in KINDS {
            assert!(has(kind.group, kind.plural), "{} is not stamped", kind.kind);
        }
    }

    #[test]
    fn what_leaves_something_out_is_not_believed() {
        let (policy, binding) = both();
        let with = |path: &str, value: Value| {
            let (mut policy, mut binding) = (policy.clone(), binding.clone());
            let (object, path) = match path.strip_prefix("binding") {
                Some(path) => (&mut binding, path),
                None => (&mut policy, path),
            };
            let (parent, field) = path.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[field] = value;
            difference(&policy, &binding)
        };
        let fine = |path: &str, value: Value| assert_eq!(with(path, value.clone()), None, "{path} {value}");
        let wrong =
            |path: &str, value: Value, why: &str| assert_eq!(with(path, value.clone()), Some(why), "{path} {value}");
        // As the API server fills it in.
        fine("/spec/matchConstraints/namespaceSelector", json!({}));
        fine("/spec/matchConstraints/objectSelector", json!({}));
        fine("/spec/matchConstraints/matchPolicy", json!("Equivalent"));
        fine("binding/spec/matchResources", json!({"namespaceSelector": {}, "matchPolicy": "Equivalent"}));
        let other =
            json!({"name": ACCOUNT, "expression": "request.userInfo.username != 'system:serviceaccount:ops:gitmoor'"});
        fine(
            "/spec/matchConditions",
            json!([policy["spec"]["matchConditions"][0], other, policy["spec"]["matchConditions"][2]]),
        );

        wrong("/spec/mutations", json!([]), "the policy writes something else");
        wrong("/spec/failurePolicy", json!("Ignore"), "the policy writes something else");
        wrong("/spec/matchConditions", json!([]), "the policy has other conditions");
        let clever = json!({"name": ACCOUNT, "expression": "request.userInfo.username != 'a' && request.userInfo.username != 'b'"});
        let conditions = &policy["spec"]["matchConditions"];
        wrong(
            "/spec/matchConditions",
            json!([conditions[0], clever, conditions[2]]),
            "the policy has other conditions",
        );
        wrong("/spec/matchConstraints/resourceRules", json!([]), "the policy leaves something out");
        let selector = json!({"matchLabels": {"a": "b"}});
        wrong("/spec/matchConstraints/objectSelector", selector.clone(), "the policy leaves something out");
        wrong(
            "binding/spec/matchResources",
            json!({"namespaceSelector": selector}),
            "the binding leaves something out",
        );
        wrong("binding/spec/policyName", json!("other"), "the binding is another policy's");
    }
}
