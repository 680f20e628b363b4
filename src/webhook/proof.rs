//! How a delivery shows that its sender knows the token: a signature, or the token itself. Which header tells which one.
//!
//! The strongest proof that is there counts, and a bad one is not rescued by another. Every comparison takes the same time
//! however much of it fits.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

use super::token::Token;

/// Bytes of a SHA-256 digest.
const DIGEST: usize = 32;
/// How far the clocks of the sender and of this process may be apart, in seconds, where a signature has a time.
const TOLERANCE: i64 = 300;
/// Signatures that one header may list.
const SIGNATURES: usize = 8;
/// The signature by the Standard Webhooks specification, and what is signed beside the body.
const STANDARD: (&str, &str, &str) = ("webhook-signature", "webhook-id", "webhook-timestamp");

/// How a header says its proof.
#[derive(Debug, Clone, Copy)]
enum Scheme {
    /// `v1,<base64>`, several with spaces between them: GitLab's signing token.
    Standard,
    /// `sha256=<hex>`.
    Prefixed,
    /// `<hex>`.
    Bare,
    /// The token.
    Plain,
    /// The token as the password of Basic authentication.
    Basic,
}

/// Every header that is a proof, the strongest first.
const HEADERS: [(&str, Scheme); 9] = [
    (STANDARD.0, Scheme::Standard),
    ("x-hub-signature-256", Scheme::Prefixed), // GitHub, Gitea, Forgejo, and whoever signs as they do
    ("x-forgejo-signature", Scheme::Bare),
    ("x-gitea-signature", Scheme::Bare),
    ("x-gogs-signature", Scheme::Bare),
    ("x-hub-signature", Scheme::Prefixed), // Bitbucket; from others it is sha1, which is no proof
    ("x-signature", Scheme::Prefixed),     // what Flux' generic-hmac receivers take
    ("x-gitlab-token", Scheme::Plain),
    ("authorization", Scheme::Basic), // Azure DevOps
];

/// A proof as it was sent: well formed, and not yet compared with anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Digest([u8; DIGEST]),
    Standard { prefix: Vec<u8>, timestamp: i64, digests: Vec<[u8; DIGEST]> },
    Token(Vec<u8>),
}

/// Why there is no proof; it is known before anything is looked up, so the sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// No header that is one.
    Missing,
    /// That header is there twice.
    Twice(&'static str),
    /// That header cannot be what it should be.
    Malformed(&'static str),
}

/// What comes of comparing a proof with tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was made with one of them, of this body.
    Genuine,
    /// It was not.
    Wrong,
    /// It was, too long ago, or in the future.
    Stale,
}

impl Unproven {
    /// For the person who reads the sender's delivery log.
    pub fn sentence(self) -> String {
        match self {
            Self::Missing => "the delivery is not signed: set the secret of the webhook in the forge".to_owned(),
            Self::Twice(header) => format!("the header {header} is there twice"),
            Self::Malformed(header) => {
                let form = HEADERS.iter().find(|(name, _)| *name == header).map_or("", |(_, scheme)| scheme.form());
                format!("the header {header} must be {form}")
            }
        }
    }
}

impl Scheme {
    fn form(self) -> &'static str {
        match self {
            Self::Standard => "v1,<base64 of HMAC-SHA256>, beside webhook-id and webhook-timestamp",
            Self::Prefixed => "sha256=<64 hex digits>; sha1 is not taken",
            Self::Bare => "64 hex digits",
            Self::Plain => "the token",
            Self::Basic => "Basic authentication with the token as its password",
        }
    }

    fn read(self, value: &[u8], headers: &HeaderMap) -> Option<Kind> {
        match self {
            Self::Standard => standard(value, headers),
            Self::Prefixed => hex(value.strip_prefix(b"sha256=")?).map(Kind::Digest),
            Self::Bare => hex(value).map(Kind::Digest),
            Self::Plain => (!value.is_empty()).then(|| Kind::Token(value.to_vec())),
            Self::Basic => basic(value).map(Kind::Token),
        }
    }
}

impl Proof {
    /// The strongest proof of the headers.
    pub fn of(headers: &HeaderMap) -> Result<Self, Unproven> {
        let found = HEADERS.iter().find(|(name, _)| headers.contains_key(*name));
        let (name, scheme) = found.ok_or(Unproven::Missing)?;
        let value = only(headers, name).ok_or(Unproven::Twice(name))?;
        scheme.read(value, headers).map(Self).ok_or(Unproven::Malformed(name))
    }

    /// Whether it is by one of the tokens and of that body; `now` is in seconds since 1970. Every token is tried, so that
    /// the time taken tells neither how much matched nor which one did.
    pub fn verify(&self, body: &[u8], tokens: &[Token], now: i64) -> Verdict {
        let genuine = tokens.iter().fold(false, |found, token| self.is_by(body, token) | found);
        match &self.0 {
            _ if !genuine => Verdict::Wrong,
            Kind::Standard { timestamp, .. } if now.abs_diff(*timestamp) > TOLERANCE.unsigned_abs() => Verdict::Stale,
            _ => Verdict::Genuine,
        }
    }

    fn is_by(&self, body: &[u8], token: &Token) -> bool {
        match &self.0 {
            Kind::Digest(digest) => signs(token.bytes(), &[body], digest),
            Kind::Standard { prefix, digests, .. } => {
                let key = token.standard_key();
                digests.iter().fold(false, |found, digest| signs(&key, &[prefix, body], digest) | found)
            }
            Kind::Token(sent) => token.is(sent),
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

/// HMAC-SHA256 of some parts, one after the other.
pub(super) fn digest(key: &[u8], parts: &[&[u8]]) -> Option<[u8; DIGEST]> {
    Some(mac(key, parts)?.finalize().into_bytes().into())
}

fn signs(key: &[u8], parts: &[&[u8]], digest: &[u8; DIGEST]) -> bool {
    mac(key, parts).is_some_and(|mac| mac.verify_slice(digest).is_ok())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    Some(parts.iter().fold(mac, Mac::chain_update))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

fn hex(value: &[u8]) -> Option<[u8; DIGEST]> {
    HEXLOWER_PERMISSIVE.decode(value).ok()?.try_into().ok()
}

fn standard(value: &[u8], headers: &HeaderMap) -> Option<Kind> {
    let (id, time) = (only(headers, STANDARD.1)?, only(headers, STANDARD.2)?);
    let timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
    // Of other versions nothing is known.
    let known = value.split(|byte| *byte == b' ').filter_map(|one| one.strip_prefix(b"v1,")).take(SIGNATURES);
    let digests: Vec<_> = known.filter_map(|one| BASE64.decode(one).ok()?.try_into().ok()).collect();
    let prefix = [id, b".", time, b"."].concat();
    (!digests.is_empty()).then_some(Kind::Standard { prefix, timestamp, digests })
}

fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = value.split_at_checked(6)?;
    let pair = scheme.eq_ignore_ascii_case(b"basic ").then(|| BASE64.decode(encoded.trim_ascii()).ok())??;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let password = &pair[colon + 1..];
    (!password.is_empty()).then(|| password.to_vec())
}

#[cfg(test)]
mod tests;
