//! Overrides: patches of children as they are rendered. The CRD refuses a patch of what says what a child is, whose it is
//! and which pods are its own; where one came past it, that stays as it was all the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Child, ChildKind};
use crate::api::MicroServiceSpec;
use crate::api::microservice::{Override, OverrideTarget};
use crate::api::names::{LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, PREFIX};
use crate::drift;
use crate::model::pointer::Pointer;

/// Where marks are: the child's own, and those of its pods, which a CronJob has one level deeper.
const METADATA: [&str; 3] = ["/metadata", "/spec/template/metadata", "/spec/jobTemplate/spec/template/metadata"];
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
    let mut patches = spec.overrides.iter().filter(|over| names(&over.target, kind, name)).peekable();
    if patches.peek().is_none() {
        return;
    }
    let rendered = body.clone();
    patches.for_each(|over| drift::overlay(body, &over.patch));
    restore(&rendered, body);
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

/// Puts back what no patch changes, whatever one did: that it was removed, replaced with all around it, or is no map any more.
fn restore(rendered: &Value, body: &mut Value) {
    let protected = PROTECTED.iter().filter_map(|path| Pointer::parse(path));
    let marks =
        METADATA.iter().flat_map(|metadata| ["labels", "annotations"].map(|marks| format!("{metadata}/{marks}")));
    let marks: Vec<_> = marks.filter_map(|path| Pointer::parse(&path)).collect();
    // What is no map has no keys of ours to put back, and no server would take it.
    for marks in &marks {
        if marks.get(body).is_some_and(|found| !found.is_object()) {
            put_back(rendered, body, marks);
        }
    }
    let ours: Vec<_> = marks.iter().flat_map(|marks| our_keys(marks, rendered, body)).collect();
    protected.chain(ours).for_each(|place| put_back(rendered, body, &place));
    for marks in marks.iter().filter(|marks| marks.get(rendered).is_none()) {
        if marks.get(body).and_then(Value::as_object).is_some_and(Map::is_empty) {
            remove(body, marks.segments());
        }
    }
}

/// A place is as it was rendered, or not there where nothing was.
fn put_back(rendered: &Value, body: &mut Value, place: &Pointer) {
    match place.get(rendered) {
        Some(value) => put(body, place.segments(), value),
        None => remove(body, place.segments()),
    }
}

/// The places of the labels or annotations that are ours, rendered or written by a patch.
fn our_keys(marks: &Pointer, rendered: &Value, body: &Value) -> BTreeSet<Pointer> {
    const OURS: [&str; 3] = [LABEL_NAME, LABEL_INSTANCE, LABEL_MANAGED_BY];
    let keys = [rendered, body].into_iter().filter_map(|object| marks.get(object)?.as_object()).flat_map(Map::keys);
    keys.filter(|key| key.starts_with(PREFIX) || OURS.contains(&key.as_str())).map(|key| marks.child(key)).collect()
}

fn put(object: &mut Value, path: &[String], value: &Value) {
    let Some((step, rest)) = path.split_first() else { return object.clone_from(value) };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Value::Object(fields) = object {
        put(fields.entry(step.as_str()).or_insert(Value::Null), rest, value);
    }
}

fn remove(object: &mut Value, path: &[String]) {
    match (object.as_object_mut(), path) {
        (Some(fields), [last]) => drop(fields.remove(last)),
        (Some(fields), [step, rest @ ..]) => {
            if let Some(field) = fields.get_mut(step) {
                remove(field, rest);
            }
        }
        _ => {}
    }
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
            json!({"metadata": null}),
            json!({"metadata": []}),
            json!({"metadata": {"$patch": "replace"}}),
            json!({"metadata": {"labels": "x", "annotations": 7}}),
            json!({"spec": {"template": {"metadata": "x"}}}),
        ] {
            assert_eq!(deployment(patch.clone()), plain, "{patch}");
        }
    }

    #[test]
    fn what_a_patch_does_to_all_around_it_leaves_whose_a_child_is() {
        let plain = deployment(json!({}));
        for patch in [
            json!({"$patch": "replace"}),
            json!({"spec": null}),
            json!({"spec": "x"}),
            json!({"spec": {"$patch": "replace"}}),
        ] {
            let patched = deployment(patch.clone());
            for place in
                ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/labels", "/spec/selector"]
            {
                assert_eq!(patched.pointer(place), plain.pointer(place), "{place} by {patch}");
            }
            let pods = "/spec/template/metadata/labels/app.kubernetes.io~1instance";
            assert_eq!(patched.pointer(pods), plain.pointer(pods), "{patch}");
        }
    }

    #[test]
    fn pods_of_a_job_are_never_made_pods_that_serve() {
        let cron_job = |patch: Value| {
            let target = json!({"apiVersion": "batch/v1", "kind": "CronJob"});
            let spec = json!({
                "cronJobs": [{"name": "purge", "schedule": "@daily"}], "overrides": [{"target": target, "patch": patch}],
            });
            let children = render(&service(spec), &Surroundings::default());
            children.into_iter().find(|child| child.kind.kind == "CronJob").unwrap().body
        };
        let plain = cron_job(json!({}));
        let labels = "/spec/jobTemplate/spec/template/metadata/labels";
        assert_eq!(plain.pointer(labels).unwrap()["app.kubernetes.io/instance"], "orders.purge");
        for pods in [
            json!({"labels": {"app.kubernetes.io/instance": "orders", "gitmoor.dev/config": "x"}}),
            json!({"labels": {"app.kubernetes.io/name": null}}),
            json!({"labels": null}),
            json!({"annotations": {"gitmoor.dev/rendered-hash": "x"}}),
        ] {
            let patch = json!({"spec": {"jobTemplate": {"spec": {"template": {"metadata": pods}}}}});
            assert_eq!(cron_job(patch).pointer(labels), plain.pointer(labels), "{pods}");
        }
        let patched =
            cron_job(json!({"spec": {"jobTemplate": {"spec": {"template": {"metadata": {"labels": {"team": "a"}}}}}}}));
        assert_eq!(patched.pointer(labels).unwrap()["team"], "a", "what is the author's own is theirs");
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
