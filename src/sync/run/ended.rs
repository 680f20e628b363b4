//! Waiting for what runs beside the loop, which may be nothing.

use tokio::sync::mpsc;

use super::Running;
use crate::source::News;
use crate::sync::apply::{Begin, Ran};
use crate::telemetry::panics::{Aside, landed};

/// Waits for work; for ever where there is none, or where it was called off.
pub(super) async fn ended<T>(work: &mut Option<Aside<T>>) -> T {
    if let Some(handle) = work {
        let ended = handle.await;
        *work = None;
        if let Some(done) = landed(ended) {
            return done;
        }
    }
    std::future::pending().await
}

/// Waits for what the run is about to delete; for ever where there is no run.
pub(super) async fn next(begins: &mut Option<mpsc::Receiver<Begin>>) -> Begin {
    if let Some(receiver) = begins
        && let Some(begin) = receiver.recv().await
    {
        return begin;
    }
    *begins = None;
    std::future::pending().await
}

/// Waits until another reader of the same source finds something new; for ever where nothing is read.
pub(super) async fn told_by_another(news: &mut Option<News>) {
    match news {
        Some(news) => news.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for a run; for ever where there is none.
pub(super) async fn ended_run(running: &mut Option<Running>) -> Ran {
    if let Some(running) = running
        && let Some(ran) = landed((&mut running.handle).await)
    {
        return ran;
    }
    std::future::pending().await
}
