//! The listeners: bound before anything runs, so that a port that is taken is found at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::page::{LivePages, PageOptions};
use crate::server::{
    HookLimits, Hooks, Limits, Listener, PageRules, Pulse, Tls, hooks_router, ops_router, page_router, serve,
};
use crate::telemetry::Metrics;
use crate::webhook::Network;

/// For a connection to the page: a stream of events is one, and a browser goes on with another.
const STREAM: Duration = Duration::from_secs(1800);

/// Listeners that are bound and do not answer yet.
#[derive(Default)]
pub struct Bound {
    hooks: Option<TcpListener>,
    ops: Option<TcpListener>,
    page: Option<Listener>,
}

impl Bound {
    /// Binds what is wanted.
    pub async fn bind(
        hooks: Option<SocketAddr>,
        ops: Option<SocketAddr>,
        page: Option<&PageOptions>,
    ) -> anyhow::Result<Self> {
        let tls = page.and_then(|page| page.tls.clone()).map(Tls::new).transpose();
        let tls = tls.context("the page cannot be served by TLS")?.map(Arc::new);
        let page = bind("page", page.map(|page| page.address)).await?;
        Ok(Self {
            hooks: bind("webhooks", hooks).await?,
            ops: bind("health and metrics", ops).await?,
            page: page.map(|page| Listener::from(page).with(tls)),
        })
    }

    /// Answers until told to stop; the future that is returned ends then.
    pub fn serve(
        self,
        hooks: impl Hooks,
        (limits, proxies): (HookLimits, Vec<Network>),
        pulse: Pulse,
        metrics: Metrics,
        pages: Option<(Arc<LivePages>, PageRules)>,
        stop: &CancellationToken,
    ) -> impl Future<Output = ()> {
        let mut servers = JoinSet::new();
        if let Some(listener) = self.hooks {
            servers.spawn(serve(
                listener,
                hooks_router(Arc::new(hooks), limits, proxies),
                Limits::default(),
                stop.clone(),
            ));
        }
        if let Some(listener) = self.ops {
            let router = ops_router(pulse, move || metrics.encode());
            servers.spawn(serve(listener, router, Limits::default(), stop.clone()));
        }
        if let (Some(listener), Some((pages, rules))) = (self.page, pages) {
            let limits = Limits { connections: rules.streams + 256, connection: STREAM, ..Limits::default() };
            servers.spawn(serve(listener, page_router(pages, rules, stop.clone()), limits, stop.clone()));
        }
        async move { while servers.join_next().await.is_some() {} }
    }
}

async fn bind(what: &'static str, address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} for {what}"))?;
    let address = listener.local_addr().with_context(|| format!("cannot tell the address for {what}"))?;
    info!(what, %address, "listening");
    Ok(Some(listener))
}
