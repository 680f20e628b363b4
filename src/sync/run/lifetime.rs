//! Whether the GitSync may go without a word: the finalizer follows `spec.deletionPolicy`.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::SyncLoop;
use crate::api::gitsync::DeletionPolicy;
use crate::cluster::CallError;
use crate::sync::finalizer;

/// After a lost race: the watch has the newer object in a moment.
const RACE: Duration = Duration::from_millis(200);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(5);

impl SyncLoop {
    /// Puts the finalizer on or takes it off, where that is not so. It needs no revision: what was applied by an earlier
    /// daemon goes with the GitSync, too, and a policy that changed back must not stand in its way.
    pub(super) async fn keep_finalizer(&mut self) {
        // Who syncs once will not be there when the GitSync goes.
        if self.deps.teller.is_some() || self.finalizer_at.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.finalizer_at = None;
        let (Some(state), Some(entry)) = (&self.state, self.deps.live.gitsyncs.get(&self.key)) else { return };
        let wanted = state.settings.deletion_policy == DeletionPolicy::Delete;
        if entry.extra.finalizer == wanted || entry.object.deleting || *entry.object.uid != *state.settings.sync.uid {
            return;
        }
        match finalizer::set(&self.deps.cluster, &entry.object, wanted).await {
            Ok(answer) => {
                info!(sync = %self.key, wanted, "the finalizer follows spec.deletionPolicy");
                self.deps.live.gitsyncs.answered(answer);
            }
            Err(CallError::NotFound(_)) => {}
            Err(CallError::Conflict(_)) => self.finalizer_at = Some(Instant::now() + RACE),
            Err(error) => {
                warn!(sync = %self.key, reason = error.reason(), %error, "finalizer not written");
                self.finalizer_at = Some(Instant::now() + PAUSE);
            }
        }
    }
}
