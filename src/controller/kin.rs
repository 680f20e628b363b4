//! Children and pods as they are shown: what the controller's watches hold, read by somebody else. It changes nothing, and
//! makes no call.

use std::sync::Arc;

use super::children::{Kind, Pod};
use crate::api::names::LABEL_INSTANCE;
use crate::cluster::Store;
use crate::health::PodSummary;
use crate::model::ObjectKey;
use crate::page::tree::Family;

/// Live children and pods of all MicroServices. Cheap to clone.
#[derive(Clone)]
pub struct Kin {
    kinds: Vec<Arc<Kind>>,
    pods: Arc<Store<Pod>>,
}

impl Kin {
    pub(super) fn new(kinds: Vec<Arc<Kind>>, pods: Arc<Store<Pod>>) -> Self {
        Self { kinds, pods }
    }

    /// What there is of a MicroService, by its name and UID; none as long as not all of it was seen.
    pub fn family(&self, service: &ObjectKey, uid: &str) -> Option<Family> {
        if !self.pods.is_synced() {
            return None;
        }
        let mut family = Family { pods: self.pods_of(&service.to_string()), ..Family::default() };
        for kind in self.kinds.iter().filter(|kind| kind.is_served()) {
            if !kind.store.is_synced() {
                return None;
            }
            for entry in kind.store.group(uid) {
                let value = entry.object.value();
                if kind.kind.kind == "Job"
                    && let Some(instance) = value["spec"]["template"]["metadata"]["labels"][LABEL_INSTANCE].as_str()
                {
                    let pods = self.pods_of(&format!("{}/{instance}", service.namespace));
                    family.job_pods.push((entry.object.key.name.to_string(), pods));
                }
                family.children.push((kind.kind.kind, value));
            }
        }
        Some(family)
    }

    fn pods_of(&self, group: &str) -> Vec<PodSummary> {
        self.pods.group(group).iter().map(|pod| pod.extra.summary.clone()).collect()
    }
}
