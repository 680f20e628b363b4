//! How a private source is reached: what Secrets say, checked once. The keys are those that Flux reads, so that a Secret can
//! be used by both. No value of a Secret is ever printed: not by `Debug`, and in no error.

mod hidden;
mod key;

use std::collections::BTreeMap;

use reqwest::header::HeaderValue;

pub use self::hidden::Hidden;
use super::SourceUrl;
use super::url::Place;

/// What is in a Secret.
pub type SecretData = BTreeMap<String, Vec<u8>>;

/// Longest name of a user, password or token.
const MAX_WORD: usize = 16 << 10;

/// How a source is reached. By default nobody is told who reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    pub(super) http: Option<HttpAccess>,
    pub(super) ssh: Option<SshAccess>,
    pub(super) proxy: Option<Proxy>,
}

/// What a server over http is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HttpAccess {
    /// Value of the header `Authorization`.
    pub authorization: Option<Hidden<String>>,
    /// Certificates that are trusted beside the system's, as PEM.
    pub ca: Option<Hidden<Vec<u8>>>,
    /// Our certificate and its key, as PEM.
    pub identity: Option<Hidden<Vec<u8>>>,
}

/// What a server over ssh is told, as OpenSSH has it in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshAccess {
    /// The private key, without passphrase.
    pub identity: Hidden<Vec<u8>>,
    /// Keys of hosts.
    pub known_hosts: Hidden<Vec<u8>>,
}

/// A proxy before the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Where it is.
    pub address: Hidden<String>,
    /// Who we are to it.
    pub user: Option<(Hidden<String>, Hidden<String>)>,
}

/// What is wrong with a Secret. It names the key, and never has a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// A key is not there, or empty.
    #[error("it has no key {key:?}: {why}")]
    KeyMissing {
        /// The key.
        key: &'static str,
        /// What it is for.
        why: String,
    },
    /// What a key has cannot be used.
    #[error("its key {key:?} cannot be used: {why}")]
    KeyMalformed {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Access {
    /// Reads Secrets for a place. Keys that are for other kinds of places count for nothing.
    pub(super) fn of(url: &SourceUrl, Secrets { secret, proxy }: Secrets<'_>) -> Result<Self, (Of, SecretFault)> {
        let mut access = Self::default();
        if let Some(secret) = secret.map(Keys) {
            match &url.place {
                Place::Http { .. } => access.http = Some(http(secret).map_err(|fault| (Of::Secret, fault))?),
                Place::Ssh { .. } => access.ssh = Some(key::ssh(secret).map_err(|fault| (Of::Secret, fault))?),
                Place::File(_) | Place::Folder(_) => {}
            }
        }
        if let Some(secret) = proxy.map(Keys) {
            access.proxy = Some(self::proxy(secret, &url.place).map_err(|fault| (Of::Proxy, fault))?);
        }
        Ok(access)
    }

    /// Whether a word that says who reads is sent, and over a connection that others can listen to.
    pub(super) fn is_told_in_clear(&self, url: &SourceUrl) -> bool {
        let clear = matches!(&url.place, Place::Http { url } if url.starts_with("http://"));
        clear && self.http.as_ref().is_some_and(|http| http.authorization.is_some())
    }
}

/// What the Secrets of a GitSync have.
#[derive(Clone, Copy, Default)]
pub struct Secrets<'a> {
    /// That of `spec.secretRef`.
    pub secret: Option<&'a SecretData>,
    /// That of `spec.proxySecretRef`.
    pub proxy: Option<&'a SecretData>,
}

/// Who may hear what the server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nobody else.
    Nothing,
    /// Whoever listens on the way: credentials go over http.
    InClear,
}

/// Which of two Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// That of `spec.secretRef`.
    Secret,
    /// That of `spec.proxySecretRef`.
    Proxy,
}

/// A Secret's keys.
#[derive(Clone, Copy)]
struct Keys<'a>(&'a SecretData);

impl<'a> Keys<'a> {
    /// What a key has; none where that is nothing.
    fn bytes(self, key: &str) -> Option<&'a [u8]> {
        self.0.get(key).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    /// The first of some names of one thing that has something, with what it has.
    fn first(self, names: &[&'static str]) -> Option<(&'static str, &'a [u8])> {
        names.iter().find_map(|name| Some((*name, self.bytes(name)?)))
    }

    /// One line of text. The line break that `echo` and editors leave at its end is none of it.
    fn word(self, key: &'static str) -> Result<Option<&'a str>, SecretFault> {
        let Some(bytes) = self.bytes(key) else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| malformed(key, "it is not UTF-8 text"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.len() > MAX_WORD {
            return Err(malformed(key, "it is longer than 16 KiB"));
        }
        if text.chars().any(char::is_control) {
            return Err(malformed(key, "it has line breaks or other control characters"));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn needed(self, key: &'static str, why: &str) -> Result<&'a str, SecretFault> {
        self.word(key)?.ok_or_else(|| missing(key, why))
    }
}

fn missing(key: &'static str, why: impl Into<String>) -> SecretFault {
    SecretFault::KeyMissing { key, why: why.into() }
}

fn malformed(key: &'static str, why: impl Into<String>) -> SecretFault {
    SecretFault::KeyMalformed { key, why: why.into() }
}

fn http(secret: Keys<'_>) -> Result<HttpAccess, SecretFault> {
    let access = HttpAccess { authorization: authorization(secret)?, ca: ca(secret)?, identity: identity(secret)? };
    if access == HttpAccess::default() {
        return Err(missing(
            "password",
            "nothing in it is for https. That is username and password (or a token as the password), bearerToken, tls.crt and \
             tls.key, or ca.crt",
        ));
    }
    Ok(access)
}

fn authorization(secret: Keys<'_>) -> Result<Option<Hidden<String>>, SecretFault> {
    let (user, password, bearer) = (secret.word("username")?, secret.word("password")?, secret.word("bearerToken")?);
    let value = match (user, password, bearer) {
        (None, None, None) => return Ok(None),
        (None, None, Some(token)) => format!("Bearer {token}"),
        (_, _, Some(_)) => return Err(malformed("bearerToken", "it has a username or a password, too; remove either")),
        (Some(user), Some(_), None) if user.contains(':') => {
            return Err(malformed("username", "it has a colon, which ends the name"));
        }
        (Some(user), Some(password), None) => {
            format!("Basic {}", data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes()))
        }
        (Some(_), None, None) => return Err(missing("password", "username goes with it")),
        (None, Some(_), None) => {
            return Err(missing(
                "username",
                "password goes with it; where a token is the password, any name will often do",
            ));
        }
    };
    if HeaderValue::from_str(&value).is_err() {
        return Err(malformed("bearerToken", "it has characters that a header cannot have"));
    }
    Ok(Some(Hidden(value)))
}

fn ca(secret: Keys<'_>) -> Result<Option<Hidden<Vec<u8>>>, SecretFault> {
    let Some((key, pem)) = secret.first(&["ca.crt", "caFile"]) else { return Ok(None) };
    match reqwest::Certificate::from_pem_bundle(pem) {
        Ok(found) if !found.is_empty() => Ok(Some(Hidden(pem.to_vec()))),
        _ => Err(malformed(key, "it has no certificate in PEM")),
    }
}

fn identity(secret: Keys<'_>) -> Result<Option<Hidden<Vec<u8>>>, SecretFault> {
    let certificate = secret.first(&["tls.crt", "certFile"]);
    let key = secret.first(&["tls.key", "keyFile"]);
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(missing("tls.key", "tls.crt goes with it")),
        (None, Some(_)) => return Err(missing("tls.crt", "tls.key goes with it")),
        (Some(certificate), Some(key)) => (certificate, key),
    };
    let pem = [key.1, b"\n", certificate.1].concat();
    if reqwest::Certificate::from_pem_bundle(certificate.1).map_or(0, |found| found.len()) == 0 {
        return Err(malformed(certificate.0, "it has no certificate in PEM"));
    }
    if reqwest::Identity::from_pem(&pem).is_err() {
        return Err(malformed(key.0, "it is no private key in PEM, without passphrase"));
    }
    Ok(Some(Hidden(pem)))
}

fn proxy(secret: Keys<'_>, place: &Place) -> Result<Proxy, SecretFault> {
    const ADDRESS: &str = "address";
    let address = secret.needed(ADDRESS, "it says where the proxy is, as in http://proxy.example.com:3128")?;
    let bad = |why: &str| Err(malformed(ADDRESS, why));
    let Ok(url) = reqwest::Url::parse(address) else {
        return bad("it is no URL; write it as in http://proxy.example.com:3128");
    };
    if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
        return bad("its scheme is none of http, https, socks5 and socks5h");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad("it has credentials; put them into the keys username and password");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return bad("it has no host");
    }
    if !matches!(place, Place::Http { .. }) {
        return bad("spec.url is neither https nor http, and nothing else goes through a proxy");
    }
    let user = match (secret.word("username")?, secret.word("password")?) {
        (None, None) => None,
        (Some(user), password) => Some((Hidden(user.to_owned()), Hidden(password.unwrap_or_default().to_owned()))),
        (None, Some(_)) => return Err(missing("username", "password goes with it")),
    };
    Ok(Proxy { address: Hidden(address.to_owned()), user })
}

#[cfg(test)]
mod tests;
