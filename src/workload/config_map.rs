//! The ConfigMap of `configFiles`: immutable, and named by what is in it. So a change of a file is a change of the pod
//! template, a rollout in other words, and a rollback finds the files that it had.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::subject::Subject;
use super::{ChildKind, Draft, names};
use crate::api::MicroServiceSpec;
use crate::api::microservice::ConfigFile;

/// The ConfigMap.
pub(super) static KIND: ChildKind =
    ChildKind { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", optional: false, build };

/// Name of the volume in the pod.
const VOLUME: &str = "gitmoor-config";
/// Who may do what with a file that does not say.
const MODE: u32 = 0o444;

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(hash) = hash(subject.spec) else { return Vec::new() };
    let data: BTreeMap<_, _> =
        subject.spec.config_files.iter().map(|file| (key(&file.path), file.content.as_str())).collect();
    vec![Draft {
        name: name(&subject.name, &hash),
        annotations: BTreeMap::default(),
        content: json!({"immutable": true, "data": data}),
    }]
}

/// Hash of what is in the files; none where there are no files.
pub(super) fn hash(spec: &MicroServiceSpec) -> Option<String> {
    if spec.config_files.is_empty() {
        return None;
    }
    let data: BTreeMap<_, _> = spec.config_files.iter().map(|file| (&file.path, &file.content)).collect();
    let mut hash = HEXLOWER.encode(&Sha256::digest(json!(data).to_string()));
    hash.truncate(10);
    Some(hash)
}

/// Name of the ConfigMap with that hash.
pub(super) fn name(service: &str, hash: &str) -> String {
    names::fit(&format!("{service}-{hash}"))
}

/// The volume of the pod.
pub(super) fn volume(subject: &Subject<'_>) -> Option<Value> {
    let hash = hash(subject.spec)?;
    let item = |file: &ConfigFile| json!({"key": key(&file.path), "path": key(&file.path), "mode": mode(file)});
    let items: Value = subject.spec.config_files.iter().map(item).collect();
    Some(json!({"name": VOLUME, "configMap": {"name": name(&subject.name, &hash), "items": items}}))
}

/// The mounts of the container: each file by itself, so that what the image has beside it stays.
pub(super) fn mounts(spec: &MicroServiceSpec) -> impl Iterator<Item = Value> + '_ {
    spec.config_files
        .iter()
        .map(|file| json!({"name": VOLUME, "mountPath": file.path, "subPath": key(&file.path), "readOnly": true}))
}

/// A key for a path: two files may have the same name in two folders.
fn key(path: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(path));
    format!("{}-{}", &hash[..8], path.rsplit('/').next().unwrap_or_default())
}

fn mode(file: &ConfigFile) -> u32 {
    // The schema lets nothing else through.
    file.mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(MODE)
}
