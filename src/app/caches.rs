//! Removes the caches of sources that nobody reads any more: of GitSyncs that went, or read something else, while no process
//! ran that could see it. A cache that is in use is never touched, for whoever uses it holds its lock.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::source::Sources;

/// How long a cache stays that nobody has open. A GitSync that is suspended, or whose process is being replaced, finds it again.
const UNUSED: Duration = Duration::from_secs(24 * 60 * 60);
/// How often this is looked at.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Looks now, and then every hour.
pub async fn sweep(sources: Sources) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let sources = sources.clone();
        match tokio::task::spawn_blocking(move || sources.sweep(UNUSED)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(removed)) => info!(removed, "caches that nobody reads were removed"),
            Ok(Err(error)) => warn!(%error, "caches that nobody reads were not removed"),
            Err(error) => warn!(%error, "looking for caches that nobody reads broke off"),
        }
    }
}
