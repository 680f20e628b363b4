//! Sends letters to targets of alerts. It decides nothing: what is sent, to whom and when is decided above and below.
//!
//! Whoever may write a GitSync names the address, so this is a door that others could use to reach what only this process
//! reaches: by default it goes to https alone, follows no redirect, and connects to no address of this machine, of its link,
//! or, for a GitSync outside of the operator's namespace, of a private network ([`address`]). What is answered is for the
//! caller's eyes, and never gets into a status.

mod address;

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

use crate::alert::Letter;
use crate::model::{codes, retry_after};
use address::Guarded;
pub use address::Reach;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One delivery takes no longer.
const DEADLINE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const ANSWER: usize = 4 << 10;
/// Who is calling.
const AGENT: &str = concat!("gitmoor/", env!("CARGO_PKG_VERSION"));

/// Sends letters; clones share their connections.
#[derive(Default)]
pub struct Courier {
    clients: [OnceLock<Client>; 3],
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Why a letter did not arrive. It never has the address: that may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// It would go where it must not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// It cannot be sent at all.
    #[error("it cannot be sent: {0}")]
    Unsendable(&'static str),
    /// Nobody answered.
    #[error("it cannot be reached: {0}")]
    Unreached(String),
    /// It answered too late.
    #[error("it did not answer in time")]
    Late,
    /// It has had enough.
    #[error("it asks to be told less often (429)")]
    TooMany(Option<Duration>),
    /// It cannot take it now.
    #[error("it fails, with status {0}")]
    Failed(u16, Option<Duration>),
    /// It does not take it.
    #[error("it refuses it, with status {}{}", .0.status, hint(.0.status))]
    Refused(Answer),
}

impl Undelivered {
    /// CamelCase word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => "AlertAddressForbidden",
            Self::Unsendable(_) => "AlertSecretInvalid",
            Self::Unreached(_) | Self::Late => "AlertUnreached",
            Self::TooMany(_) => "AlertRateLimited",
            Self::Failed(..) => "AlertTargetFailed",
            Self::Refused(_) => "AlertRefused",
        }
    }

    /// The stable code of that word.
    pub fn code(&self) -> &'static str {
        codes::code_of(self.reason()).unwrap_or_default()
    }

    /// How long the target asks to be left alone.
    pub fn asked(&self) -> Option<Duration> {
        match self {
            Self::TooMany(asked) | Self::Failed(_, asked) => *asked,
            _ => None,
        }
    }

    /// Whether a person must act first.
    pub fn hopeless(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Unsendable(_) | Self::Refused(_))
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => "; redirects are not followed: name the place itself",
        401 | 403 => "; its credentials are wrong or may not do this",
        404 | 410 => "; there is no such address any more",
        _ => "",
    }
}

impl Courier {
    /// Sends a letter as far as it may go.
    pub async fn send(&self, letter: Letter, reach: Reach) -> Result<Answer, Undelivered> {
        let url = Url::parse(&letter.url).map_err(|_| Undelivered::Unsendable("its address cannot be parsed"))?;
        reach.allows(&url).map_err(Undelivered::Forbidden)?;
        let client = self.client(letter.ca.as_deref(), reach)?;
        let mut request = client.post(url).body(letter.body).timeout(DEADLINE);
        for (name, value) in letter.headers {
            // The error must not repeat what may be a token.
            let unsendable =
                |_| Undelivered::Unsendable("a value of its Secret has characters that no header can have");
            let mut value = HeaderValue::from_str(&value).map_err(unsendable)?;
            value.set_sensitive(true);
            request = request.header(HeaderName::from_static(name), value);
        }
        let mut response = request.send().await.map_err(|error| unreached(&error))?;
        let status = response.status().as_u16();
        let asked =
            response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
        let mut answer = Answer { status, body: Vec::new() };
        // An answer that breaks off is one all the same: its status came.
        while let Ok(Some(chunk)) = response.chunk().await {
            let rest = ANSWER - answer.body.len();
            answer.body.extend_from_slice(&chunk[..chunk.len().min(rest)]);
            if answer.body.len() == ANSWER {
                break;
            }
        }
        match status {
            200..=299 => Ok(answer),
            429 => Err(Undelivered::TooMany(asked)),
            408 | 425 | 500..=599 => Err(Undelivered::Failed(status, asked)),
            _ => Err(Undelivered::Refused(answer)),
        }
    }

    /// Connections are shared by those who may go as far, and trust whom the system trusts.
    fn client(&self, ca: Option<&[u8]>, reach: Reach) -> Result<Client, Undelivered> {
        let failed = |_| Undelivered::Unsendable("no TLS client can be made");
        if let Some(pem) = ca {
            let found = Certificate::from_pem_bundle(pem).ok().filter(|found| !found.is_empty());
            let bad = Undelivered::Unsendable("the key \"ca.crt\" of its Secret has no certificate in PEM");
            let found = found.ok_or(bad)?;
            return builder(reach).tls_certs_merge(found).build().map_err(failed);
        }
        let place = &self.clients[reach.index()];
        if let Some(client) = place.get() {
            return Ok(client.clone());
        }
        let client = builder(reach).build().map_err(failed)?;
        Ok(place.get_or_init(|| client).clone())
    }
}

fn builder(reach: Reach) -> reqwest::ClientBuilder {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails when another thread was first, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        .http1_only()
        .redirect(Policy::none())
        .referer(false)
        .user_agent(AGENT)
        .dns_resolver(Guarded(reach))
}

/// reqwest's own words have the address; those of its deepest cause do not.
fn unreached(error: &reqwest::Error) -> Undelivered {
    if error.is_timeout() {
        return Undelivered::Late;
    }
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<address::Refused>() {
        Some(refused) => Undelivered::Forbidden(refused.0),
        None if deepest.downcast_ref::<reqwest::Error>().is_some() => {
            Undelivered::Unreached("the request failed".into())
        }
        None => Undelivered::Unreached(crate::alert::plain::plain(&deepest.to_string(), 200)),
    }
}
