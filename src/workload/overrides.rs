//! Overrides: patches of children as they are rendered. The CRD refuses a patch of what says what a child is, whose it is
//! and which pods are its own; where one came past it, that stays as it was all the same.

use serde_json::Value;

use super::{Child, ChildKind};
use crate::api::MicroServiceSpec;
use crate::api::microservice::{Override, OverrideTarget};
use crate::api::names::{LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, PREFIX};
use crate::drift;

/// What no patch can change.
const PROTECTED: [&str; 8] = [
    "/apiVersion",
    "/kind",
    "/status",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/spec/selector",
    "/spec/podSelector",
];

/// Changes a child by the overrides that name it, in their order.
pub(super) fn apply(spec: &MicroServiceSpec, kind: &ChildKind, name: &str, body: &mut Value) {
    for over in spec.overrides.iter().filter(|over| names(&over.target, kind, name)) {
        drift::overlay(body, &allowed(&over.patch));
    }
}

/// Places of the overrides that name none of the children.
pub fn unmatched(spec: &MicroServiceSpec, children: &[Child]) -> Vec<usize> {
    let is_lost = |over: &Override| !children.iter().any(|child| names(&over.target, child.kind, &child.name));
    spec.overrides.iter().enumerate().filter(|(_, over)| is_lost(over)).map(|(place, _)| place).collect()
}

fn names(target: &OverrideTarget, kind: &ChildKind, name: &str) -> bool {
    target.kind == kind.kind
        && target.api_version == kind.api_version()
        && target.name.as_deref().is_none_or(|wanted| wanted == name)
}

fn allowed(patch: &Value) -> Value {
    let mut patch = patch.clone();
    for path in PROTECTED {
        let Some((parent, field)) = path.rsplit_once('/') else { continue };
        if let Some(parent) = patch.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(field);
        }
    }
    for metadata in ["/metadata", "/spec/template/metadata"] {
        for marks in ["labels", "annotations"] {
            if let Some(metadata) = patch.pointer_mut(metadata).and_then(Value::as_object_mut)
                && let Some(left) = metadata.remove(marks).and_then(without_ours)
            {
                metadata.insert(marks.to_owned(), left);
            }
        }
    }
    patch
}

/// What is left of labels or annotations; none where nothing is.
fn without_ours(marks: Value) -> Option<Value> {
    const OURS: [&str; 3] = [LABEL_NAME, LABEL_INSTANCE, LABEL_MANAGED_BY];
    let Value::Object(mut marks) = marks else { return None };
    marks.retain(|key, _| !key.starts_with(PREFIX) && !OURS.contains(&key.as_str()));
    (!marks.is_empty()).then_some(Value::Object(marks))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::MicroService;
    use crate::workload::{Surroundings, render};

    fn service(spec: Value) -> MicroService {
        let mut spec = spec;
        spec["image"] = json!("a:1");
        let metadata = json!({"name": "orders", "namespace": "shop"});
        serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata, "spec": spec
        }))
        .unwrap()
    }

    fn deployment(patch: Value) -> Value {
        let target = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
        let children =
            render(&service(json!({"overrides": [{"target": target, "patch": patch}]})), &Surroundings::default());
        children.into_iter().find(|child| child.kind.kind == "Deployment").unwrap().body
    }

    #[test]
    fn an_override_changes_what_it_names_and_the_hash() {
        let plain = deployment(json!({}));
        let patched = deployment(json!({"spec": {"template": {"spec": {"hostUsers": false}}}}));
        assert_eq!(patched["spec"]["template"]["spec"]["hostUsers"], false);
        assert_eq!(patched["spec"]["selector"], plain["spec"]["selector"]);
        assert_ne!(patched["metadata"]["annotations"], plain["metadata"]["annotations"]);
    }

    #[test]
    fn what_says_whose_a_child_is_cannot_be_changed() {
        let marks = json!({"app.kubernetes.io/name": "x", "gitmoor.dev/rendered-hash": "x"});
        let plain = deployment(json!({}));
        for patch in [
            json!({"metadata": {"name": "x", "namespace": "x", "ownerReferences": [], "labels": marks}}),
            json!({"kind": "StatefulSet", "apiVersion": "v1", "status": {"replicas": 1}}),
            json!({"spec": {"selector": null}}),
            json!({"spec": {"template": {"metadata": {"labels": {"app.kubernetes.io/instance": null}}}}}),
            json!({"metadata": {"annotations": {"gitmoor.dev/rendered-hash": "x"}}}),
            json!({"metadata": {"labels": null}, "spec": {"template": {"metadata": {"labels": null}}}}),
        ] {
            assert_eq!(deployment(patch.clone()), plain, "{patch}");
        }
    }

    #[test]
    fn an_override_of_what_is_not_rendered_is_found() {
        let of = |version: &str, kind: &str, name: Value| {
            let mut target = json!({"apiVersion": version, "kind": kind});
            if name.is_string() {
                target["name"] = name;
            }
            json!({"target": target, "patch": {}})
        };
        let overrides = [
            of("apps/v1", "Deployment", Value::Null),
            of("apps/v1", "Deployment", json!("orders")),
            of("apps/v1", "Deployment", json!("other")),
            of("v1", "Deployment", Value::Null),
            of("v1", "Service", Value::Null),
        ];
        let service = service(json!({"overrides": overrides}));
        assert_eq!(unmatched(&service.spec, &render(&service, &Surroundings::default())), [2, 3, 4]);
    }
}
