//! Where a GitSync may write, and what of its spec asks for more. A refusal says which rule refuses.

use std::sync::Arc;

use crate::api::gitsync::GitSyncSpec;
use crate::manifest::{Allowed, Scope};
use crate::model::{Account, AccountRule, ObjectKey, is_name};

/// Something that the spec asks for and does not get. The rest of the spec counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// CamelCase word for the rule.
    pub reason: &'static str,
    /// The field, and the rule in words.
    pub message: String,
}

/// Where a GitSync may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// Namespaces and kinds.
    pub scope: Scope,
    /// Whether missing namespaces are created.
    pub create_namespaces: bool,
    /// What the spec asks for beyond that.
    pub refused: Vec<Refusal>,
}

impl Confinement {
    /// Outside of the operator's namespace a GitSync is confined to its own, whatever it asks for.
    pub fn of(spec: &GitSyncSpec, own: &Arc<str>, operator_namespace: &str) -> Self {
        let target_namespace = spec.target_namespace.as_deref().map_or_else(|| Arc::clone(own), Into::into);
        let operators = **own == *operator_namespace;
        let mut refused = Vec::new();
        if !operators {
            let wider = spec.allowed_namespaces.iter().find(|name| **name != **own);
            refused.extend(
                wider.map(|name| confined(&format!("spec.allowedNamespaces names {name:?}"), own, operator_namespace)),
            );
            if target_namespace != *own {
                refused.push(confined(&format!("spec.targetNamespace is {target_namespace}"), own, operator_namespace));
            }
            if spec.create_namespaces == Some(true) {
                refused.push(confined("spec.createNamespaces is true", own, operator_namespace));
            }
        }
        let allowed = if operators { listed(&spec.allowed_namespaces, own) } else { Allowed::Only(vec![own.clone()]) };
        if operators && spec.target_namespace.is_some() && !allowed.contains(&target_namespace) {
            let message = if spec.allowed_namespaces.is_empty() {
                format!(
                    "spec.targetNamespace is {target_namespace}, and spec.allowedNamespaces is empty: then only {own} is written to; name {target_namespace} there"
                )
            } else {
                format!("spec.targetNamespace {target_namespace} is not one of spec.allowedNamespaces; name it there")
            };
            refused.push(Refusal { reason: "NamespaceNotAllowed", message });
        }
        Self {
            scope: Scope { target_namespace, allowed, gitsyncs: operators },
            create_namespaces: operators && spec.create_namespaces.unwrap_or(false),
            refused,
        }
    }
}

fn confined(what: &str, own: &str, operator_namespace: &str) -> Refusal {
    let message = format!(
        "{what}, which counts only in the operator's namespace {operator_namespace}; a GitSync elsewhere writes to its own namespace, {own}, alone"
    );
    Refusal { reason: "ConfinedNamespace", message }
}

fn listed(names: &[String], own: &Arc<str>) -> Allowed {
    if names.is_empty() {
        return Allowed::Only(vec![own.clone()]);
    }
    if names.iter().any(|name| name == "*") {
        return Allowed::Any;
    }
    Allowed::Only(names.iter().map(|name| name.as_str().into()).collect())
}

/// The ServiceAccount that the spec names; an error where the name is none that a ServiceAccount can have.
pub fn account(spec: &GitSyncSpec, own: &Arc<str>) -> Result<Option<Account>, String> {
    match spec.service_account_name.as_deref() {
        Some(name) if is_name(name) => {
            Ok(Some(Account { key: ObjectKey::new(own.clone(), name), rule: AccountRule::Spec }))
        }
        Some(name) => Err(format!(
            "spec.serviceAccountName {name:?} is not a name of a ServiceAccount; it is one in this namespace, written without it"
        )),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn spec(more: Value) -> GitSyncSpec {
        let mut spec = json!({"url": "https://git.example.com/a.git"});
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    fn of(more: Value, own: &str) -> Confinement {
        Confinement::of(&spec(more), &own.into(), "gitmoor-system")
    }

    #[track_caller]
    fn check(more: Value, own: &str, allowed: &Allowed, refused: &[(&str, &str)]) {
        let found = of(more.clone(), own);
        assert_eq!(found.scope.allowed, *allowed, "{more}");
        assert_eq!(found.refused.len(), refused.len(), "{more}: {:?}", found.refused);
        for (refusal, (reason, words)) in found.refused.iter().zip(refused) {
            assert_eq!(refusal.reason, *reason);
            assert!(refusal.message.contains(words), "{words} in {}", refusal.message);
        }
    }

    fn only(name: &str) -> Allowed {
        Allowed::Only(vec![name.into()])
    }

    #[test]
    fn elsewhere_a_gitsync_writes_to_its_own_namespace_alone() {
        const RULE: &str = "ConfinedNamespace";
        check(json!({}), "team", &only("team"), &[]);
        check(json!({"allowedNamespaces": ["team"], "targetNamespace": "team"}), "team", &only("team"), &[]);
        check(
            json!({"allowedNamespaces": ["*"]}),
            "team",
            &only("team"),
            &[(RULE, r#"spec.allowedNamespaces names "*""#)],
        );
        check(json!({"allowedNamespaces": ["team", "pay"]}), "team", &only("team"), &[(RULE, r#"names "pay""#)]);
        check(json!({"targetNamespace": "pay"}), "team", &only("team"), &[(RULE, "spec.targetNamespace is pay")]);
        check(json!({"createNamespaces": true}), "team", &only("team"), &[(RULE, "spec.createNamespaces")]);
        let all = json!({"allowedNamespaces": ["*"], "targetNamespace": "pay", "createNamespaces": true});
        check(all.clone(), "team", &only("team"), &[(RULE, "allowed"), (RULE, "target"), (RULE, "create")]);
        let found = of(all, "team");
        assert!(!found.create_namespaces && !found.scope.gitsyncs);
        assert!(found.refused.iter().all(|refusal| refusal.message.contains("operator's namespace gitmoor-system")));
    }

    #[test]
    fn the_operators_gitsyncs_write_where_they_say() {
        let own = "gitmoor-system";
        check(json!({}), own, &only(own), &[]);
        check(json!({"allowedNamespaces": ["*"], "targetNamespace": "pay"}), own, &Allowed::Any, &[]);
        check(json!({"allowedNamespaces": ["pay"], "targetNamespace": "pay"}), own, &only("pay"), &[]);
        assert!(of(json!({"createNamespaces": true}), own).create_namespaces);
        let not_listed = [("NamespaceNotAllowed", "spec.targetNamespace shop is not one of spec.allowedNamespaces")];
        check(json!({"allowedNamespaces": ["pay"], "targetNamespace": "shop"}), own, &only("pay"), &not_listed);
        let none_listed = [("NamespaceNotAllowed", "spec.allowedNamespaces is empty")];
        check(json!({"targetNamespace": "shop"}), own, &only(own), &none_listed);
        // Where every manifest names its namespace, the target is nobody's wish.
        check(json!({"allowedNamespaces": ["pay"]}), own, &only("pay"), &[]);
    }

    #[test]
    fn an_account_is_one_of_the_gitsyncs_own_namespace() {
        let named = |name: &str| account(&spec(json!({"serviceAccountName": name})), &"team".into());
        let deployer = Account { key: ObjectKey::new("team", "deployer"), rule: AccountRule::Spec };
        assert_eq!(named("deployer"), Ok(Some(deployer)));
        assert_eq!(account(&spec(json!({})), &"team".into()), Ok(None));
        for name in ["other:admin", "../x", "a/b", "A"] {
            assert!(named(name).unwrap_err().contains("spec.serviceAccountName"), "{name}");
        }
    }
}
