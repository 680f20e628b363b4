//! What must be there before anything can begin: an API server that answers, and our kinds in it.

use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cluster::{CallError, Cluster, gitsyncs, microservices};
use crate::model::Backoff;

/// Between two tries.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(10) };

/// Waits for an API server that answers. Returns whether it did before `stop`. A cluster without our kinds, or without
/// the rights to them, is not an error to wait for in silence.
pub async fn kinds_are_served(cluster: &Cluster, stop: &CancellationToken) -> anyhow::Result<bool> {
    let (mut failures, mut said) = (0, false);
    for kind in [gitsyncs(), microservices()] {
        loop {
            let listed = cluster.list(&kind, cluster.scope(), Some("gitmoor.dev/none"));
            let Some(listed) = stop.run_until_cancelled(listed).await else { return Ok(false) };
            match listed {
                Ok(_) => break,
                Err(error @ (CallError::KindMissing(_) | CallError::Forbidden(_))) => {
                    return Err(error).with_context(|| format!("cannot work with {}", kind.plural));
                }
                Err(error) if !said => {
                    said = true;
                    warn!(
                        reason = error.reason(),
                        %error,
                        "the API server does not answer; waiting for it. See that it runs and that this process can reach \
                         the address in its kubeconfig"
                    );
                }
                Err(_) => {}
            }
            failures += 1;
            let pause = PAUSES.pause(failures, fastrand::f64());
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Ok(false);
            }
        }
    }
    if said {
        info!("the API server answers");
    }
    Ok(true)
}
