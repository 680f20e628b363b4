//! Which field of a MicroService a field of a child was rendered from: the way back through the renderers, so that a
//! difference in a Deployment can be shown at a line of Git.
//!
//! Most fields of a pod and a container have the name that Kubernetes gives them in the MicroService, too, so only what is
//! called otherwise has an entry. What is not known leads to the closest field around it that is.

use serde_json::Value;

use crate::api::names::{CONFIG, LABEL_INSTANCE, LABEL_NAME, PREFIX, REPLICAS_FROM};
use crate::model::pointer::{Pointer, index};

/// Where the fields of the kinds come from: a path into the child (`#` is the item of a list whose counterpart is found
/// by its key), and the fields of the MicroService that may decide it, the first that is there first.
/// A field that ends in `/` goes on with what is left of the path.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("*", "/metadata/namespace", &["/metadata/namespace"]),
    ("*", "/metadata/name", &["/metadata/name"]),
    ("*", "/metadata/ownerReferences", &[""]),
    ("*", "/metadata/labels", &[""]),
    ("*", "/apiVersion", &[""]),
    ("*", "/kind", &[""]),
    ("*", "/spec/selector", &["/metadata/name"]),
    ("ServiceAccount", "/metadata/name", &["/spec/serviceAccount/name", "/metadata/name"]),
    ("ServiceAccount", "/metadata/annotations", &["/spec/serviceAccount/annotations/"]),
    ("ServiceAccount", "", &["/spec/serviceAccount/"]),
    ("Service", "/metadata/annotations", &["/spec/service/annotations/"]),
    ("Service", "/spec/clusterIP", &["/spec/service/headless"]),
    ("Service", "/spec/ports/#/port", &["/spec/ports/#/servicePort", "/spec/ports/#/containerPort"]),
    ("Service", "/spec/ports/#/targetPort", &["/spec/ports/#/name", "/spec/ports/#/containerPort"]),
    ("Service", "/spec/ports/#", &["/spec/ports/#/"]),
    ("Service", "/spec/ports", &["/spec/ports"]),
    ("Service", "/spec", &["/spec/service/"]),
    ("PodDisruptionBudget", "/spec", &["/spec/podDisruptionBudget/", "/spec/replicas"]),
    ("HorizontalPodAutoscaler", "", &["/spec/autoscaling"]),
    ("NetworkPolicy", "", &["/spec/accessPolicy"]),
    ("Ingress", "", &["/spec/routes"]),
    ("HTTPRoute", "", &["/spec/routes"]),
    ("ConfigMap", "", &["/spec/configFiles"]),
    ("Job", "", &["/spec/preDeploy"]),
    ("CronJob", "", &["/spec/cronJobs"]),
    ("ServiceMonitor", "", &["/spec/metrics"]),
    ("Deployment", "/spec/template/metadata", &["/spec/podMetadata/"]),
    ("Deployment", "/spec/template/spec/serviceAccountName", &["/spec/serviceAccount/name"]),
    (
        "Deployment",
        "/spec/template/spec/automountServiceAccountToken",
        &["/spec/serviceAccount/automountServiceAccountToken"],
    ),
    ("Deployment", "/spec/template/spec/securityContext", &["/spec/securityProfile"]),
    (
        "Deployment",
        "/spec/template/spec/volumes/#",
        &["/spec/volumes/#/", "/spec/configFiles", "/spec/securityProfile"],
    ),
    ("Deployment", "/spec/template/spec/initContainers/#", &["/spec/initContainers/#/", "/spec/sidecars/#/"]),
    ("Deployment", "/spec/template/spec/containers/0/name", &["/metadata/name"]),
    ("Deployment", "/spec/template/spec/containers/0/env/#", &["/spec/env/#/", "/spec/env"]),
    ("Deployment", "/spec/template/spec/containers/0/ports/#", &["/spec/ports/#/", "/spec/ports"]),
    ("Deployment", "/spec/template/spec/containers/0/readinessProbe", &["/spec/readinessProbe/", "/spec/ports"]),
    ("Deployment", "/spec/template/spec/containers/0/lifecycle", &["/spec/lifecycle/", "/spec/ports"]),
    ("Deployment", "/spec/template/spec/containers/0/securityContext", &["/spec/securityProfile"]),
    (
        "Deployment",
        "/spec/template/spec/containers/0/volumeMounts/#",
        &["/spec/volumeMounts/#/", "/spec/configFiles", "/spec/securityProfile"],
    ),
    ("Deployment", "/spec/template/spec/containers/0", &["/spec/"]),
    ("Deployment", "/spec/template/spec", &["/spec/"]),
    ("Deployment", "/spec/template", &["/spec"]),
    ("*", "/metadata", &[""]),
    ("*", "/spec", &["/spec/"]),
];

/// By what items of lists are known, in the MicroService and in its children.
const KEYS: [&str; 3] = ["containerPort", "name", "mountPath"];
/// What an item is called that has no name.
const UNNAMED: &str = "http";

/// The field of a MicroService that a field of a child was rendered from, or the closest field around it that is there.
/// `rendered` is the child's body, and `pointer` leads into it.
pub fn origin(service: &Value, rendered: &Value, pointer: &Pointer) -> Pointer {
    let kind = rendered["kind"].as_str().unwrap_or_default();
    let segments = pointer.segments();
    if let Some(found) = in_override(service, rendered, segments) {
        return found;
    }
    match own_metadata(segments) {
        ["metadata", "labels", LABEL_NAME | LABEL_INSTANCE] => {
            return steps("/metadata/name").map(str::to_owned).collect();
        }
        ["metadata", "labels", CONFIG] => {
            return there(service, &steps("/spec/configFiles").map(str::to_owned).collect());
        }
        ["metadata", "annotations", REPLICAS_FROM] => {
            return there(service, &steps("/spec/autoscaling").map(str::to_owned).collect());
        }
        ["metadata", "annotations", mark] if mark.starts_with(PREFIX) => return Pointer::root(),
        _ => {}
    }
    let fits = |row: &&(&str, &str, &[&str])| (row.0 == "*" || row.0 == kind) && is_below(row.1, segments);
    let Some((_, pattern, fields)) = TABLE.iter().find(fits) else { return Pointer::root() };
    let taken = steps(pattern).count();
    let rest = &segments[taken..];
    let item = || {
        let at = steps(pattern).position(|step| step == "#")?;
        let item: Pointer = segments[..=at].iter().cloned().collect();
        item.get(rendered)
    };
    let mut best = Pointer::root();
    for field in *fields {
        let (field, goes_on) = match field.strip_suffix('/') {
            Some(field) => (field, true),
            None => (*field, false),
        };
        let Some(base) = counterpart(service, field, item()) else { continue };
        let whole = if goes_on { rest.iter().fold(base, |base, step| base.child(step)) } else { base };
        return there(service, &whole);
    }
    // None of them is there: what is around the first one decides it, by being silent.
    if let Some(first) = fields.first() {
        best = there(service, &steps(first.split('#').next().unwrap_or_default()).map(str::to_owned).collect());
    }
    best
}

/// The field of an override that says it, the last one first: what is laid over wins.
fn in_override(service: &Value, rendered: &Value, segments: &[String]) -> Option<Pointer> {
    let overrides = service["spec"]["overrides"].as_array()?;
    let is_for = |target: &Value| {
        let name = target.get("name").is_none_or(|name| *name == rendered["metadata"]["name"]);
        target["kind"] == rendered["kind"] && target["apiVersion"] == rendered["apiVersion"] && name
    };
    overrides.iter().enumerate().rev().filter(|(_, over)| is_for(&over["target"])).find_map(|(at, over)| {
        let mut found: Pointer =
            ["spec", "overrides", &at.to_string(), "patch"].map(str::to_owned).into_iter().collect();
        let (mut patch, mut value) = (over.get("patch")?, rendered);
        for step in segments {
            value = Pointer::root().child(step).get(value)?;
            let step = match patch.as_array() {
                Some(items) if value.is_object() => place(items, value)?.to_string(),
                Some(_) => index(step)?.to_string(),
                None => step.clone(),
            };
            patch = Pointer::root().child(&step).get(patch)?;
            found = found.child(step);
        }
        Some(found)
    })
}

/// A label or an annotation; those of pods are made like those of the child.
fn own_metadata(segments: &[String]) -> [&str; 3] {
    let own = match segments {
        [spec, template, rest @ ..] if spec == "spec" && template == "template" => rest,
        own => own,
    };
    match own {
        [a, b, c] => [a.as_str(), b.as_str(), c.as_str()],
        _ => ["", "", ""],
    }
}

/// The steps of a pattern; none of those that are used has an escape.
fn steps(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('/').filter(|step| !step.is_empty())
}

/// Whether a path is what a pattern says, or below it.
fn is_below(pattern: &str, segments: &[String]) -> bool {
    let mut steps_in = segments.iter();
    steps(pattern).all(|step| match steps_in.next() {
        Some(segment) if step == "#" => index(segment).is_some(),
        Some(segment) => segment == step,
        None => false,
    })
}

/// A field of a MicroService, where `#` stands for the item that is known by the same key as `item`; none where there is no
/// such field.
fn counterpart(service: &Value, field: &str, item: Option<&Value>) -> Option<Pointer> {
    let (mut value, mut found) = (service, Pointer::root());
    for step in steps(field) {
        let step = if step == "#" { place(value.as_array()?, item?)?.to_string() } else { step.to_owned() };
        value = Pointer::root().child(&step).get(value)?;
        found = found.child(step);
    }
    Some(found)
}

/// The item of a list that has the key of another list's item.
fn place(list: &[Value], item: &Value) -> Option<usize> {
    let same = |key: &str| {
        let wanted = item.get(key)?;
        list.iter().position(|one| match one.get(key) {
            Some(found) => found == wanted,
            None => key == "name" && wanted == UNNAMED,
        })
    };
    KEYS.into_iter().find_map(same)
}

/// The field itself, or the closest one around it that is there.
fn there(service: &Value, field: &Pointer) -> Pointer {
    let mut found = field.clone();
    while found.get(service).is_none() {
        match found.parent() {
            Some(around) => found = around,
            None => return Pointer::root(),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::MicroService;
    use crate::workload::{Surroundings, render};

    fn service() -> Value {
        json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
            "metadata": {"name": "orders", "namespace": "shop"},
            "spec": {
                "image": "x:1", "replicas": 3,
                "ports": [{"containerPort": 8080, "servicePort": 80}, {"name": "metrics", "containerPort": 9090}],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "resources": {"limits": {"memory": "1Gi"}},
                "service": {"type": "NodePort", "annotations": {"a/b": "c"}},
                "podMetadata": {"labels": {"team": "x"}},
                "strategy": {"rollingUpdate": {"maxSurge": 1}}
            }
        })
    }

    fn origin_of(service: &Value, kind: &str, pointer: &str) -> String {
        let typed: MicroService = serde_json::from_value(service.clone()).unwrap();
        let child = render(&typed, &Surroundings::default()).into_iter().find(|child| child.kind.kind == kind).unwrap();
        origin(service, &child.body, &Pointer::parse(pointer).unwrap()).to_string()
    }

    #[test]
    fn each_field_leads_back_to_what_decided_it() {
        let service = service();
        let check = |kind: &str, pointer: &str, expected: &str| {
            assert_eq!(origin_of(&service, kind, pointer), expected, "{kind} {pointer}");
        };
        let container = |field: &str| format!("/spec/template/spec/containers/0/{field}");
        check("Deployment", "/spec/replicas", "/spec/replicas");
        check("Deployment", "/spec/strategy/rollingUpdate/maxSurge", "/spec/strategy/rollingUpdate/maxSurge");
        check("Deployment", "/spec/strategy/type", "/spec/strategy");
        check("Deployment", "/spec/selector/matchLabels/x", "/metadata/name");
        check("Deployment", "/spec/template/metadata/labels/team", "/spec/podMetadata/labels/team");
        check("Deployment", "/spec/template/metadata/labels/app.kubernetes.io~1name", "/metadata/name");
        check("Deployment", &container("image"), "/spec/image");
        check("Deployment", &container("env/1/value"), "/spec/env/1/value");
        check("Deployment", &container("env/1"), "/spec/env/1");
        check("Deployment", &container("ports/1/containerPort"), "/spec/ports/1/containerPort");
        check("Deployment", &container("ports/0/name"), "/spec/ports/0");
        check("Deployment", &container("resources/limits/memory"), "/spec/resources/limits/memory");
        check("Deployment", &container("resources/requests"), "/spec/resources");
        check("Deployment", &container("readinessProbe/tcpSocket/port"), "/spec/ports");
        check("Deployment", &container("securityContext/readOnlyRootFilesystem"), "/spec");
        check("Deployment", &container("stdin"), "/spec");
        check("Deployment", "/spec/template/spec/containers/1", "/spec");
        check("Deployment", "/metadata/annotations/gitmoor.dev~1rendered-hash", "");
        check("Deployment", "/metadata/labels/app.kubernetes.io~1instance", "/metadata/name");
        check("Deployment", "/metadata/labels/app.kubernetes.io~1managed-by", "");
        check("Deployment", "", "");
        check("Service", "/spec/ports/0/port", "/spec/ports/0/servicePort");
        check("Service", "/spec/ports/1/port", "/spec/ports/1/containerPort");
        check("Service", "/spec/ports/1/targetPort", "/spec/ports/1/name");
        check("Service", "/spec/type", "/spec/service/type");
        check("Service", "/spec/sessionAffinity", "/spec/service");
        check("Service", "/metadata/annotations/a~1b", "/spec/service/annotations/a~1b");
        check("ServiceAccount", "/automountServiceAccountToken", "/spec");
        check("PodDisruptionBudget", "/spec/maxUnavailable", "/spec/replicas");
        check("PodDisruptionBudget", "/metadata/name", "/metadata/name");
    }

    #[test]
    fn an_item_is_found_by_its_key_wherever_it_stands() {
        let rendered = json!({"kind": "Deployment", "spec": {"template": {"spec": {
            "containers": [{"env": [{"name": "OURS"}, {"name": "B", "value": "2"}]}],
            "initContainers": [{"name": "proxy", "image": "p:1"}]
        }}}});
        let of =
            |service: &Value, pointer: &str| origin(service, &rendered, &Pointer::parse(pointer).unwrap()).to_string();
        let mut service = service();
        assert_eq!(of(&service, "/spec/template/spec/containers/0/env/1/value"), "/spec/env/1/value");
        assert_eq!(of(&service, "/spec/template/spec/containers/0/env/0"), "/spec/env", "nobody wrote that one");
        let sidecar = "/spec/template/spec/initContainers/0/image";
        assert_eq!(of(&service, sidecar), "/spec", "a field that nothing knows");
        service["spec"]["sidecars"] = json!([{"name": "other"}, {"name": "proxy", "image": "p:1"}]);
        assert_eq!(of(&service, sidecar), "/spec/sidecars/1/image");
    }

    #[test]
    fn what_an_override_says_leads_to_it() {
        let mut service = service();
        service["spec"]["overrides"] = json!([
            {"target": {"apiVersion": "apps/v1", "kind": "Deployment"}, "patch": {"metadata": {"annotations": {"a": "1"}}}},
            {"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}, "patch": {"spec": {"template": {
                "spec": {"hostUsers": false, "containers": [{"name": "orders", "env": [{"name": "B", "value": "3"}]}]}
            }}}},
            {"target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "patch": {"spec": {"paused": true}}}
        ]);
        let check = |pointer: &str, expected: &str| assert_eq!(origin_of(&service, "Deployment", pointer), expected);
        let patch = "/spec/overrides/1/patch/spec/template/spec";
        check("/metadata/annotations/a", "/spec/overrides/0/patch/metadata/annotations/a");
        check("/spec/template/spec/hostUsers", &format!("{patch}/hostUsers"));
        check("/spec/template/spec/containers/0/env/1/value", &format!("{patch}/containers/0/env/0/value"));
        check("/spec/template/spec/containers/0/env/0/value", "/spec/env/0/value");
        check("/spec/replicas", "/spec/replicas");
    }

    #[test]
    fn a_kind_that_nobody_knows_leads_to_the_spec() {
        let rendered = json!({"kind": "Widget", "spec": {"x": 1}, "metadata": {"name": "w"}});
        let of = |pointer: &str| origin(&service(), &rendered, &Pointer::parse(pointer).unwrap()).to_string();
        assert_eq!(of("/spec/x"), "/spec");
        assert_eq!(of("/spec/replicas"), "/spec/replicas");
        assert_eq!(of("/data/x"), "");
    }
}
