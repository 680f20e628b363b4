//! What the two security profiles put on a pod and its container.

use serde_json::{Value, json};

use crate::api::microservice::SecurityProfile;

/// Name of the volume on `/tmp`.
const TMP: &str = "tmp";

/// The parts of a pod that a profile decides.
pub(super) struct Security {
    /// `securityContext` of the pod.
    pub pod: Value,
    /// `securityContext` of the container.
    pub container: Option<Value>,
    /// `volumeMounts` of the container.
    pub mounts: Option<Value>,
    /// `volumes` of the pod.
    pub volumes: Option<Value>,
}

/// What a profile puts on a pod.
pub(super) fn of(profile: SecurityProfile) -> Security {
    let seccomp = json!({"type": "RuntimeDefault"});
    match profile {
        SecurityProfile::Restricted => Security {
            pod: json!({"runAsNonRoot": true, "seccompProfile": seccomp}),
            container: Some(json!({
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": true,
            })),
            mounts: Some(json!([{"name": TMP, "mountPath": "/tmp"}])),
            volumes: Some(json!([{"name": TMP, "emptyDir": {}}])),
        },
        SecurityProfile::Baseline => {
            Security { pod: json!({"seccompProfile": seccomp}), container: None, mounts: None, volumes: None }
        }
    }
}
