//! What a source is reached with: the credentials of the moment, and a client for those that no other source may use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::redirect::{Action, Attempt as Redirect, Policy};
use reqwest::{Certificate, Client, Identity, Proxy, Url};

use crate::source::access::{Access, Hidden, SecretFault};

/// What a request for the list of refs ends with. Redirects are followed for it alone, as Git does.
pub(super) const LISTING: &str = "/info/refs?service=git-upload-pack";
const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After how long without a sign of life a peer is given up.
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// How a source is reached now; it may change between two conversations.
#[derive(Debug, Default)]
pub(super) struct Way(Mutex<Current>);

/// How a source is reached in one conversation.
#[derive(Debug, Default, Clone)]
pub(super) struct Current {
    /// What the server is told.
    pub access: Arc<Access>,
    /// The client, where it is not the one that all share.
    pub client: Option<Client>,
}

impl Way {
    /// From now on it is reached with this.
    pub fn take(&self, access: Access) -> Result<(), SecretFault> {
        if *self.lock().access == access {
            return Ok(());
        }
        let client = own_client(&access)?;
        *self.lock() = Current { access: Arc::new(access), client };
        Ok(())
    }

    /// What it is reached with.
    pub fn current(&self) -> Current {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client whose connections all sources share.
pub(in crate::source) fn client() -> Result<Client, reqwest::Error> {
    builder(false).build()
}

/// A client of its own for who trusts another authority, has a certificate, or goes through a proxy of its own.
fn own_client(access: &Access) -> Result<Option<Client>, SecretFault> {
    let http = access.http.as_ref();
    let (ca, identity) = (http.and_then(|http| http.ca.as_ref()), http.and_then(|http| http.identity.as_ref()));
    if ca.is_none() && identity.is_none() && access.proxy.is_none() {
        return Ok(None);
    }
    let bad = |key, why: &str| SecretFault::KeyMalformed { key, why: why.to_owned() };
    let mut builder = builder(identity.is_some());
    if let Some(Hidden(pem)) = ca {
        let found = Certificate::from_pem_bundle(pem).map_err(|_| bad("ca.crt", "it has no certificate in PEM"))?;
        builder = builder.tls_certs_merge(found);
    }
    if let Some(Hidden(pem)) = identity {
        let found = Identity::from_pem(pem).map_err(|_| bad("tls.key", "it is no private key in PEM"))?;
        builder = builder.identity(found);
    }
    if let Some(proxy) = &access.proxy {
        let mut found = Proxy::all(&proxy.address.0).map_err(|_| bad("address", "it is no address of a proxy"))?;
        if let Some((Hidden(user), Hidden(password))) = &proxy.user {
            found = found.basic_auth(user, password);
        }
        builder = builder.proxy(found);
    }
    let unusable = || match (identity, ca) {
        (Some(_), _) => bad("tls.crt", "the certificate or its key cannot be used, or they do not belong together"),
        (None, Some(_)) => bad("ca.crt", "a certificate in it cannot be used"),
        (None, None) => bad("address", "the proxy cannot be used"),
    };
    builder.build().map(Some).map_err(|_| unusable())
}

/// With `confined`, redirects to another host are not followed: whoever answers there could ask for our certificate.
fn builder(confined: bool) -> reqwest::ClientBuilder {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails when another thread was first, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // One connection at a time is enough, and a dead one is found out by its first request.
        .http1_only()
        .tcp_user_timeout(DEAD_AFTER)
        .tcp_keepalive(DEAD_AFTER)
        .tcp_keepalive_interval(Duration::from_secs(5))
        .tcp_keepalive_retries(3)
        .redirect(Policy::custom(move |attempt| redirect(attempt, confined)))
        .referer(false)
}

fn redirect(redirect: Redirect, confined: bool) -> Action {
    let previous = redirect.previous();
    let (to, listing) = (redirect.url(), previous.first().is_some_and(|url| url.as_str().ends_with(LISTING)));
    let downgrade = to.scheme() != "https" && previous.iter().any(|url| url.scheme() == "https");
    let elsewhere = confined && previous.first().is_some_and(|first| first.origin() != to.origin());
    if !listing || downgrade || elsewhere || !to.as_str().ends_with(LISTING) || !to.username().is_empty() {
        redirect.stop()
    } else if previous.len() > MAX_REDIRECTS {
        redirect.error("too many redirects")
    } else {
        redirect.follow()
    }
}

/// The header that says who reads, for requests to one place alone.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    home: Option<Url>,
    header: Option<HeaderValue>,
}

impl Authorization {
    /// What is said to the server of a URL.
    pub fn of(access: &Access, url: &str) -> Self {
        let words = access.http.as_ref().and_then(|http| http.authorization.as_ref());
        let header = words.and_then(|Hidden(words)| HeaderValue::from_str(words).ok()).map(|mut header| {
            header.set_sensitive(true);
            header
        });
        Self { home: Url::parse(url).ok(), header }
    }

    /// The header of a request; none where it goes elsewhere.
    pub fn header(&self, url: &str) -> Option<&HeaderValue> {
        self.header.as_ref().filter(|_| Url::parse(url).is_ok_and(|url| self.is_home(&url)))
    }

    /// Whether it is for an answer's place.
    pub fn is_home(&self, url: &Url) -> bool {
        self.home.as_ref().is_some_and(|home| home.origin() == url.origin())
    }

    /// Whether there is anything to say.
    pub fn is_some(&self) -> bool {
        self.header.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::access::HttpAccess;

    #[test]
    fn who_reads_is_said_to_the_place_of_the_url_alone() {
        let access = Access {
            http: Some(HttpAccess { authorization: Some(Hidden("Bearer t".into())), ..HttpAccess::default() }),
            ..Access::default()
        };
        let check = |home: &str, url: &str, expected: bool| {
            assert_eq!(Authorization::of(&access, home).header(url).is_some(), expected, "{home} {url}");
        };
        check("https://git.test/a.git", "https://git.test/a.git/info/refs", true);
        check("https://git.test/a.git", "https://git.test:443/other.git", true);
        check("https://git.test/a.git", "https://git.test:8443/a.git", false);
        check("https://git.test/a.git", "http://git.test/a.git", false);
        check("https://git.test/a.git", "https://git.test.evil.example/a.git", false);
        check("https://git.test/a.git", "https://git.test@evil.example/a.git", false);
        check("http://git.test/a.git", "http://git.test/b.git", true);
        check("http://git.test/a.git", "https://git.test/a.git", false);
    }
}
