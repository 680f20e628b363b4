//! A client that asks with the credentials that its files have now. Certificates expire, and whoever renews them replaces
//! files: a kubeconfig, or what it names. What the files say is read again when it is another than before, and a plugin that
//! gives certificates is asked again when the API server refused what it gave; the place of the API server and the context
//! stay those of the start.
//!
//! Tokens that a kubeconfig or a pod has in files of their own are no concern of this: kube reads them again by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context as Polling, Poll};
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use kube::client::Body;
use kube::config::Kubeconfig;
use kube::{Client, Config};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::Service;
use tracing::{info, warn};

use super::connect::{Connection, config};

/// Files are looked at no more often, unless the API server refused what they said before.
const LOOK: Duration = Duration::from_secs(10);

const CANNOT: &str = "cannot make a Kubernetes client";

/// Makes the client of a configuration.
type Make = Arc<dyn Fn(&Config) -> kube::Result<Client> + Send + Sync>;

/// A client that follows the files it is made of; any other as it is.
pub(super) async fn client(
    connection: &Connection,
    make: impl Fn(&Config) -> kube::Result<Client> + Send + Sync + 'static,
) -> anyhow::Result<Client> {
    let config = config(connection).await?;
    let client = make(&config).context(CANNOT)?;
    let Some(files) = Files::of(connection, &config) else { return Ok(client) };
    let namespace = config.default_namespace.clone();
    let begun = Instant::now();
    let now = Now { client, print: files.print().await, looked: begun, made: begun };
    let kept = Kept { files, server: config.cluster_url.to_string(), make: Arc::new(make), now: Mutex::new(now) };
    Ok(Client::new(Renewed(Arc::new(kept)), namespace))
}

/// The files that say how an API server is reached and who asks.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    /// Where they are read from, with the context by its name: another one may be current by now.
    connection: Connection,
    paths: Vec<PathBuf>,
    /// Whether a plugin says who asks, which may say something else without any file that changes.
    plugin: bool,
}

impl Files {
    /// None where there is no kubeconfig: a pod's account has a token and an authority that are read again anyway.
    fn of(connection: &Connection, config: &Config) -> Option<Self> {
        if config.root_cert_file.is_some() {
            return None;
        }
        let mut paths = match (&connection.kubeconfig, std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()))
        {
            (Some(path), _) => vec![path.clone()],
            (None, Some(paths)) => std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect(),
            (None, None) => vec![std::env::home_dir()?.join(".kube/config")],
        };
        let read = paths.iter().try_fold(Kubeconfig::default(), |all, path| all.merge(Kubeconfig::read_from(path)?));
        let file = read.ok()?;
        let name = connection.context.clone().or(file.current_context)?;
        let context = file.contexts.into_iter().find(|context| context.name == name)?.context?;
        let cluster = file.clusters.into_iter().find(|cluster| cluster.name == context.cluster)?.cluster?;
        let user = &config.auth_info;
        let more = [cluster.certificate_authority, user.client_certificate.clone(), user.client_key.clone()];
        paths.extend(more.into_iter().flatten().map(PathBuf::from));
        let connection = Connection { context: Some(name), ..connection.clone() };
        Some(Self { connection, paths, plugin: user.exec.is_some() })
    }

    /// Tells what they say from anything else; none while one of them is not there, as when it is just being replaced.
    async fn print(&self) -> Option<[u8; 32]> {
        let mut all = Sha256::new();
        for path in &self.paths {
            let content = tokio::fs::read(path).await.ok()?;
            all.update(content.len().to_le_bytes());
            all.update(content);
        }
        Some(all.finalize().into())
    }
}

#[derive(Clone)]
struct Renewed(Arc<Kept>);

struct Kept {
    files: Files,
    server: String,
    make: Make,
    now: Mutex<Now>,
}

struct Now {
    client: Client,
    /// Of what it is made of, or of what could not be used since.
    print: Option<[u8; 32]>,
    looked: Instant,
    made: Instant,
}

impl Kept {
    /// The client of what the files say.
    async fn current(&self) -> Client {
        let mut now = self.now.lock().await;
        if now.looked.elapsed() >= LOOK {
            self.look(&mut now, false).await;
        }
        now.client.clone()
    }

    /// The API server does not know who asks: there may be newer credentials. Another call may have found them meanwhile.
    async fn doubt(&self, asked: Instant) {
        let mut now = self.now.lock().await;
        if now.looked <= asked {
            self.look(&mut now, true).await;
        }
    }

    async fn look(&self, now: &mut Now, refused: bool) {
        now.looked = Instant::now();
        let print = self.files.print().await;
        let changed = print.is_some() && print != now.print;
        let expired = refused && self.files.plugin && now.made.elapsed() >= LOOK;
        if !changed && !expired {
            return;
        }
        // Said once, however often it is looked at.
        now.print = print.or(now.print);
        now.made = now.looked;
        match self.anew().await {
            Ok(client) => {
                now.client = client;
                info!(server = self.server, "the credentials for the API server are read again");
            }
            Err(error) => warn!(
                server = self.server,
                error = format!("{error:#}"),
                "the credentials for the API server changed and cannot be used; those of before stay"
            ),
        }
    }

    async fn anew(&self) -> anyhow::Result<Client> {
        let config = config(&self.files.connection).await?;
        let server = config.cluster_url.to_string();
        ensure!(server == self.server, "they name another API server, {server}; to go there, start this process anew");
        let make = Arc::clone(&self.make);
        // It may run a plugin.
        tokio::task::spawn_blocking(move || make(&config)).await.context(CANNOT)?.context(CANNOT)
    }
}

impl Service<Request<Body>> for Renewed {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, kube::Result<Response<Body>>>;

    fn poll_ready(&mut self, _: &mut Polling<'_>) -> Poll<kube::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let kept = Arc::clone(&self.0);
        Box::pin(async move {
            let client = kept.current().await;
            let asked = Instant::now();
            let answer = client.send(request).await?;
            if answer.status() == StatusCode::UNAUTHORIZED {
                kept.doubt(asked).await;
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests;
