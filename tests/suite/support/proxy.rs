//! A TCP proxy before the API server, for faults of the network.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It works.
    Works,
    /// Nothing gets through, and nobody is told. What was on its way then is lost for ever.
    Silent,
    /// Connections are closed at once.
    Refuses,
}

/// A proxy; it ends with this.
pub struct Proxy {
    network: watch::Sender<Network>,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Proxy {
    /// Before the API server of a kubeconfig.
    pub async fn before(kubeconfig: &Path, network: Network) -> Self {
        let mut config: Value = serde_yaml::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap();
        let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
        let target: SocketAddr = server.strip_prefix("https://").unwrap().trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("https://{}", listener.local_addr().unwrap());
        config["clusters"][0]["cluster"]["server"] = json!(own);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        let network = watch::Sender::new(network);
        let task = tokio::spawn(accept(listener, target, Arc::new(network.clone())));
        Self { network, task, folder }
    }

    /// How to reach the API server through it.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on the network is like that. Connections that it silenced stay silent.
    pub fn becomes(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, network: Arc<watch::Sender<Network>>) {
    while let Ok((client, _)) = listener.accept().await {
        let network = network.subscribe();
        tokio::spawn(async move {
            let now = *network.borrow();
            match now {
                Network::Refuses => {}
                Network::Silent => std::future::pending().await,
                Network::Works => {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    let there = tokio::spawn(copy(from_client, to_server, network.clone()));
                    copy(from_server, to_client, network).await;
                    there.abort();
                }
            }
        });
    }
}

/// Passes on what comes until either side ends or the network does.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut network: watch::Receiver<Network>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let changed = async { network.wait_for(|network| *network != Network::Works).await.map(|now| *now) };
        let count = tokio::select! {
            biased;
            changed = changed => {
                if matches!(changed, Ok(Network::Silent)) {
                    // Both ends stay open, and hear nothing more.
                    std::future::pending::<()>().await;
                }
                return;
            }
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
