//! What there is of our kinds, and where each object comes from by its own marks. Pure.

use crate::api::names::{DRIFT_POLICY, SOURCE, SOURCE_PATH, SOURCE_REVISION};
use crate::api::status::SourceStatus;
use crate::api::{GitSync, MicroService, SourceMark};
use crate::model::ObjectKey;
use crate::plan::standing::split_place;

/// What a cluster has of our kinds, in order of name.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// GitSyncs.
    pub gitsyncs: Vec<GitSync>,
    /// MicroServices.
    pub services: Vec<MicroService>,
}

/// Namespace and name.
pub fn key(object: &impl kube::Resource) -> ObjectKey {
    let metadata = object.meta();
    ObjectKey::new(metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

/// Whether `name` or `namespace/name` names an object.
pub fn is_named(name: &str, key: &ObjectKey) -> bool {
    match ObjectKey::parse(name) {
        Some(wanted) => wanted == *key,
        None => *key.name == *name,
    }
}

/// The GitSync that applied an object, by its own marks; `None` for what no GitSync applied, and for a copy.
pub fn declared_by(object: &impl kube::Resource) -> Option<String> {
    let mark = SourceMark::parse(object.meta().annotations.as_ref()?.get(SOURCE)?)?;
    (mark.object == key(object).to_string()).then_some(mark.sync)
}

/// Where a MicroService was declared, as its own marks say it; `None` for one that no GitSync applied, and for a copy.
pub fn provenance(service: &MicroService) -> Option<SourceStatus> {
    let annotations = service.metadata.annotations.as_ref()?;
    let sync = declared_by(service)?;
    let (file, line) = annotations.get(SOURCE_PATH).map_or(("", 1), |place| split_place(place));
    let revision = annotations.get(SOURCE_REVISION).cloned().unwrap_or_default();
    Some(SourceStatus { sync, revision, file: file.to_owned(), line })
}

/// What the object itself says about its drift policy.
pub fn policy_annotation(service: &MicroService) -> Option<&str> {
    service.metadata.annotations.as_ref()?.get(DRIFT_POLICY).map(String::as_str)
}

/// An annotation of a GitSync.
pub fn annotation<'a>(gitsync: &'a GitSync, name: &str) -> Option<&'a str> {
    gitsync.metadata.annotations.as_ref()?.get(name).map(String::as_str)
}
