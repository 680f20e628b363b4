//! What is sent to a target: an address, headers and a body. It has secrets in it, and so no `Debug`.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::commit;
use super::credentials::Credentials;
use super::format::{alertmanager, cloudevents, slack, teams, webhook};
use super::message::Message;
use super::target::Target;
use crate::api::notify::TargetType;
use crate::model::codes;

/// The header with the signature: `sha256=` and the HMAC of the time, a dot and the body.
pub const SIGNATURE: &str = "x-gitmoor-signature-256";
/// The header with the time that is signed, in seconds since 1970.
pub const TIMESTAMP: &str = "x-gitmoor-timestamp";
/// The header that says which news it is, however often it is sent.
pub const DELIVERY: &str = "x-gitmoor-delivery";

/// A request.
pub struct Letter {
    /// Where to.
    pub url: String,
    /// Headers; their names are in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Certificates that are trusted beside the system's, as PEM.
    pub ca: Option<Vec<u8>>,
}

/// Why nothing can be sent. It names keys, and never has a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody says where to.
    #[error("its Secret has no key \"address\", and it has no url")]
    NoAddress,
    /// A key of the Secret is not there, or cannot be used.
    #[error("the key {key:?} of its Secret cannot be used: {why}")]
    Key {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `spec.url` does not say which repository of which forge it is.
    #[error(
        "spec.url names no repository of a forge; write the address of its API into url, and a path of owner and name into spec.url"
    )]
    NoRepository,
}

impl Fault {
    /// A key that cannot be used.
    pub(super) fn key(key: &'static str, why: &'static str) -> Self {
        Self::Key { key, why }
    }

    /// CamelCase word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoAddress | Self::NoRepository => "AlertAddressMissing",
            Self::Key { .. } => "AlertSecretInvalid",
        }
    }

    /// The stable code of that word.
    pub fn code(&self) -> &'static str {
        codes::code_of(self.reason()).unwrap_or_default()
    }
}

impl Letter {
    /// A message in the form of its target.
    pub fn of(target: &Target, credentials: &Credentials, message: &Message, now: Timestamp) -> Result<Self, Fault> {
        let url = credentials.address.clone().or_else(|| target.url.clone()).ok_or(Fault::NoAddress)?;
        let letter = match target.kind {
            TargetType::Slack => Self::json(url, &slack::body(message)),
            TargetType::Teams => Self::json(url, &teams::body(message)),
            TargetType::Alertmanager => {
                Self::json(alertmanager::address(&url), &alertmanager::body(message, now)).authorized(credentials)
            }
            TargetType::CloudEvents => Self::json(url, &cloudevents::body(message))
                .typed(cloudevents::CONTENT_TYPE)
                .authorized(credentials)
                .signed(credentials, message, now),
            TargetType::Webhook => {
                Self::json(url, &webhook::body(message)).authorized(credentials).signed(credentials, message, now)
            }
            // A forge is told of commits; that it is told at all is tried with one of those.
            TargetType::GitHub | TargetType::GitLab | TargetType::Gitea | TargetType::Forgejo => {
                return Err(Fault::NoRepository);
            }
        };
        Ok(letter.trusting(credentials))
    }

    /// A commit status in the form of its forge. `source` is the repository's URL.
    pub fn of_commit(
        target: &Target,
        credentials: &Credentials,
        source: &str,
        status: &commit::Status<'_>,
    ) -> Result<Self, Fault> {
        let token = credentials.token.as_ref().ok_or(Fault::key("token", "it is missing"))?;
        let base = credentials.address.as_ref().or(target.url.as_ref()).map(String::as_str);
        let (url, body) = status.request(source, base).ok_or(Fault::NoRepository)?;
        let authorization = match target.kind {
            TargetType::GitLab => ("private-token", token.clone()),
            TargetType::Gitea | TargetType::Forgejo => ("authorization", format!("token {token}")),
            _ => ("authorization", format!("Bearer {token}")),
        };
        let mut letter = Self::json(url, &body);
        letter.headers.push(authorization);
        Ok(letter.trusting(credentials))
    }

    fn json(url: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { url, headers, body: body.to_string().into_bytes(), ca: None }
    }

    fn typed(mut self, content_type: &str) -> Self {
        self.headers = vec![("content-type", content_type.to_owned())];
        self
    }

    fn trusting(self, credentials: &Credentials) -> Self {
        Self { ca: credentials.ca.clone(), ..self }
    }

    fn authorized(mut self, credentials: &Credentials) -> Self {
        let basic = |(user, password): &(String, String)| {
            format!("Basic {}", data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes()))
        };
        let value = credentials.token.as_ref().map(|token| format!("Bearer {token}"));
        let value = value.or_else(|| credentials.basic.as_ref().map(basic));
        self.headers.extend(value.map(|value| ("authorization", value)));
        self
    }

    /// Says which news it is; and where there is a key, that it is from us and when it was sent.
    fn signed(mut self, credentials: &Credentials, message: &Message, now: Timestamp) -> Self {
        self.headers.push((DELIVERY, message.id.clone()));
        let key = credentials.hmac_key.as_ref().and_then(|key| Hmac::<Sha256>::new_from_slice(key).ok());
        if let Some(mac) = key {
            let time = now.as_second().to_string();
            let mac = mac.chain_update(&time).chain_update(".").chain_update(&self.body);
            let signature = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
            self.headers.extend([(TIMESTAMP, time), (SIGNATURE, format!("sha256={signature}"))]);
        }
        self
    }
}

#[cfg(test)]
mod tests;
