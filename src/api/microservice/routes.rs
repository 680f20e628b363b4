//! Routes: how requests from outside of the cluster reach the service.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// Hostnames and paths that lead to a port of the service: by an HTTPRoute where it names parentRefs, else by an Ingress.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.parentRefs) != (has(self.ingressClassName) || has(self.tls))",
     "message": "a route needs either parentRefs, for an HTTPRoute, or ingressClassName or tls, for an Ingress"},
    {"rule": "!has(self.redirects) || has(self.parentRefs)",
     "message": "redirects need parentRefs: an Ingress has none", "fieldPath": ".redirects"}
]))]
pub struct Route {
    /// Its name, which ends the name of the HTTPRoute or Ingress.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Names that requests are for; the first label may be *, for all names below.
    #[schemars(schema_with = "hostnames")]
    pub hostnames: Vec<String>,
    /// Name of the port that it leads to. Default: the first TCP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::port_name")]
    pub port: Option<String>,
    /// Paths that lead there. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"]))]
    pub paths: Vec<RoutePath>,
    /// Gateways that it hangs on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub parent_refs: Vec<ParentRef>,
    /// Which controller serves the Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub ingress_class_name: Option<String>,
    /// The Ingress serves HTTPS. At a Gateway, its listeners say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RouteTls>,
    /// Paths that are answered with another place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 15), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"]))]
    pub redirects: Vec<Redirect>,
    /// Annotations of the HTTPRoute or Ingress.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::string_map")]
    pub annotations: BTreeMap<String, String>,
}

/// A path that leads to the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoutePath {
    /// The path, from its first slash on.
    #[schemars(schema_with = "path")]
    pub path: String,
    /// Default: Prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_type: Option<PathType>,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PathType {
    /// Itself and what is below it.
    #[default]
    Prefix,
    /// Itself alone.
    Exact,
}

/// A Gateway, or what else a route can hang on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParentRef {
    /// Default: gateway.networking.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 253),
        regex(pattern = r"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub group: Option<String>,
    /// Default: Gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"))]
    pub kind: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Default: the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::namespace")]
    pub namespace: Option<String>,
    /// Which of its listeners. Default: all that fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub section_name: Option<String>,
}

/// HTTPS at an Ingress.
// One value as a whole, as the access policy is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct RouteTls {
    /// Secret with the certificate. Default: the controller's own certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
}

/// A path that is answered with another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// The path, and what is below it.
    #[schemars(schema_with = "path")]
    pub path: String,
    /// What the path is replaced by; what is below it stays.
    #[schemars(schema_with = "path")]
    pub to: String,
    /// 301, 302, 303, 307 or 308. Default: 302.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 301, max = 308), extend("x-kubernetes-validations" = [
        {"rule": "self in [301, 302, 303, 307, 308]", "message": "a redirect is 301, 302, 303, 307 or 308"}
    ]))]
    pub status_code: Option<i32>,
}

fn hostnames(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": 16,
        "x-kubernetes-list-type": "set",
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
        }
    })
}

/// As the Gateway API takes it: no empty step, no query, no fragment.
fn path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 1024,
        "pattern": r"^/(([-A-Za-z0-9_~!$&'()*+,;=:@]|%[013-9a-fA-F][0-9a-fA-F]|%2[0-9a-eA-E]|\.+[-A-Za-z0-9_~!$&'()*+,;=:@])+\.?/?)*$"
    })
}
