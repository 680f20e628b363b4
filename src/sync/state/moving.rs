//! Objects whose fate another GitSync has a say in.

use std::collections::BTreeSet;

use super::State;
use crate::model::{HoldReason, ObjectKey, Silence, Target};

impl State {
    /// Objects that are held because of what other GitSyncs declare, or may.
    pub fn between_gitsyncs(&self) -> Vec<Target> {
        let between = |reason: &HoldReason| {
            matches!(
                reason,
                HoldReason::OwnedByOther(_)
                    | HoldReason::OwnerSilent(..)
                    | HoldReason::OwnerGone(_)
                    | HoldReason::Moving(_)
                    | HoldReason::MayMove(..)
            )
        };
        self.held.iter().filter(|(_, reason)| between(reason)).map(|(target, _)| target.clone()).collect()
    }

    /// GitSyncs whose next look is waited for.
    pub fn unheard(&self) -> BTreeSet<ObjectKey> {
        let names = self.held.values().filter_map(|reason| match reason {
            HoldReason::OwnerSilent(sync, Silence::Reading) | HoldReason::MayMove(sync, Silence::Reading) => Some(sync),
            _ => None,
        });
        names.filter_map(|name| ObjectKey::parse(name)).collect()
    }
}
