//! Sources against real servers, real repositories and real folders.

mod access;
mod ancestry;
mod blame;
mod cache;
mod collisions;
mod failures;
mod folder;
mod full;
mod hostile;
mod http;
mod kept;
mod lies;
mod local;
mod refs;
mod shared;
mod slow;
mod ssh;

use std::sync::Arc;
use std::time::Duration;

use gitmoor::model::Narrowing;
use gitmoor::model::snapshot::{CommitId, Revision, Snapshot};
use gitmoor::source::{Fetch, MAX_BLOB_BYTES, Source, SourceError, SourceOptions, Sources};
use tempfile::TempDir;

use crate::support::git_server::GitServer;
use crate::support::repository::Repository;

/// Long enough for any machine: nothing here waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server with one repository, and a cache to read it into.
struct Fixture {
    server: GitServer,
    repository: Repository,
    cache: TempDir,
}

impl Fixture {
    /// None where the server cannot be built.
    fn new() -> Option<Self> {
        Self::with(&[])
    }

    /// With flags for the server.
    fn with(args: &[&str]) -> Option<Self> {
        let server = GitServer::start(args)?;
        let repository = server.repository("deploy.git").with_file("apps/shop.yaml", "name: shop\n");
        Some(Self { server, repository, cache: TempDir::new().unwrap() })
    }

    fn source(&self) -> Source {
        self.source_within(PATIENCE)
    }

    fn source_within(&self, timeout: Duration) -> Source {
        self.sources().open(&self.server.url("deploy.git"), "main", timeout).unwrap()
    }

    fn sources(&self) -> Sources {
        Sources::new(self.options())
    }

    fn options(&self) -> SourceOptions {
        SourceOptions::new(self.cache.path())
    }
}

async fn fetch(source: &Source) -> Arc<Snapshot> {
    fetch_paths(source, &[]).await
}

async fn fetch_paths(source: &Source, paths: &[&str]) -> Arc<Snapshot> {
    changed(source.fetch(None, &Narrowing::to(paths)).await)
}

fn changed(fetched: Result<Fetch, SourceError>) -> Arc<Snapshot> {
    match fetched.unwrap() {
        Fetch::Changed(snapshot) => snapshot,
        Fetch::Unchanged => panic!("nothing changed"),
    }
}

async fn is_unchanged(source: &Source, known: &Revision) -> bool {
    matches!(source.fetch(Some(known), &whole()).await.unwrap(), Fetch::Unchanged)
}

/// Nothing is left out.
fn whole() -> Narrowing {
    Narrowing::default()
}

fn commit(hex: &str) -> CommitId {
    CommitId::parse(hex).unwrap()
}

/// The reason why a fetch failed.
async fn reason(source: &Source) -> &'static str {
    match source.fetch(None, &whole()).await {
        Ok(_) => "none",
        Err(error) => error.reason(),
    }
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.iter().map(|file| &*file.path).collect()
}

/// A file's content.
async fn content(source: &Source, snapshot: &Snapshot, path: &str) -> String {
    let file = snapshot.files.iter().find(|file| &*file.path == path).unwrap();
    let read = source.read(vec![file.blob], MAX_BLOB_BYTES).await.unwrap();
    String::from_utf8(read[0].1.clone()).unwrap()
}
