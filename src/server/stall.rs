//! A connection whose other side has to go on reading: bytes that it does not take in time end it.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A connection that does not wait for ever to be read.
pub struct Unstalled<S> {
    stream: S,
    limit: Duration,
    due: Option<Pin<Box<Sleep>>>,
}

impl<S> Unstalled<S> {
    /// Ends `stream` when nothing of what is written is taken for that long.
    pub fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, due: None }
    }

    fn bound<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.due = None;
            return polled;
        }
        let limit = self.limit;
        let due = self.due.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(due.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bound(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.bound(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_read_is_cut_off_and_whoever_reads_slowly_is_not() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = Unstalled::new(ours, Duration::from_secs(10));
        let slowly = tokio::spawn(async move {
            let mut byte = [0];
            for _ in 0..16 {
                sleep(Duration::from_secs(9)).await;
                theirs.read_exact(&mut byte).await.unwrap();
            }
            // It is kept, and read from no more.
            sleep(Duration::from_secs(3600)).await;
            drop(theirs);
        });
        stream.write_all(&[1; 24]).await.unwrap();
        let stalled = stream.write_all(&[1; 24]).await.unwrap_err();
        assert_eq!(stalled.kind(), ErrorKind::TimedOut);
        slowly.abort();
    }
}
