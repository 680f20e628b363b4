//! Sends one delivery and takes the answer as it comes, within bounds.

use std::error::Error;
use std::time::Duration;

use anyhow::{anyhow, bail};
use http::{HeaderName, HeaderValue};
use reqwest::Client;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;

use crate::webhook::Composed;

/// Bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Where it leads, for a redirect.
    pub location: Option<String>,
    /// The beginning of the body.
    pub body: Vec<u8>,
}

/// Sends it, without following a redirect: forges do not, either.
pub async fn post(url: &str, composed: Composed, timeout: Duration) -> anyhow::Result<Answered> {
    let agent = concat!("gitmoor/", env!("CARGO_PKG_VERSION"));
    let client =
        Client::builder().redirect(Policy::none()).referer(false).timeout(timeout).user_agent(agent).build()?;
    let mut request = client.post(url).body(composed.body);
    for (name, value) in composed.headers {
        // The error must not repeat what may be the token.
        let Ok(mut value) = HeaderValue::from_str(&value) else {
            bail!("the token has characters that no header can have; make one with: openssl rand -hex 32");
        };
        value.set_sensitive(true);
        request = request.header(HeaderName::from_static(name), value);
    }
    let mut response = request.send().await.map_err(|error| unreached(url, &error))?;
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answered = Answered { status: response.status().as_u16(), location, body: Vec::new() };
    // An answer that breaks off is one all the same: its status came.
    while let Ok(Some(chunk)) = response.chunk().await {
        let rest = ANSWER - answered.body.len();
        answered.body.extend_from_slice(&chunk[..chunk.len().min(rest)]);
        if answered.body.len() == ANSWER {
            break;
        }
    }
    Ok(answered)
}

fn unreached(url: &str, error: &reqwest::Error) -> anyhow::Error {
    let mut deepest: &dyn Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if error.is_timeout() {
        return anyhow!(
            "nothing answered at {url} in time: a firewall may drop what is sent, or a proxy waits for Gitmoor"
        );
    }
    if error.is_connect() {
        return anyhow!(
            "{url} cannot be reached: {deepest}; the forge cannot reach it from there, either, if it asks as you do"
        );
    }
    anyhow!("{url} broke off the exchange: {deepest}")
}
