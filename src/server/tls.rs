//! TLS of a listener: its certificate, and, where that is asked for, whose clients' certificates are let in. The files are
//! read again while it serves, so a certificate that is renewed counts within seconds; files that cannot be used leave what
//! was. It decides nothing of who may see what.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{ServerConfig, VerifierBuilderError, WebPkiClientVerifier};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// How long files are believed.
const FRESH: Duration = Duration::from_secs(10);

/// Where what a listener needs for TLS is, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate, with those between it and an authority.
    pub certificate: PathBuf,
    /// The key of it.
    pub key: PathBuf,
    /// Authorities of clients; where they are given, a client without a certificate of one of them is not let in.
    pub clients: Option<PathBuf>,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One cannot be read.
    #[error("cannot read {}", .path.display())]
    Unread {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One has not what it should.
    #[error("{} has no {what} in PEM", .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// What is looked for.
        what: &'static str,
    },
    /// What is in one cannot be parsed. What it says is not told: it may be a key.
    #[error("{} is no PEM", .path.display())]
    NoPem {
        /// Which.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or are of a form that is not used.
    #[error("the certificate and its key cannot be used")]
    Unfit(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error("the authorities of clients cannot be used")]
    Authorities(#[from] VerifierBuilderError),
}

/// TLS of a listener.
pub struct Tls {
    files: TlsFiles,
    fresh: Duration,
    known: Mutex<Known>,
}

struct Known {
    looked: Instant,
    digest: [u8; 32],
    acceptor: TlsAcceptor,
}

/// What the files have.
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
    clients: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files for the first time.
    pub fn new(files: TlsFiles) -> Result<Self, TlsError> {
        let content = files.read()?;
        let known = Known { looked: Instant::now(), digest: content.digest(), acceptor: files.acceptor(&content)? };
        Ok(Self { files, fresh: FRESH, known: Mutex::new(known) })
    }

    /// The same, with files that are believed for that long.
    #[must_use]
    pub fn looking_each(self, fresh: Duration) -> Self {
        Self { fresh, ..self }
    }

    /// What the next connection is accepted by.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= self.fresh {
            known.looked = Instant::now();
            match self.renewed(known.digest) {
                Ok(Some((digest, acceptor))) => {
                    tracing::info!("the certificate is another one");
                    (known.digest, known.acceptor) = (digest, acceptor);
                }
                Ok(None) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "the certificate cannot be read again: what was goes on");
                }
            }
        }
        known.acceptor.clone()
    }

    fn renewed(&self, before: [u8; 32]) -> Result<Option<([u8; 32], TlsAcceptor)>, TlsError> {
        let content = self.files.read()?;
        let digest = content.digest();
        if digest == before { Ok(None) } else { Ok(Some((digest, self.files.acceptor(&content)?))) }
    }
}

impl TlsFiles {
    fn read(&self) -> Result<Content, TlsError> {
        let read =
            |path: &PathBuf| std::fs::read(path).map_err(|source| TlsError::Unread { path: path.clone(), source });
        let clients = self.clients.as_ref().map(read).transpose()?;
        Ok(Content { certificate: read(&self.certificate)?, key: read(&self.key)?, clients })
    }

    fn acceptor(&self, content: &Content) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(default_provider());
        let chain = certificates(&self.certificate, &content.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&content.key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::Empty { path: self.key.clone(), what: "private key" },
            _ => TlsError::NoPem { path: self.key.clone() },
        })?;
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match self.clients.as_ref().zip(content.clients.as_ref()) {
            None => builder.with_no_client_auth(),
            Some((path, text)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(path, text)? {
                    roots.add(authority)?;
                }
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
                )
            }
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Content {
    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [&self.certificate, &self.key, self.clients.as_ref().unwrap_or(&Vec::new())] {
            digest.update(Sha256::digest(part));
        }
        digest.finalize().into()
    }
}

fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| TlsError::NoPem { path: path.to_owned() })?;
    if all.is_empty() { Err(TlsError::Empty { path: path.to_owned(), what: "certificate" }) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (empty, none) = (write("empty.pem", "c4nary\n"), folder.path().join("none.pem"));
        let broken = write("broken.pem", "-----BEGIN CERTIFICATE-----\nc4nary!\n-----END CERTIFICATE-----\n");
        let junk = write("junk.pem", "-----BEGIN CERTIFICATE-----\nYzRuYXJ5\n-----END CERTIFICATE-----\n");
        let key = write("key.pem", "-----BEGIN PRIVATE KEY-----\nYzRuYXJ5\n-----END PRIVATE KEY-----\n");
        let check = |certificate: &PathBuf, key: &PathBuf, expected: &str| {
            let files = TlsFiles { certificate: certificate.clone(), key: key.clone(), clients: None };
            let error = Tls::new(files).err().expect("it cannot be used");
            let mut said = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                said = format!("{said}: {error}");
                source = error.source();
            }
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains("c4nary") && !said.contains("YzRuYXJ5"), "{said}");
        };
        check(&none, &key, "cannot read");
        check(&empty, &key, "empty.pem has no certificate");
        check(&broken, &key, "broken.pem is no PEM");
        check(&junk, &empty, "empty.pem has no private key");
        check(&junk, &key, "the certificate and its key cannot be used");
    }
}
