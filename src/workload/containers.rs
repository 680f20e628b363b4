//! The containers of the pod beside the service's own, and the volumes of all of them.

use k8s_openapi::api::core::v1::Container;
use serde_json::{Value, json};

use super::json::of;
use super::subject::Subject;
use super::{config_map, names, security, tidy};

/// Where every program may write.
const TMP_PATH: &str = "/tmp";
/// Name of the volume there, and what it is called where the author has one of that name.
const TMP: [&str; 2] = ["tmp", "gitmoor-tmp"];

/// Containers and the volumes that they need.
#[derive(Default)]
pub(super) struct Parts {
    /// `volumes` of the pod: ours, then the author's.
    pub volumes: Vec<Value>,
    /// `volumeMounts` of the service's own container.
    pub mounts: Vec<Value>,
    /// `initContainers` of the pod: sidecars first, so that an init container can use them.
    pub init_containers: Vec<Value>,
}

/// The parts of a pod. `context` is that of the service's own container.
pub(super) fn parts(subject: &Subject<'_>, context: Option<&Value>) -> Parts {
    let spec = subject.spec;
    let mut parts = Parts::default();
    let mounts: Vec<_> = spec.volume_mounts.iter().filter_map(of).map(tidy::filled).collect();
    if security::is_read_only(context) && !has_tmp(&mounts) {
        let taken = spec.volumes.iter().any(|volume| volume.name == TMP[0]);
        let mount = parts.tmp(TMP[usize::from(taken)]);
        parts.mounts.push(mount);
    }
    parts.mounts.extend(config_map::mounts(spec));
    parts.mounts.extend(mounts);
    for sidecar in &spec.sidecars {
        let mut container = parts.container(subject, sidecar);
        container["restartPolicy"] = json!("Always");
        parts.init_containers.push(container);
    }
    for init in &spec.init_containers {
        let container = parts.container(subject, init);
        parts.init_containers.push(container);
    }
    parts.volumes.extend(config_map::volume(subject));
    parts.volumes.extend(spec.volumes.iter().filter_map(of));
    parts
}

impl Parts {
    /// A place to write to of a container's own: what one writes is no other's to read.
    fn tmp(&mut self, name: &str) -> Value {
        self.volumes.push(json!({"name": name, "emptyDir": {}}));
        json!({"name": name, "mountPath": TMP_PATH})
    }

    fn container(&mut self, subject: &Subject<'_>, declared: &Container) -> Value {
        let mut container = of(declared).map(tidy::container).unwrap_or_default();
        let profile = subject.spec.security_profile.unwrap_or_default();
        let context = security::container(profile, container.get("securityContext").cloned());
        let mut mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
        if security::is_read_only(context.as_ref()) && !has_tmp(&mounts) {
            mounts.insert(0, self.tmp(&names::fit(&format!("{}-{}", TMP[1], declared.name))));
        }
        if let Some(fields) = container.as_object_mut() {
            fields.remove("volumeMounts");
            fields.extend((!mounts.is_empty()).then(|| ("volumeMounts".to_owned(), json!(mounts))));
            fields.extend(context.map(|context| ("securityContext".to_owned(), context)));
        }
        container
    }
}

fn has_tmp(mounts: &[Value]) -> bool {
    mounts.iter().any(|mount| mount["mountPath"].as_str().map(|path| path.trim_end_matches('/')) == Some(TMP_PATH))
}
