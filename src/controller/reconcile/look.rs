//! A look before the turn to write has come: where many services wait, what differs is told when it is seen, and not when
//! those before it have been put back. It never writes, and never says that a drift is over.

use super::Work;
use crate::api::names::CONTROLLER_MANAGER;
use crate::controller::Controller;
use crate::controller::settle::{Rules, decide};
use crate::drift::{Learned, Ruled};
use crate::model::{FieldDrift, LiveObject, ObjectKey};
use crate::workload::{Child, pre_deploy};

/// Whether there may be something to tell: a child changed since it was as rendered. A service that is looked at for the
/// first time is left to its reconcile, which finds out what an earlier process told.
pub fn is_worth_a_look(controller: &Controller, key: &ObjectKey) -> bool {
    let memory = &controller.memory;
    let Some(service) = controller.services.get(key).filter(|_| memory.has_looked(key)) else { return false };
    controller.children.kinds().iter().any(|kind| {
        let mut changed = false;
        kind.store.each_of(&service.object.uid, |child| {
            changed |= !memory.was_settled(key, kind.kind.kind, &child.object);
        });
        changed
    })
}

impl Work<'_> {
    /// Tells what differs of children that are there.
    pub(super) fn look(&mut self, children: &[Child]) {
        // What waits for a Job is under other rules, which the reconcile finds out.
        if children.iter().any(|child| pre_deploy::is_job(child.kind)) {
            return;
        }
        let rules = self.rules;
        for child in children {
            let Some(kind) = self.controller.children.of(child.kind).filter(|kind| kind.is_served()) else { continue };
            let key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
            let Some(live) = kind.store.get(&key).map(|entry| entry.object.clone()) else { continue };
            if self.is_ours(&live) && !self.controller.memory.is_settled(self.key, child, &live) {
                self.announce_seen(child, &live, &rules);
            }
        }
        self.controller.memory.remember_drift(self.key, self.told.standing.clone());
    }

    /// Tells what is new of a child, less what may be the API server's own doing: that is yet to be found out. Returns what is
    /// known of the child, and what is to be found out.
    pub(super) fn announce_seen(
        &mut self,
        child: &Child,
        live: &LiveObject,
        rules: &Rules<'_>,
    ) -> (Learned, Ruled, Vec<FieldDrift>) {
        let seen = live.value();
        let learned = self.controller.memory.learned(self.key, child.kind.kind, &live.key);
        let (_, mut ruled) = decide(child, &seen, &Rules { learned: &learned, ..*rules });
        let open = if rules.suspended { Vec::new() } else { ruled.take_open(&learned, &seen, CONTROLLER_MANAGER) };
        let fields = self.fields(child, &live.key, &seen, &ruled);
        self.announce(child, live, fields);
        (learned, ruled, open)
    }
}
