//! Accepts connections and ends them: every connection is one of a bounded number, shakes hands where there is TLS and reads
//! its head within a deadline, lives for a bounded time, and is gone soon after shutdown.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::stall::Unstalled;
use super::tls::Tls;
use crate::telemetry::panics::caught;

/// Bytes of a request's head, and of the buffer that bodies pass through.
const BUFFER: usize = 32 * 1024;
/// Before accepting is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Who sent a request: it is in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// How much a listener may be used.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// For the head of a request, and so for the pause between two requests.
    pub head: Duration,
    /// For a connection; the request that is being answered then is the last.
    pub connection: Duration,
    /// For what is being answered at the end of a connection or at shutdown.
    pub drain: Duration,
    /// For whoever is answered to take some of it.
    pub taking: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(10),
            connection: Duration::from_secs(120),
            drain: Duration::from_secs(5),
            taking: Duration::from_secs(20),
        }
    }
}

/// Where connections come from.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

impl Listener {
    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The same, with TLS where there is some.
    #[must_use]
    pub fn with(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }
}

/// Serves until `shutdown`, then lets connections finish for [`Limits::drain`] and ends the others.
pub async fn serve(listener: impl Into<Listener>, router: Router, limits: Limits, shutdown: CancellationToken) {
    let Listener { tcp: listener, tls } = listener.into();
    let slots = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    while let Some((slot, stream, peer)) = shutdown.run_until_cancelled(next(&listener, &slots)).await {
        let (router, shutdown, tls) = (router.clone(), shutdown.clone(), tls.clone());
        connections.spawn(async move {
            let stream = Unstalled::new(stream, limits.taking);
            let talk = async {
                match tls {
                    None => converse(stream, peer, router, limits, shutdown).await,
                    Some(tls) => {
                        if let Some(stream) = greet(&tls, stream, limits, &shutdown).await {
                            converse(stream, peer, router, limits, shutdown).await;
                        }
                    }
                }
            };
            // A panic in a handler ends its connection only, and is told where it happens.
            let _ = caught(Box::pin(talk)).await;
            drop(slot);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = timeout(limits.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::debug!(connections = connections.len(), "connections cut off at shutdown");
        connections.shutdown().await;
    }
}

/// The next connection, and its place among those allowed at once. An accept that fails (for want of file
/// descriptors, mostly) is tried again after a pause, while connections end.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> (Option<OwnedSemaphorePermit>, TcpStream, Peer) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (slot, stream, Peer(address.ip())),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the connection died before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Shakes hands by TLS, within the time for a head. Whoever is not let in is told no more than TLS says.
async fn greet<S>(tls: &Tls, stream: S, limits: Limits, shutdown: &CancellationToken) -> Option<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let greeted = timeout(limits.head, tls.acceptor().accept(stream));
    match shutdown.run_until_cancelled(greeted).await? {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS connection was not made");
            None
        }
        Err(_) => {
            tracing::debug!("a TLS connection was not made in time");
            None
        }
    }
}

/// Answers what comes over one connection until it, its time or the server ends.
async fn converse<S>(stream: S, peer: Peer, router: Router, limits: Limits, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = select! {
        ended = connection.as_mut() => Some(ended),
        () = shutdown.cancelled() => None,
        () = sleep(limits.connection) => None,
    };
    let ended = match ended {
        Some(ended) => Ok(ended),
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(limits.drain, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::trace!(%error, "connection failed"),
        Err(_) => tracing::trace!("connection cut off"),
    }
}
