//! The ConfigMaps and Secrets that a service names, and a checksum of what is in them.
//!
//! Only what a pod reads counts: another key, an annotation or a label restarts nothing. Values are hashed one by one and
//! not kept. A value of a Secret is hashed with the Secret's UID, which only those know who may read the Secret: who sees
//! the checksum on a pod cannot try out what the value may be. So a Secret that is made anew counts as changed.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, KeyToPath, Volume};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::MicroService;

/// What can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl ReferenceKind {
    /// As Kubernetes calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// An object that a service names, in its own namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Its kind.
    pub kind: ReferenceKind,
    /// Its name.
    pub name: String,
}

/// What of an object is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its keys; none: all.
    pub keys: Option<BTreeSet<String>>,
    /// Whether pods start without the object, too.
    pub optional: bool,
}

/// What a service names, and what it reads of it.
pub type References = BTreeMap<Reference, Part>;

/// Hashes of what is in an object, by key.
pub type Digests = BTreeMap<String, String>;

/// What a service names, where it wants to be restarted when that changes.
pub fn references(service: &MicroService) -> References {
    let mut all = Collector::default();
    let spec = &service.spec;
    if spec.restart_on_change != Some(true) {
        return all.found;
    }
    all.env(&spec.env);
    all.env_from(&spec.env_from);
    for container in spec.init_containers.iter().chain(&spec.sidecars) {
        all.env(container.env.as_deref().unwrap_or_default());
        all.env_from(container.env_from.as_deref().unwrap_or_default());
    }
    spec.volumes.iter().for_each(|volume| all.volume(volume));
    all.found
}

/// Hashes of what is in a ConfigMap or Secret.
pub fn digests(kind: ReferenceKind, object: &Value) -> Digests {
    let salt = match kind {
        ReferenceKind::ConfigMap => "",
        ReferenceKind::Secret => object["metadata"]["uid"].as_str().unwrap_or_default(),
    };
    let entries = ["data", "binaryData"].into_iter().filter_map(|field| object[field].as_object()).flatten();
    let digest = |value: &Value| {
        let value = value.as_str().unwrap_or_default();
        // The lengths keep salt and value apart.
        let text = Sha256::new().chain_update(salt.len().to_be_bytes()).chain_update(salt).chain_update(value);
        HEXLOWER.encode(&text.finalize())
    };
    entries.map(|(key, value)| (key.clone(), digest(value))).collect()
}

/// One checksum of all that a service reads; `found` has no digests of what does not exist.
pub fn checksum(references: &References, found: &BTreeMap<Reference, Option<Digests>>) -> String {
    let mut text = Vec::new();
    for (reference, part) in references {
        text.push(serde_json::json!([reference.kind.as_str(), reference.name]));
        let digests = found.get(reference).and_then(Option::as_ref);
        let read = digests.into_iter().flatten().filter(|(key, _)| part.reads(key));
        text.extend(read.map(|(key, digest)| serde_json::json!([key, digest])));
    }
    let mut hash = HEXLOWER.encode(&Sha256::digest(Value::Array(text).to_string()));
    hash.truncate(32);
    hash
}

/// What must exist and does not, in words.
pub fn missing(references: &References, found: &BTreeMap<Reference, Option<Digests>>) -> Vec<String> {
    let needed = references.iter().filter(|(_, part)| !part.optional);
    needed
        .filter_map(|(reference, part)| {
            let name = format!("{} {}", reference.kind.as_str(), reference.name);
            match found.get(reference)? {
                None => Some(format!("{name} does not exist")),
                Some(digests) => {
                    let key = part.keys.iter().flatten().find(|key| !digests.contains_key(*key))?;
                    Some(format!("{name} has no key {key}"))
                }
            }
        })
        .collect()
}

impl Part {
    fn reads(&self, key: &str) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.contains(key))
    }
}

#[derive(Default)]
struct Collector {
    found: References,
}

impl Collector {
    fn add(&mut self, kind: ReferenceKind, name: &str, keys: Option<BTreeSet<String>>, optional: Option<bool>) {
        if name.is_empty() {
            return;
        }
        let optional = optional.unwrap_or(false);
        let part = Part { keys, optional };
        match self.found.entry(Reference { kind, name: name.to_owned() }) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(part)),
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.optional &= optional;
                known.keys = known.keys.take().zip(part.keys).map(|(mut known, more)| {
                    known.extend(more);
                    known
                });
            }
        }
    }

    fn env(&mut self, variables: &[EnvVar]) {
        for source in variables.iter().filter_map(|variable| variable.value_from.as_ref()) {
            if let Some(key) = &source.config_map_key_ref {
                self.add(ReferenceKind::ConfigMap, &key.name, Some([key.key.clone()].into()), key.optional);
            }
            if let Some(key) = &source.secret_key_ref {
                self.add(ReferenceKind::Secret, &key.name, Some([key.key.clone()].into()), key.optional);
            }
        }
    }

    fn env_from(&mut self, sources: &[EnvFromSource]) {
        for source in sources {
            if let Some(map) = &source.config_map_ref {
                self.add(ReferenceKind::ConfigMap, &map.name, None, map.optional);
            }
            if let Some(secret) = &source.secret_ref {
                self.add(ReferenceKind::Secret, &secret.name, None, secret.optional);
            }
        }
    }

    fn volume(&mut self, volume: &Volume) {
        if let Some(map) = &volume.config_map {
            self.add(ReferenceKind::ConfigMap, &map.name, keys(map.items.as_deref()), map.optional);
        }
        if let Some(secret) = &volume.secret {
            let name = secret.secret_name.as_deref().unwrap_or_default();
            self.add(ReferenceKind::Secret, name, keys(secret.items.as_deref()), secret.optional);
        }
        let projected = volume.projected.as_ref().and_then(|projected| projected.sources.as_deref());
        for source in projected.unwrap_or_default() {
            if let Some(map) = &source.config_map {
                self.add(ReferenceKind::ConfigMap, &map.name, keys(map.items.as_deref()), map.optional);
            }
            if let Some(secret) = &source.secret {
                self.add(ReferenceKind::Secret, &secret.name, keys(secret.items.as_deref()), secret.optional);
            }
        }
    }
}

fn keys(items: Option<&[KeyToPath]>) -> Option<BTreeSet<String>> {
    items.filter(|items| !items.is_empty()).map(|items| items.iter().map(|item| item.key.clone()).collect())
}

#[cfg(test)]
mod tests;
