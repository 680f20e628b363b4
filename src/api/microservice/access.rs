//! Who may talk to the service, and to whom it may talk.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::schema;

/// Who may talk to the service, and to whom it may talk: what is not named here is denied, but for DNS and the ports that
/// routes lead to.
// One value as a whole: where fields of its own are merged, an apply that leaves none makes a null of it, and `{}` means
// something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct AccessPolicy {
    /// Who may talk to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Inbound>,
    /// To whom it may talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<Outbound>,
}

/// Who may talk to the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inbound {
    /// Each lets one peer in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<InboundRule>,
}

/// To whom the service may talk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outbound {
    /// Services and namespaces of this cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Vec<OutboundRule>,
    /// Addresses outside of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub external: Vec<External>,
}

/// A peer that may talk to the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.microService) || has(self.__namespace__)", "message": "a rule needs microService, namespace or both"}
]))]
pub struct InboundRule {
    /// Name of a MicroService. Default: all pods of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "micro_service")]
    pub micro_service: Option<String>,
    /// Its namespace. Default: the service's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::namespace")]
    pub namespace: Option<String>,
    /// Names of the service's ports. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "port_names")]
    pub ports: Vec<String>,
}

/// A peer that the service may talk to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.microService) || has(self.__namespace__)", "message": "a rule needs microService, namespace or both"}
]))]
pub struct OutboundRule {
    /// Name of a MicroService. Default: all pods of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "micro_service")]
    pub micro_service: Option<String>,
    /// Its namespace. Default: the service's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::namespace")]
    pub namespace: Option<String>,
    /// Its TCP ports: numbers of its containers' ports, or their names. Default: all, of any protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "peer_ports")]
    pub ports: Vec<IntOrString>,
}

/// Addresses outside of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct External {
    /// A network, as 10.0.0.0/24.
    #[schemars(schema_with = "cidr")]
    pub cidr: String,
    /// TCP ports. Default: all, of any protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(range(min = 1, max = 65535)),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub ports: Vec<i32>,
}

fn micro_service(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 52, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"})
}

fn port_names(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "maxItems": 16, "x-kubernetes-list-type": "set", "items": schema::port_name(generator)
    })
}

fn peer_ports(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "atomic",
        "items": {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": true,
            "minimum": 1,
            "maximum": 65535,
            "maxLength": 15,
            "pattern": "^([0-9]-?)*[a-z](-?[a-z0-9])*$"
        }
    })
}

/// One network that is none would lose the whole policy.
fn cidr(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 43,
        "x-kubernetes-validations": [{"rule": "isCIDR(self)", "message": "this is no network; write it as 10.0.0.0/24"}]
    })
}
