//! Proxies before a Git server: one for CONNECT and one for SOCKS 5, which may ask who is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE64;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Connect,
    Socks,
}

/// A proxy; it ends with this.
pub struct Way {
    pub address: String,
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Way {
    /// With a user and a password it lets nobody else through.
    pub async fn open(speaks: Speaks, user: Option<(&'static str, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if speaks == Speaks::Connect { "http" } else { "socks5" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let passed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&passed);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut client = BufStream::new(client);
                    let target = match speaks {
                        Speaks::Connect => connect(&mut client, user).await,
                        Speaks::Socks => socks(&mut client, user).await,
                    };
                    let Some(target) = target else { return };
                    count.fetch_add(1, Ordering::Relaxed);
                    let mut server = TcpStream::connect(target).await.unwrap();
                    // Either side may end when it likes.
                    copy_bidirectional(&mut client, &mut server).await.ok();
                });
            }
        });
        Self { address, passed, task }
    }

    /// How many connections it let through.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where `CONNECT` wants to go.
async fn connect(client: &mut BufStream<TcpStream>, user: Option<(&str, &str)>) -> Option<String> {
    let (mut target, mut known) = (None, user.is_none());
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await.ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            target = rest.split(' ').next().map(str::to_owned);
        }
        if let (Some((name, password)), Some((key, value))) = (user, line.split_once(": "))
            && key.eq_ignore_ascii_case("proxy-authorization")
        {
            known = value == format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()));
        }
    }
    let answer = if known { "200 OK" } else { "407 Proxy Authentication Required" };
    client.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.ok()?;
    client.flush().await.ok()?;
    target.filter(|_| known)
}

/// Where SOCKS 5 wants to go: to an address of IPv4, or a name.
async fn socks(client: &mut BufStream<TcpStream>, user: Option<(&str, &str)>) -> Option<String> {
    let [_, methods] = bytes::<2>(client).await?;
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).await.ok()?;
    let method = if user.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        say(client, &[5, 0xff]).await?;
        return None;
    }
    say(client, &[5, method]).await?;
    if let Some((name, password)) = user {
        let [_] = bytes::<1>(client).await?;
        let said = (text(client).await?, text(client).await?);
        let known = said == (name.to_owned(), password.to_owned());
        say(client, &[1, u8::from(!known)]).await?;
        if !known {
            return None;
        }
    }
    let [_, _, _, kind] = bytes::<4>(client).await?;
    let host = match kind {
        1 => bytes::<4>(client).await?.map(|part| part.to_string()).join("."),
        _ => text(client).await?,
    };
    let port = u16::from_be_bytes(bytes::<2>(client).await?);
    say(client, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Some(format!("{host}:{port}"))
}

async fn bytes<const N: usize>(client: &mut BufStream<TcpStream>) -> Option<[u8; N]> {
    let mut read = [0; N];
    client.read_exact(&mut read).await.ok()?;
    Some(read)
}

async fn text(client: &mut BufStream<TcpStream>) -> Option<String> {
    let [length] = bytes::<1>(client).await?;
    let mut read = vec![0; length.into()];
    client.read_exact(&mut read).await.ok()?;
    String::from_utf8(read).ok()
}

async fn say(client: &mut BufStream<TcpStream>, words: &[u8]) -> Option<()> {
    client.write_all(words).await.ok()?;
    client.flush().await.ok()
}
