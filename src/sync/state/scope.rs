//! What the url, ref, paths and targetNamespace mean for deletions.

use super::State;
use crate::model::Snapshot;

impl State {
    /// Whether url, ref, paths or targetNamespace are others than those that the applied revision was read with. Then
    /// nothing is deleted until the next revision: with that, the change of scope is a fact that commits build on.
    pub(super) fn scope_changed(&self, snapshot: &Snapshot) -> bool {
        let current = &self.settings.scope_hash;
        if self.scope.as_ref() == Some(current) {
            return false;
        }
        let held = self.scope_held.as_deref().and_then(|held| held.split_once(" at "));
        !held.is_some_and(|(hash, revision)| hash == current && revision != snapshot.revision.as_str())
    }
}
