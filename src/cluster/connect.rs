//! How to reach the API server.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::error::innermost;
use super::fence::{self, Fence};
use super::renewed;
use super::term::Term;

/// Where the API server is, as flags say it. All empty: `KUBECONFIG`, the user's own file, or the pod's account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// A kubeconfig file.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it.
    pub context: Option<String>,
}

/// Watches end and begin anew every 290 s; a connection that is silent for longer hangs.
const SILENCE: Duration = Duration::from_secs(300);

/// A client without hidden retries: what is retried, and how, is decided here.
pub async fn connect(connection: &Connection) -> anyhow::Result<Client> {
    renewed::client(connection, |config| Client::try_from(config.clone())).await
}

/// Where the API server is, without asking it anything.
pub async fn server(connection: &Connection) -> anyhow::Result<String> {
    Ok(config(connection).await?.cluster_url.to_string())
}

/// Whether an API server is at a loopback address.
pub fn is_on_this_machine(server: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(server) else { return false };
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        None => false,
    }
}

/// The same for calls that may be made only during a term. What is sent and not acknowledged for that `margin` is
/// dropped by the kernel, too.
pub async fn connect_within(connection: &Connection, term: Term, margin: Duration) -> anyhow::Result<Fence> {
    let within = term.clone();
    let client = renewed::client(connection, move |config| fence::client(config, &within, margin)).await?;
    Ok(Fence { term, client })
}

/// How kube reaches it.
pub(super) async fn config(connection: &Connection) -> anyhow::Result<Config> {
    let options = KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &connection.kubeconfig {
        Some(path) => {
            let shown = path.display();
            let file = Kubeconfig::read_from(path);
            let file = file.map_err(|error| anyhow!("cannot read kubeconfig {shown}: {}", innermost(&error)))?;
            // Its words have those of what caused it.
            let config = Config::from_custom_kubeconfig(file, &options).await;
            config.map_err(|error| anyhow!("cannot use kubeconfig {shown}: {error}"))?
        }
        None if connection.context.is_some() => Config::from_kubeconfig(&options).await.map_err(|error| {
            anyhow!("the kubeconfig cannot be used: {error}; set KUBECONFIG or --kubeconfig, or name another --context")
        })?,
        None => Config::infer().await.map_err(|error| no_cluster(&error))?,
    };
    // Audit logs and the server's own metrics tell callers apart by it.
    let agent = HeaderValue::from_static(concat!("gitmoor/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Each call but a watch has a shorter deadline of its own.
    config.read_timeout = Some(SILENCE);
    Ok(config)
}

/// Says it once, and of the kubeconfig: whoever is in a pod has what a pod has.
fn no_cluster(error: &dyn std::error::Error) -> anyhow::Error {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    anyhow!("no cluster: {why}; set KUBECONFIG or --kubeconfig, or run in a pod")
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use kube::api::WatchParams;
    use serde_json::json;
    use tokio::net::TcpListener;
    use tokio::time::{Instant, timeout};

    #[test]
    fn what_is_on_this_machine_has_a_loopback_address() {
        let check = |server: &str, expected: bool| assert_eq!(is_on_this_machine(server), expected, "{server}");
        check("https://127.0.0.1:6443/", true);
        check("https://127.8.9.1:6443/", true);
        check("https://[::1]:6443/", true);
        check("https://localhost:6443/", true);
        check("https://localhost.example.com/", false);
        check("https://127.0.0.1.example.com/", false);
        check("https://10.0.0.1:6443/", false);
        check("nonsense", false);
    }

    #[tokio::test]
    async fn what_keeps_a_kubeconfig_from_being_used_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        let check = async |expected: &str| {
            let error = config(&Connection { kubeconfig: Some(file.clone()), context: Some("x".into()) }).await;
            assert_eq!(format!("{:#}", error.unwrap_err()), expected.replace("FILE", file.to_str().unwrap()));
        };
        check("cannot read kubeconfig FILE: No such file or directory (os error 2)").await;
        std::fs::write(&file, "{}").unwrap();
        check("cannot use kubeconfig FILE: failed to load current context: x").await;
    }

    #[test]
    fn where_there_is_no_cluster_the_file_is_named_and_what_to_do() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to infer config: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = no_cluster(&Outer(std::io::Error::other("failed to read kubeconfig from '/x'")));
        let said = "no cluster: failed to read kubeconfig from '/x'; set KUBECONFIG or --kubeconfig, or run in a pod";
        assert_eq!(format!("{error:#}"), said);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_connections_and_never_answers_is_given_up() {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        let kubeconfig = json!({
            "clusters": [{"name": "a", "cluster": {"server": server}}], "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a"
        });
        std::fs::write(&file, kubeconfig.to_string()).unwrap();
        let client = connect(&Connection { kubeconfig: Some(file), context: None }).await.unwrap();
        let began = Instant::now();
        // No call but a watch is without a deadline of its own.
        let watch = Api::<ConfigMap>::all(client);
        let params = WatchParams::default();
        let given_up = timeout(Duration::from_secs(3600), watch.watch(&params, "0")).await;
        assert!(given_up.is_ok_and(|watch| watch.is_err()), "it waits for ever");
        assert!(began.elapsed() <= SILENCE + Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
