//! How to reach the API server.

use std::path::PathBuf;
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// Where the API server is, as flags say it. All empty: `KUBECONFIG`, the user's own file, or the pod's account.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it.
    pub context: Option<String>,
}

/// A client without hidden retries: what is retried, and how, is decided here.
pub async fn connect(connection: &Connection) -> anyhow::Result<Client> {
    use anyhow::Context;

    let options = KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &connection.kubeconfig {
        Some(path) => {
            let file =
                Kubeconfig::read_from(path).with_context(|| format!("cannot read kubeconfig {}", path.display()))?;
            Config::from_custom_kubeconfig(file, &options).await.context("the kubeconfig cannot be used")?
        }
        None if connection.context.is_some() => {
            Config::from_kubeconfig(&options).await.context("the kubeconfig cannot be used")?
        }
        None => Config::infer().await.context("no cluster: set KUBECONFIG or --kubeconfig, or run in a pod")?,
    };
    // Audit logs and the server's own metrics tell callers apart by it.
    let agent = HeaderValue::from_static(concat!("gitmoor/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Watches are silent for minutes; each other call has a deadline of its own.
    config.read_timeout = None;
    Client::try_from(config).context("cannot make a Kubernetes client")
}
