//! Tells when something in a folder changed: bursts of events become one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::SourceError;
use super::paths::is_hidden;

/// A burst is over when nothing happened for this long …
const QUIET: Duration = Duration::from_millis(50);
/// … and is announced after this long at the latest.
const BURST: Duration = Duration::from_secs(1);

/// Keeps a folder watched until it is dropped.
#[derive(Debug)]
pub struct FolderWatch {
    _watcher: RecommendedWatcher,
    debounce: AbortHandle,
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        self.debounce.abort();
    }
}

/// Watches a folder and what is below it, within a tokio runtime. The receiver gets one message after each burst of
/// changes; a message that nobody took yet stands for later bursts, too.
pub fn watch(dir: &Path) -> Result<(FolderWatch, mpsc::Receiver<()>), SourceError> {
    let refused = |why: String| SourceError::NotADirectory { path: dir.display().to_string(), why };
    let root = dir.canonicalize().map_err(|error| refused(error.to_string()))?;
    if !root.is_dir() {
        return Err(refused("it is something else".into()));
    }
    let happened = Arc::new(Notify::new());
    let mut watcher = notify::recommended_watcher({
        let (happened, root) = (happened.clone(), root.clone());
        move |event| {
            if concerns(&root, &event) {
                happened.notify_one();
            }
        }
    })
    .map_err(|error| refused(error.to_string()))?;
    watcher.watch(&root, RecursiveMode::Recursive).map_err(|error| refused(error.to_string()))?;
    let (announce, announced) = mpsc::channel(1);
    let debounce = tokio::spawn(debounce(happened, announce)).abort_handle();
    Ok((FolderWatch { _watcher: watcher, debounce }, announced))
}

async fn debounce(happened: Arc<Notify>, announce: mpsc::Sender<()>) {
    loop {
        happened.notified().await;
        let latest = Instant::now() + BURST;
        while timeout_at(latest, timeout(QUIET, happened.notified())).await == Ok(Ok(())) {}
        if let Err(mpsc::error::TrySendError::Closed(())) = announce.try_send(()) {
            return;
        }
    }
}

/// Reading is not a change, and dot-folders are not read. An error may have hidden a change.
fn concerns(root: &Path, event: &notify::Result<Event>) -> bool {
    let Ok(event) = event else { return true };
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(|path| !below_hidden(root, path))
}

fn below_hidden(root: &Path, path: &Path) -> bool {
    let inner: PathBuf = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    inner.components().any(|part| is_hidden(part.as_os_str().as_encoded_bytes()))
}
