//! A delivery as it is read once it is known to be genuine: what it is about, and which one it is.

use std::borrow::Cow;

use http::{HeaderMap, header};
use serde::Deserialize;

use super::event::Event;

/// Longest text of a sender that is repeated to it.
const LONGEST: usize = 200;
/// Longest id of a delivery.
const LONGEST_ID: usize = 256;
/// Where senders say which delivery it is: the same when they send it again.
const ID_HEADERS: [&str; 8] = [
    "webhook-id",
    "idempotency-key", // GitLab
    "x-github-delivery",
    "x-forgejo-delivery",
    "x-gitea-delivery",
    "x-gogs-delivery",
    "x-request-uuid", // Bitbucket Cloud
    "x-request-id",   // Bitbucket Data Center; of others, it is a proxy's, and new each time
];

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`, or not said.
    Json,
    /// `application/x-www-form-urlencoded` with the JSON in `payload`: the other choice of GitHub, Gitea and Forgejo.
    Form,
}

impl Encoding {
    /// What the content type says; none where it is another one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Some(Self::Json) };
        let essence = value.to_str().ok()?.split(';').next()?.trim();
        match essence {
            _ if essence.eq_ignore_ascii_case("application/json") => Some(Self::Json),
            _ if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Some(Self::Form),
            _ => None,
        }
    }

    fn json(self, body: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Json => Cow::Borrowed(body),
            Self::Form => {
                let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
                Cow::Owned(payload.map(|(_, value)| value.into_owned().into_bytes()).unwrap_or_default())
            }
        }
    }
}

/// What a genuine delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What it is about.
    pub event: Event,
    /// Which one it is, where its sender says so.
    pub id: Option<String>,
}

/// Azure DevOps says it in the body.
#[derive(Deserialize)]
struct Azure {
    id: String,
    #[serde(rename = "eventType")]
    _event: serde::de::IgnoredAny,
}

impl Delivery {
    /// Reads headers and body.
    pub fn of(headers: &HeaderMap, encoding: Encoding, body: &[u8]) -> Self {
        let json = encoding.json(body);
        let header = ID_HEADERS.iter().find_map(|name| headers.get(*name)?.to_str().ok().map(str::to_owned));
        let id = header.or_else(|| serde_json::from_slice::<Azure>(&json).ok().map(|azure| azure.id));
        let id = id.filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
        Self { event: Event::of(headers, &json), id }
    }
}

/// A sender's text as it is repeated to it: bounded and on one line.
pub fn printable(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn two_encodings_are_understood() {
        for (value, expected) in [
            (None, Some(Encoding::Json)),
            (Some("application/json"), Some(Encoding::Json)),
            (Some("Application/JSON; charset=utf-8"), Some(Encoding::Json)),
            (Some("application/x-www-form-urlencoded"), Some(Encoding::Form)),
            (Some("application/jsonx"), None),
            (Some("text/plain"), None),
            (Some(""), None),
        ] {
            let sent: Vec<_> = value.map(|value| ("content-type", value)).into_iter().collect();
            assert_eq!(Encoding::of(&headers(&sent)), expected, "{value:?}");
        }
    }

    #[test]
    fn a_form_carries_the_json_in_payload() {
        for (body, expected) in [
            ("payload=%7B%22ref%22%3A%22refs%2Fheads%2Fx%22%7D", vec!["refs/heads/x"]),
            ("a=1&payload={\"ref\":\"refs/heads/x+y\"}&b", vec!["refs/heads/x y"]),
            ("payload=%ff%zz%", vec![]),
            ("pay", vec![]),
        ] {
            let expected = Event::Push(expected.into_iter().map(str::to_owned).collect());
            assert_eq!(Delivery::of(&headers(&[]), Encoding::Form, body.as_bytes()).event, expected, "{body}");
        }
    }

    #[test]
    fn which_delivery_it_is_comes_from_a_header_or_from_azures_body() {
        let azure = r#"{"id":"az","eventType":"git.push"}"#;
        let long = "x".repeat(LONGEST_ID + 1);
        for (sent, body, expected) in [
            (vec![], "{}", None),
            (vec![], r#"{"id":"7"}"#, None),
            (vec![], azure, Some("az")),
            (vec![("x-github-delivery", "gh")], azure, Some("gh")),
            (vec![("idempotency-key", "gl"), ("x-request-id", "proxy")], "{}", Some("gl")),
            (vec![("webhook-id", "std"), ("idempotency-key", "gl")], "{}", Some("std")),
            (vec![("x-request-uuid", "bb")], "{}", Some("bb")),
            (vec![("x-github-delivery", "")], "{}", None),
            (vec![("x-github-delivery", long.as_str())], "{}", None),
        ] {
            let found = Delivery::of(&headers(&sent), Encoding::Json, body.as_bytes()).id;
            assert_eq!(found.as_deref(), expected, "{sent:?} {body}");
        }
    }

    #[test]
    fn what_is_repeated_is_one_bounded_line() {
        assert_eq!(printable("refs/heads/x\r\nSet-Cookie: \u{1b}[1m"), "refs/heads/xSet-Cookie: [1m");
        assert_eq!(printable(&"é".repeat(1000)).chars().count(), LONGEST);
    }
}
