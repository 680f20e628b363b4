//! A program of its own with Gitmoor's controller in it: `cargo run --example controller`, against the cluster of KUBECONFIG.
//!
//! It needs both CRDs (`gitmoor crds | kubectl apply --server-side -f -`). Then a MicroService becomes a Deployment and what
//! belongs to it:
//!
//! ```text
//! kubectl apply -f examples/repo/basic
//! ```

use anyhow::Context;
use gitmoor::{MicroServiceController, manifest};
use kube::Client;

/// What holds for services that do not say it themselves.
const DEFAULTS: &str = "\
defaults:
  replicas: 1
  podMetadata: {labels: {team: nobody}}
";

/// Runs the controller over one namespace.
pub async fn run(
    client: Client,
    namespace: &str,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (defaults, findings) = manifest::defaults(DEFAULTS.as_bytes());
    let defaults = defaults.with_context(|| format!("the defaults are invalid: {findings:?}"))?;
    MicroServiceController::new(client)
        .operator_namespace(namespace)
        .namespace(namespace)
        .defaults(defaults)
        .workers(2)
        .run(stop)
        .await
}

// A test runs this file as a module of its own.
#[cfg(not(test))]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The TLS of Kubernetes' client; an error says only that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tracing_subscriber::fmt().init();
    let client = Client::try_default().await.context("no cluster: set KUBECONFIG")?;
    let namespace = client.default_namespace().to_owned();
    run(client, &namespace, async { drop(tokio::signal::ctrl_c().await) }).await
}
