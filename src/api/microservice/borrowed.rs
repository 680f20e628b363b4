//! Schemas of Kubernetes' own types, made fit for a CRD: without their long descriptions, with bounds on every list and
//! text, with the keys of map lists, and without what the security profiles could not allow anyway: volumes of the node
//! and of drivers that Kubernetes has given up, privileges, ports of the node.

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscalerBehavior, MetricSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Container, Lifecycle, Toleration, TopologySpreadConstraint, Volume, VolumeMount,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::rules::{PROBE, VOLUME};
use crate::api::schema;

/// Most items of a list that nobody bounds more closely.
const ITEMS: usize = 64;
/// Most characters of a text that nobody bounds more closely.
const TEXT: usize = 4096;
/// Sources of a volume that there are.
const SOURCES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// What the baseline standard lets a container add.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

/// Volumes, by name.
pub(super) fn volumes(generator: &mut SchemaGenerator) -> Schema {
    let mut volume = bare::<Volume>(generator);
    keep(&mut volume, &[&SOURCES[..], &["name"]].concat());
    set(&mut volume, "/properties/name", name());
    // Of a claim's metadata, what has a meaning.
    if let Some(metadata) =
        volume.pointer_mut("/properties/ephemeral/properties/volumeClaimTemplate/properties/metadata")
    {
        keep(metadata, &["annotations", "labels"]);
    }
    set(&mut volume, "/x-kubernetes-validations", json!(VOLUME));
    list(volume, 64, &["name"])
}

/// Mounts, by path.
pub(super) fn volume_mounts(generator: &mut SchemaGenerator) -> Schema {
    list(mount(generator), 64, &["mountPath"])
}

/// Constraints of spreading, by topology and what is done about it.
pub(super) fn spread(generator: &mut SchemaGenerator) -> Schema {
    let mut one = bare::<TopologySpreadConstraint>(generator);
    set(&mut one, "/properties/whenUnsatisfiable/enum", json!(["DoNotSchedule", "ScheduleAnyway"]));
    set(&mut one, "/properties/maxSkew/minimum", json!(1));
    set(&mut one, "/properties/topologyKey/minLength", json!(1));
    list(one, 16, &["topologyKey", "whenUnsatisfiable"])
}

/// Affinity of all kinds.
pub(super) fn affinity(generator: &mut SchemaGenerator) -> Schema {
    finish(bare::<Affinity>(generator))
}

/// Tolerations.
pub(super) fn tolerations(generator: &mut SchemaGenerator) -> Schema {
    let mut one = bare::<Toleration>(generator);
    set(&mut one, "/properties/operator/enum", json!(["Exists", "Equal"]));
    set(&mut one, "/properties/effect/enum", json!(["NoSchedule", "PreferNoSchedule", "NoExecute"]));
    list(one, ITEMS, &[])
}

/// What is done around a container's life.
pub(super) fn lifecycle(generator: &mut SchemaGenerator) -> Schema {
    finish(bare::<Lifecycle>(generator))
}

/// Metrics of an autoscaler.
pub(super) fn metrics(generator: &mut SchemaGenerator) -> Schema {
    list(bare::<MetricSpec>(generator), 16, &[])
}

/// How fast an autoscaler scales.
pub(super) fn behavior(generator: &mut SchemaGenerator) -> Schema {
    finish(bare::<HorizontalPodAutoscalerBehavior>(generator))
}

/// Containers that end before others start.
pub(super) fn init_containers(generator: &mut SchemaGenerator) -> Schema {
    let mut one = container(generator);
    if let Some(fields) = one.get_mut("properties").and_then(Value::as_object_mut) {
        fields.retain(|name, _| name != "lifecycle" && !PROBES.contains(&name.as_str()));
    }
    list(one, 16, &["name"])
}

/// Containers that run beside the service's own.
pub(super) fn sidecars(generator: &mut SchemaGenerator) -> Schema {
    let mut one = container(generator);
    for probe in PROBES {
        set(&mut one, &format!("/properties/{probe}/x-kubernetes-validations"), json!([PROBE]));
    }
    list(one, 16, &["name"])
}

fn container(generator: &mut SchemaGenerator) -> Value {
    let mut one = bare::<Container>(generator);
    set(&mut one, "/properties/name", name());
    set(&mut one, "/properties/image/minLength", json!(1));
    set(&mut one, "/required", json!(["name", "image"]));
    set(&mut one, "/properties/imagePullPolicy/enum", json!(["Always", "IfNotPresent", "Never"]));
    by_key(&mut one, "/properties/env", 256, "name");
    by_key(&mut one, "/properties/volumeMounts", 32, "mountPath");
    set(&mut one, "/properties/volumeMounts/items", mount(generator));
    set(&mut one, "/properties/command/items/maxLength", json!(TEXT));
    if let Some(fields) = one.get_mut("properties").and_then(Value::as_object_mut) {
        // Whether it restarts is what tells a sidecar from an init container.
        fields.retain(|name, _| !["restartPolicy", "restartPolicyRules", "volumeDevices"].contains(&name.as_str()));
    }
    if let Some(port) = one.pointer_mut("/properties/ports/items") {
        keep(port, &["containerPort", "name", "protocol"]);
        set(port, "/properties/protocol/enum", json!(["TCP", "UDP", "SCTP"]));
    }
    if let Some(context) = one.pointer_mut("/properties/securityContext") {
        keep(
            context,
            &[
                "allowPrivilegeEscalation",
                "capabilities",
                "readOnlyRootFilesystem",
                "runAsGroup",
                "runAsNonRoot",
                "runAsUser",
                "seccompProfile",
            ],
        );
        set(context, "/properties/seccompProfile/properties/type/enum", json!(["Localhost", "RuntimeDefault"]));
        set(context, "/properties/capabilities/properties/add/items/enum", json!(CAPABILITIES));
        set(context, "/properties/capabilities/properties/add/items/maxLength", json!(32));
        set(context, "/properties/capabilities/properties/add/maxItems", json!(CAPABILITIES.len()));
    }
    one
}

fn mount(generator: &mut SchemaGenerator) -> Value {
    let mut mount = bare::<VolumeMount>(generator);
    set(&mut mount, "/properties/name/maxLength", json!(63));
    set(&mut mount, "/properties/mountPath/pattern", json!("^/[^:]*$"));
    set(&mut mount, "/properties/mountPath/maxLength", json!(1024));
    mount
}

fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"})
}

/// A type's schema as Kubernetes describes it, without the descriptions.
fn bare<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let mut value = T::json_schema(generator).to_value();
    undescribed(&mut value);
    value
}

fn undescribed(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            // A field may be called so, too; then it is a schema and no text.
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            for (name, value) in map.iter_mut() {
                undescribed(value);
                // In all of these types a number that may be a text is a port or a quantity.
                if value.get("x-kubernetes-int-or-string").is_some() {
                    *value = if name == "port" { port() } else { schema::quantity() };
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(undescribed),
        _ => {}
    }
}

fn port() -> Value {
    json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true, "maxLength": 15})
}

fn by_key(schema: &mut Value, at: &str, most: usize, key: &str) {
    set(schema, &format!("{at}/maxItems"), json!(most));
    set(schema, &format!("{at}/x-kubernetes-list-type"), json!("map"));
    set(schema, &format!("{at}/x-kubernetes-list-map-keys"), json!([key]));
}

/// Keeps these fields of a schema.
fn keep(schema: &mut Value, names: &[&str]) {
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.retain(|name, _| names.contains(&name.as_str()));
    }
}

/// Sets a keyword; the schema that it is set in must be there, and a test finds one that is not.
fn set(schema: &mut Value, pointer: &str, value: Value) {
    let (parent, keyword) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    match schema.pointer_mut(parent).and_then(Value::as_object_mut) {
        Some(map) => drop(map.insert(keyword.to_owned(), value)),
        None => debug_assert!(false, "{pointer} is in no schema"),
    }
}

fn list(item: Value, most: usize, keys: &[&str]) -> Schema {
    let mut schema = json!({"type": "array", "maxItems": most, "items": item, "x-kubernetes-list-type": "atomic"});
    if !keys.is_empty() {
        schema["x-kubernetes-list-type"] = json!("map");
        schema["x-kubernetes-list-map-keys"] = json!(keys);
    }
    finish(schema)
}

fn finish(mut schema: Value) -> Schema {
    bounded(&mut schema);
    match schema {
        Value::Object(map) => map.into(),
        _ => Map::new().into(),
    }
}

/// Whatever has no bound gets one, so that the rules of the CRD have a bounded cost.
fn bounded(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let bound = match map.get("type").and_then(Value::as_str) {
                Some("string") => Some(("maxLength", TEXT)),
                Some("array") => Some(("maxItems", ITEMS)),
                _ if map.contains_key("additionalProperties") => Some(("maxProperties", ITEMS)),
                _ => None,
            };
            if let Some((keyword, most)) = bound {
                map.entry(keyword).or_insert_with(|| json!(most));
            }
            map.values_mut().for_each(bounded);
        }
        Value::Array(items) => items.iter_mut().for_each(bounded),
        _ => {}
    }
}
