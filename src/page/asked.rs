//! What a request says of whoever sends it: a token, an identity that a proxy vouches for, the name that it was sent to.
//!
//! What is said twice, empty or unreadable is not guessed at: an identity that is doubtful is none.

use core::net::{IpAddr, Ipv6Addr};

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::access::Identity;
use super::refusal::Refusal;

/// Name of the cookie that has the token.
pub const TOKEN_COOKIE: &str = "gitmoor-token";
/// Bytes of a token; those of Kubernetes have about a thousand.
pub const TOKEN: usize = 16 * 1024;
/// Bytes of a name of a user or a group.
const NAME: usize = 1024;
/// Groups of one user.
const GROUPS: usize = 512;
/// What Kubernetes keeps for itself: no proxy makes somebody a master of the cluster.
const RESERVED: &str = "system:";
/// Groups that every user is in that is known by name.
const EVERYBODY: &str = "system:authenticated";

/// The token of a request: of its header, else of its cookie.
pub fn token(headers: &HeaderMap) -> Result<String, Refusal> {
    let of_header = only(headers, &AUTHORIZATION).map_err(|()| Refusal::TokenRefused)?;
    let token = match of_header {
        Some(value) => value.strip_prefix("Bearer ").map(str::trim).ok_or(Refusal::TokenRefused)?,
        None => cookie(headers).ok_or(Refusal::LoginNeeded)?,
    };
    usable(token).ok_or(Refusal::TokenRefused)
}

/// The token of the body of a login. Only what a form of another site cannot send is read.
pub fn login(headers: &HeaderMap, body: &[u8]) -> Result<String, Refusal> {
    let json = only(headers, &CONTENT_TYPE).ok().flatten().is_some_and(|kind| kind.starts_with("application/json"));
    if !json {
        return Err(Refusal::QueryInvalid("a login is JSON: {\"token\": \"…\"}".into()));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["token"].as_str().map(str::trim).and_then(usable).ok_or(Refusal::TokenRefused)
}

/// A token has visible characters only, whatever it is.
fn usable(token: &str) -> Option<String> {
    let fits = !token.is_empty() && token.len() <= TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| token.to_owned())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == TOKEN_COOKIE).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// The value of `Set-Cookie` that keeps a token until the browser ends, and never shows it to a script.
pub fn set_cookie(token: &str, secure: bool) -> Option<HeaderValue> {
    // A semicolon would end the value; no token has one.
    let plain = !token.contains([';', ',', '"', '\\']);
    plain.then(|| HeaderValue::from_str(&cookie_text(token, "", secure)).ok()).flatten()
}

/// The value of `Set-Cookie` that takes it away.
pub fn clear_cookie(secure: bool) -> Option<HeaderValue> {
    HeaderValue::from_str(&cookie_text("", "; Max-Age=0", secure)).ok()
}

fn cookie_text(value: &str, more: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{TOKEN_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
}

/// What proves that a request comes from the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The connection does: nobody has one without a certificate of the authority that proxies have theirs from.
    Connection,
    /// This, in a header; where it is empty nothing is proof.
    Secret(Vec<u8>),
}

impl Proof {
    fn is_given(&self, headers: &HeaderMap, name: &HeaderName) -> bool {
        let Self::Secret(secret) = self else { return true };
        let said = only(headers, name).ok().flatten().unwrap_or_default();
        // Digests are compared, so that the time tells nothing of how much is right.
        !secret.is_empty() && Sha256::digest(said.as_bytes()) == Sha256::digest(secret)
    }
}

/// How a proxy says who is looking, and how it proves itself.
#[derive(Debug, Clone)]
pub struct ProxyHeaders {
    /// Name of the header with the user.
    pub user: HeaderName,
    /// Name of the header with the groups.
    pub groups: HeaderName,
    /// Name of the header with the secret.
    pub secret: HeaderName,
}

impl Default for ProxyHeaders {
    fn default() -> Self {
        Self {
            user: HeaderName::from_static("x-forwarded-user"),
            groups: HeaderName::from_static("x-forwarded-groups"),
            secret: HeaderName::from_static("x-gitmoor-proxy-secret"),
        }
    }
}

impl ProxyHeaders {
    /// Whom the proxy names. Without a proof nothing else of the request is believed.
    pub fn identity(&self, headers: &HeaderMap, proof: &Proof) -> Result<Identity, Refusal> {
        if !proof.is_given(headers, &self.secret) {
            return Err(Refusal::ProxyUnproven);
        }
        let refused = Refusal::IdentityRefused;
        let user =
            only(headers, &self.user).map_err(|()| refused("the header with the user is there more than once"))?;
        let user = user.map(str::trim).filter(|user| !user.is_empty());
        let user = name(user.ok_or(refused("the header with the user is missing or empty"))?)?;
        let mut groups = Vec::new();
        for value in headers.get_all(&self.groups) {
            let value = value.to_str().map_err(|_| refused("the header with the groups cannot be read"))?;
            for group in value.split(',').map(str::trim).filter(|group| !group.is_empty()) {
                groups.push(name(group)?);
            }
        }
        if groups.len() > GROUPS {
            return Err(refused("there are too many groups"));
        }
        groups.push(EVERYBODY.to_owned());
        Ok(Identity { user, groups, ..Identity::default() })
    }
}

fn name(text: &str) -> Result<String, Refusal> {
    let refused = Refusal::IdentityRefused;
    if text.len() > NAME || text.chars().any(char::is_control) {
        return Err(refused("a name is too long or has control characters"));
    }
    if text.starts_with(RESERVED) {
        return Err(refused("names that begin with system: are the cluster's own"));
    }
    Ok(text.to_owned())
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// Whether a request was sent to a name of this machine: a page of the internet whose name was made to lead here was not.
pub fn is_for_loopback(headers: &HeaderMap) -> bool {
    only(headers, &HOST).ok().flatten().is_some_and(is_loopback)
}

/// Whether a request was sent to the page by its own origin, or by no browser at all.
pub fn is_from_here(headers: &HeaderMap) -> bool {
    let fetch_site = only(headers, &HeaderName::from_static("sec-fetch-site"));
    matches!(fetch_site, Ok(None | Some("same-origin" | "none")))
}

fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let numeric = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let local = match name.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => address == Ipv6Addr::LOCALHOST,
        Ok(address) => address.is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    };
    local && port.is_none_or(numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn a_token_is_in_the_header_or_in_the_cookie() {
        let check = |all: &[(&str, &str)], expected: Result<&str, Refusal>| {
            assert_eq!(token(&headers(all)), expected.map(str::to_owned), "{all:?}");
        };
        check(&[("authorization", "Bearer abc.def")], Ok("abc.def"));
        check(&[("cookie", "a=b; gitmoor-token=abc; c=d")], Ok("abc"));
        check(&[("cookie", "gitmoor-token=old"), ("authorization", "Bearer new")], Ok("new"));
        check(&[], Err(Refusal::LoginNeeded));
        check(&[("cookie", "xgitmoor-token=abc; gitmoor-token=")], Err(Refusal::LoginNeeded));
        for wrong in ["Basic dTpw", "Bearer", "Bearer ", "Bearer a b", "bearer"] {
            check(&[("authorization", wrong), ("cookie", "gitmoor-token=abc")], Err(Refusal::TokenRefused));
        }
        check(&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Err(Refusal::TokenRefused));
        check(&[("authorization", &format!("Bearer {}", "a".repeat(TOKEN + 1)))], Err(Refusal::TokenRefused));
    }

    #[test]
    fn a_login_is_json_and_nothing_that_a_form_of_another_site_can_send() {
        let check = |kind: &str, body: &str, ok: bool| {
            let found = login(&headers(&[("content-type", kind)]), body.as_bytes());
            assert_eq!(found.is_ok(), ok, "{kind} {body}: {found:?}");
        };
        check("application/json", "{\"token\": \" abc\\n\"}", true);
        check("text/plain", "{\"token\": \"abc\"}", false);
        check("application/x-www-form-urlencoded", "token=abc", false);
        for body in ["", "{}", "[]", "{\"token\": 1}", "{\"token\": \"\"}", "{\"token\": \"a b\"}"] {
            check("application/json", body, false);
        }
        assert!(login(&HeaderMap::new(), b"{\"token\": \"abc\"}").is_err());
        assert!(is_from_here(&HeaderMap::new()) && is_from_here(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_from_here(&headers(&[("sec-fetch-site", "cross-site")])));
    }

    #[test]
    fn the_cookie_is_for_this_site_and_for_no_script() {
        let set = set_cookie("abc", true).unwrap();
        assert_eq!(set, "gitmoor-token=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(clear_cookie(false).unwrap(), "gitmoor-token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
        assert_eq!(set_cookie("abc; Domain=evil", false), None);
    }

    #[test]
    fn a_proxy_is_believed_only_with_its_secret_and_only_about_one_user() {
        let check = |all: &[(&str, &str)], expected: &str| {
            let found = ProxyHeaders::default().identity(&headers(all), &Proof::Secret(b"s3cret".to_vec()));
            let said = match found {
                Ok(Identity { user, groups, .. }) => format!("{user}: {}", groups.join(" ")),
                Err(refusal) => refusal.reason().to_owned(),
            };
            assert_eq!(said, expected, "{all:?}");
        };
        let (secret, user) = (("x-gitmoor-proxy-secret", "s3cret"), ("x-forwarded-user", "ada"));
        check(&[secret, user], "ada: system:authenticated");
        let groups = ("x-forwarded-groups", "dev, ops,,");
        check(&[secret, user, groups, ("x-forwarded-groups", "qa")], "ada: dev ops qa system:authenticated");
        check(&[user], "PageProxyUnproven");
        check(&[("x-gitmoor-proxy-secret", "s3cre"), user], "PageProxyUnproven");
        check(&[secret, secret, user], "PageProxyUnproven");
        check(&[secret], "PageIdentityRefused");
        check(&[secret, ("x-forwarded-user", "")], "PageIdentityRefused");
        check(&[secret, ("x-forwarded-user", "  ")], "PageIdentityRefused");
        check(&[secret, user, ("x-forwarded-user", "eve")], "PageIdentityRefused");
        check(&[secret, ("x-forwarded-user", "system:admin")], "PageIdentityRefused");
        check(&[secret, user, ("x-forwarded-groups", "dev,system:masters")], "PageIdentityRefused");
        assert_eq!(
            ProxyHeaders::default().identity(&headers(&[user]), &Proof::Secret(Vec::new())),
            Err(Refusal::ProxyUnproven),
            "no secret is no proof"
        );
        // A connection that is proof makes nobody somebody.
        let by_connection = |said: &[(&str, &str)]| {
            ProxyHeaders::default().identity(&headers(said), &Proof::Connection).map(|identity| identity.user)
        };
        assert_eq!(by_connection(&[user]), Ok("ada".to_owned()));
        assert!(by_connection(&[]).is_err() && by_connection(&[("x-forwarded-user", "system:admin")]).is_err());
    }

    #[test]
    fn the_name_that_a_request_was_sent_to_is_one_of_this_machine() {
        for host in ["localhost", "localhost:8082", "LOCALHOST:1", "127.0.0.1:80", "127.1.2.3", "[::1]:80", "[::1]"] {
            assert!(is_for_loopback(&headers(&[("host", host)])), "{host}");
        }
        let others = [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "",
            "[::]:80",
            "localhost:a",
        ];
        for host in others {
            assert!(!is_for_loopback(&headers(&[("host", host)])), "{host}");
        }
        assert!(!is_for_loopback(&HeaderMap::new()));
        assert!(!is_for_loopback(&headers(&[("host", "localhost"), ("host", "evil.example")])));
    }
}
