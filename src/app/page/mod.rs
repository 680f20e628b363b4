//! Keeps the page's book up to date with what the daemon sees, and answers its listener from it.
//!
//! A change of an object only leaves its name here; a task of its own reads the object and writes the row, so nobody who
//! works waits for the page. Where there is no page, nothing of this exists.

mod answers;
mod reviews;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tracing::{error, warn};

use crate::api::{GitSync, MicroService};
use crate::cluster::{Cluster, GitSyncs, Services};
use crate::controller::Kin;
use crate::model::{Kind, ObjectKey, Target};
use crate::page::access::Access;
use crate::page::asked::ProxyHeaders;
use crate::page::{About, Book, Role};
use crate::report::bug::BUG;
use crate::server::{PageRules, Pulse, TlsFiles};
use crate::telemetry::panics::{Panicked, caught_now};
use crate::trace::Tracer;
use reviews::Reviews;

/// How long changes are gathered before rows are written.
const GATHER: Duration = Duration::from_millis(50);
/// How often it is looked whether the daemon's own part is another one.
const LOOK: Duration = Duration::from_secs(1);
/// Rows that are written at a time: readers wait for so many.
const BATCH: usize = 128;
/// Bytes that prove a proxy, at least.
const SECRET: usize = 16;
/// How long the proxy's secret is believed; a changed file counts after it.
const SECRET_FRESH: Duration = Duration::from_secs(10);

/// How the page is served, by flags.
#[derive(Debug, Clone)]
pub struct PageOptions {
    /// Where.
    pub address: SocketAddr,
    /// How it knows who is looking.
    pub access: Access,
    /// How a proxy says so.
    pub proxy: ProxyHeaders,
    /// The file with what the proxy proves itself with.
    pub proxy_secret: Option<PathBuf>,
    /// Where its certificate is, and whose clients' certificates are let in.
    pub tls: Option<TlsFiles>,
}

impl PageOptions {
    /// Finds out at the start what would make the page unsafe or useless.
    pub fn check(&self) -> anyhow::Result<()> {
        self.access.fits(self.address)?;
        ensure!(
            self.access == Access::Proxy || !self.lets_only_proxies_in(),
            "--page-client-ca is for --page-access Proxy: a certificate says that it is the proxy, and not who is looking"
        );
        match (self.access, &self.proxy_secret) {
            (Access::Proxy, None) if self.lets_only_proxies_in() => Ok(()),
            (Access::Proxy, None) => {
                bail!(
                    "--page-access Proxy needs --page-proxy-secret-file or --page-client-ca: without a proof anybody could be \
                     anybody"
                )
            }
            (Access::Proxy, Some(file)) => {
                let secret = read_secret(file).with_context(|| format!("cannot read {}", file.display()))?;
                ensure!(secret.len() >= SECRET, "{} has fewer than {SECRET} bytes", file.display());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether nobody has a connection without a certificate of the authority of proxies.
    fn lets_only_proxies_in(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.clients.is_some())
    }

    /// What the listener goes by.
    pub fn rules(&self) -> PageRules {
        PageRules { access: self.access, proxy: self.proxy.clone(), ..PageRules::default() }
    }
}

fn read_secret(file: &Path) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(file)?;
    Ok(bytes.trim_ascii().to_vec())
}

/// What the page answers from.
pub struct LivePages {
    pub(super) services: Arc<Services>,
    pub(super) gitsyncs: Arc<GitSyncs>,
    pub(super) tracer: Tracer,
    /// Children and pods, where this process watches them.
    pub(super) kin: Arc<OnceLock<Kin>>,
    book: RwLock<Book>,
    versions: watch::Sender<u64>,
    dirty: Mutex<BTreeSet<Target>>,
    wake: Notify,
    pulse: Pulse,
    reviews: Reviews,
    secret: Mutex<Option<(std::time::Instant, Vec<u8>)>>,
    secret_file: Option<PathBuf>,
    only_proxies: bool,
}

/// What the page is made of.
pub struct PageDeps {
    /// Asks who somebody is.
    pub cluster: Cluster,
    /// Live MicroServices.
    pub services: Arc<Services>,
    /// Live GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
    /// Reads manifests that are at hand.
    pub tracer: Tracer,
    /// What this process is among several.
    pub pulse: Pulse,
}

impl LivePages {
    /// Pages without rows.
    pub fn new(deps: PageDeps, options: &PageOptions) -> Self {
        let PageDeps { cluster, services, gitsyncs, tracer, pulse } = deps;
        Self {
            services,
            gitsyncs,
            tracer,
            kin: Arc::default(),
            book: RwLock::new(Book::new(&format!("{:08x}", fastrand::u32(..)))),
            versions: watch::Sender::new(0),
            dirty: Mutex::default(),
            wake: Notify::new(),
            pulse,
            reviews: Reviews::new(cluster),
            secret: Mutex::default(),
            secret_file: options.proxy_secret.clone(),
            only_proxies: options.lets_only_proxies_in(),
        }
    }

    /// An object came, went or is otherwise than before.
    pub fn changed(&self, kind: Kind, key: &ObjectKey) {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).insert(Target::new(kind, key.clone()));
        self.wake.notify_one();
    }

    /// Writes rows for as long as it runs.
    pub async fn keep(self: Arc<Self>) {
        loop {
            self.write_about();
            loop {
                let targets = self.take();
                if targets.is_empty() {
                    break;
                }
                self.write(&targets);
                tokio::task::yield_now().await;
            }
            tokio::select! {
                () = self.wake.notified() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn take(&self) -> Vec<Target> {
        let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| dirty.pop_first()).take(BATCH).collect()
    }

    fn write_about(&self) {
        let complete = self.services.is_synced() && self.gitsyncs.is_synced();
        let about = About { role: Role::of(self.pulse.role()), complete };
        let mut book = self.pen();
        book.set_about(about);
        self.tell(book);
    }

    fn write(&self, targets: &[Target]) {
        self.write_as(targets, |target| self.read(target));
    }

    fn write_as(&self, targets: &[Target], read: impl Fn(&Target) -> Option<Found>) {
        // Objects are parsed before anybody has to wait.
        let read = |target: &Target| caught_now(|| read(target)).unwrap_or_else(|panicked| fell(target, &panicked));
        let read: Vec<_> = targets.iter().filter_map(|target| Some((target, read(target)?))).collect();
        let now = Timestamp::now();
        let mut book = self.pen();
        for (target, found) in &read {
            let written = caught_now(|| match found {
                Found::Service(service) => book.service(&target.key, service.as_deref(), now),
                Found::GitSync(gitsync) => book.gitsync(&target.key, gitsync.as_deref()),
            });
            if let Err(panicked) = written {
                fell::<()>(target, &panicked);
            }
        }
        self.tell(book);
    }

    /// The object as it is now; none where it cannot be read, and then its row stays as it was.
    fn read(&self, target: &Target) -> Option<Found> {
        let parsed = match target.kind {
            Kind::MicroService => {
                let live = self.services.get(&target.key).map(|entry| entry.object.parse::<MicroService>());
                live.transpose().map(|service| Found::Service(service.map(Box::new)))
            }
            Kind::GitSync => {
                let live = self.gitsyncs.get(&target.key).map(|entry| entry.object.parse::<GitSync>());
                live.transpose().map(|gitsync| Found::GitSync(gitsync.map(Box::new)))
            }
        };
        parsed.inspect_err(|error| warn!(object = %target, %error, "an object cannot be shown on the page")).ok()
    }

    fn pen(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, book: RwLockWriteGuard<'_, Book>) {
        let version = book.now();
        drop(book);
        self.versions.send_if_modified(|told| std::mem::replace(told, version) != version);
    }
}

/// Its row stays as it was, and the others are written.
fn fell<T>(target: &Target, panicked: &Panicked) -> Option<T> {
    let (code, place) = (Panicked::code(), &panicked.place);
    error!(object = %target, code, reason = BUG, %place, "an object is not shown on the page because of a bug");
    None
}

enum Found {
    Service(Option<Box<MicroService>>),
    GitSync(Option<Box<GitSync>>),
}

#[cfg(test)]
mod tests;
