//! What `drift` knows of the kinds, held against what they say of themselves: the OpenAPI documents of a real API
//! server, and the definitions of HTTPRoute and ServiceMonitor.

use std::process::Command;

use gitmoor::drift::known;
use gitmoor::workload;
use serde_json::Value;

use crate::support::Kube;
use crate::support::files::documents;
use crate::support::plane::root;

/// Kinds of Kubernetes' own that a MicroService may be rendered into: group and version as in a path, and the schema.
const KINDS: [(&str, &str, &str); 10] = [
    ("api/v1", "v1", "io.k8s.api.core.v1.Service"),
    ("api/v1", "v1", "io.k8s.api.core.v1.ServiceAccount"),
    ("api/v1", "v1", "io.k8s.api.core.v1.ConfigMap"),
    ("apis/apps/v1", "apps/v1", "io.k8s.api.apps.v1.Deployment"),
    ("apis/batch/v1", "batch/v1", "io.k8s.api.batch.v1.Job"),
    ("apis/batch/v1", "batch/v1", "io.k8s.api.batch.v1.CronJob"),
    ("apis/policy/v1", "policy/v1", "io.k8s.api.policy.v1.PodDisruptionBudget"),
    ("apis/autoscaling/v2", "autoscaling/v2", "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler"),
    ("apis/networking.k8s.io/v1", "networking.k8s.io/v1", "io.k8s.api.networking.v1.NetworkPolicy"),
    ("apis/networking.k8s.io/v1", "networking.k8s.io/v1", "io.k8s.api.networking.v1.Ingress"),
];

/// Kinds that are rendered and that a cluster may lack.
const OPTIONAL: [&str; 2] = ["HTTPRoute", "ServiceMonitor"];

#[tokio::test]
async fn the_kinds_of_kubernetes_merge_as_its_api_server_says() {
    let Some(kube) = Kube::shared().await else { return };
    let mut walk = Walk::default();
    for (path, api_version, schema) in KINDS {
        let request = http::Request::get(format!("/openapi/v3/{path}")).body(Vec::new()).unwrap();
        let document: Value = serde_json::from_str(&kube.client.request_text(request).await.unwrap()).unwrap();
        let schemas = &document["components"]["schemas"];
        let kind = schema.rsplit('.').next().unwrap();
        walk.object(api_version, kind, &schemas[schema], schemas);
    }
    walk.end(1000);
}

#[test]
fn the_optional_kinds_merge_as_their_definitions_say() {
    let output = Command::new(root().join("hack/control-plane/control-plane")).arg("crds").output().unwrap();
    if !output.status.success() && std::env::var_os("CI").is_none() {
        eprintln!("SKIPPED, THIS TEST PROVED NOTHING: there are no definitions");
        return;
    }
    let mut walk = Walk::default();
    for path in String::from_utf8(output.stdout).unwrap().lines() {
        for definition in documents(path.as_ref()) {
            let spec = &definition["spec"];
            if !OPTIONAL.contains(&spec["names"]["kind"].as_str().unwrap()) {
                continue;
            }
            let version =
                spec["versions"].as_array().unwrap().iter().find(|version| version["storage"] == true).unwrap();
            let (group, version_name) = (spec["group"].as_str().unwrap(), version["name"].as_str().unwrap());
            let (api_version, kind) = (format!("{group}/{version_name}"), spec["names"]["kind"].as_str().unwrap());
            walk.object(&api_version, kind, &version["schema"]["openAPIV3Schema"], &Value::Null);
        }
    }
    walk.end(200);
}

#[test]
fn our_own_kinds_merge_as_their_definitions_say() {
    let mut walk = Walk::default();
    for crd in gitmoor::api::crds::all() {
        let schema = gitmoor::api::crds::open_api_schema(&crd);
        walk.object(gitmoor::api::API_VERSION, &crd.spec.names.kind, &schema, &Value::Null);
    }
    walk.end(50);
}

#[test]
fn every_kind_that_is_rendered_is_looked_at() {
    for kind in workload::KINDS {
        let looked_at = KINDS.iter().any(|(_, _, schema)| schema.ends_with(&format!(".{}", kind.kind)));
        assert!(looked_at || OPTIONAL.contains(&kind.kind), "add {} to KINDS", kind.kind);
    }
}

/// A walk over a schema.
#[derive(Default)]
struct Walk {
    fields: usize,
    wrong: Vec<String>,
}

impl Walk {
    fn object(&mut self, api_version: &str, kind: &str, schema: &Value, schemas: &Value) {
        let properties = schema["properties"].as_object().unwrap_or_else(|| panic!("no schema of {kind}"));
        for (name, field) in properties {
            if !["apiVersion", "kind", "metadata", "status"].contains(&name.as_str()) {
                self.field(api_version, kind, &mut vec![name], field, schemas, false);
            }
        }
    }

    /// `inside` says that a value around it belongs to one manager as a whole, so that how it merges does not matter.
    fn field<'s>(
        &mut self,
        api_version: &str,
        kind: &str,
        path: &mut Vec<&'s str>,
        field: &'s Value,
        schemas: &'s Value,
        inside: bool,
    ) {
        let schema = resolved(field, schemas);
        let found = known(api_version, kind, path);
        self.fields += 1;
        let said = said(schema);
        let may_be = |word: &str| match said.as_str() {
            // Whether a text that may be a number is compared as a quantity, no definition says.
            "int-or-string" => word == "int-or-string" || word == "quantity",
            // An int-or-string never stands in a definition that an API server made for itself.
            said => word == said,
        };
        let unimportant = inside && (said == "atomic map" || said.starts_with("map") || said == "set");
        if !may_be(&found.word) && !unimportant {
            self.wrong.push(format!("{kind} {} is {}: {said}", path.join("/"), found.word));
        }
        let default = field.get("default").or_else(|| schema.get("default"));
        // What is filled in as a whole is told by its parts.
        let default = default.filter(|default| !is_empty(default) && !default.is_array() && !default.is_object());
        let wish = path.last() == Some(&"nodePort");
        if default.is_some() && found.default.as_ref() != default && !wish {
            let (ours, theirs) = (&found.default, default);
            self.wrong.push(format!("{kind} {} is {ours:?} by default: {theirs:?}", path.join("/")));
        }
        let inside = inside || said == "atomic map" || (said == "plain" && schema.get("items").is_some());
        let mut below = |name: &'s str, field: &'s Value, walk: &mut Self| {
            path.push(name);
            walk.field(api_version, kind, path, field, schemas, inside);
            path.pop();
        };
        if let Some(items) = schema.get("items") {
            below("*", items, self);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            below("*", values, self);
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            // Labels and the like of a template, whose shape is that of every object.
            if name != "metadata" {
                below(name, field, self);
            }
        }
    }

    #[track_caller]
    fn end(self, at_least: usize) {
        assert!(self.wrong.is_empty(), "{} differ:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert!(self.fields >= at_least, "only {} fields were looked at", self.fields);
    }
}

/// What a schema says, in the words of `drift`.
fn said(schema: &Value) -> String {
    let list = schema["x-kubernetes-list-type"].as_str();
    let has_types = |key: &str, types: [&str; 2]| {
        let all = schema[key].as_array().map(Vec::as_slice).unwrap_or_default();
        types.iter().all(|wanted| all.iter().any(|one| one["type"] == **wanted))
    };
    if list == Some("map") {
        let keys = schema["x-kubernetes-list-map-keys"].as_array().unwrap();
        let keys: Vec<_> = keys.iter().filter_map(Value::as_str).collect();
        return format!("map by {}", keys.join(","));
    }
    if list == Some("set") {
        return "set".into();
    }
    if schema["x-kubernetes-map-type"] == "atomic" {
        return "atomic map".into();
    }
    if schema["format"] == "int-or-string" || schema["x-kubernetes-int-or-string"] == true {
        return "int-or-string".into();
    }
    if has_types("oneOf", ["string", "number"]) { "quantity".into() } else { "plain".into() }
}

/// Zero values are left out by those who write, and stand for nothing.
fn is_empty(value: &Value) -> bool {
    *value == "" || *value == 0 || *value == false
}

fn resolved<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    reference.map_or(schema, |reference| resolved(&schemas[reference.rsplit('/').next().unwrap()], schemas))
}
