//! What an operator decides for services that do not decide it themselves: for the whole cluster, and by profiles for
//! namespaces. What a service says goes before its namespace's profile, that before the operator's defaults, and those
//! before what is built in.
//!
//! They complete what is rendered, and never what is stored: a MicroService stays as Git has it. Whoever reads them
//! from a text does so in `manifest`; here they are valid.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::subject::NAMESPACE;
use crate::api::MicroService;
use crate::model::pattern::Glob;
use crate::model::pointer::Pointer;

/// Fields of the spec of which the nearest layer that has one gives all of it: a list or a choice of nodes is one
/// decision, and half of one may be none that anybody wants.
pub const WHOLE: [&str; 7] = [
    "replicas",
    "securityProfile",
    "topologySpreadConstraints",
    "imagePullSecrets",
    "tolerations",
    "nodeSelector",
    "priorityClassName",
];
/// What a service without an access policy gets.
pub const ACCESS_POLICY: &str = "accessPolicy";
/// The access policy of a service that has none: as if it had an empty one.
pub const DENIED: &str = "Denied";
/// The same: as if there were no defaults.
pub const OPEN: &str = "Open";
/// Requests and limits, each resource by itself: a limit never meets the request of another layer.
pub const RESOURCES: &str = "resources";
/// Labels and annotations of pods, each by itself.
pub const POD_METADATA: &str = "podMetadata";
/// Labels and annotations of children, each by itself. No MicroService has such a field.
pub const CHILD_METADATA: &str = "childMetadata";

/// What an operator decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    everywhere: Map<String, Value>,
    profiles: Vec<Profile>,
}

/// What is decided for some namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Profile {
    name: Box<str>,
    namespaces: Vec<Glob>,
    fields: Map<String, Value>,
}

/// Who decided something that a service does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// The profile of that name.
    Profile(Box<str>),
    /// The operator, for all namespaces.
    Operator,
}

/// Labels and annotations that children have beside their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ChildMetadata {
    /// Labels; Gitmoor's own win.
    pub labels: BTreeMap<String, String>,
    /// Annotations; those of the service win.
    pub annotations: BTreeMap<String, String>,
}

/// A service as it is rendered where somebody decided something for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// The service, with what it did not say. Beside its spec stands [`CHILD_METADATA`], where there is any.
    pub service: Value,
    /// What of it came from where.
    pub taken: Vec<Taken>,
}

/// A field that was decided for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The field, in the completed service.
    pub field: Pointer,
    /// Who decided it.
    pub layer: Layer,
    /// The field in the defaults.
    pub declared: Pointer,
}

/// One layer, and where it stands in the text.
struct Stratum<'d> {
    layer: Layer,
    at: Pointer,
    fields: &'d Map<String, Value>,
}

impl Defaults {
    /// Takes what `manifest` found valid.
    pub fn from_json(value: &Value) -> Self {
        let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let profile = |value: &Value| Profile {
            name: value["name"].as_str().unwrap_or_default().into(),
            namespaces: value["namespaces"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(Glob::new)
                .collect(),
            fields: fields(value),
        };
        let profiles = value["profiles"].as_array().into_iter().flatten().map(profile).collect();
        Self { everywhere: fields(&value["defaults"]), profiles }
    }

    /// The profile of a namespace: the first that fits.
    pub fn profile(&self, namespace: &str) -> Option<&str> {
        self.profile_of(namespace).map(|(_, profile)| &*profile.name)
    }

    /// Whether services of a namespace are rendered otherwise by these than by `others`.
    pub fn differ(&self, others: &Self, namespace: &str) -> bool {
        let decided = |defaults: &Self| {
            // The profile's name, and which namespaces it is for, change nothing that is rendered.
            let own = defaults.profile_of(namespace).map(|(_, profile)| profile.fields.clone());
            own.map(|mut fields| {
                ["name", "namespaces"].iter().for_each(|field| drop(fields.remove(*field)));
                fields
            })
            .unwrap_or_default()
        };
        self.everywhere != others.everywhere || decided(self) != decided(others)
    }

    /// Completes a service, as it was written; none where nothing was decided for it.
    pub fn complete(&self, service: &Value) -> Option<Completed> {
        let namespace = service["metadata"]["namespace"].as_str().unwrap_or(NAMESPACE);
        let mut completed = Completed { service: service.clone(), taken: Vec::new() };
        let mut open = service["spec"].get(ACCESS_POLICY).is_none();
        for stratum in self.strata(namespace) {
            completed.whole(&stratum);
            completed.resources(&stratum);
            for of in ["labels", "annotations"] {
                completed.by_key(&stratum, &["spec", POD_METADATA, of], [POD_METADATA, of]);
                completed.by_key(&stratum, &[CHILD_METADATA, of], [CHILD_METADATA, of]);
            }
            if let Some(word) = stratum.fields.get(ACCESS_POLICY).filter(|_| open) {
                open = false;
                if word == DENIED {
                    completed.take(&stratum, &["spec", ACCESS_POLICY], json!({}), &[ACCESS_POLICY]);
                }
            }
        }
        (!completed.taken.is_empty()).then_some(completed)
    }

    /// The service as it is rendered, and what its children have beside their own. `raw` is the same service as it was
    /// written: there an empty list can be told from none.
    pub fn apply<'s>(
        &self,
        raw: &Value,
        service: &'s MicroService,
    ) -> Result<(Cow<'s, MicroService>, ChildMetadata), serde_json::Error> {
        match self.complete(raw) {
            Some(completed) => {
                let (service, metadata) = completed.read()?;
                Ok((Cow::Owned(service), metadata))
            }
            None => Ok((Cow::Borrowed(service), ChildMetadata::default())),
        }
    }

    fn profile_of(&self, namespace: &str) -> Option<(usize, &Profile)> {
        let fits = |profile: &Profile| profile.namespaces.iter().any(|pattern| pattern.fits(namespace));
        self.profiles.iter().enumerate().find(|(_, profile)| fits(profile))
    }

    /// The layers of a namespace, the nearest first.
    fn strata(&self, namespace: &str) -> impl Iterator<Item = Stratum<'_>> {
        let own = self.profile_of(namespace).map(|(place, profile)| Stratum {
            layer: Layer::Profile(profile.name.clone()),
            at: Pointer::root().child("profiles").child(place),
            fields: &profile.fields,
        });
        let everywhere =
            Stratum { layer: Layer::Operator, at: Pointer::root().child("defaults"), fields: &self.everywhere };
        own.into_iter().chain([everywhere])
    }
}

impl Completed {
    /// The service, and what its children have beside their own.
    pub fn read(&self) -> Result<(MicroService, ChildMetadata), serde_json::Error> {
        let metadata = match self.service.get(CHILD_METADATA) {
            Some(metadata) => ChildMetadata::deserialize(metadata)?,
            None => ChildMetadata::default(),
        };
        Ok((MicroService::deserialize(&self.service)?, metadata))
    }

    fn whole(&mut self, stratum: &Stratum<'_>) {
        for field in WHOLE {
            let Some(value) = stratum.fields.get(field) else { continue };
            let spec = &self.service["spec"];
            // How many there are is the autoscaler's to say.
            let said = spec.get(field).is_some() || field == "replicas" && spec.get("autoscaling").is_some();
            if !said {
                self.take(stratum, &["spec", field], value.clone(), &[field]);
            }
        }
    }

    fn resources(&mut self, stratum: &Stratum<'_>) {
        let Some(resources) = stratum.fields.get(RESOURCES) else { return };
        let said = names(&self.service["spec"][RESOURCES]);
        for of in ["requests", "limits"] {
            for (name, value) in resources[of].as_object().into_iter().flatten() {
                if !said.contains(name) {
                    self.take(stratum, &["spec", RESOURCES, of, name], value.clone(), &[RESOURCES, of, name]);
                }
            }
        }
    }

    fn by_key(&mut self, stratum: &Stratum<'_>, field: &[&str], declared: [&str; 2]) {
        let [first, second] = declared;
        let decided = stratum.fields.get(first).and_then(|map| map.get(second)).and_then(Value::as_object);
        for (key, value) in decided.into_iter().flatten() {
            let field = [field, &[key.as_str()]].concat();
            if path(&field).get(&self.service).is_none() {
                self.take(stratum, &field, value.clone(), &[first, second, key]);
            }
        }
    }

    fn take(&mut self, stratum: &Stratum<'_>, field: &[&str], value: Value, declared: &[&str]) {
        let slot = field.iter().fold(&mut self.service, |place, step| {
            if !place.is_object() {
                *place = json!({});
            }
            &mut place[*step]
        });
        *slot = value;
        let declared = declared.iter().fold(stratum.at.clone(), |at, step| at.child(step));
        self.taken.push(Taken { field: path(field), layer: stratum.layer.clone(), declared });
    }
}

fn path(steps: &[&str]) -> Pointer {
    steps.iter().map(|step| (*step).to_owned()).collect()
}

/// The resources of which something is said.
fn names(resources: &Value) -> BTreeSet<String> {
    let of = |field: &str| resources.get(field).and_then(Value::as_object).into_iter().flatten();
    of("requests").chain(of("limits")).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests;
