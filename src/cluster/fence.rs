//! The client of a leader. It sends nothing outside of its term: the clock is asked at each write to the socket, because a
//! process can be stopped for minutes between the decision to call and the call.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::TryFutureExt;
use futures::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceBuilder};

use super::term::Term;

/// A term, and a client that cannot be used outside of it.
#[derive(Clone)]
pub struct Fence {
    pub(super) term: Term,
    pub(super) client: Client,
}

impl Fence {
    /// The term.
    pub fn term(&self) -> Term {
        self.term.clone()
    }

    /// For what is written beside the calls.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// A client for that term. What is sent and not acknowledged for that `margin` is dropped by the kernel: it would go on to
/// send it when this process has ended.
pub(super) fn client(config: &Config, term: &Term, margin: Duration) -> kube::Result<Client> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(config.connect_timeout);
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(margin));
    let connector = config.rustls_https_connector_with_connector(Fenced { connector, term: term.clone() })?;
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace.clone()))
}

/// Waits until the term was ended; for ever where there is none.
pub(super) async fn ended(fence: Option<&Fence>) {
    match fence {
        Some(fence) => fence.term.ended().await,
        None => std::future::pending().await,
    }
}

/// Tells the API server, too: a request that waits in a queue of its own is not done after we ceased to lead.
pub(super) fn give_up_after(left: Duration, request: &mut http::Request<Vec<u8>>) {
    let uri = request.uri();
    let joint = if uri.query().is_some() { '&' } else { '?' };
    if let Ok(uri) = format!("{uri}{joint}timeout={}ms", left.as_millis().max(1)).parse() {
        *request.uri_mut() = uri;
    }
}

/// Makes connections that nothing can be written to outside of a term.
#[derive(Clone)]
struct Fenced {
    connector: HttpConnector,
    term: Term,
}

impl Service<Uri> for Fenced {
    type Response = FencedStream;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Uri>::poll_ready(&mut self.connector, cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let term = self.term.clone();
        Box::pin(self.connector.call(to).map_ok(|stream| FencedStream { stream, term }))
    }
}

struct FencedStream {
    stream: TokioIo<TcpStream>,
    term: Term,
}

impl FencedStream {
    /// Whatever is half sent then is no request, and the connection is of no more use.
    fn in_term(&self) -> io::Result<()> {
        self.term.left().map(drop).ok_or_else(|| io::Error::other("this process does not lead"))
    }
}

impl Connection for FencedStream {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl Read for FencedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for FencedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.in_term()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.in_term()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }
}
