//! Waiting for what runs beside the loop, which may be nothing.

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::Running;
use crate::source::News;
use crate::sync::apply::{Begin, Ran};

/// Waits for a task; for ever where there is none.
pub(super) async fn ended<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match task {
        Some(handle) => {
            let result = handle.await;
            *task = None;
            result
        }
        None => std::future::pending().await,
    }
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
pub(super) async fn ended_run(running: &mut Option<Running>) -> Result<Ran, JoinError> {
    match running {
        Some(running) => (&mut running.handle).await,
        None => std::future::pending().await,
    }
}
