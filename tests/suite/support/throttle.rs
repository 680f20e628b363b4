//! A line that lets through so many bytes at a time, and no more.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy; it ends with this.
pub struct Throttle {
    address: String,
    server: String,
    task: JoinHandle<()>,
}

impl Throttle {
    /// Before the server of a URL: what is answered comes in pieces, each so long after the one before.
    pub async fn before(url: &str, bytes: usize, every: Duration) -> Self {
        let server = url.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = server.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = target.clone();
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(target).await else { return };
                    pass(client, server, bytes, every).await;
                });
            }
        });
        Self { address, server, task }
    }

    /// The same place, by this line.
    pub fn url(&self, direct: &str) -> String {
        direct.replace(&self.server, &self.address)
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, server: TcpStream, bytes: usize, every: Duration) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let (mut ticks, mut piece) = (tokio::time::interval(every), vec![0; bytes]);
    while let Ok(read @ 1..) = from_server.read(&mut piece).await {
        ticks.tick().await;
        if to_client.write_all(&piece[..read]).await.is_err() {
            break;
        }
    }
    asking.abort();
}
