//! Live objects of both kinds that Git may declare, behind one name.

use std::sync::Arc;

use kube::core::ApiResource;

use super::gitsyncs::{GitSyncs, Spec};
use super::services::{Service, Services};
use super::store::Entry;
use super::{gitsyncs, microservices};
use crate::model::pause::PauseMarks;
use crate::model::{Kind, LiveObject, Target};
use crate::plan::Standing;

/// Live MicroServices and GitSyncs. Cheap to clone.
#[derive(Clone)]
pub struct Targets {
    /// MicroServices.
    pub services: Arc<Services>,
    /// GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
}

/// A live object that Git may declare.
#[derive(Debug, Clone)]
pub enum Member {
    /// A MicroService.
    Service(Arc<Entry<Service>>),
    /// A GitSync.
    GitSync(Arc<Entry<Spec>>),
}

/// What a walk over many live objects sees of each.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'a> {
    /// Its kind.
    pub kind: Kind,
    /// The object.
    pub object: &'a LiveObject,
    /// How it stands towards Git.
    pub standing: &'a Standing,
    /// Whether it is Ready.
    pub ready: bool,
    /// Whether its own status says that it drifted.
    pub drifted: bool,
    /// How many fields of its children differ, by its status.
    pub workload_fields: u32,
}

impl Glance<'_> {
    /// Its kind and name.
    pub fn target(&self) -> Target {
        Target::new(self.kind, self.object.key.clone())
    }
}

impl Targets {
    /// The object of that name, as last seen.
    pub fn get(&self, target: &Target) -> Option<Member> {
        match target.kind {
            Kind::MicroService => self.services.get(&target.key).map(Member::Service),
            Kind::GitSync => self.gitsyncs.get(&target.key).map(Member::GitSync),
        }
    }

    /// Shows everything of an ApplySet, in no order. It must not block, nor look into the stores.
    pub fn each_of(&self, applyset: &str, mut seen: impl FnMut(Glance<'_>)) {
        self.services.each_of(applyset, |entry| seen(glance_service(entry)));
        self.gitsyncs.each_of(applyset, |entry| seen(glance_gitsync(entry)));
    }

    /// Everything of an ApplySet, in order of kind and name.
    pub fn of(&self, applyset: &str) -> Vec<Target> {
        let mut found = Vec::new();
        self.each_of(applyset, |glance| found.push(glance.target()));
        found.sort();
        found
    }

    /// Takes the answer to a write of ours.
    pub fn answered(&self, kind: Kind, object: LiveObject) {
        match kind {
            Kind::MicroService => self.services.answered(object),
            Kind::GitSync => self.gitsyncs.answered(object),
        }
    }
}

impl Member {
    /// What a walk would see of it.
    pub fn glance(&self) -> Glance<'_> {
        match self {
            Self::Service(entry) => glance_service(entry),
            Self::GitSync(entry) => glance_gitsync(entry),
        }
    }

    /// The object.
    pub fn object(&self) -> &LiveObject {
        self.glance().object
    }

    /// What its annotations ask for about corrections.
    pub fn pause(&self) -> Option<&PauseMarks> {
        match self {
            Self::Service(entry) => entry.extra.pause.as_ref(),
            Self::GitSync(entry) => entry.extra.pause.as_ref(),
        }
    }

    /// How it stands towards Git.
    pub fn standing(&self) -> &Standing {
        self.glance().standing
    }
}

fn glance_service(entry: &Entry<Service>) -> Glance<'_> {
    let Service { standing, ready, drifted, workload_fields, .. } = &entry.extra;
    Glance {
        kind: Kind::MicroService,
        object: &entry.object,
        standing,
        ready: *ready,
        drifted: *drifted,
        workload_fields: *workload_fields,
    }
}

fn glance_gitsync(entry: &Entry<Spec>) -> Glance<'_> {
    // Whether what it applied has drifted is its own affair.
    let Spec { standing, ready, .. } = &entry.extra;
    Glance { kind: Kind::GitSync, object: &entry.object, standing, ready: *ready, drifted: false, workload_fields: 0 }
}

/// The resource of a kind that Git may declare.
pub fn resource(kind: Kind) -> ApiResource {
    match kind {
        Kind::MicroService => microservices(),
        Kind::GitSync => gitsyncs(),
    }
}
