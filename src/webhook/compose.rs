//! A delivery as a forge sends it, to try out a set-up: what is made here, the listener takes.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use super::forge::Forge;
use super::proof::digest;
use super::token::Token;

/// What a delivery is to say.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The full ref that is said to be pushed.
    pub reference: &'a str,
    /// Which delivery it is.
    pub id: &'a str,
    /// When it is sent, in seconds since 1970.
    pub now: i64,
}

/// A delivery that can be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// Names and values; some of them are secret.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// A push, as that forge sends it.
pub fn compose(forge: Forge, token: &Token, about: &About<'_>) -> Composed {
    let body = body(forge, about).to_string();
    let hex = || digest(token.bytes(), &[body.as_bytes()]).map(|digest| HEXLOWER.encode(&digest)).unwrap_or_default();
    let prefixed = || format!("sha256={}", hex());
    let plain = || String::from_utf8_lossy(token.bytes()).into_owned();
    let id = || about.id.to_owned();
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(match forge {
        Forge::GitHub => vec![
            ("x-github-event", "push".to_owned()),
            ("x-github-delivery", id()),
            ("x-hub-signature-256", prefixed()),
        ],
        Forge::GitLab if token.is_standard() => {
            let time = about.now.to_string();
            let signed = [about.id.as_bytes(), b".", time.as_bytes(), b".", body.as_bytes()];
            let signature = digest(&token.standard_key(), &signed).map(|digest| BASE64.encode(&digest));
            vec![
                ("x-gitlab-event", "Push Hook".to_owned()),
                ("webhook-id", id()),
                ("webhook-timestamp", time),
                ("webhook-signature", format!("v1,{}", signature.unwrap_or_default())),
            ]
        }
        Forge::GitLab => {
            vec![("x-gitlab-event", "Push Hook".to_owned()), ("idempotency-key", id()), ("x-gitlab-token", plain())]
        }
        Forge::Gitea => {
            vec![("x-gitea-event", "push".to_owned()), ("x-gitea-delivery", id()), ("x-gitea-signature", hex())]
        }
        Forge::Forgejo => {
            vec![("x-forgejo-event", "push".to_owned()), ("x-forgejo-delivery", id()), ("x-forgejo-signature", hex())]
        }
        Forge::BitbucketCloud => {
            vec![("x-event-key", "repo:push".to_owned()), ("x-request-uuid", id()), ("x-hub-signature", prefixed())]
        }
        Forge::BitbucketServer => vec![
            ("x-event-key", "repo:refs_changed".to_owned()),
            ("x-request-id", id()),
            ("x-hub-signature", prefixed()),
        ],
        Forge::AzureDevOps => {
            vec![("authorization", format!("Basic {}", BASE64.encode(&[b"gitmoor:", token.bytes()].concat())))]
        }
        Forge::Generic => vec![("idempotency-key", id()), ("x-hub-signature-256", prefixed())],
    });
    Composed { headers, body }
}

fn body(forge: Forge, about: &About<'_>) -> Value {
    let reference = about.reference;
    match forge {
        Forge::BitbucketCloud => {
            let (kind, name) = match (reference.strip_prefix("refs/heads/"), reference.strip_prefix("refs/tags/")) {
                (Some(branch), _) => ("branch", branch),
                (None, Some(tag)) => ("tag", tag),
                (None, None) => ("ref", reference),
            };
            json!({"push": {"changes": [{"new": {"type": kind, "name": name}, "old": null}]}})
        }
        Forge::BitbucketServer => {
            json!({"eventKey": "repo:refs_changed", "changes": [{"ref": {"id": reference}, "refId": reference}]})
        }
        Forge::AzureDevOps => {
            json!({"id": about.id, "eventType": "git.push", "resource": {"refUpdates": [{"name": reference}]}})
        }
        Forge::GitLab => json!({"object_kind": "push", "event_name": "push", "ref": reference}),
        Forge::GitHub | Forge::Gitea | Forge::Forgejo | Forge::Generic => json!({"ref": reference}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{Delivery, Encoding, Event, Proof, Verdict};

    #[test]
    fn what_is_composed_for_a_forge_is_a_genuine_push_to_that_ref() {
        let about = About { reference: "refs/heads/release/1.2", id: "d-1", now: 1000 };
        for forge in Forge::ALL {
            for text in ["t0ken", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
                let token = Token::new(text).unwrap();
                let composed = compose(forge, &token, &about);
                let headers: http::HeaderMap = composed
                    .headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect();
                let body = composed.body.as_bytes();
                let proof = Proof::of(&headers).unwrap();
                let other = Token::new("other").unwrap();
                assert_eq!(proof.verify(body, &[other.clone(), token], 1001), Verdict::Genuine, "{forge:?}");
                assert_eq!(proof.verify(body, &[other], 1001), Verdict::Wrong, "{forge:?}");
                let expected = Delivery { event: Event::Push(vec![about.reference.into()]), id: Some(about.id.into()) };
                assert_eq!(Delivery::of(&headers, Encoding::of(&headers).unwrap(), body), expected, "{forge:?}");
                let tells = composed.headers.iter().any(|(_, value)| value == text);
                assert_eq!(tells, forge == Forge::GitLab && text == "t0ken", "{forge:?} sends the token in the clear");
            }
        }
    }

    #[test]
    fn a_tag_is_a_tag_in_each_forge() {
        for forge in Forge::ALL {
            let about = About { reference: "refs/tags/v1", id: "d", now: 0 };
            let composed = compose(forge, &Token::new("t").unwrap(), &about);
            let headers: http::HeaderMap =
                composed.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(Event::of(&headers, composed.body.as_bytes()), Event::Push(vec!["refs/tags/v1".into()]));
        }
    }
}
