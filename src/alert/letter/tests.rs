//! Where letters go, what proves them, and what is missing.

use super::*;
use crate::alert::Setting;
use crate::api::notify::NotifyTarget;
use crate::model::CommitId;
use crate::model::ObjectKey;
use serde_json::json;

fn target(kind: &str) -> Target {
    let target: NotifyTarget =
        serde_json::from_value(json!({"name": "team", "type": kind, "url": "https://example.com/x"})).unwrap();
    Target::of(&target, "shop")
}

fn credentials(entries: &[(&str, &str)]) -> Credentials {
    let data = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    Credentials::of(&data).unwrap()
}

fn letter(kind: &str, entries: &[(&str, &str)]) -> Letter {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let message = Message::test(&ObjectKey::new("shop", "main"), &Setting::default(), now);
    Letter::of(&target(kind), &credentials(entries), &message, now).unwrap()
}

fn header<'a>(letter: &'a Letter, name: &str) -> Option<&'a str> {
    letter.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_webhook_is_signed_with_its_time() {
    let letter = letter("Webhook", &[("hmacKey", "key"), ("token", "t")]);
    assert_eq!(header(&letter, TIMESTAMP), Some("1700000000"));
    let signed = [b"1700000000.", letter.body.as_slice()].concat();
    let mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap().chain_update(signed).finalize().into_bytes();
    let expected = format!("sha256={}", data_encoding::HEXLOWER.encode(&mac));
    assert_eq!(header(&letter, SIGNATURE), Some(expected.as_str()));
    assert_eq!(header(&letter, "authorization"), Some("Bearer t"));
    assert!(header(&letter, DELIVERY).is_some());
}

#[test]
fn without_a_key_nothing_pretends_to_be_signed() {
    let letter = letter("Webhook", &[]);
    assert_eq!((header(&letter, TIMESTAMP), header(&letter, SIGNATURE)), (None, None));
    assert_eq!(header(&letter, "content-type"), Some("application/json"));
}

#[test]
fn the_address_of_the_secret_goes_before_that_of_the_spec() {
    assert_eq!(
        letter("Slack", &[("address", "https://hooks.example.com/secret")]).url,
        "https://hooks.example.com/secret"
    );
    assert_eq!(letter("Slack", &[]).url, "https://example.com/x");
    assert_eq!(letter("Alertmanager", &[]).url, "https://example.com/x/api/v2/alerts");
    let cloud = letter("CloudEvents", &[("username", "a"), ("password", "b")]);
    assert_eq!(header(&cloud, "content-type"), Some("application/cloudevents+json; charset=utf-8"));
    assert_eq!(header(&cloud, "authorization"), Some("Basic YTpi"));
}

#[test]
fn a_chat_is_told_no_token() {
    for kind in ["Slack", "Teams"] {
        assert_eq!(header(&letter(kind, &[("token", "t")]), "authorization"), None, "{kind}");
    }
}

#[test]
fn each_forge_knows_us_by_a_header_of_its_own() {
    let state = crate::alert::CommitState {
        commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        is: commit::Is::Success,
        description: "d".into(),
    };
    let sync = ObjectKey::new("shop", "main");
    let letter = |kind: &str, entries: &[(&str, &str)]| {
        let target = Target { url: None, ..target(kind) };
        let status = commit::Status { kind: target.kind, sync: &sync, state: &state, link: None, test: false };
        Letter::of_commit(&target, &credentials(entries), "https://git.example.com/a/b.git", &status)
    };
    let check = |kind: &str, name: &str, value: &str| {
        let letter = letter(kind, &[("token", "t")]).ok().unwrap();
        assert_eq!(header(&letter, name), Some(value), "{kind}");
    };
    check("GitHub", "authorization", "Bearer t");
    check("GitLab", "private-token", "t");
    check("Gitea", "authorization", "token t");
    check("Forgejo", "authorization", "token t");
    assert_eq!(letter("GitHub", &[]).err().unwrap().reason(), "AlertSecretInvalid");
}
