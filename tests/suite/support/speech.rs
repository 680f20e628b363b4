//! A Git server that says what it likes: version 2 of the protocol by hand, over HTTP and in the place of ssh.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::repository::Repository;

/// What comes in one packet at most, its length included.
const PACKET: usize = 65_520;

/// What is said, whatever is asked.
#[derive(Debug, Clone)]
pub struct Speech {
    capabilities: Vec<String>,
    listing: Vec<u8>,
    pack: Vec<u8>,
}

/// A server over HTTP; it ends with this.
pub struct Speaker {
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Speech {
    /// It lists nothing, and gives out all that the repository's refs lead to.
    pub fn of(repository: &Repository) -> Self {
        let capabilities = ["version 2", "agent=speech", "ls-refs=unborn", "fetch=shallow", "object-format=sha1"];
        let packed = packet(b"packfile\n");
        let bands =
            pack(&repository.bare).chunks(PACKET - 5).map(|part| packet(&[b"\x01", part].concat())).collect::<Vec<_>>();
        Self {
            capabilities: capabilities.map(str::to_owned).to_vec(),
            listing: Vec::new(),
            pack: [packed, bands.concat(), b"0000".to_vec()].concat(),
        }
    }

    /// It names objects by another hash.
    pub fn by_hash(mut self, hash: &str) -> Self {
        self.capabilities.retain(|line| !line.starts_with("object-format"));
        self.capabilities.push(format!("object-format={hash}"));
        self
    }

    /// These are its refs.
    pub fn listing(self, lines: &[impl AsRef<[u8]>]) -> Self {
        let lines: Vec<_> = lines.iter().map(|line| packet(line.as_ref())).collect();
        self.listing_raw(&[lines.concat(), b"0000".to_vec()].concat())
    }

    /// This is what it says when it is asked for its refs.
    pub fn listing_raw(mut self, bytes: &[u8]) -> Self {
        self.listing = bytes.to_vec();
        self
    }

    /// This is what it says when it is asked for a pack.
    pub fn instead_of_a_pack(mut self, bytes: &[u8]) -> Self {
        self.pack = bytes.to_vec();
        self
    }

    fn advertisement(&self) -> Vec<u8> {
        let lines: Vec<_> = self.capabilities.iter().map(|line| packet(format!("{line}\n").as_bytes())).collect();
        [lines.concat(), b"0000".to_vec()].concat()
    }

    /// How long all of it is, but for so many last bytes of the pack.
    pub fn all_but(&self, last: usize) -> usize {
        self.advertisement().len() + self.listing.len() + self.pack.len() - last
    }

    /// A client for ssh that is the server, and says so many bytes of it.
    pub fn as_ssh(&self, folder: &Path, bytes: usize) -> Vec<String> {
        let file = folder.join("speech");
        let all = [self.advertisement(), self.listing.clone(), self.pack.clone()].concat();
        std::fs::write(&file, &all[..bytes]).unwrap();
        // It stays until nobody asks any more.
        vec!["sh".into(), "-c".into(), format!("cat {}; cat >/dev/null; exit", file.display())]
    }

    /// Over HTTP.
    pub async fn over_http(&self) -> Speaker {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x.git", listener.local_addr().unwrap());
        let speech = Arc::new(self.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let speech = Arc::clone(&speech);
                tokio::spawn(async move {
                    let mut client = BufStream::new(client);
                    // It ends when the client does.
                    while speech.answer(&mut client).await.is_some() {}
                });
            }
        });
        Speaker { url, task }
    }

    async fn answer(&self, client: &mut BufStream<TcpStream>) -> Option<()> {
        let (mut length, mut posts) = (0, false);
        loop {
            let mut line = String::new();
            if client.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            posts |= line.starts_with("POST ");
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut asked = vec![0; length];
        client.read_exact(&mut asked).await.ok()?;
        let (kind, said) = match posts {
            false => ("advertisement", self.advertisement()),
            true if String::from_utf8_lossy(&asked).contains("command=ls-refs") => ("result", self.listing.clone()),
            true => ("result", self.pack.clone()),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\nContent-Length: {}\r\n\r\n",
            said.len()
        );
        client.write_all(head.as_bytes()).await.ok()?;
        client.write_all(&said).await.ok()?;
        client.flush().await.ok()
    }
}

/// A packet as Git sends it.
pub fn packet(content: &[u8]) -> Vec<u8> {
    assert!(content.len() + 4 <= PACKET, "no packet is so long");
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

/// All that refs lead to.
fn pack(bare: &Path) -> Vec<u8> {
    let output = Command::new("git")
        .arg("-C")
        .arg(bare)
        .args(["pack-objects", "--all", "--stdout", "--quiet"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}
