//! Notices that nobody reads any more: a command that is quiet for long would learn it only from its next line.

use std::io::stdout;
use std::os::fd::AsFd;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// Waits until whoever read the standard output has closed it; for ever where that cannot be known, as of a file.
pub async fn closed() {
    // Unchecked: what it is stays as it is, and our writes go on blocking.
    let watched = stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    if let Ok(watched) = watched
        && watched.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
