//! What little is read from a delivery's body: which ref was pushed, and only to do less. Nothing in it is trusted:
//! a body that says nothing, or says it in another way, still means "look now".

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

/// Longest ref that is repeated to the sender.
const LONGEST_REF: usize = 200;
/// Where the senders say what happened.
const EVENT_HEADERS: [&str; 3] = ["x-github-event", "x-gitea-event", "x-forgejo-event"];

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `application/json`, or not said.
    Json,
    /// `application/x-www-form-urlencoded` with the JSON in `payload`: GitHub's other choice.
    Form,
}

impl Encoding {
    /// What the content type says; none where it is another one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Some(Self::Json) };
        let essence = value.to_str().ok()?.split(';').next()?.trim();
        match essence {
            _ if essence.eq_ignore_ascii_case("application/json") => Some(Self::Json),
            _ if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Some(Self::Form),
            _ => None,
        }
    }
}

/// What a delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A greeting.
    Ping,
    /// A push to that ref.
    Push(String),
    /// Anything else, or nothing that is understood.
    Unknown,
}

/// The one field that is read; the others are skipped without being kept.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Cow<'a, str>,
}

/// What the delivery is about.
pub(super) fn event(headers: &HeaderMap, encoding: Encoding, body: &[u8]) -> Event {
    match EVENT_HEADERS.iter().find_map(|name| headers.get(*name)).map(HeaderValue::as_bytes) {
        Some(b"ping") => Event::Ping,
        Some(b"push") | None => pushed(encoding, body).map_or(Event::Unknown, Event::Push),
        Some(_) => Event::Unknown,
    }
}

fn pushed(encoding: Encoding, body: &[u8]) -> Option<String> {
    let json = match encoding {
        Encoding::Json => Cow::Borrowed(body),
        Encoding::Form => {
            let (_, value) = form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
            Cow::Owned(value.into_owned().into_bytes())
        }
    };
    serde_json::from_slice::<Payload<'_>>(&json).ok().map(|payload| payload.reference.into_owned())
}

/// The ref as it is repeated to the sender: bounded and on one line.
pub(super) fn printable(reference: &str) -> String {
    reference.chars().filter(|char| !char.is_control()).take(LONGEST_REF).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(event: Option<(&'static str, &'static str)>) -> HeaderMap {
        event.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_push_that_names_its_ref_is_a_push() {
        let push = |reference: &str| Event::Push(reference.to_owned());
        let deep = format!("{}1", "[".repeat(100_000));
        let deep_after = format!(r#"{{"a":{deep}"#);
        for (body, expected) in [
            (r#"{"ref":"refs/heads/main"}"#, push("refs/heads/main")),
            (r#"{"before":"0","commits":[{"id":1}],"ref":"refs/tags/v1"}"#, push("refs/tags/v1")),
            (r#"{"ref":"refs/heads/\u006dain"}"#, push("refs/heads/main")),
            (r#"{"ref":7}"#, Event::Unknown),
            (r#"{"ref":null}"#, Event::Unknown),
            (r#"{"ref":"a","ref":"b"}"#, Event::Unknown),
            (r#"{"repository":{"ref":"refs/heads/x"}}"#, Event::Unknown),
            (r#"{"ref":"refs/heads/x""#, Event::Unknown),
            (r#"["refs/heads/x"]"#, push("refs/heads/x")),
            ("\"refs/heads/x\"", Event::Unknown),
            ("payload=1", Event::Unknown),
            ("", Event::Unknown),
            (deep.as_str(), Event::Unknown),
            (deep_after.as_str(), Event::Unknown),
        ] {
            let shown: String = body.chars().take(60).collect();
            assert_eq!(event(&headers(None), Encoding::Json, body.as_bytes()), expected, "{shown}");
        }
    }

    #[test]
    fn the_event_header_comes_first() {
        let body = br#"{"ref":"refs/heads/x"}"#;
        for (header, expected) in [
            (("x-github-event", "ping"), Event::Ping),
            (("x-github-event", "push"), Event::Push("refs/heads/x".into())),
            (("x-forgejo-event", "push"), Event::Push("refs/heads/x".into())),
            (("x-gitea-event", "create"), Event::Unknown),
            (("x-github-event", "PING"), Event::Unknown),
        ] {
            assert_eq!(event(&headers(Some(header)), Encoding::Json, body), expected, "{header:?}");
        }
    }

    #[test]
    fn a_form_carries_the_json_in_payload() {
        let none = headers(None);
        for (body, expected) in [
            ("payload=%7B%22ref%22%3A%22refs%2Fheads%2Fx%22%7D", Event::Push("refs/heads/x".into())),
            ("a=1&payload={\"ref\":\"refs/heads/x+y\"}&b", Event::Push("refs/heads/x y".into())),
            ("payload=%ff%zz%", Event::Unknown),
            ("pay", Event::Unknown),
        ] {
            assert_eq!(event(&none, Encoding::Form, body.as_bytes()), expected, "{body}");
        }
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
            let headers = headers(value.map(|value| ("content-type", value)));
            assert_eq!(Encoding::of(&headers), expected, "{value:?}");
        }
    }

    #[test]
    fn a_ref_is_repeated_on_one_bounded_line() {
        assert_eq!(printable("refs/heads/x\r\nSet-Cookie: \u{1b}[1m"), "refs/heads/xSet-Cookie: [1m");
        assert_eq!(printable(&"é".repeat(1000)).chars().count(), LONGEST_REF);
    }
}
