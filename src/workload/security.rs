//! What the two security profiles put on a pod and its containers.
//!
//! On init containers and sidecars a declared securityContext is merged with the profile's, field by field, and the
//! stricter value wins; what is weaker than the standard is refused by the CRD. One field is the author's to decide:
//! `readOnlyRootFilesystem`, which the standard does not ask for.

use serde_json::{Map, Value, json};

use crate::api::microservice::SecurityProfile;

/// What a profile puts on a pod.
pub(super) fn pod(profile: SecurityProfile) -> Value {
    let seccomp = json!({"type": "RuntimeDefault"});
    match profile {
        SecurityProfile::Restricted => json!({"runAsNonRoot": true, "seccompProfile": seccomp}),
        SecurityProfile::Baseline => json!({"seccompProfile": seccomp}),
    }
}

/// What a profile puts on a container, with what the container declares itself.
pub(super) fn container(profile: SecurityProfile, declared: Option<Value>) -> Option<Value> {
    if profile == SecurityProfile::Baseline {
        return declared;
    }
    let mut context = match declared {
        Some(Value::Object(declared)) => declared,
        _ => Map::new(),
    };
    context.insert("allowPrivilegeEscalation".into(), json!(false));
    context.entry("readOnlyRootFilesystem").or_insert(json!(true));
    let capabilities = context.entry("capabilities").or_insert_with(|| json!({}));
    capabilities["drop"] = json!(["ALL"]);
    Some(Value::Object(context))
}

/// Whether a container with that context needs a place to write to.
pub(super) fn is_read_only(context: Option<&Value>) -> bool {
    context.is_some_and(|context| context["readOnlyRootFilesystem"] == true)
}
